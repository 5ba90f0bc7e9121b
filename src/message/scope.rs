//! What lies in a package or in a message besides fields (messages, enums and their values), by name.
//!
//! # Invariants
//! * Nothing is made before it is asked for. Classes hold `Later` objects, which become what they stand for at the
//!   first look; packages ask `lookup`.

use super::desc::Desc;
use super::{enums, reflection};
use crate::wire::{self, Enum};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Makes the class of `Later` objects, at import: too late while the interpreter ends.
pub(super) fn set_up(py: Python<'_>) {
    let _ = py.get_type::<Later>();
}

/// Something of a message's scope that is made when it is first asked for.
#[pyclass(frozen, module = "mesos._mesos", name = "_Later")]
struct Later {
    scope: &'static wire::Message,
    name: String,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Descriptor(&'static wire::Message),
    /// for `match`: the fields in the order of the schema
    MatchArgs(&'static wire::Message),
    Message(&'static wire::Message),
    Enum(&'static Enum),
    Value(&'static Enum, i32),
}

#[pymethods]
impl Later {
    /// Asked for as an attribute of a class (or of a message): becomes what it stands for.
    fn __get__<'py>(
        &self,
        py: Python<'py>,
        _object: Option<&Bound<'py, PyAny>>,
        _class: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = made(py, self.what)?;
        Desc::get(py, self.scope)?.class(py).setattr(self.name.as_str(), &made)?;
        Ok(made)
    }
}

fn made(py: Python<'_>, what: What) -> PyResult<Bound<'_, PyAny>> {
    Ok(match what {
        What::Descriptor(message) => {
            py.import("mesos._reflection")?.getattr("descriptor")?.call1((message.name,))?
        }
        What::MatchArgs(message) => PyTuple::new(py, declared(message))?.into_any(),
        What::Message(message) => Desc::get(py, message)?.class(py),
        What::Enum(item) => enums::get(py, item)?.class(py).clone(),
        What::Value(item, number) => {
            let missing = || pyo3::exceptions::PySystemError::new_err("an enum lost a value");
            enums::get(py, item)?.member(py, number).ok_or_else(missing)?
        }
    })
}

/// What a scope (a package or a message) holds: nested messages, enums, and the enums' values, with v0 names.
fn scope(full_name: &str) -> impl Iterator<Item = (String, What)> {
    let messages = inside(full_name, &wire::MESSAGES, |message| message.name);
    let messages = messages.filter(|(_, message)| !message.is_map_entry);
    let messages = messages.map(|(own, message)| (own.to_owned(), What::Message(message)));
    let enums = || inside(full_name, &wire::ENUMS, |item| item.name);
    let values = enums().flat_map(|(_, item)| {
        enums::names(item).map(move |(name, number)| (name, What::Value(item, number)))
    });
    messages.chain(enums().map(|(own, item)| (own.to_owned(), What::Enum(item)))).chain(values)
}

/// The items of a table, which is sorted by full name, that lie directly in a scope, with their own names.
fn inside<T>(
    scope: &str,
    table: &'static [T],
    name: fn(&T) -> &'static str,
) -> impl Iterator<Item = (&'static str, &'static T)> {
    let prefix = format!("{scope}.");
    let start = table.partition_point(|item| name(item) < prefix.as_str());
    let below = table[start..].iter().map_while(move |item| Some((name(item).strip_prefix(&prefix)?, item)));
    below.filter(|(own, _)| !own.contains('.'))
}

/// The names of the fields as the .proto file has them.
fn declared(message: &wire::Message) -> impl ExactSizeIterator<Item = &'static str> {
    let mut fields: Vec<_> = message.fields.iter().collect();
    fields.sort_by_key(|field| field.declared);
    fields.into_iter().map(|field| field.name)
}

/// Puts what is nested in a message, or told of it, into its class.
pub(super) fn add_to_class(py: Python<'_>, desc: &'static Desc) -> PyResult<()> {
    let class = desc.class(py);
    let own = [("DESCRIPTOR", What::Descriptor(desc.wire)), ("__match_args__", What::MatchArgs(desc.wire))];
    // one without fields has no positions
    let own = own.into_iter().take(if desc.fields.is_empty() { 1 } else { 2 });
    let own = own.map(|(name, what)| (name.to_owned(), what));
    for (name, what) in own.chain(scope(desc.wire.name)) {
        let later = Later { scope: desc.wire, name: name.clone(), what };
        class.setattr(name, Bound::new(py, later)?)?;
    }
    for field in desc.wire.fields {
        class.setattr(field.name.to_uppercase() + reflection::NUMBER, field.number)?;
    }
    Ok(())
}

/// A message, enum or enum value of a package, by its name, v0's included; None if there is none.
pub(super) fn lookup<'py>(py: Python<'py>, package: &str, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let found = |name: &str| scope(package).find(|(known, _)| known == name).map(|(_, what)| what);
    let renamed = name.strip_prefix("Slave").map(|rest| format!("Agent{rest}"));
    found(name).or_else(|| found(renamed.as_deref()?)).map(|what| made(py, what)).transpose()
}

/// The names of all that a package holds, with those that v0 gave to what is named after agents.
pub(super) fn names(package: &str) -> Vec<String> {
    let current: Vec<_> = scope(package).map(|(name, _)| name).collect();
    let old = current.iter().filter_map(|name| Some(format!("Slave{}", name.strip_prefix("Agent")?)));
    old.chain(current.iter().cloned()).collect()
}
