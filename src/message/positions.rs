//! Positions in a repeated field as Python gives them: indices, which count from the end if negative, and slices.
//!
//! # Invariants
//! * Reading an index may run Python code (`__index__`), which may change the items: they are counted after it.

#![expect(unsafe_code, reason = "CPython's own arithmetic of indices and slices")]

use super::errors::kind_of;
use super::repeated::Repeated;
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PySlice;

pub(super) fn no_such_index() -> PyErr {
    PyIndexError::new_err("list index out of range")
}

/// A position as Python counts it, from the end if negative.
pub(super) fn position(items: Repeated<'_>, index: isize) -> PyResult<usize> {
    let len = items.len();
    let index = if index < 0 { index.checked_add_unsigned(len) } else { Some(index) };
    index.and_then(|index| usize::try_from(index).ok()).filter(|at| *at < len).ok_or_else(no_such_index)
}

pub(super) fn index_of(key: &Bound<'_, PyAny>) -> PyResult<isize> {
    // SAFETY: alive; -1 is an error only if one is set.
    let index = unsafe { ffi::PyNumber_AsSsize_t(key.as_ptr(), ffi::PyExc_IndexError) };
    if index == -1
        && let Some(error) = PyErr::take(key.py())
    {
        let text = format!("list indices must be integers or slices, not {}", kind_of(key));
        return Err(if error.is_instance_of::<PyTypeError>(key.py()) {
            PyTypeError::new_err(text)
        } else {
            error
        });
    }
    Ok(index)
}

/// The positions that a slice means, in its order: from `start`, by `step`, `count` of them.
pub(super) struct Places {
    pub(super) start: isize,
    pub(super) step: isize,
    pub(super) count: usize,
}

impl Places {
    /// Unpacking a slice may run Python code (`__index__`), which may change the items: they are counted after.
    pub(super) fn of(items: Repeated<'_>, slice: &Bound<'_, PySlice>) -> PyResult<Places> {
        let (mut start, mut stop, mut step) = (0, 0, 0);
        // SAFETY: a slice, and places for three numbers.
        let unpacked =
            unsafe { ffi::PySlice_Unpack(slice.as_ptr(), &raw mut start, &raw mut stop, &raw mut step) };
        if unpacked < 0 {
            return Err(PyErr::fetch(slice.py()));
        }
        let len = items.len() as isize;
        // SAFETY: two numbers to adjust; runs no Python code.
        let count = unsafe { ffi::PySlice_AdjustIndices(len, &raw mut start, &raw mut stop, step) };
        Ok(Places { start, step, count: count.unsigned_abs() })
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = usize> {
        let (start, step) = (self.start, self.step);
        (0..self.count).map(move |turn| (start + turn as isize * step) as usize)
    }

    /// As a range, if they follow each other.
    pub(super) fn range(&self) -> Option<std::ops::Range<usize>> {
        let start = self.start.max(0) as usize; // -1 if a slice backwards begins in front of the first item
        (self.step == 1 || self.count == 0).then_some(start..start + self.count)
    }
}
