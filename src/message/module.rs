//! What `mesos._mesos` offers the package for its messages: finding classes by name, and what descriptors tell.

use super::desc::{Desc, Shape};
use super::names::old_name;
use super::{buffer, display, errors, resources, scope, types};
use crate::wire::{self, Label};
use pyo3::exceptions::PyLookupError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Adds them to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    types::set_up(py)?;
    scope::set_up(py);
    errors::set_up(py)?;
    buffer::set_up(py);
    module.add_class::<resources::PyResources>()?;
    display::set_up(py);
    module.add("Message", types::message_base(py)?)?;
    module.add("Repeated", types::container(py, false)?)?;
    module.add("Map", types::container(py, true)?)?;
    module.add_function(wrap_pyfunction!(lookup, module)?)?;
    module.add_function(wrap_pyfunction!(names, module)?)?;
    module.add_function(wrap_pyfunction!(fields, module)?)?;
    module.add_function(wrap_pyfunction!(bare, module)?)?;
    module.add_function(wrap_pyfunction!(about, module)?)?;
    module.add_function(wrap_pyfunction!(message, module)?)
}

/// The message class, enum or enum value of a package, or None.
#[pyfunction]
fn lookup<'py>(py: Python<'py>, package: &str, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    scope::lookup(py, package, name)
}

/// The names that `lookup` knows in a package.
#[pyfunction]
fn names(package: &str) -> Vec<String> {
    scope::names(package)
}

/// What the schema says of the fields of a message: one dict each, by full name of the message.
#[pyfunction]
fn fields<'py>(py: Python<'py>, message: &str) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let message = find(message)?;
    let desc = Desc::get(py, message)?;
    let describe = |field: &super::desc::Field| {
        let dict = PyDict::new(py);
        let wire = field.wire;
        dict.set_item("name", wire.name)?;
        dict.set_item("old_name", old_name(message, wire))?;
        dict.set_item("number", wire.number)?;
        dict.set_item("kind", format!("{:?}", wire.kind).to_lowercase())?;
        dict.set_item("is_required", wire.label == Label::Required)?;
        dict.set_item("is_repeated", wire.label == Label::Repeated)?;
        dict.set_item("is_map", field.shape == Shape::Map)?;
        dict.set_item("message_type", wire.message().map(|child| child.name))?;
        dict.set_item("enum_type", wire.enumeration().map(|values| values.name))?;
        let has_default = wire.default != wire::Default::None;
        dict.set_item("default_value", if has_default { Some(field.default(py)?) } else { None })?;
        dict.set_item("has_default", wire.has_default)?;
        dict.set_item("index", wire.declared)?;
        dict.set_item("oneof", wire.oneof.and_then(|oneof| message.oneofs.get(usize::from(oneof))))?;
        dict.set_item("is_deprecated", wire.deprecated)?;
        dict.set_item("doc", wire.doc)?;
        Ok(dict)
    };
    desc.fields.iter().map(describe).collect()
}

/// The field that a bare value stands for where this message is expected, or None.
#[pyfunction]
fn bare(py: Python<'_>, message: &str) -> PyResult<Option<&'static str>> {
    let desc = Desc::get(py, find(message)?)?;
    Ok(desc.bare.map(|at| desc.field(at).wire.name))
}

/// What the schema says of a message besides its fields: the names of its oneofs, and whether a map holds it.
#[pyfunction]
fn about(message: &str) -> PyResult<(Vec<&'static str>, bool)> {
    let message = find(message)?;
    Ok((message.oneofs.to_vec(), message.is_map_entry))
}

/// The class of a message, by its full name; also of the entries of a map.
#[pyfunction]
fn message<'py>(py: Python<'py>, full_name: &str) -> PyResult<Bound<'py, PyAny>> {
    Ok(Desc::get(py, find(full_name)?)?.class(py))
}

fn find(message: &str) -> PyResult<&'static wire::Message> {
    let unknown = || PyLookupError::new_err(format!("no message {message}"));
    wire::schema::find(message).ok_or_else(unknown)
}
