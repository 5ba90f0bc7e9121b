//! Memory of freed objects, kept for the next ones: messages come and go by the hundred with each event.
//!
//! # Invariants
//! * Blocks of one list have the same size, came from `PyObject_Malloc`, and belong to nobody.
//! * Each list keeps at most `KEPT` bytes. Debug builds keep nothing, so that Python's own checks of memory
//!   (`PYTHONMALLOC=debug`) see every use.

#![expect(unsafe_code, reason = "raw memory")]

use super::desc::Attached;
use pyo3::ffi;
use pyo3::prelude::*;
use std::ptr;

/// Sizes are rounded up to this.
const STEP: usize = 16;
/// Larger objects are not kept.
const LARGEST: usize = 640;
const LISTS: usize = LARGEST / STEP + 1;
/// By one list, in bytes.
const KEPT: usize = 1 << 18;

struct Block {
    next: *mut Block,
}

struct Lists {
    first: [*mut Block; LISTS],
    count: [usize; LISTS],
}

static LISTS_OF_BLOCKS: Attached<Lists> =
    Attached::new(Lists { first: [ptr::null_mut(); LISTS], count: [0; LISTS] });

const fn list(size: usize) -> usize {
    size.div_ceil(STEP)
}

/// Memory for `size` bytes, not initialised; null if there is none.
#[inline]
pub(super) fn take(py: Python<'_>, size: usize) -> *mut u8 {
    let at = list(size);
    let block = LISTS_OF_BLOCKS.with(py, |lists| {
        let block = *lists.first.get(at)?;
        if block.is_null() {
            return None;
        }
        // SAFETY: blocks in a list are valid memory that holds the link.
        lists.first[at] = unsafe { (*block).next };
        lists.count[at] -= 1;
        Some(block.cast())
    });
    // SAFETY: a plain allocation, rounded up so that every block of a list fits every size of it.
    block.unwrap_or_else(|| unsafe { ffi::PyObject_Malloc(at * STEP).cast() })
}

/// Takes back what `take` gave for this size.
///
/// # Safety
/// `memory` came from `take` with this size, and nobody uses it any more.
#[inline]
pub(super) unsafe fn give(py: Python<'_>, memory: *mut u8, size: usize) {
    let at = list(size);
    let kept = LISTS_OF_BLOCKS.with(py, |lists| {
        if cfg!(debug_assertions) || at >= LISTS || lists.count[at] * at * STEP >= KEPT {
            return false;
        }
        let block = memory.cast::<Block>();
        // SAFETY: the memory is free, larger than a link, and aligned for objects.
        unsafe { (*block).next = lists.first[at] };
        lists.first[at] = block;
        lists.count[at] += 1;
        true
    });
    if !kept {
        // SAFETY: from PyObject_Malloc, and freed once.
        unsafe { ffi::PyObject_Free(memory.cast()) };
    }
}
