//! JSON to wire, while the text is read, or another form of the same tree.
//!
//! # Invariants
//! * What comes out is a valid message with all its required fields.
//! * An error names the path, the value and the place in the text; of a secret not the value.

use super::error::{JsonError, KEPT_SECRET, Segment, lacks, path};
use super::manner::{Manner, Number};
use crate::wire::input::MAX_DEPTH;
use crate::wire::table::{Field, Kind, Label, Message};
use crate::wire::{Writer, is_complete, missing, similar, validate};
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};
use std::fmt::{self, Formatter};

/// The wire form of a message in text.
pub(crate) fn decode(message: &'static Message, json: &[u8], manner: Manner) -> Result<Vec<u8>, JsonError> {
    let mut source = serde_json::Deserializer::from_slice(json);
    let bytes = decode_from(message, &mut source, manner)
        .map_err(|JsonError { path, reason }| JsonError { path, reason: reason.to_string() })?;
    source.end().map_err(|error| JsonError { path: String::new(), reason: error.to_string() })?;
    Ok(bytes)
}

/// The wire form of a message in any form that serde can read.
///
/// Where a message is wanted, `source` is asked for a newtype of its name: it may answer with the bytes of one.
pub(crate) fn decode_from<'de, D: Deserializer<'de>>(
    message: &'static Message,
    source: D,
    manner: Manner,
) -> Result<Vec<u8>, JsonError<D::Error>> {
    let mut state = State { out: Writer::new(), path: Vec::new(), depth: MAX_DEPTH, manner };
    match (Object { message, state: &mut state }).deserialize(source) {
        Ok(()) => Ok(state.out.finish()),
        Err(reason) => Err(JsonError { path: path(&state.path), reason }),
    }
}

struct State {
    out: Writer,
    /// where the reader is; after an error, where it happened
    path: Vec<Segment>,
    /// levels that may still begin
    depth: u32,
    manner: Manner,
}

/// Reads the fields of a message from a JSON object.
struct Object<'s> {
    message: &'static Message,
    state: &'s mut State,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self) // not _map, which quotes what it finds instead
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "an object, the fields of {}", self.message.name)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let shown = if self.message.is_secret() { KEPT_SECRET } else { Unexpected::Str(text) };
        Err(E::invalid_type(shown, &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut missing = self.message.required;
        while let Some(index) = fields.next_key_seed(Name(self.message, self.state.manner))? {
            let Some(index) = index else {
                fields.next_value::<IgnoredAny>()?;
                continue;
            };
            let field = &self.message.fields[index];
            self.state.path.push(Segment::Field(field.name));
            let before = self.state.out.len();
            fields.next_value_seed(Value {
                message: self.message,
                field,
                in_array: false,
                state: self.state,
            })?;
            if self.state.out.len() > before {
                missing &= !(1 << index);
            }
            self.state.path.pop();
        }
        if missing == 0 {
            return Ok(());
        }
        let names = self.message.fields.iter().enumerate().filter(|(index, _)| missing >> index & 1 == 1);
        let names: Vec<_> = names.map(|(_, field)| field.name).collect();
        Err(lacks(self.message, &names.join(", ")))
    }
}

/// Reads a key: the index of the field it names, or None.
struct Name(&'static Message, Manner);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Option<usize>, D::Error> {
        source.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        let Name(message, manner) = self;
        let modern = || manner.modern(name, "slave", "agent");
        let found =
            message.index_named(name).or_else(|| modern().and_then(|name| message.index_named(&name)));
        if found.is_none() && manner == Manner::Strict {
            let known = similar(name, message.fields.iter().map(|field| field.name));
            let hint = known.map_or(String::new(), |known| format!(" (did you mean {known}?)"));
            return Err(E::custom(format_args!("{} has no field {name:?}{hint}", message.name)));
        }
        Ok(found)
    }
}

