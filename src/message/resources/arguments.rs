//! What people pass for resources: text, messages, dicts, numbers by name.
//!
//! # Invariants
//! * Everything ends in the arithmetic as validated items; a refusal names the resource and the value.

use super::{PyResources, refused};
use crate::message::errors::kind_of;
use crate::message::layout::{Message, View};
use crate::message::repeated::Repeated;
use crate::message::to_wire_for;
use crate::wire::resources::{self, Item, Quantity, Resources, role as roles};
use crate::wire::{is_complete, msg};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFrozenSet, PyList, PyMapping, PySet, PyString, PyTuple};

/// The resources that `value` is; None if it is nothing of the sort. Those that name no role are for `role`.
pub(super) fn resources(value: &Bound<'_, PyAny>, role: Option<&str>) -> PyResult<Option<Resources>> {
    if let Ok(resources) = value.cast_exact::<PyResources>() {
        return match role {
            None => Ok(Some(resources.get().bag.clone())),
            Some(_) => all(resources.get().bag.encode().iter().map(|bytes| item(bytes, role))),
        };
    }
    if let Ok(text) = value.cast::<PyString>() {
        let items = resources::parse(&text.to_string_lossy(), role).map_err(refused)?;
        return Ok(Some(items.into_iter().collect()));
    }
    if let Some(items) = Repeated::of(value) {
        return repeated(value.py(), items, role);
    }
    if Message::of(value).is_some() || value.is_instance_of::<PyDict>() {
        return all(std::iter::once(one(value, role)));
    }
    if !value.is_instance_of::<PyList>() && !value.is_instance_of::<PyTuple>() {
        // a Mapping that is no dict, and google.protobuf's messages, are one resource, or say why they are not
        if value.cast::<PyMapping>().is_ok() || value.hasattr("DESCRIPTOR")? {
            return all(std::iter::once(one(value, role)));
        }
    }
    match value.try_iter() {
        Ok(values) => all(values.map(|value| one(&value?, role))),
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The same for what `==` compares with: a sequence of messages. A list with something else in it is no
/// resources, and so not equal.
pub(super) fn sequence(value: &Bound<'_, PyAny>) -> PyResult<Option<Resources>> {
    let is_sequence = value.is_exact_instance_of::<PyResources>()
        || Repeated::of(value).is_some()
        || value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>();
    if !is_sequence {
        return Ok(None);
    }
    resources(value, None).or_else(|error| {
        let py = value.py();
        let refused = error.is_instance_of::<PyTypeError>(py) || error.is_instance_of::<PyValueError>(py);
        if refused { Ok(None) } else { Err(error) }
    })
}

fn all(items: impl Iterator<Item = PyResult<Item>>) -> PyResult<Option<Resources>> {
    items.collect::<PyResult<Resources>>().map(Some)
}

fn item(bytes: &[u8], role: Option<&str>) -> PyResult<Item> {
    resources::item(bytes, role).map_err(refused)
}

/// One message, or a dict for one.
fn one(value: &Bound<'_, PyAny>, role: Option<&str>) -> PyResult<Item> {
    if let Ok(mapping) = value.cast::<PyMapping>()
        && !mapping.is_empty()?
        && !mapping.contains("name")?
    {
        return Err(PyValueError::new_err(format!(
            "resources: {} is no Resource: it has no name; for amounts by name write Resources(**amounts)",
            shown(value)
        )));
    }
    item(&to_wire_for("resources", value, msg::RESOURCE)?, role)
}

/// The messages of a repeated field: what was never looked at is read from its bytes.
fn repeated(py: Python<'_>, items: Repeated<'_>, role: Option<&str>) -> PyResult<Option<Resources>> {
    if !items.field().wire.message().is_some_and(|message| std::ptr::eq(message, msg::RESOURCE)) {
        return Ok(None);
    }
    let read = |at: usize| -> PyResult<Item> {
        if let Some(View::Span(offset, len)) = items.slot(at).map(|slot| slot.view()) {
            let bytes = items.span(offset, len);
            if items.source().complete || is_complete(msg::RESOURCE, bytes) {
                return item(bytes, role);
            }
        }
        let value =
            items.get(py, at)?.ok_or_else(|| PyValueError::new_err("the field changed while it was read"))?;
        one(&value, role)
    };
    all((0..items.len()).map(read))
}

#[cold]
pub(super) fn no_resources(value: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!(
        "resources: expected text, messages or dicts, got {}; for amounts write Resources(cpus=1, mem=32)",
        shown(value)
    ))
}

/// A value for an error's text, cut if it is long.
fn shown(value: &Bound<'_, PyAny>) -> String {
    const LONGEST: usize = 80;
    let Ok(text) = value.repr() else { return kind_of(value) };
    let text = text.to_string_lossy();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// The name of a role.
pub(super) fn role(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let name = value
        .cast::<PyString>()
        .map_err(|_| PyTypeError::new_err(format!("role: expected a str, got {}", shown(value))))?;
    let name = name.to_string_lossy().into_owned();
    roles::check(&name).map_err(|why| PyValueError::new_err(format!("role: {why}")))?;
    Ok(name)
}

/// A keyword: the name of a resource, and how much.
pub(super) fn named(name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>, role: Option<&str>) -> PyResult<Item> {
    let name = name.extract::<String>()?;
    if name.is_empty() {
        return Err(refused("Empty resource name".into()));
    }
    let quantity = quantity(&name, value)?;
    resources::named(&name, quantity, role).map_err(refused)
}

fn quantity(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Quantity> {
    let wrong = || {
        let text = format!("resource '{name}': expected a number, ranges or a set, got {}", shown(value));
        PyTypeError::new_err(text)
    };
    if value.is_none() || value.is_instance_of::<PyBool>() {
        return Err(wrong());
    }
    if let Ok(text) = value.cast::<PyString>() {
        let quantity = resources::parse_quantity(name, &text.to_string_lossy());
        return quantity.map_err(|why| PyValueError::new_err(format!("resource {why}")));
    }
    if value.hasattr("__float__")? || value.hasattr("__index__")? {
        let number = value.extract::<f64>().or_else(|error| {
            if error.is_instance_of::<PyOverflowError>(value.py()) { Ok(f64::INFINITY) } else { Err(error) }
        })?;
        let refused = |why| format!("resource '{name}': {} is no amount: {why}", shown(value));
        let amount = resources::amount(number).map_err(|why| PyValueError::new_err(refused(why)))?;
        return Ok(Quantity::Scalar(amount));
    }
    if value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>() {
        let items = value.try_iter()?.map(|item| item?.extract::<String>());
        return items.collect::<PyResult<_>>().map(Quantity::Set).map_err(|_| {
            PyTypeError::new_err(format!(
                "resource '{name}': the items of a set are str, got {}",
                shown(value)
            ))
        });
    }
    let pairs = value.try_iter().map_err(|_| wrong())?;
    let mut ranges = pairs.map(|pair| range(name, &pair?)).collect::<PyResult<Vec<_>>>()?;
    ranges.sort_unstable();
    if let Some(pair) = ranges.windows(2).find(|pair| pair[1].0 <= pair[0].1) {
        let ((a, b), (c, d)) = (pair[0], pair[1]);
        return Err(PyValueError::new_err(format!(
            "resource '{name}': the ranges {a}-{b} and {c}-{d} overlap"
        )));
    }
    Ok(Quantity::ranges(ranges))
}

/// A pair of ints, or a `range` without gaps.
fn range(name: &str, pair: &Bound<'_, PyAny>) -> PyResult<(u64, u64)> {
    let no_pair = || {
        let text =
            format!("resource '{name}': a range is a pair (begin, end), both included, got {}", shown(pair));
        PyTypeError::new_err(text)
    };
    let (begin, end) = if pair.is_instance_of::<pyo3::types::PyRange>() {
        if !pair.getattr("step")?.eq(1)? {
            return Err(no_pair());
        }
        (pair.getattr("start")?, pair.getattr("stop")?.sub(1)?)
    } else {
        let mut ends = pair.try_iter().map_err(|_| no_pair())?;
        match (ends.next(), ends.next(), ends.next()) {
            (Some(begin), Some(end), None) => (begin?, end?),
            _ => return Err(no_pair()),
        }
    };
    let number = |value: &Bound<'_, PyAny>| -> PyResult<Option<u64>> {
        let no_int = || {
            PyTypeError::new_err(format!("resource '{name}': a range is a pair of ints, got {}", shown(pair)))
        };
        if value.is_instance_of::<PyBool>() {
            return Err(no_int());
        }
        match value.extract::<u64>() {
            Ok(number) => Ok(Some(number)),
            Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => Ok(None),
            Err(_) => Err(no_int()),
        }
    };
    match (number(&begin)?, number(&end)?) {
        (Some(begin), Some(end)) if begin <= end => Ok((begin, end)),
        _ => Err(PyValueError::new_err(format!(
            "resource '{name}': the range {}-{} is empty or out of bounds",
            shown(&begin),
            shown(&end)
        ))),
    }
}
