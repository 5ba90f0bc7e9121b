//! A table by names that are interned strings, as those in Python code are: the address of the string decides, and a
//! multiplication and a shift lead to the only entry it can be.
//!
//! # Invariants
//! * No two addresses of a table fall on one entry: the multiplier was searched for until that held.
//! * Names in a table are never freed.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::ptr;

/// What belongs to each name.
pub(super) struct Interned<T> {
    entries: Box<[(*mut ffi::PyObject, T)]>,
    multiplier: usize,
    shift: u32,
}

impl<T: Copy + Default> Interned<T> {
    pub(super) fn new<'a>(py: Python<'_>, names: impl Iterator<Item = (&'a str, T)>) -> Self {
        let names: Vec<_> = names.map(|(name, item)| (PyString::intern(py, name).into_ptr(), item)).collect();
        let mut table =
            Interned { entries: Box::default(), multiplier: 0x9E37_79B9_7F4A_7C15, shift: usize::BITS };
        let mut bits = (names.len() * 2 + 2).next_power_of_two().trailing_zeros();
        for attempt in 1_u32.. {
            table.shift = usize::BITS - bits;
            if table.place(&names, bits) {
                break;
            }
            table.multiplier = table.multiplier.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(2) | 1;
            if attempt % 64 == 0 {
                bits += 1;
            }
        }
        table
    }

    /// Fills the table; false if two names meet.
    fn place(&mut self, names: &[(*mut ffi::PyObject, T)], bits: u32) -> bool {
        let mut entries = vec![(ptr::null_mut::<ffi::PyObject>(), T::default()); 1 << bits];
        for &(name, item) in names {
            let at = self.hash(name);
            if !entries[at].0.is_null() {
                return false;
            }
            entries[at] = (name, item);
        }
        self.entries = entries.into_boxed_slice();
        true
    }

    #[inline]
    fn hash(&self, name: *mut ffi::PyObject) -> usize {
        (name as usize).wrapping_mul(self.multiplier) >> self.shift
    }

    /// What belongs to a name, if the string is interned.
    #[inline]
    pub(super) fn find(&self, name: *mut ffi::PyObject) -> Option<T> {
        let (known, item) = self.entries[self.hash(name)];
        (known == name).then_some(item)
    }
}
