//! From the name of an attribute to the index of a field, in a few instructions: by the address of the string, since
//! names in Python code are interned. A name that was put together at run time is compared by its text.

use super::desc::Field;
use super::interned::Interned;
use crate::wire;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Names of one message type, v0 names included.
pub(super) struct Names {
    indexes: Interned<u8>,
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
        let indexes = Interned::new(py, names.iter().map(|(name, index)| (name.as_str(), *index)));
        Names { indexes, texts: names.into_boxed_slice() }
    }

    /// The field with this name, if the name is an interned string.
    #[inline]
    pub(super) fn find(&self, name: *mut ffi::PyObject) -> Option<usize> {
        self.indexes.find(name).map(usize::from)
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
