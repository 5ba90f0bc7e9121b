//! Enum classes: made by `mesos._enums` when first needed, and looked up by number or name here.
//!
//! # Invariants
//! * There is one class for each enum, never freed; its members are what enum fields hold.

#![expect(unsafe_code, reason = "members are kept as owned pointers, beside the classes that hold them")]

use super::desc::{self, Attached};
use crate::wire;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::collections::HashMap;

/// The members of an enum.
pub(super) struct EnumClass {
    wire: &'static wire::Enum,
    class: Py<PyAny>,
    /// by number, for 0 to 63, which are nearly all; null where there is none
    small: [*mut ffi::PyObject; 64],
    others: HashMap<i32, Py<PyAny>>,
    /// interned names of the values, and their numbers
    names: Vec<(*mut ffi::PyObject, i32)>,
}

static CLASSES: Attached<Vec<(u16, &'static EnumClass)>> = Attached::new(Vec::new());

/// The class of `item`, made if this is its first use. Runs Python code then.
pub(super) fn get(py: Python<'_>, item: &'static wire::Enum) -> PyResult<&'static EnumClass> {
    let known = |classes: &mut Vec<(u16, &'static EnumClass)>| {
        classes.iter().find(|(id, _)| *id == item.id).map(|(_, class)| *class)
    };
    if let Some(class) = CLASSES.with(py, known) {
        return Ok(class);
    }
    let class = EnumClass::make(py, item)?;
    if let Some(other) = CLASSES.with(py, known) {
        return Ok(other); // made by another thread while this one was busy
    }
    let class: &'static EnumClass = Box::leak(Box::new(class));
    CLASSES.with(py, |classes| classes.push((item.id, class)));
    Ok(class)
}

/// v0 said slave where v1 says agent: `SOURCE_SLAVE`, `REASON_SLAVE_REMOVED`.
fn old_name(name: &str) -> Option<String> {
    let renamed = name == "SOURCE_AGENT" || name.starts_with("REASON_AGENT_");
    renamed.then(|| name.replace("AGENT", "SLAVE"))
}

/// The names of all values, v0 names included, with their numbers.
pub(super) fn names(item: &wire::Enum) -> impl Iterator<Item = (String, i32)> {
    let current = item.values.iter().map(|value| (value.name.to_owned(), value.number));
    let old = item.values.iter().filter_map(|value| Some((old_name(value.name)?, value.number)));
    current.chain(old)
}

impl EnumClass {
    fn make(py: Python<'_>, item: &'static wire::Enum) -> PyResult<EnumClass> {
        let values: Vec<_> = item.values.iter().map(|value| (value.name, value.number, value.doc)).collect();
        let old: Vec<_> =
            item.values.iter().filter_map(|value| Some((old_name(value.name)?, value.number))).collect();
        let make = py.import("mesos._enums")?.getattr("make")?;
        let class = make.call1((item.name, desc::path(item.name), item.doc, values, old))?;
        let mut made = EnumClass {
            wire: item,
            class: class.clone().unbind(),
            small: [std::ptr::null_mut(); 64],
            others: HashMap::new(),
            names: names(item)
                .map(|(name, number)| (PyString::intern(py, &name).into_ptr(), number))
                .collect(),
        };
        for value in item.values {
            let member = class.call1((value.number,))?;
            match usize::try_from(value.number).ok().and_then(|number| made.small.get_mut(number)) {
                Some(place) if place.is_null() => *place = member.into_ptr(),
                Some(_) => {}
                None => drop(made.others.insert(value.number, member.unbind())),
            }
        }
        Ok(made)
    }

    /// The member with this number.
    pub(super) fn member<'py>(&self, py: Python<'py>, number: i32) -> Option<Bound<'py, PyAny>> {
        let small = usize::try_from(number).ok().and_then(|number| self.small.get(number));
        match small {
            // SAFETY: owned for ever.
            Some(member) => unsafe { Bound::from_borrowed_ptr_or_opt(py, *member) },
            None => self.others.get(&number).map(|member| member.bind(py).clone()),
        }
    }

    /// The member with this name, v0 names included.
    pub(super) fn named<'py>(&self, name: &Bound<'py, PyString>) -> Option<Bound<'py, PyAny>> {
        self.member(name.py(), self.number_of(name)?)
    }

    /// The number of the value with this name, v0 names included.
    pub(super) fn number_of(&self, name: &Bound<'_, PyString>) -> Option<i32> {
        let same = |(known, _): &&(*mut ffi::PyObject, i32)| *known == name.as_ptr();
        if let Some((_, number)) = self.names.iter().find(same) {
            return Some(*number);
        }
        let text = name.to_str().ok()?; // put together at run time, or no name
        names(self.wire).find(|(known, _)| known == text).map(|(_, number)| number)
    }

    pub(super) fn class<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.class.bind(py)
    }

    pub(super) fn wire(&self) -> &'static wire::Enum {
        self.wire
    }
}
