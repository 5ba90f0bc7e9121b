//! The schema: one `Message` for each protobuf message, one `Enum` for each enum, as static tables.
//!
//! build.rs writes the values from `proto/`; this file says what they are.
//!
//! # Invariants
//! * `Message::fields` is sorted by field number, holds no more fields than `Bits` has bits, and a field's
//!   index in it never changes while the process lives.
//! * `Message::id` and `Enum::id` are the positions in the two tables.
//! * Field numbers are below `NUMBERS`, so that a field is found by number in an array. build.rs chooses both by
//!   the schema, and refuses one that is out of proportion.

use super::schema::{Bits, ENUMS, MESSAGES, NUMBERS};

/// How a field's value is encoded and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Double,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Bool,
    String,
    Bytes,
    /// a closed enum: `Field::child` is its id
    Enum,
    /// `Field::child` is the id of the message
    Message,
}

impl Kind {
    /// The wire type of one value: 0 varint, 1 eight bytes, 2 length-delimited. No kind of the schema has another.
    pub(crate) const fn wire_type(self) -> u8 {
        match self {
            Kind::Double => 1,
            Kind::String | Kind::Bytes | Kind::Message => 2,
            _ => 0,
        }
    }

    /// Whether a repeated field of this kind may come packed: several values in one length-delimited field.
    pub(crate) const fn is_packable(self) -> bool {
        self.wire_type() != 2
    }
}

/// proto2 labels. A map is a repeated message whose `Message::is_map_entry` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Optional,
    Required,
    Repeated,
}

/// What an unset field reads as.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Default {
    /// messages and repeated fields have none
    None,
    Bool(bool),
    /// all signed integers, and enums (by number)
    Int(i64),
    Uint(u64),
    Double(f64),
    Str(&'static str),
    Bytes(&'static [u8]),
}

/// One field of a message.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) label: Label,
    /// the id of the message or enum; 0 for other kinds
    pub(crate) child: u16,
    /// index into `Message::oneofs`
    pub(crate) oneof: Option<u8>,
    /// whether its messages are the entries of a map
    pub(crate) is_map: bool,
    pub(crate) default: Default,
    /// whether the .proto file says it, or only its type
    pub(crate) has_default: bool,
    /// the place among the message's fields in the .proto file
    pub(crate) declared: u8,
    pub(crate) deprecated: bool,
    /// the comment in the .proto file
    pub(crate) doc: &'static str,
}

impl Field {
    /// The message that a field of kind `Message` holds.
    pub(crate) fn message(&self) -> Option<&'static Message> {
        if self.kind == Kind::Message { MESSAGES.get(usize::from(self.child)) } else { None }
    }

    /// The enum whose values a field of kind `Enum` holds.
    pub(crate) fn enumeration(&self) -> Option<&'static Enum> {
        if self.kind == Kind::Enum { ENUMS.get(usize::from(self.child)) } else { None }
    }

    /// Whether what belongs into this field of `message` is a secret, or what somebody would put there who gets the
    /// levels wrong (the secret itself where a `Secret` is expected): no error text may quote it.
    pub(crate) fn is_secret(&self, message: &Message) -> bool {
        let holds_secrets = |child: &Message| match (child.is_map_entry, child.fields) {
            (true, [_, value]) => value.message().is_some_and(Message::is_secret),
            _ => child.is_secret(),
        };
        matches!(
            (message.name, self.name),
            ("mesos.v1.Credential", "secret") | ("mesos.v1.Secret.Value", "data")
        ) || self.message().is_some_and(holds_secrets)
    }

    /// The tag of one value: number and wire type in one.
    pub(crate) const fn tag(&self) -> u32 {
        self.number << 3 | self.kind.wire_type() as u32
    }
}

/// One protobuf message.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) id: u16,
    /// full name: `mesos.v1.TaskInfo`
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) oneofs: &'static [&'static str],
    pub(crate) is_map_entry: bool,
    /// bit i is set when `fields[i]` is required
    pub(crate) required: Bits,
    /// the comment in the .proto file
    pub(crate) doc: &'static str,
    /// the required fields, and the value of a map entry: without one, what an empty message lacks is missing
    pub(super) expected: Bits,
    /// what to do at a tag of one byte, by that byte: fields 1 to 15 in the wire type of their kind
    pub(super) steps: [Step; 128],
    /// index + 1 of the field by its number; 0 = no such field
    by_number: [u8; NUMBERS],
}

