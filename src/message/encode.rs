//! From objects to wire bytes, in one pass from the last byte to the first: so the length of a nested message is
//! known when it is written.
//!
//! # Invariants
//! * Runs no Python code: slots do not change under it, and borrowed children stay alive.
//! * A `CLEAN` message, or a span, is copied as it is.
//! * Fields stand by ascending number, unknown ones behind them; map entries in the order of the map.

#![expect(unsafe_code, reason = "borrows what slots hold while nothing can change them")]

use super::desc::{Attached, Desc, Field, Shape};
use super::layout::{CLEAN, COMPLETE, Message, Slot, View};
use super::map::Map;
use super::repeated::Repeated;
use super::value::Source;
use super::{required, value};
use crate::wire::{self, Kind};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::ffi;
use pyo3::prelude::*;

/// Levels of nesting, as for parsing.
const MAX_DEPTH: u32 = 100;
/// As many messages, one in the other: what no walk goes below, so that none runs out of stack.
pub(super) const LEVELS: u32 = MAX_DEPTH + 1;
const MAX_SIZE: usize = i32::MAX as usize;

/// Why a message has no encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fail {
    /// a required field is missing somewhere
    Missing,
    TooDeep,
    TooLarge,
    /// an object in a slot would not give up its value: memory ran out
    Object,
}

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// required fields must be there
    Full,
    /// what there is
    Partial,
}

/// The buffer of the last call, kept for the next.
static SPARE: Attached<Vec<u8>> = Attached::new(Vec::new());
/// Larger buffers are not kept.
const SPARE_SIZE: usize = 1 << 20;

/// Hands the encoding of a message to `take`.
pub(super) fn encode<R>(
    py: Python<'_>,
    message: Message<'_>,
    mode: Mode,
    take: impl FnOnce(&[u8]) -> R,
) -> Result<R, Fail> {
    let mut out = Backward::new(SPARE.with(py, std::mem::take));
    let written = encode_message(py, message, mode, LEVELS, &mut out);
    let result = match written {
        Ok(()) if out.written().len() > MAX_SIZE => Err(Fail::TooLarge),
        Ok(()) => Ok(take(out.written())),
        Err(fail) => Err(fail),
    };
    if out.buffer.len() <= SPARE_SIZE {
        SPARE.with(py, |spare| *spare = out.buffer);
    }
    result
}

/// The exception for a message without encoding.
#[cold]
pub(super) fn error(py: Python<'_>, message: Message<'_>, fail: Fail) -> PyErr {
    let name = message.desc().wire.name;
    let text = match fail {
        Fail::Missing => match required::missing(py, message) {
            Ok(fields) => format!("Message {name} is missing required fields: {}", fields.join(",")),
            Err(error) => return error,
        },
        Fail::TooDeep => format!("Message {name} has more than {MAX_DEPTH} levels of nesting"),
        Fail::TooLarge => format!("Message {name} is 2 GiB or more"),
        Fail::Object => {
            return PyErr::take(py)
                .unwrap_or_else(|| PyMemoryError::new_err("no memory to encode a message"));
        }
    };
    super::errors::EncodeError::new_err(text)
}

/// For walks other than encoding that met too many levels.
#[cold]
pub(super) fn too_deep(desc: &Desc) -> PyErr {
    PyRuntimeError::new_err(format!("a {} with more than {MAX_DEPTH} levels of nesting", desc.name()))
}

/// Bytes that grow at the front.
struct Backward {
    buffer: Vec<u8>,
    /// the first byte written
    start: usize,
}

impl Backward {
    fn new(buffer: Vec<u8>) -> Self {
        let start = buffer.len();
        Backward { buffer, start }
    }

