//! The schema: one `Message` for each protobuf message, one `Enum` for each enum, as static tables.
//!
//! build.rs writes the values from `proto/`; this file says what they are.
//!
//! # Invariants
//! * `Message::fields` is sorted by field number, holds at most 64 fields (presence is one `u64`), and a
//!   field's index in it never changes while the process lives.
//! * `Message::id` and `Enum::id` are the positions in the two tables.

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
    pub(crate) default: Default,
    pub(crate) deprecated: bool,
    /// the comment in the .proto file
    pub(crate) doc: &'static str,
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
    pub(crate) required: u64,
    /// the comment in the .proto file
    pub(crate) doc: &'static str,
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
}

/// One value of an enum.
#[derive(Debug)]
pub(crate) struct EnumValue {
    pub(crate) name: &'static str,
    pub(crate) number: i32,
    /// the comment in the .proto file
    pub(crate) doc: &'static str,
}
