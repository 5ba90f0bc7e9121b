//! Methods that the classes of some messages have beyond those of all: a table of which, and the methods.
//!
//! # Invariants
//! * No method has the name of a field: fields come first.

#![expect(unsafe_code, reason = "methods called by CPython")]

use super::boundary::{methods, receiver};
use super::encode::{self, Mode};
use super::layout::{CLEAN, Message};
use super::types::{self, method};
use super::value;
use crate::wire::{self, Label, msg, resources};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat};

/// Some methods, and which messages have them.
struct Extra {
    belongs_to: fn(&'static wire::Message) -> bool,
    methods: fn() -> Vec<ffi::PyMethodDef>,
}

const EXTRAS: [Extra; 1] = [Extra { belongs_to: has_resources, methods: scalars_method }];

/// The methods of a message's own class, as CPython wants them; None if it has none.
pub(super) fn table(message: &'static wire::Message) -> Option<*const ()> {
    let own = EXTRAS.iter().filter(|extra| (extra.belongs_to)(message));
    let methods: Vec<_> = own.flat_map(|extra| (extra.methods)()).collect();
    (!methods.is_empty()).then(|| types::table(methods, ffi::PyMethodDef::zeroed()))
}

fn has_resources(message: &'static wire::Message) -> bool {
    resources_of(message).is_some()
}

/// The index of the field `resources`, if it is a repeated `Resource`.
fn resources_of(message: &'static wire::Message) -> Option<u8> {
    let index = message.index_named("resources")?;
    let field = &message.fields[index];
    let holds = field.message().is_some_and(|item| std::ptr::eq(item, msg::RESOURCE));
    (holds && field.label == Label::Repeated).then_some(index as u8)
}

fn scalars_method() -> Vec<ffi::PyMethodDef> {
    vec![method(
        c"scalars",
        scalars,
        ffi::METH_NOARGS,
        c"scalars() -> dict[str, float]

How much there is of each scalar in its resources: {\"cpus\": 4.0, \"mem\": 512.0}.

Whatever they are reserved for, rounded to three decimals as in Mesos. mesos.Resources(message.resources) tells more.",
    )]
}

methods! {
    self = receiver => Message;
    scalars(py, message, _none) {
        let desc = message.desc();
        let index = resources_of(desc.wire).unwrap_or(u8::MAX);
        let sum = |bytes: &[u8]| -> PyResult<Vec<(Bound<'py, PyAny>, Bound<'py, PyFloat>)>> {
            let totals = resources::totals(desc.wire, bytes, index).into_iter();
            totals
                .map(|(name, total)| Ok((value::text(py, name)?, PyFloat::new(py, resources::number(total)))))
                .collect()
        };
        let totals = if message.node.is(CLEAN) {
            // SAFETY: read at once; making strings and numbers runs no Python code.
            sum(unsafe { message.parsed() })?
        } else {
            encode::encode(py, message, Mode::Partial, sum).map_err(|fail| encode::error(py, message, fail))??
        };
        let dict = PyDict::new(py);
        for (name, total) in totals {
            dict.set_item(name, total)?;
        }
        Ok(dict.into_any())
    }
}
