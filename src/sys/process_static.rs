//! A static that may be set again and is read without a lock, so that no fork can leave it locked.
//!
//! # Invariants
//! * The pointer is null or was made from a `&'static T`.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Holds nothing, or a value that lives as long as the process.
pub(crate) struct ProcessStatic<T: 'static> {
    pointer: AtomicPtr<T>,
}

impl<T: Sync> ProcessStatic<T> {
    pub(crate) const fn empty() -> Self {
        Self { pointer: AtomicPtr::new(ptr::null_mut()) }
    }

    pub(crate) fn get(&self) -> Option<&'static T> {
        // SAFETY: null, or a `&'static T` given to `replace` (the invariant), which is only ever read through.
        unsafe { self.pointer.load(Ordering::Acquire).as_ref() }
    }

    /// Sets it to `new` unless somebody changed it since it was `seen`; says whether it did.
    pub(crate) fn replace(&self, seen: Option<&'static T>, new: &'static T) -> bool {
        let seen = seen.map_or(ptr::null_mut(), |seen| ptr::from_ref(seen).cast_mut());
        let new = ptr::from_ref(new).cast_mut();
        self.pointer.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_that_saw_the_present_value_replaces_it() {
        static CELL: ProcessStatic<u32> = ProcessStatic::empty();
        assert_eq!(CELL.get(), None);
        assert!(CELL.replace(None, &1));
        assert!(!CELL.replace(None, &2));
        assert!(CELL.replace(CELL.get(), &2));
        assert_eq!(CELL.get(), Some(&2));
    }
}
