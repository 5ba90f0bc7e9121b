//! JSON as Mesos writes it for operators: with more in it than there is in the message.
//!
//! # Invariants
//! * Lists of the state are there although they are empty, and fields that have a default in the schema although they are
//!   unset: tools look into them without asking.

use crate::wire::json::Encoded;
use crate::wire::{self, Default, Field, Message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// A field with a message, and the lists in it that Mesos writes in JSON although they are empty.
type Lists = (&'static str, &'static [&'static str]);

const MASTER_LISTS: [Lists; 4] = [
    ("get_tasks", &["tasks", "unreachable_tasks", "completed_tasks"]),
    ("get_executors", &["executors"]),
    ("get_frameworks", &["frameworks", "completed_frameworks"]),
    ("get_agents", &["agents", "recovered_agents"]),
];
const AGENT_LISTS: [Lists; 3] = [
    (
        "get_tasks",
        &["pending_tasks", "queued_tasks", "launched_tasks", "terminated_tasks", "completed_tasks"],
    ),
    ("get_executors", &["executors", "completed_executors"]),
    ("get_frameworks", &["frameworks", "completed_frameworks"]),
];

/// A message as JSON, in the way of its API.
pub(crate) fn json(message: &'static Message, bytes: &[u8]) -> Vec<u8> {
    let lists: &[Lists] = match message.name {
        "mesos.v1.master.Response" | "mesos.v1.master.Event" => &MASTER_LISTS,
        "mesos.v1.agent.Response" => &AGENT_LISTS,
        _ => &[],
    };
    let mut text = Vec::with_capacity(bytes.len() * 2);
    if lists.is_empty() {
        wire::json::encode(message, bytes, &mut text);
        return text;
    }
    let value = serde_json::to_value(Encoded { message, bytes }).map(|mut value| {
        fill(&mut value, lists);
        complete(&mut value, message);
        value
    });
    let written = value.and_then(|value| serde_json::to_writer(&mut text, &value));
    debug_assert!(written.is_ok(), "neither the values nor a Vec can fail");
    text
}

fn fill(value: &mut Value, lists: &[Lists]) {
    for (key, child) in value.as_object_mut().into_iter().flatten() {
        if matches!(key.as_str(), "subscribed" | "get_state") {
            fill(child, lists);
        }
        let named = lists.iter().find(|(name, _)| name == key).map_or(&[][..], |(_, names)| names);
        for name in named {
            if let Some(child) = child.as_object_mut() {
                child.entry(*name).or_insert_with(|| Value::Array(Vec::new()));
            }
        }
    }
}

/// Puts the defaults in that the schema has, at every level.
fn complete(value: &mut Value, message: &'static Message) {
    let Some(level) = value.as_object_mut() else { return };
    for field in message.fields {
        match (level.get_mut(field.name), field.message()) {
            (Some(Value::Array(children)), Some(child)) => {
                children.iter_mut().for_each(|value| complete(value, child));
            }
            (Some(value), Some(child)) if !field.is_map => complete(value, child),
            (None, None) if field.has_default && !field.deprecated => put_default(level, field),
            _ => {}
        }
    }
}

fn put_default(level: &mut Map<String, Value>, field: &Field) {
    let value = match field.default {
        Default::None => return,
        Default::Bool(value) => value.into(),
        Default::Int(number) => match field.enumeration() {
            Some(item) => match i32::try_from(number).ok().and_then(|number| item.by_number(number)) {
                Some(value) => value.name.into(),
                None => return,
            },
            None => number.into(),
        },
        Default::Uint(number) => number.into(),
        Default::Double(number) => number.into(),
        Default::Str(text) => text.into(),
        Default::Bytes(bytes) => STANDARD.encode(bytes).into(),
    };
    level.insert(field.name.into(), value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::master::{Response, response};
    use crate::proto::mesos::v1::{CommandInfo, ExecutorInfo};
    use crate::wire::msg;
    use prost::Message as _;

    #[test]
    fn empty_lists_and_defaults_are_there() {
        let command = CommandInfo { value: Some("x".into()), ..CommandInfo::default() };
        let executor_info =
            Box::new(ExecutorInfo { command: Some(Box::new(command)), ..ExecutorInfo::default() });
        let executor = response::get_executors::Executor {
            executor_info,
            ..response::get_executors::Executor::default()
        };
        let executors =
            response::GetExecutors { executors: vec![executor], ..response::GetExecutors::default() };
        let state = response::GetState {
            get_executors: Some(Box::new(executors)),
            get_tasks: Some(Box::default()),
            ..response::GetState::default()
        };
        let message = Response { get_state: Some(Box::new(state)), ..Response::default() };
        let text = json(msg::MASTER_RESPONSE, &message.encode_to_vec());
        let value: Value = serde_json::from_slice(&text).unwrap();
        let tasks = &value["get_state"]["get_tasks"];
        assert_eq!(tasks, &serde_json::json!({"tasks": [], "unreachable_tasks": [], "completed_tasks": []}));
        let command = &value["get_state"]["get_executors"]["executors"][0]["executor_info"]["command"];
        assert_eq!(command, &serde_json::json!({"shell": true, "value": "x"}));
    }

    #[test]
    fn other_messages_are_as_they_are() {
        let command = CommandInfo { value: Some("x".into()), ..CommandInfo::default() };
        assert_eq!(json(msg::COMMAND_INFO, &command.encode_to_vec()), br#"{"value":"x"}"#);
    }
}
