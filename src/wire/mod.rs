//! Protobuf as bytes: the schema as tables, the validating scan, and Mesos' JSON dialect. Pure Rust.
//!
//! Backends, the embedded cluster and the message classes all stand on this one library; nothing else in
//! the project knows how a tag or a varint looks, and there is no second JSON codec.
//!
//! `msg` and `field` name the schema for Rust code: words are separated by `_`, `mesos.v1.` is left out.
//! `mesos.v1.Offer.Operation` is `msg::OFFER_OPERATION`, `mesos.v1.scheduler.Call.Accept` is
//! `msg::SCHEDULER_CALL_ACCEPT`, and the number of its `offer_ids` is `field::scheduler_call_accept::OFFER_IDS`.

pub(crate) mod schema;
mod table;

pub(crate) use schema::{ENUMS, MESSAGES, field, msg};
pub(crate) use table::{Default, Enum, EnumValue, Field, Kind, Label, Message};
