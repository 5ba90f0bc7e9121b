//! Protobuf as bytes: the schema as tables, the validating scan, and Mesos' JSON dialect. Pure Rust.
//!
//! Backends, the embedded cluster and the message classes all stand on this one library; nothing else in
//! the project knows how a tag or a varint looks, and there is no second JSON codec.

mod table;

pub(crate) use table::{Default, Enum, EnumValue, Field, Kind, Label, Message};
