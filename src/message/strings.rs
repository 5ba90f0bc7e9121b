//! Short strings that keep coming back (names of resources, roles, agents' ids) are made once and shared.
//!
//! # Invariants
//! * An entry's object is the exact `str` of its bytes. Strings cannot change, so nobody sees that they are shared.
//! * At most `ENTRIES` strings of at most `LONGEST` bytes are kept; a new one takes the place of another.

#![expect(unsafe_code, reason = "the layout of CPython's strings")]

use super::desc::Attached;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// One less than three words: the last byte is the length.
const LONGEST: usize = 23;
const ENTRIES: usize = 2048;

/// The bytes of a short string and its length, in words that compare at once.
type Key = [u64; 3];

#[repr(align(32))] // within one cache line
struct Entry {
    key: Key,
    object: Option<Py<PyAny>>,
}

static CACHE: Attached<Vec<Entry>> = Attached::new(Vec::new());

/// The string of these bytes: a known one, or what `make` makes.
#[inline]
pub(super) fn get<'py>(
    py: Python<'py>,
    bytes: &[u8],
    make: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    if bytes.len() > LONGEST {
        return make();
    }
    let key = key(bytes);
    let known = CACHE.with(py, |cache| {
        let entry = cache.get(place(key)).filter(|entry| same(entry.key, key))?;
        entry.object.as_ref().map(|object| object.bind(py).clone())
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let made = make()?;
    if made.is_exact_instance_of::<PyString>() {
        let object = Some(made.clone().unbind());
        let old = CACHE.with(py, |cache| {
            if cache.is_empty() {
                cache.resize_with(ENTRIES, || Entry { key: Key::default(), object: None });
            }
            std::mem::replace(&mut cache[place(key)], Entry { key, object })
        });
        if let Some(old) = old.object {
            old.drop_ref(py);
        }
    }
    Ok(made)
}

/// Whether it surely is ASCII, and so its UTF-8 lies behind the object's header.
#[inline]
pub(super) fn is_ascii(text: &Bound<'_, PyString>) -> bool {
    // SAFETY: a string, alive as the reference shows.
    unsafe { ascii(text.as_ptr()) }.is_some()
}

/// The UTF-8 of a string; None if it has none.
#[inline]
pub(super) fn utf8_of<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a [u8]> {
    // SAFETY: a string, alive as the reference shows.
    match unsafe { ascii(text.as_ptr()) } {
        Some(bytes) => Some(bytes),
        None => text.to_str().ok().map(str::as_bytes),
    }
}

/// The UTF-8 of a string; None, with an exception, if it has none.
///
/// # Safety
/// `text` is a string, alive for `'a`.
#[inline]
pub(super) unsafe fn utf8<'a>(text: *mut ffi::PyObject) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise; CPython keeps the encoding with the string, which never changes.
    unsafe {
        ascii(text).or_else(|| {
            let mut size = 0;
            let bytes = ffi::PyUnicode_AsUTF8AndSize(text, &raw mut size);
            (!bytes.is_null()).then(|| std::slice::from_raw_parts(bytes.cast(), size as usize))
        })
    }
}

/// # Safety
/// `text` is a string, alive for `'a`.
#[cfg(not(feature = "abi3"))]
#[inline]
unsafe fn ascii<'a>(text: *mut ffi::PyObject) -> Option<&'a [u8]> {
    // SAFETY: a compact string has its characters behind this header; those of ASCII are their UTF-8.
    unsafe {
        let header = text.cast::<ffi::PyASCIIObject>();
        (ffi::PyUnicode_IS_COMPACT_ASCII(text) != 0)
            .then(|| std::slice::from_raw_parts(header.add(1).cast(), (*header).length as usize))
    }
}

/// The limited API does not tell.
#[cfg(feature = "abi3")]
unsafe fn ascii<'a>(_text: *mut ffi::PyObject) -> Option<&'a [u8]> {
    None
}

#[inline]
fn key(bytes: &[u8]) -> Key {
    // not a loop over chunks, which would build the key in memory and wait for it there
    let part = |at| bytes.get(at..).map_or(0, |rest| word(&rest[..rest.len().min(8)]));
    [part(0), part(8), part(16) | (bytes.len() as u64) << 56]
}

/// Not `==`, which loads two words at once and waits until both have come to memory.
#[inline]
fn same(one: Key, other: Key) -> bool {
    (one[0] ^ other[0]) | (one[1] ^ other[1]) | (one[2] ^ other[2]) == 0
}

/// Up to eight bytes as a number, without a detour through memory: of four and more the first and the last four,
/// which may overlap.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    let four = |part: Option<&[u8; 4]>| part.map_or(0, |part| u64::from(u32::from_le_bytes(*part)));
    match bytes {
        [] => 0,
        [one] => u64::from(*one),
        [one, two] => u64::from(*one) | u64::from(*two) << 8,
        [one, two, three] => u64::from(*one) | u64::from(*two) << 8 | u64::from(*three) << 16,
        _ => four(bytes.first_chunk()) | four(bytes.last_chunk()) << (8 * (bytes.len().min(8) - 4)),
    }
}

/// Where a string belongs: the upper bits of a product that every byte takes part in.
fn place(key: Key) -> usize {
    let mixed = key[0] ^ key[1].rotate_left(23) ^ key[2].rotate_left(47);
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 53) as usize
}

const _: () = assert!(ENTRIES == 1 << (64 - 53));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_every_byte_and_the_length() {
        let text: Vec<u8> = (1..=LONGEST as u8).collect();
        for len in 0..=LONGEST {
            let expected: Vec<u8> =
                text[..len].iter().copied().chain(std::iter::repeat(0)).take(23).collect();
            let key: Vec<u8> = key(&text[..len]).iter().flat_map(|word| word.to_le_bytes()).collect();
            assert_eq!(key, [&expected[..], &[len as u8]].concat());
        }
    }
}
