//! Memory of freed objects, kept for the next ones: messages come and go by the hundred with each event.
//!
//! # Invariants
//! * Blocks of one list have the same size, came from `PyObject_Malloc`, and belong to nobody.
//! * Those of `Kind::Message` are zero behind the header: whoever frees a message empties its slots, and whoever makes
//!   one writes the header only.
//! * The lists of a kind keep at most `KEPT` bytes, and the vectors are at most `VECTORS`, each of at most `LONGEST`
//!   items. Debug builds keep nothing, so that Python's own checks of memory (`PYTHONMALLOC=debug`) see every use.

#![expect(unsafe_code, reason = "raw memory")]

use super::desc::Attached;
use super::layout::Slot;
use pyo3::ffi;
use pyo3::prelude::*;
use std::ptr;

/// Sizes are rounded up to this.
const STEP: usize = 16;
/// Larger objects are not kept.
const LARGEST: usize = 640;
const LISTS: usize = LARGEST / STEP + 1;
/// In bytes: what the messages of an event of some hundred offers take, once all were read.
const KEPT: usize = 4 << 20;
const VECTORS: usize = 1024;
const LONGEST: usize = 256;

/// What blocks are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// messages: zero behind the header
    Message,
    /// anything else: not initialised
    Other,
}

struct Block {
    next: *mut Block,
}

struct Lists {
    first: [*mut Block; LISTS],
    kept: usize,
}

static BLOCKS: [Attached<Lists>; 2] =
    [const { Attached::new(Lists { first: [ptr::null_mut(); LISTS], kept: 0 }) }; 2];
static EMPTY_VECTORS: Attached<Vec<Vec<Slot>>> = Attached::new(Vec::new());

const fn list(size: usize) -> usize {
    size.div_ceil(STEP)
}

/// Memory for `size` bytes; null if there is none.
#[inline]
pub(super) fn take(py: Python<'_>, kind: Kind, size: usize) -> *mut u8 {
    let at = list(size);
    let block = BLOCKS[kind as usize].with(py, |lists| {
        let block = *lists.first.get(at)?;
        if block.is_null() {
            return None;
        }
        // SAFETY: blocks in a list are valid memory that holds the link, where an object has its header.
        lists.first[at] = unsafe { (*block).next };
        lists.kept -= at * STEP;
        Some(block.cast())
    });
    // SAFETY: a plain allocation, rounded up so that every block of a list fits every size of it.
    block.unwrap_or_else(|| unsafe {
        match kind {
            Kind::Message => ffi::PyObject_Calloc(at, STEP).cast(),
            Kind::Other => ffi::PyObject_Malloc(at * STEP).cast(),
        }
    })
}

/// Takes back what `take` gave for this kind and size.
///
/// # Safety
/// `memory` came from `take` with these, nobody uses it any more, and it is as blocks of the kind are.
#[inline]
pub(super) unsafe fn give(py: Python<'_>, kind: Kind, memory: *mut u8, size: usize) {
    let at = list(size);
    let kept = BLOCKS[kind as usize].with(py, |lists| {
        if cfg!(debug_assertions) || at >= LISTS || lists.kept >= KEPT {
            return false;
        }
        let block = memory.cast::<Block>();
        // SAFETY: the memory is free, larger than a link, and aligned for objects.
        unsafe { (*block).next = lists.first[at] };
        lists.first[at] = block;
        lists.kept += at * STEP;
        true
    });
    if !kept {
        // SAFETY: from PyObject_Malloc or PyObject_Calloc, and freed once.
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