/// What the scan does at one tag byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) act: Act,
    /// index of the field
    pub(super) field: u8,
    /// id of the field's message or enum
    pub(super) child: u16,
}

impl Step {
    pub(super) const SLOW: Step = Step { act: Act::Slow, field: 0, child: 0 };
}

/// The ways on from a tag byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// not a known field in its own wire type, a map, or a longer tag: read the tag and look
    Slow,
    Varint,
    /// a varint that is a value of a closed enum, or else an unknown field
    Enum,
    Fixed64,
    Bytes,
    Message,
}

impl Message {
    /// Whether it is there to hold a secret.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.name, "mesos.v1.Credential" | "mesos.v1.Secret" | "mesos.v1.Secret.Value")
    }

    /// Derives from the fields, while the crate compiles, what the scan looks up.
    pub(super) const fn new(
        id: u16,
        name: &'static str,
        fields: &'static [Field],
        oneofs: &'static [&'static str],
        is_map_entry: bool,
        doc: &'static str,
    ) -> Self {
        let mut steps = [Step::SLOW; 128];
        let mut by_number = [0; NUMBERS];
        let mut required = 0;
        let mut index = 0;
        while index < fields.len() {
            let field = &fields[index];
            by_number[field.number as usize] = index as u8 + 1;
            if matches!(field.label, Label::Required) {
                required |= 1 << index;
            }
            // an entry of a map is looked into
            if field.number < 16 && !field.is_map {
                let act = match field.kind {
                    Kind::Double => Act::Fixed64,
                    Kind::String | Kind::Bytes => Act::Bytes,
                    Kind::Message => Act::Message,
                    Kind::Enum => Act::Enum,
                    _ => Act::Varint,
                };
                steps[field.tag() as usize] = Step { act, field: index as u8, child: field.child };
            }
            index += 1;
        }
        let expected = if is_map_entry { required | 2 } else { required };
        Message { id, name, fields, oneofs, is_map_entry, required, doc, expected, steps, by_number }
    }

    /// The index in `fields` of the field with this number.
    pub(crate) fn index_of(&self, number: u32) -> Option<usize> {
        match self.by_number.get(number as usize) {
            None | Some(0) => None,
            Some(index) => Some(usize::from(*index) - 1),
        }
    }

    /// The index in `fields` of the field with this name.
    pub(crate) fn index_named(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}

/// One protobuf enum.
#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) id: u16,
    /// full name: `mesos.v1.TaskState`
    pub(crate) name: &'static str,
    /// in the order of the .proto file, aliases included
    pub(crate) values: &'static [EnumValue],
    /// the comment in the .proto file
    pub(crate) doc: &'static str,
    /// bit n is set when n is a value's number
    small: u64,
}

impl Enum {
    pub(super) const fn new(
        id: u16,
        name: &'static str,
        values: &'static [EnumValue],
        doc: &'static str,
    ) -> Self {
        let mut small = 0;
        let mut index = 0;
        while index < values.len() {
            let number = values[index].number;
            if number >= 0 && number < 64 {
                small |= 1 << number;
            }
            index += 1;
        }
        Enum { id, name, values, doc, small }
    }

    /// Whether a value has this number. Others count as unknown fields: the enums of proto2 are closed.
    pub(crate) fn contains(&self, number: i32) -> bool {
        if (0..64).contains(&number) {
            self.small >> number & 1 == 1
        } else {
            self.by_number(number).is_some()
        }
    }

    /// The (first) value with this number.
    pub(crate) fn by_number(&self, number: i32) -> Option<&'static EnumValue> {
        self.values.iter().find(|value| value.number == number)
    }

    /// The value with this name.
    pub(crate) fn by_name(&self, name: &str) -> Option<&'static EnumValue> {
        self.values.iter().find(|value| value.name == name)
    }
}

/// One value of an enum.
#[derive(Debug)]
pub(crate) struct EnumValue {
    pub(crate) name: &'static str,
    pub(crate) number: i32,
    /// the comment in the .proto file
    pub(crate) doc: &'static str,
}
