//! What is said when an argument is refused: which field, what was expected, what came.
//!
//! # Invariants
//! * A secret's value is never part of a message.

use super::desc::Field;
use crate::wire::Kind;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyInt;

pyo3::import_exception!(mesos.errors, DecodeError);
pyo3::import_exception!(mesos.errors, EncodeError);

/// Imports the exceptions now: while the interpreter ends, which still runs finalizers, it would be too late.
pub(super) fn set_up(py: Python<'_>) -> PyResult<()> {
    py.import("mesos.errors")?;
    let _ = (py.get_type::<DecodeError>(), py.get_type::<EncodeError>());
    Ok(())
}

/// Longer values are cut.
const SHOWN: usize = 80;

/// A value of the wrong type.
#[cold]
pub(super) fn wrong_type(field: &Field, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!("{}: expected {expected}, got {}", field.full_name(), shown(field, value)))
}

/// A value of the right type that the field cannot hold.
#[cold]
pub(super) fn wrong_value(field: &Field, reason: &str, value: &Bound<'_, PyAny>) -> PyErr {
    PyValueError::new_err(format!("{}: {} {reason}", field.full_name(), shown(field, value)))
}

/// "int 7", "str 'abc'"; without the value if the field is a secret.
pub(super) fn shown(field: &Field, value: &Bound<'_, PyAny>) -> String {
    if field.is_secret() { kind_of(value) } else { describe(value) }
}

/// The name of a value's type.
pub(super) fn kind_of(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string())
}

/// Type and value, shortened. The representation of messages and containers is left out: it can be long,
/// and can hold secrets.
pub(super) fn describe(value: &Bound<'_, PyAny>) -> String {
    let kind = kind_of(value);
    if value.is_none() {
        return "None".to_owned();
    }
    if !matches!(
        kind.as_str(),
        "int" | "float" | "bool" | "str" | "bytes" | "bytearray" | "Decimal" | "Fraction"
    ) {
        // a number in disguise, such as a member of some enum
        let number = value.cast::<PyInt>().ok().and_then(|number| number.extract::<i64>().ok());
        return number.map_or(kind.clone(), |number| format!("{kind} {number}"));
    }
    match value.repr() {
        Ok(text) => {
            let text = text.to_string_lossy();
            let cut: String = text.chars().take(SHOWN).collect();
            let dots = if cut.len() < text.len() { "…" } else { "" };
            format!("{kind} {cut}{dots}")
        }
        Err(_) => kind,
    }
}

/// What a field of this kind wants, in words.
pub(super) fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Double => "a number",
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => "an int",
        Kind::Bool => "a bool",
        Kind::String => "a str",
        Kind::Bytes => "bytes",
        Kind::Enum => "a member of the enum, its name or its number",
        Kind::Message => "a message",
    }
}
