//! prost structs of what drivers and the embedded cluster speak: `proto::mesos::v1`, its `scheduler`, `executor`,
//! `master` and `agent`.
//!
//! For the driver's and the embedded cluster's own state, and to look at what `validate` checks. A user's message never
//! goes through them: prost drops unknown fields, does not ask for required ones and refuses text that is not UTF-8;
//! `wire` carries it as bytes.
//! Only what their `Call`, `Event` and `Response` hold is here (build.rs says why); `bytes` fields are
//! `bytes::Bytes`, and larger messages are boxed.

#![allow(dead_code, unreachable_pub, clippy::all, reason = "generated, and as complete as the schema")]

include!(concat!(env!("OUT_DIR"), "/structs.rs"));
