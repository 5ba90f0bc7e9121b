//! Short strings that keep coming back (names of resources, roles, agents' ids) are made once and shared.
//!
//! # Invariants
//! * An entry's object is the exact `str` of its bytes. Strings cannot change, so nobody sees that they are shared.
//! * At most `ENTRIES` strings of at most `LONGEST` bytes are kept; a new one takes the place of another.

use super::desc::Attached;
use pyo3::prelude::*;
use pyo3::types::PyString;

const LONGEST: usize = 24;
const ENTRIES: usize = 2048;

struct Entry {
    /// padded with zeros
    bytes: [u8; LONGEST],
    len: usize,
    object: Py<PyAny>,
}

static CACHE: Attached<Vec<Option<Entry>>> = Attached::new(Vec::new());

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
    let mut padded = [0; LONGEST];
    padded[..bytes.len()].copy_from_slice(bytes);
    let at = place(&padded, bytes.len());
    let known = CACHE.with(py, |cache| {
        let entry = cache.get(at)?.as_ref()?;
        (entry.bytes == padded && entry.len == bytes.len()).then(|| entry.object.bind(py).clone())
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let made = make()?;
    if made.is_exact_instance_of::<PyString>() {
        let entry = Entry { bytes: padded, len: bytes.len(), object: made.clone().unbind() };
        let old = CACHE.with(py, |cache| {
            if cache.is_empty() {
                cache.resize_with(ENTRIES, || None);
            }
            cache[at].replace(entry)
        });
        if let Some(old) = old {
            old.object.drop_ref(py);
        }
    }
    Ok(made)
}

/// Where a string belongs: the upper bits of a product that every byte takes part in.
fn place(padded: &[u8; LONGEST], len: usize) -> usize {
    let word = |at: usize| padded[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let mixed = word(0) ^ word(8).rotate_left(23) ^ word(16).rotate_left(47) ^ len as u64;
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 53) as usize
}

const _: () = assert!(ENTRIES == 1 << (64 - 53));
