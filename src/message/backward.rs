//! Bytes that are written from the last to the first: so the length of a nested message is known when it is its turn.
//!
//! # Invariants
//! * What was written is `buffer[start..]`; it never moves against the end.

use super::desc::Attached;
use pyo3::prelude::*;

/// The buffer of the last call, kept for the next.
static SPARE: Attached<Vec<u8>> = Attached::new(Vec::new());
/// Larger buffers are not kept.
const SPARE_SIZE: usize = 1 << 20;

/// A message in the making.
pub(super) struct Backward {
    buffer: Vec<u8>,
    /// the first byte written
    start: usize,
}

impl Backward {
    pub(super) fn new(py: Python<'_>) -> Self {
        let buffer = SPARE.with(py, std::mem::take);
        Backward { start: buffer.len(), buffer }
    }

    pub(super) fn written(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// How much was written: the difference of two of these is a length.
    pub(super) fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Keeps the buffer for the next message.
    pub(super) fn finish(self, py: Python<'_>) {
        if self.buffer.len() <= SPARE_SIZE {
            SPARE.with(py, |spare| *spare = self.buffer);
        }
    }

    /// Room for `size` bytes in front of what is there.
    #[inline]
    fn front(&mut self, size: usize) -> &mut [u8] {
        if self.start < size {
            self.grow(size);
        }
        self.start -= size;
        &mut self.buffer[self.start..self.start + size]
    }

    #[cold]
    fn grow(&mut self, size: usize) {
        let used = self.len();
        let mut larger = vec![0; (self.buffer.len() * 2).max(used + size + 1024)];
        let start = larger.len() - used;
        larger[start..].copy_from_slice(self.written());
        self.buffer = larger;
        self.start = start;
    }

    #[inline]
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.front(bytes.len()).copy_from_slice(bytes);
    }

    #[inline]
    pub(super) fn varint(&mut self, mut value: u64) {
        if value < 0x80 {
            self.front(1)[0] = value as u8;
            return;
        }
        let size = (63 - value.leading_zeros() as usize) / 7 + 1;
        let place = self.front(size);
        for byte in &mut place[..size - 1] {
            *byte = value as u8 | 0x80;
            value >>= 7;
        }
        place[size - 1] = value as u8;
    }

    /// A tag and a number: the value of a field, or the length of what is there already.
    #[inline]
    pub(super) fn tagged(&mut self, tag: u32, value: u64) {
        if tag < 0x80 && value < 0x80 {
            self.front(2).copy_from_slice(&[tag as u8, value as u8]);
        } else {
            self.varint(value);
            self.varint(u64::from(tag));
        }
    }

    /// A field that is a double, or eight bytes that were one.
    #[inline]
    pub(super) fn fixed(&mut self, tag: u32, bytes: &[u8]) {
        self.bytes(bytes);
        self.varint(u64::from(tag));
    }

    /// A field that is text, bytes, or the encoding of a message.
    #[inline]
    pub(super) fn delimited(&mut self, tag: u32, bytes: &[u8]) {
        if tag < 0x80 && bytes.len() < 0x80 {
            let place = self.front(bytes.len() + 2);
            place[0] = tag as u8;
            place[1] = bytes.len() as u8;
            place[2..].copy_from_slice(bytes);
        } else {
            self.bytes(bytes);
            self.tagged(tag, bytes.len() as u64);
        }
    }
}
