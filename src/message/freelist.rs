//! Memory of freed objects, kept for the next ones: messages come and go by the hundred with each event.
//!
//! # Invariants
//! * Blocks of one list have the same size, came from `PyObject_Malloc`, and belong to nobody. What is in them is not
//!   known.
//! * The lists keep at most `KEPT` bytes, and the vectors are at most `VECTORS`, each of at most `LONGEST`
//!   items. Debug builds keep nothing, so that Python's own checks of memory (`PYTHONMALLOC=debug`) see every use.

#![expect(unsafe_code, reason = "raw memory")]

use super::desc::Attached;
use super::layout::Slot;
use pyo3::ffi;
use pyo3::prelude::*;
use std::ptr;

/// All sizes are multiples of this.
const STEP: usize = 8;
/// Larger objects are not kept.
const LARGEST: usize = 640;
const LISTS: usize = LARGEST / STEP + 1;
/// In bytes: what the messages of an event of some hundred offers take, once all were read.
const KEPT: usize = 4 << 20;
const VECTORS: usize = 1024;
const LONGEST: usize = 256;

struct Block {
    next: *mut Block,
}

struct Lists {
    first: [*mut Block; LISTS],
    kept: usize,
}

static BLOCKS: Attached<Lists> = Attached::new(Lists { first: [ptr::null_mut(); LISTS], kept: 0 });
static EMPTY_VECTORS: Attached<Vec<Vec<Slot>>> = Attached::new(Vec::new());

const fn list(size: usize) -> usize {
    debug_assert!(size.is_multiple_of(STEP));
    size / STEP
}

/// Memory for `size` bytes; null if there is none.
#[inline]
pub(super) fn take(py: Python<'_>, size: usize) -> *mut u8 {
    let at = list(size);
    let block = BLOCKS.with(py, |lists| {
        let block = *lists.first.get(at)?;
        if block.is_null() {
            return None;
        }
        // SAFETY: blocks in a list are valid memory that holds the link, where an object has its header.
        lists.first[at] = unsafe { (*block).next };
        lists.kept -= size;
        Some(block.cast())
    });
    // SAFETY: a plain allocation.
    block.unwrap_or_else(|| unsafe { ffi::PyObject_Malloc(size).cast() })
}

/// Takes back what `take` gave for this size.
///
/// # Safety
/// `memory` came from `take` with this size, and nobody uses it any more.
#[inline]
pub(super) unsafe fn give(py: Python<'_>, memory: *mut u8, size: usize) {
    let at = list(size);
    let kept = BLOCKS.with(py, |lists| {
        if cfg!(debug_assertions) || at >= LISTS || lists.kept >= KEPT {
            return false;
        }
        let block = memory.cast::<Block>();
        // SAFETY: the memory is free, larger than a link, and aligned for objects.
        unsafe { (*block).next = lists.first[at] };
        lists.first[at] = block;
        lists.kept += size;
        true
    });
    if !kept {
        // SAFETY: from PyObject_Malloc, and freed once.
        unsafe { ffi::PyObject_Free(memory.cast()) };
    }
}

/// An empty vector, perhaps with room.
#[inline]
pub(super) fn vector(py: Python<'_>) -> Vec<Slot> {
    EMPTY_VECTORS.with(py, Vec::pop).unwrap_or_default()
}

/// Keeps the room of a vector whose slots own nothing any more.
#[inline]
pub(super) fn keep(py: Python<'_>, mut vector: Vec<Slot>) {
    if cfg!(debug_assertions) || vector.capacity() == 0 || vector.capacity() > LONGEST {
        return;
    }
    EMPTY_VECTORS.with(py, |vectors| {
        if vectors.len() < VECTORS {
            vector.clear();
            vectors.push(vector);
        }
    });
}