/// Reads the value of one field, or one element of a repeated one, and appends it with its tag.
struct Value<'s> {
    /// whose field it is
    message: &'static Message,
    field: &'static Field,
    in_array: bool,
    state: &'s mut State,
}

impl Value<'_> {
    fn refuse<E: Error>(&self, value: Unexpected<'_>) -> E {
        let secret = self.field.is_secret(self.message);
        E::invalid_value(if secret { KEPT_SECRET } else { value }, self)
    }

    /// A whole number, if the field's type holds it.
    fn integer<E: Error>(self, value: i128, shown: Unexpected<'_>) -> Result<(), E> {
        let fits = match self.field.kind {
            Kind::Int32 => i32::try_from(value).is_ok(),
            Kind::Int64 => i64::try_from(value).is_ok(),
            Kind::Uint32 => u32::try_from(value).is_ok(),
            Kind::Uint64 => u64::try_from(value).is_ok(),
            Kind::Enum if self.state.manner != Manner::Mesos => {
                return self.enum_value(i32::try_from(value).ok(), shown);
            }
            Kind::Double => {
                self.state.out.double(self.field.number, value as f64);
                return Ok(());
            }
            _ => false,
        };
        if !fits {
            return Err(self.refuse(shown));
        }
        self.state.out.varint(self.field.number, value as u64); // two's complement, as on the wire
        Ok(())
    }

    fn float<E: Error>(self, value: f64, shown: Unexpected<'_>) -> Result<(), E> {
        if self.field.kind == Kind::Double {
            self.state.out.double(self.field.number, value);
            return Ok(());
        }
        // Mesos cuts off what follows the point: seconds * 1e9 has something there
        let value = if self.state.manner == Manner::Mesos { value.trunc() } else { value };
        // 5.0 and 5e3 are whole numbers too; beyond 2^64 no type holds them
        if value.fract() == 0.0 && value.abs() <= 18_446_744_073_709_551_616.0 {
            return self.integer(value as i128, shown);
        }
        Err(self.refuse(shown))
    }

    fn enum_value<E: Error>(self, number: Option<i32>, shown: Unexpected<'_>) -> Result<(), E> {
        let known = self.field.enumeration().zip(number).filter(|(item, number)| item.contains(*number));
        match known {
            Some((_, number)) => {
                self.state.out.varint(self.field.number, i64::from(number) as u64);
                Ok(())
            }
            None if self.field.label == Label::Required => Err(self.refuse(shown)),
            None if self.state.manner == Manner::Strict => Err(self.refuse(shown)),
            None => Ok(()), // of a newer Mesos
        }
    }

    fn name_of_enum<E: Error>(self, name: &str) -> Result<(), E> {
        let item = self.field.enumeration();
        let find = |name: &str| item.and_then(|item| item.by_name(name)).map(|value| value.number);
        let modern = || self.state.manner.modern(name, "SLAVE", "AGENT");
        let number = find(name).or_else(|| modern().and_then(|name| find(&name)));
        self.enum_value(number, Unexpected::Str(name))
    }

    fn map_entries<'de, A: MapAccess<'de>>(
        self,
        entry: &'static Message,
        mut map: A,
    ) -> Result<(), A::Error> {
        let [key_field, value_field] = entry.fields else { return Err(self.refuse(Unexpected::Map)) };
        while let Some(key) = map.next_key::<String>()? {
            self.state.path.push(Segment::Key(key.clone()));
            let before = self.state.out.len();
            let open = self.state.out.open(self.field.number);
            Value { message: entry, field: key_field, in_array: false, state: self.state }.visit_str(&key)?;
            let without_value = self.state.out.len();
            map.next_value_seed(Value {
                message: entry,
                field: value_field,
                in_array: false,
                state: self.state,
            })?;
            if self.state.out.len() == without_value {
                self.state.out.truncate(before); // null: no such entry
            } else {
                self.state.out.close(open);
            }
            self.state.path.pop();
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        match self.field.message() {
            Some(child) if !child.is_map_entry => source.deserialize_newtype_struct(child.name, self),
            _ => source.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.field.label == Label::Repeated && !self.in_array {
            f.write_str("an array, each element ")?;
        }
        match self.field.kind {
            Kind::Double => f.write_str("a number"),
            Kind::Int32 => f.write_str("a whole number of 32 bits"),
            Kind::Int64 => f.write_str("a whole number of 64 bits"),
            Kind::Uint32 => f.write_str("a whole number from 0, of 32 bits"),
            Kind::Uint64 => f.write_str("a whole number from 0, of 64 bits"),
            Kind::Bool => f.write_str("true or false"),
            Kind::String => f.write_str("text"),
            Kind::Bytes => f.write_str("bytes as base64 text"),
            Kind::Enum => write!(f, "a name of {}", self.field.enumeration().map_or("", |item| item.name)),
            Kind::Message => write!(f, "an object, {}", self.field.message().map_or("", |child| child.name)),
        }
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        if self.field.kind != Kind::Bool {
            return Err(self.refuse(Unexpected::Bool(value)));
        }
        self.state.out.varint(self.field.number, u64::from(value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.integer(value.into(), Unexpected::Unsigned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.integer(value.into(), Unexpected::Signed(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.float(value, Unexpected::Float(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let (shown, manner) = (Unexpected::Str(text), self.state.manner);
        match self.field.kind {
            Kind::String => {
                self.state.out.string(self.field.number, text);
            }
            Kind::Bytes => match manner.bytes(text) {
                Some(bytes) => {
                    self.state.out.bytes(self.field.number, &bytes);
                }
                None => return Err(self.refuse(shown)),
            },
            Kind::Bool => match manner.boolean(text) {
                Some(value) => return self.visit_bool(value),
                None => return Err(self.refuse(shown)),
            },
            Kind::Enum => return self.name_of_enum(text),
            Kind::Message => return Err(self.refuse(shown)),
            _ => match manner.number(text) {
                Some(Number::Whole(value)) => return self.integer(value, shown),
                Some(Number::Float(value)) => return self.float(value, shown),
                None => return Err(self.refuse(shown)),
            },
        }
        Ok(())
    }

    /// Bytes as they are, or a message that is one already.
    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        match (self.field.kind, self.field.message()) {
            (Kind::Bytes, _) => {}
            (_, Some(child)) if validate(child, bytes).is_ok() => {
                if let Some(path) = (!is_complete(child, bytes)).then(|| missing(child, bytes)).flatten() {
                    return Err(lacks(child, &path));
                }
            }
            _ => return Err(self.refuse(Unexpected::Bytes(bytes))),
        }
        self.state.out.bytes(self.field.number, bytes);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let is_map = self.field.message().is_some_and(|child| child.is_map_entry);
        // Mesos does not look at how arrays are nested, and takes one of maps for a map.
        let is_plain = !self.in_array && !is_map;
        if self.field.label != Label::Repeated || !(is_plain || self.state.manner == Manner::Mesos) {
            return Err(self.refuse(Unexpected::Seq));
        }
        for index in 0.. {
            self.state.path.push(Segment::Index(index));
            let element = Value { in_array: true, state: self.state, ..self };
            if elements.next_element_seed(element)?.is_none() {
                self.state.path.pop();
                break;
            }
            self.state.path.pop();
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Some(child) = self.field.message() else { return Err(self.refuse(Unexpected::Map)) };
        if child.is_map_entry {
            return self.map_entries(child, map);
        }
        let Some(depth) = self.state.depth.checked_sub(1) else {
            return Err(A::Error::custom(format_args!("more than {MAX_DEPTH} levels of nesting")));
        };
        let before = std::mem::replace(&mut self.state.depth, depth);
        let open = self.state.out.open(self.field.number);
        Object { message: child, state: self.state }.visit_map(map)?;
        self.state.out.close(open);
        self.state.depth = before;
        Ok(())
    }
}
