//! What keeps the bytes of messages alive that did not come from Python: an event's record, shared by all the
//! messages in it, without a copy.

use super::value::Source;
use bytes::Bytes;
use pyo3::ffi;
use pyo3::prelude::*;

/// Bytes as a Python object. Private: users never see one.
#[pyclass(frozen, module = "mesos._mesos", name = "_Buffer")]
struct Holder(Bytes);

/// Makes the class, at import: making it needs an interpreter that is not about to end.
pub(super) fn set_up(py: Python<'_>) {
    let _ = py.get_type::<Holder>();
}

/// A reference to bytes that Rust owns.
pub(super) struct Buffer<'py>(Bound<'py, Holder>);

impl<'py> Buffer<'py> {
    pub(super) fn new(py: Python<'py>, bytes: Bytes) -> PyResult<Self> {
        Bound::new(py, Holder(bytes)).map(Buffer)
    }

    pub(super) fn source(&self) -> Source<'_> {
        Source { bytes: &self.0.get().0, owner: self.0.as_ptr(), complete: false }
    }
}

/// The part `bytes` of what `owner` holds, as a `Bytes` of its own; None if it is no part of it, or if
/// `owner` is another object.
pub(super) fn share(py: Python<'_>, owner: *mut ffi::PyObject, bytes: &[u8]) -> Option<Bytes> {
    if owner.is_null() {
        return None;
    }
    #[expect(unsafe_code, reason = "the owner of a message, seen as the object it is")]
    // SAFETY: the message that asks owns a reference.
    let owner = unsafe { Borrowed::from_ptr(py, owner) };
    let holder = owner.cast::<Holder>().ok()?;
    let whole = &holder.get().0;
    // a message that was written to is encoded anew, somewhere else, and still has its owner
    let (range, part) = (whole.as_ptr_range(), bytes.as_ptr_range());
    (range.start <= part.start && part.end <= range.end).then(|| whole.slice_ref(bytes))
}
