//! From the name of an attribute to the index of a field, in a few instructions.
//!
//! Names in Python code are interned, so the address of the string decides: a multiplication and a shift
//! lead to the only entry it can be. A name that was put together at run time is compared by its text.
//!
//! # Invariants
//! * No two addresses of the table fall on one entry: the multiplier was searched for until that held.
//! * The strings are owned by the fields, for ever.

use super::desc::Field;
use crate::wire;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Names of one message type, v0 names included.
pub(super) struct Names {
    entries: Box<[(*mut ffi::PyObject, u8)]>,
    multiplier: usize,
    shift: u32,
    texts: Box<[(String, u8)]>,
}

impl Names {
    pub(super) fn new(py: Python<'_>, fields: &[Field]) -> Names {
        let mut names: Vec<(String, u8)> = Vec::new();
        for field in fields {
            names.push((field.wire.name.to_owned(), field.index));
        }
        for field in fields {
            if let Some(old) = old_name(field.message, field.wire) {
                names.push((old, field.index));
            }
        }
        let addresses: Vec<_> =
            names.iter().map(|(name, index)| (PyString::intern(py, name).into_ptr(), *index)).collect();
        let mut names = Names {
            entries: Box::default(),
            multiplier: 0x9E37_79B9_7F4A_7C15,
            shift: 0,
            texts: names.into_boxed_slice(),
        };
        let mut bits = (addresses.len() * 2 + 2).next_power_of_two().trailing_zeros();
        for attempt in 1_u32.. {
            names.shift = usize::BITS - bits;
            if names.place(&addresses, bits) {
                break;
            }
            names.multiplier = names.multiplier.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(2) | 1;
            if attempt % 64 == 0 {
                bits += 1;
            }
        }
        names
    }

    /// Fills the table; false if two names meet.
    fn place(&mut self, addresses: &[(*mut ffi::PyObject, u8)], bits: u32) -> bool {
        let mut entries = vec![(std::ptr::null_mut::<ffi::PyObject>(), 0); 1 << bits].into_boxed_slice();
        for &(name, index) in addresses {
            let at = self.hash(name);
            if !entries[at].0.is_null() {
                return false;
            }
            entries[at] = (name, index);
        }
        self.entries = entries;
        true
    }

    #[inline]
    fn hash(&self, name: *mut ffi::PyObject) -> usize {
        (name as usize).wrapping_mul(self.multiplier) >> self.shift
    }

    /// The field with this name, if the name is an interned string.
    #[inline]
    pub(super) fn find(&self, name: *mut ffi::PyObject) -> Option<usize> {
        let (known, index) = self.entries[self.hash(name)];
        (known == name).then_some(index as usize)
    }

    /// The field with this name, however the string was made.
    #[inline]
    pub(super) fn search(&self, name: &Bound<'_, PyAny>) -> Option<usize> {
        self.find(name.as_ptr()).or_else(|| self.search_text(name))
    }

    #[cold]
    fn search_text(&self, name: &Bound<'_, PyAny>) -> Option<usize> {
        self.named(name.cast::<PyString>().ok()?.to_str().ok()?)
    }

    /// The field with this name.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.texts.iter().find(|(text, _)| text == name).map(|(_, index)| usize::from(*index))
    }

    /// The name that somebody who wrote `name` may have meant.
    pub(super) fn similar(&self, name: &str) -> Option<&str> {
        wire::similar(name, self.texts.iter().map(|(text, _)| text.as_str()))
    }
}

/// The name that v0 has for a field: Mesos called agents slaves there, and nothing else changed its name.
pub(super) fn old_name(message: &wire::Message, field: &wire::Field) -> Option<String> {
    let old = field.name.replace("agent", "slave");
    (old != field.name && message.index_named(&old).is_none()).then_some(old)
}
