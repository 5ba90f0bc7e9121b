//! Python's dicts, lists, strings and numbers as a form of JSON, for `wire::json` to read. (`objects` writes them.)
//!
//! pythonize does the same, but knows no messages inside of dicts.
//!
//! # Invariants
//! * May run Python code (mappings and iterables of the user's), whose exceptions come out as they are.
//! * What is refused is told by its type here, and by its value only through the visitor, which knows secrets.

use super::convert::{self, TOP};
use super::desc::Desc;
use super::encode::Mode;
use super::errors::kind_of;
use super::layout::Message;
use super::wire_methods::serialize;
use crate::wire;
use pyo3::exceptions::{PySystemError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyDict, PyFloat, PyInt, PyIterator, PyList, PyMapping, PyString, PyTuple,
};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use std::fmt::{self, Display, Formatter};

/// Why a value was not read.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Python code that was asked for a value raised
    Raised(PyErr),
    Said(String),
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Raised(error) => error.fmt(f),
            Refusal::Said(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// For where nothing can be refused, but memory can run out.
    pub(super) fn into_error(self) -> PyErr {
        match self {
            Refusal::Raised(error) => error,
            Refusal::Said(text) => PySystemError::new_err(text),
        }
    }
}

impl Error for Refusal {
    fn custom<T: Display>(text: T) -> Self {
        Refusal::Said(text.to_string())
    }
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Refusal::Raised(error)
    }
}

/// A Python object to read.
pub(super) struct Plain<'a, 'py>(pub(super) &'a Bound<'py, PyAny>);

impl<'py> Plain<'_, 'py> {
    fn refuse(&self, expected: &dyn serde::de::Expected) -> Refusal {
        Refusal::invalid_type(Unexpected::Other(&kind_of(self.0)), expected)
    }

    fn integer<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Refusal> {
        if let Ok(value) = self.0.extract::<i64>() {
            return visitor.visit_i64(value);
        }
        match self.0.extract::<u64>() {
            Ok(value) => visitor.visit_u64(value),
            Err(error) if error.is_instance_of::<pyo3::exceptions::PyOverflowError>(self.0.py()) => {
                Err(Error::invalid_value(Unexpected::Other("an int of more than 64 bits"), &visitor))
            }
            Err(error) => Err(error.into()), // out of `__index__`
        }
    }

    /// The items of anything that can be iterated over.
    fn sequence<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0.try_iter() {
            Ok(items) => visitor.visit_seq(Elements(items)),
            Err(error) if error.is_instance_of::<PyTypeError>(self.0.py()) => Err(self.refuse(&visitor)),
            Err(error) => Err(error.into()),
        }
    }

    /// The encoding of a message that stands where one called `name` is wanted; None for what is no message.
    fn message(&self, name: &str) -> Result<Option<Bound<'py, PyBytes>>, Refusal> {
        let (value, py) = (self.0, self.0.py());
        let is_plain =
            value.is_none() || value.is_instance_of::<PyDict>() || value.is_instance_of::<PyList>();
        if is_plain || Message::of(value).is_none() && !convert::is_foreign(value)? {
            return Ok(None);
        }
        let bug = || PySystemError::new_err("no such message");
        let desc = Desc::get(py, wire::schema::find(name).ok_or_else(bug)?)?;
        let message = convert::message(desc, value, TOP, &|| desc.name().to_owned()).map_err(|error| {
            if error.is_instance_of::<PyTypeError>(py) {
                Refusal::Said(error.value(py).to_string())
            } else {
                error.into()
            }
        })?;
        let message = Message::of(&message).ok_or_else(bug)?;
        Ok(Some(serialize(py, message, Mode::Partial)?.cast_into().map_err(PyErr::from)?))
    }
}

impl<'de> Deserializer<'de> for Plain<'_, '_> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let value = self.0;
        if value.is_none() {
            visitor.visit_unit()
        } else if let Ok(text) = value.cast::<PyString>() {
            match text.to_str() {
                Ok(text) => visitor.visit_str(text),
                Err(_) => {
                    Err(Error::invalid_value(Unexpected::Other("text with a lone surrogate"), &visitor))
                }
            }
        } else if let Ok(value) = value.cast::<PyBool>() {
            visitor.visit_bool(value.is_true())
        } else if value.is_instance_of::<PyInt>() {
            self.integer(visitor)
        } else if let Ok(number) = value.cast::<PyFloat>() {
            visitor.visit_f64(number.value())
        } else if value.is_instance_of::<PyDict>() {
            visitor.visit_map(Items::of(value)?)
        } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            self.sequence(visitor)
        } else if let Some(bytes) = convert::bytes_like(value)? {
            visitor.visit_bytes(bytes.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes())
        } else if Message::of(value).is_some() {
            Err(self.refuse(&visitor))
        } else if value.cast::<PyMapping>().is_ok() {
            visitor.visit_map(Items::of(value)?)
        } else if value.hasattr("__index__")? {
            self.integer(visitor)
        } else {
            self.sequence(visitor)
        }
    }

    /// Where a message is wanted, one is its bytes. What Python has as bytes is none.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if let Some(bytes) = self.message(name)? {
            return visitor.visit_bytes(bytes.as_bytes());
        }
        if convert::bytes_like(self.0)?.is_some() {
            return Err(self.refuse(&visitor));
        }
        visitor.visit_newtype_struct(self)
    }

    /// The value of an unknown field: nobody looks at it.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct enum identifier
    }
}

struct Elements<'py>(Bound<'py, PyIterator>);

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refusal> {
        self.0.next().map(|element| seed.deserialize(Plain(&element?))).transpose()
    }
}

/// Key by key, so that a mapping that changes meanwhile does no harm.
struct Items<'a, 'py> {
    mapping: &'a Bound<'py, PyAny>,
    keys: Bound<'py, PyIterator>,
    key: Option<Bound<'py, PyAny>>,
}

impl<'a, 'py> Items<'a, 'py> {
    fn of(mapping: &'a Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Items { mapping, keys: mapping.try_iter()?, key: None })
    }
}

impl<'de> MapAccess<'de> for Items<'_, '_> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refusal> {
        let Some(key) = self.keys.next().transpose()? else { return Ok(None) };
        let read = seed.deserialize(Plain(&key))?;
        self.key = Some(key);
        Ok(Some(read))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Refusal> {
        let key = self.key.take().ok_or_else(|| Refusal::custom("a value was read before its key"))?;
        seed.deserialize(Plain(&self.mapping.get_item(key)?))
    }
}
