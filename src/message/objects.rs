//! The tree that `wire::json` writes, as Python's dicts, lists, strings and numbers.
//!
//! pythonize does the same; knowing that keys and most values are short strings seen before halves the time.

use super::plain::Refusal;
use super::strings;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyList, PyString};
use serde::ser::{Error, Impossible, Serialize, SerializeMap, SerializeSeq, Serializer};
use std::fmt::Display;

impl Error for Refusal {
    fn custom<T: Display>(text: T) -> Self {
        Refusal::Said(text.to_string())
    }
}

/// Makes an object of each value.
#[derive(Clone, Copy)]
pub(super) struct Objects<'py>(pub(super) Python<'py>);

type Object<'py> = Bound<'py, PyAny>;
type Never<'py> = Impossible<Object<'py>, Refusal>;

/// What JSON does not have.
fn foreign<T>(what: &str) -> Result<T, Refusal> {
    Err(Error::custom(format_args!("no JSON: {what}")))
}

/// Numbers become ints; wrong ones come out of other kinds of values.
macro_rules! ints {
    ($($name:ident: $kind:ty,)*) => {$(
        fn $name(self, value: $kind) -> Result<Object<'py>, Refusal> {
            match value.into_pyobject(self.0) {
                Ok(number) => Ok(number.into_any()),
                Err(never) => match never {},
            }
        }
    )*};
}

macro_rules! never {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {$(
        fn $name(self, $($argument: $kind),*) -> Result<$result, Refusal> {
            $(let _ = $argument;)*
            foreign(stringify!($name))
        }
    )*};
}

impl<'py> Serializer for Objects<'py> {
    type Ok = Object<'py>;
    type Error = Refusal;
    type SerializeSeq = List<'py>;
    type SerializeMap = Dict<'py>;
    type SerializeTuple = Never<'py>;
    type SerializeTupleStruct = Never<'py>;
    type SerializeTupleVariant = Never<'py>;
    type SerializeStruct = Never<'py>;
    type SerializeStructVariant = Never<'py>;

    ints! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
    }

    fn serialize_bool(self, value: bool) -> Result<Self::Ok, Refusal> {
        Ok(PyBool::new(self.0, value).to_owned().into_any())
    }

    fn serialize_f32(self, value: f32) -> Result<Self::Ok, Refusal> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Self::Ok, Refusal> {
        Ok(PyFloat::new(self.0, value).into_any())
    }

    fn serialize_str(self, text: &str) -> Result<Self::Ok, Refusal> {
        Ok(strings::get(self.0, text.as_bytes(), || Ok(PyString::new(self.0, text).into_any()))?)
    }

    fn serialize_unit(self) -> Result<Self::Ok, Refusal> {
        Ok(self.0.None().into_bound(self.0))
    }

    fn serialize_none(self) -> Result<Self::Ok, Refusal> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, Refusal> {
        value.serialize(self)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<List<'py>, Refusal> {
        Ok(List(PyList::empty(self.0)))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Dict<'py>, Refusal> {
        Ok(Dict { items: PyDict::new(self.0), key: None })
    }

    never! {
        serialize_char(value: char) -> Self::Ok;
        serialize_bytes(value: &[u8]) -> Self::Ok;
        serialize_unit_struct(name: &'static str) -> Self::Ok;
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> Self::Ok;
        serialize_tuple(len: usize) -> Never<'py>;
        serialize_tuple_struct(name: &'static str, len: usize) -> Never<'py>;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> Never<'py>;
        serialize_struct(name: &'static str, len: usize) -> Never<'py>;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> Never<'py>;
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Refusal> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<Self::Ok, Refusal> {
        foreign("serialize_newtype_variant")
    }
}

/// A list in the making.
pub(super) struct List<'py>(Bound<'py, PyList>);

impl<'py> SerializeSeq for List<'py> {
    type Ok = Object<'py>;
    type Error = Refusal;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        Ok(self.0.append(value.serialize(Objects(self.0.py()))?)?)
    }

    fn end(self) -> Result<Object<'py>, Refusal> {
        Ok(self.0.into_any())
    }
}

/// A dict in the making.
pub(super) struct Dict<'py> {
    items: Bound<'py, PyDict>,
    key: Option<Object<'py>>,
}

impl<'py> SerializeMap for Dict<'py> {
    type Ok = Object<'py>;
    type Error = Refusal;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refusal> {
        self.key = Some(key.serialize(Objects(self.items.py()))?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        let Some(key) = self.key.take() else { return foreign("a value without a key") };
        Ok(self.items.set_item(key, value.serialize(Objects(self.items.py()))?)?)
    }

    fn end(self) -> Result<Object<'py>, Refusal> {
        Ok(self.items.into_any())
    }
}
