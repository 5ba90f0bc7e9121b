//! The schema itself: the tables that build.rs wrote from `proto/`, and what finds a message in them by name.
//!
//! # Invariants
//! * `MESSAGES` and `ENUMS` are sorted by full name; map entries and `google.protobuf.Duration` are among them.

use super::table::{Default, Enum, EnumValue, Field, Kind, Label, Message};

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

/// The message with this full name, `mesos.v1.TaskInfo`.
pub(crate) fn find(name: &str) -> Option<&'static Message> {
    MESSAGES.binary_search_by(|message| message.name.cmp(name)).ok().map(|id| &MESSAGES[id])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_ids_and_names_are_found() {
        for (id, message) in MESSAGES.iter().enumerate() {
            assert_eq!(usize::from(message.id), id);
            assert!(std::ptr::eq(find(message.name).unwrap(), message), "{}", message.name);
        }
        for (id, item) in ENUMS.iter().enumerate() {
            assert_eq!(usize::from(item.id), id);
        }
        assert!(find("mesos.v1.Nothing").is_none());
        assert!(
            MESSAGES.is_sorted_by_key(|message| message.name) && ENUMS.is_sorted_by_key(|item| item.name)
        );
    }

    #[test]
    fn presence_is_one_word() {
        assert_eq!(Bits::BITS, 64, "a wider one costs every message memory: think before the 65th field");
    }

    #[test]
    fn constants_name_messages_and_fields() {
        assert_eq!(msg::OFFER_OPERATION.name, "mesos.v1.Offer.Operation");
        assert_eq!(msg::SCHEDULER_CALL.name, "mesos.v1.scheduler.Call");
        assert_eq!(msg::GOOGLE_PROTOBUF_DURATION.name, "google.protobuf.Duration");
        assert_eq!(
            msg::FRAMEWORK_ID.fields[msg::FRAMEWORK_ID.index_of(field::framework_id::VALUE).unwrap()].name,
            "value"
        );
    }

    #[test]
    fn fields_lead_to_what_they_hold() {
        for message in &MESSAGES {
            assert!(message.fields.is_sorted_by_key(|field| field.number), "{}", message.name);
            for (index, field) in message.fields.iter().enumerate() {
                assert_eq!(message.index_of(field.number), Some(index));
                assert_eq!(message.index_named(field.name), Some(index));
                assert_eq!(field.message().is_some(), field.kind == Kind::Message);
                assert_eq!(field.enumeration().is_some(), field.kind == Kind::Enum);
                assert_eq!(message.required >> index & 1 == 1, field.label == Label::Required);
                assert!(field.oneof.is_none_or(|oneof| usize::from(oneof) < message.oneofs.len()));
            }
        }
    }

    #[test]
    fn defaults_are_those_of_the_schema() {
        let default = |message: &Message, name| message.fields[message.index_named(name).unwrap()].default;
        assert_eq!(default(msg::FILTERS, "refuse_seconds"), Default::Double(5.0));
        assert_eq!(default(msg::COMMAND_INFO, "shell"), Default::Bool(true));
        assert_eq!(default(msg::MASTER_INFO, "port"), Default::Uint(5050));
        assert_eq!(default(msg::FRAMEWORK_INFO, "role"), Default::Str("*"));
        assert_eq!(default(msg::TASK_STATUS, "state"), Default::Int(6), "the first value, which is not 0");
        assert_eq!(default(msg::TASK_STATUS, "data"), Default::Bytes(b""));
        assert_eq!(default(msg::TASK_STATUS, "labels"), Default::None);
    }

    #[test]
    fn maps_are_repeated_entries() {
        let limits = msg::TASK_INFO.fields.iter().find(|field| field.name == "limits").unwrap();
        assert_eq!(limits.label, Label::Repeated);
        let entry = limits.message().unwrap();
        assert!(entry.is_map_entry);
        assert_eq!(entry.fields.iter().map(|field| field.name).collect::<Vec<_>>(), ["key", "value"]);
    }

    #[test]
    fn enums_are_closed() {
        let states =
            msg::TASK_STATUS.fields[msg::TASK_STATUS.index_named("state").unwrap()].enumeration().unwrap();
        assert!(states.contains(0) && states.contains(13) && !states.contains(14) && !states.contains(-1));
        assert_eq!(states.by_number(1).unwrap().name, "TASK_RUNNING");
        assert_eq!(states.by_name("TASK_LOST").unwrap().number, 5);
    }
}
