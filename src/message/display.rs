//! How messages show themselves where more than text can be shown: in rich, and in notebooks.
//!
//! # Invariants
//! * Secrets are not shown. (Text is `text`'s.)

#![expect(unsafe_code, reason = "methods called by CPython")]

use super::access::{self, Seen};
use super::boundary::{methods, receiver};
use super::layout::Message;
use super::types::method;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// In the place of a secret.
#[pyclass(frozen, module = "mesos._mesos", name = "_Hidden")]
struct Hidden;

#[pymethods]
impl Hidden {
    fn __repr__(&self) -> &'static str {
        "<hidden>"
    }
}

/// Makes the class, at import: making it needs an interpreter that is not about to end.
pub(super) fn set_up(py: Python<'_>) {
    let _ = py.get_type::<Hidden>();
}

/// What the module for notebooks makes of a message, or of several: HTML, or None.
pub(super) fn html<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    value.py().import("mesos._html")?.getattr("render")?.call1((value,))
}

methods! {
    self = receiver => Message;
    rich(py, message, _none) {
        let fields = PyList::empty(py);
        for field in &message.desc().fields {
            if !access::is_set(py, message, usize::from(field.index))? {
                continue;
            }
            let value = access::read(py, message, usize::from(field.index))?;
            let shown = match access::see(&value) {
                Seen::Value if field.is_secret() => Bound::new(py, Hidden)?.into_any(),
                // rich knows these by their class
                Seen::Repeated(_) => value.try_iter()?.collect::<PyResult<Vec<_>>>()?.into_pyobject(py)?,
                Seen::Map(map) => map.snapshot(py)?.into_any(),
                _ => value,
            };
            fields.append((field.wire.name, shown))?;
        }
        Ok(fields.into_any())
    }
    message_html(py, message, _none) { html(&message.bound(py)) }
}

/// The methods of this file.
pub(super) fn table() -> [ffi::PyMethodDef; 2] {
    let none = ffi::METH_NOARGS;
    [
        method(c"__rich_repr__", rich, none, c"For rich: name and value of each field that is set, secrets hidden."),
        method(
            c"_repr_html_",
            message_html,
            none,
            c"For notebooks: a table, of offers, tasks, statuses, agents and frameworks; of other messages None.",
        ),
    ]
}