    fn written(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// How much was written, to measure lengths.
    fn len(&self) -> usize {
        self.buffer.len() - self.start
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
    fn bytes(&mut self, bytes: &[u8]) {
        self.front(bytes.len()).copy_from_slice(bytes);
    }

    #[inline]
    fn varint(&mut self, mut value: u64) {
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
}

fn encode_message(
    py: Python<'_>,
    message: Message<'_>,
    mode: Mode,
    depth: u32,
    out: &mut Backward,
) -> Result<(), Fail> {
    let desc = message.desc();
    if message.node.is(CLEAN) {
        // SAFETY: copied at once.
        let bytes = unsafe { message.parsed() };
        if mode == Mode::Full && !message.node.is(COMPLETE) {
            if !wire::is_complete(desc.wire, bytes) {
                return Err(Fail::Missing);
            }
            message.node.add(COMPLETE);
        }
        out.bytes(bytes);
        return Ok(());
    }
    let depth = depth.checked_sub(1).filter(|depth| *depth > 0).ok_or(Fail::TooDeep)?;
    let mut has = message.has.get();
    if mode == Mode::Full && has & desc.wire.required != desc.wire.required {
        return Err(Fail::Missing);
    }
    message.with_unknown(|unknown| out.bytes(unknown));
    while has != 0 {
        let at = has.ilog2() as usize;
        has &= !(1 << at);
        let field = desc.field(at);
        let object = message.slot(at).ready();
        match field.shape {
            Shape::Repeated if !object.is_null() => {
                // SAFETY: in the slot of such a field; nothing runs that could change it.
                let items = unsafe { Repeated::from_ptr(object) };
                for index in (0..items.len()).rev() {
                    let slot = items.slot(index).unwrap_or(Slot::EMPTY);
                    encode_slot(py, field, slot, items.source(), mode, depth, out)?;
                }
            }
            Shape::Map if !object.is_null() => {
                // SAFETY: as above.
                let map = unsafe { Map::from_ptr(object) };
                for (offset, len) in map.spans().unwrap_or_default().into_iter().rev() {
                    encode_slot(py, field, Slot::span(offset, len), map.source(), mode, depth, out)?;
                }
                for (key, value) in map.pairs().into_iter().rev() {
                    encode_entry(py, field, key, value, mode, depth, out)?;
                }
            }
            _ => {
                // SAFETY: spans are copied or read at once.
                let source = unsafe { message.source() };
                encode_slot(py, field, message.slot(at), source, mode, depth, out)?;
            }
        }
    }
    Ok(())
}

/// One value with its tag.
fn encode_slot(
    py: Python<'_>,
    field: &Field,
    slot: Slot,
    source: Source<'_>,
    mode: Mode,
    depth: u32,
    out: &mut Backward,
) -> Result<(), Fail> {
    match slot.view() {
        View::Empty => return Ok(()),
        View::Span(offset, len) => {
            let bytes = source.bytes.get(offset..offset + len).unwrap_or_default();
            match field.kind.wire_type() {
                0 => out.varint(value::normal(field.kind, wire::varint(bytes))),
                1 => out.bytes(bytes),
                _ => {
                    let complete = mode == Mode::Partial
                        || source.complete
                        || field.wire.message().is_none_or(|child| wire::is_complete(child, bytes));
                    if !complete {
                        return Err(Fail::Missing);
                    }
                    out.bytes(bytes);
                    out.varint(len as u64);
                }
            }
        }
        View::Object(object) => encode_object(py, field, object, mode, depth, out)?,
    }
    out.varint(u64::from(field.tag));
    Ok(())
}

/// One object, without tag.
fn encode_object(
    py: Python<'_>,
    field: &Field,
    object: *mut ffi::PyObject,
    mode: Mode,
    depth: u32,
    out: &mut Backward,
) -> Result<(), Fail> {
    // SAFETY: slots hold exact objects of the field's kind, alive while nothing runs.
    unsafe {
        match field.kind {
            Kind::Message => {
                let before = out.len();
                encode_message(py, Message::from_ptr(object), mode, depth, out)?;
                out.varint((out.len() - before) as u64);
            }
            Kind::String if ffi::PyUnicode_Check(object) != 0 => {
                let mut size = 0;
                let text = ffi::PyUnicode_AsUTF8AndSize(object, &raw mut size);
                if text.is_null() {
                    return Err(Fail::Object);
                }
                out.bytes(std::slice::from_raw_parts(text.cast(), size as usize));
                out.varint(size as u64);
            }
            // a string that came as something else than UTF-8 is kept as bytes
            Kind::String | Kind::Bytes => {
                let size = ffi::PyBytes_Size(object);
                out.bytes(std::slice::from_raw_parts(ffi::PyBytes_AsString(object).cast(), size as usize));
                out.varint(size as u64);
            }
            Kind::Double => out.bytes(&ffi::PyFloat_AsDouble(object).to_le_bytes()),
            Kind::Bool => out.varint(u64::from(object == ffi::Py_True())),
            Kind::Uint64 => out.varint(ffi::PyLong_AsUnsignedLongLong(object)),
            _ => out.varint(ffi::PyLong_AsLongLong(object) as u64),
        }
    }
    Ok(())
}

/// One entry of a map, which is a message of key and value.
fn encode_entry(
    py: Python<'_>,
    field: &Field,
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
    mode: Mode,
    depth: u32,
    out: &mut Backward,
) -> Result<(), Fail> {
    let entry = field.child(py).map_err(|error| {
        error.restore(py);
        Fail::Object
    })?;
    let depth = depth.checked_sub(1).filter(|depth| *depth > 0).ok_or(Fail::TooDeep)?;
    let before = out.len();
    encode_object(py, entry.field(1), value, mode, depth, out)?;
    out.varint(u64::from(entry.field(1).tag));
    encode_object(py, entry.field(0), key, mode, depth, out)?;
    out.varint(u64::from(entry.field(0).tag));
    out.varint((out.len() - before) as u64);
    out.varint(u64::from(field.tag));
    Ok(())
}
