//! Protobuf as bytes: the schema as tables, the validating scan, and Mesos' JSON dialect. Pure Rust.
//!
//! Backends, the embedded cluster and the message classes all stand on this one library; nothing else in
//! the project knows how a tag or a varint looks, and there is no second JSON codec.
//!
//! `validate` is for whatever comes in, `missing` for what must be complete too. After it `spans` walks a level by the schema (for the message classes),
//! `fields` by number (for Rust code that wants a few of them). `Writer` puts messages together. `resources` computes
//! with what offers and tasks hold.
//!
//! `msg` and `field` name the schema for Rust code: words are separated by `_`, `mesos.v1.` is left out.
//! `mesos.v1.Offer.Operation` is `msg::OFFER_OPERATION`, `mesos.v1.scheduler.Call.Accept` is
//! `msg::SCHEDULER_CALL_ACCEPT`, and the number of its `offer_ids` is `field::scheduler_call_accept::OFFER_IDS`.

mod input;
pub(crate) mod json;
mod reader;
mod required;
pub(crate) mod resources;
#[cfg(test)]
pub(crate) mod samples;
mod scan;
pub(crate) mod schema;
mod similar;
mod spans;
mod table;
mod writer;

pub(crate) use reader::{Value, every_bytes, fields, last_bytes, last_bytes_of, last_varint};
pub(crate) use required::{is_complete, missing};
pub(crate) use scan::validate;
pub(crate) use schema::{Bits, ENUMS, MESSAGES, field, msg};
pub(crate) use similar::similar;
pub(crate) use spans::{Span, double, packed, spans, varint};
pub(crate) use table::{Default, Enum, Field, Kind, Label, Message};
pub(crate) use writer::Writer;
