//! The messages in `mesos.Resources`: made when they are asked for.
//!
//! # Invariants
//! * Each is new, and lies over bytes that all of them share.
//! * The bytes lack no required field: that was asked of all that came in.

use super::PyResources;
use crate::message::alloc;
use crate::message::desc::Desc;
use crate::message::value::Source;
use crate::wire::msg;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// The wire forms, one behind the other.
pub(super) struct Encoded {
    bytes: Py<PyBytes>,
    ends: Vec<usize>,
}

/// The messages of `value`, if it is a `Resources`.
pub(in crate::message) fn messages<'py>(
    value: &Bound<'py, PyAny>,
) -> PyResult<Option<Vec<Bound<'py, PyAny>>>> {
    match value.cast_exact::<PyResources>() {
        Ok(resources) => resources.get().items(value.py()).map(Some),
        Err(_) => Ok(None),
    }
}

/// Gives `take` the wire form of each message of `value` from the last to the first, if it is a `Resources`; else false.
pub(in crate::message) fn each_encoded(value: &Bound<'_, PyAny>, mut take: impl FnMut(&[u8])) -> bool {
    let Ok(resources) = value.cast_exact::<PyResources>() else { return false };
    let py = value.py();
    let Encoded { bytes, ends } = resources.get().encoded.get_or_init(py, || resources.get().encode(py));
    let bytes = bytes.as_bytes(py);
    for at in (0..ends.len()).rev() {
        let start = at.checked_sub(1).map_or(0, |before| ends[before]);
        take(&bytes[start..ends[at]]);
    }
    true
}

impl PyResources {
    /// How many messages there are: of a shared resource, as many as it is there.
    pub(super) fn size(&self) -> usize {
        self.bag.items().iter().map(|item| usize::from(item.uses)).sum()
    }

    /// The message at a position; None behind the end.
    pub(super) fn item<'py>(&self, py: Python<'py>, at: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        let desc = Desc::get(py, msg::RESOURCE)?;
        let Encoded { bytes, ends } = self.encoded.get_or_init(py, || self.encode(py));
        let Some(end) = ends.get(at) else { return Ok(None) };
        let start = at.checked_sub(1).map_or(0, |before| ends[before]);
        let bytes = bytes.bind(py);
        let source = Source { bytes: &bytes.as_bytes()[start..*end], owner: bytes.as_ptr(), complete: true };
        alloc::parsed(py, desc, source).map(Some)
    }

    pub(super) fn items<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        (0..self.size()).filter_map(|at| self.item(py, at).transpose()).collect()
    }

    fn encode(&self, py: Python<'_>) -> Encoded {
        let each = self.bag.encode();
        let ends = each.iter().scan(0, |end, bytes| {
            *end += bytes.len();
            Some(*end)
        });
        Encoded { ends: ends.collect(), bytes: PyBytes::new(py, &each.concat()).unbind() }
    }
}
