//! Messages as the plain endpoints write them: JSON of their own, older than the v1 API, with some messages in it.
//!
//! # Invariants
//! * The names are those of Mesos' endpoints; an agent is a slave there.
//! * What is text by nature is there although it is empty; what is optional is left out.

use crate::local::resources;
use crate::proto::mesos::v1::{
    CommandInfo, ContainerStatus, ExecutorInfo, Labels, Resource, Task, TaskStatus, TimeInfo,
};
use crate::wire::json::Encoded;
use crate::wire::resources::{Item, Quantity, number};
use crate::wire::{Message, msg};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) type Object = Map<String, Value>;

/// A message as it is.
pub(super) fn message(schema: &'static Message, message: &impl prost::Message) -> Value {
    let bytes = message.encode_to_vec();
    // Neither what was encoded here nor an object in memory can fail.
    serde_json::to_value(Encoded { message: schema, bytes: &bytes }).unwrap_or_default()
}

/// Puts in what there is.
pub(super) fn put(object: &mut Object, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(name.into(), value.into());
    }
}

/// An object's fields.
pub(super) fn fields(value: Value) -> Object {
    if let Value::Object(object) = value { object } else { Object::new() }
}

/// Seconds since 1970; 0 is never.
pub(super) fn seconds(time: Option<&TimeInfo>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "so does Mesos")]
    time.map_or(0.0, |time| time.nanoseconds as f64 / 1e9)
}

/// How much of each there is: scalars as numbers, the four that everybody asks for in any case, all else as text.
pub(super) fn amounts(list: &[Resource]) -> Value {
    let mut numbers: BTreeMap<String, i64> =
        ["cpus", "disk", "gpus", "mem"].map(|name| (name.to_owned(), 0)).into();
    let mut others = resources::Resources::default();
    for item in resources::of(list).items() {
        match item.quantity {
            Quantity::Scalar(thousandths) => {
                let suffix = if item.kind.revocable { "_revocable" } else { "" };
                *numbers.entry(format!("{}{suffix}", item.kind.name)).or_default() += thousandths;
            }
            // Reserved or not, and for whomever, it is the same range or set.
            _ => others.put(Item::plain(&item.kind.name, item.quantity.clone())),
        }
    }
    let mut object: Object =
        numbers.into_iter().map(|(name, thousandths)| (name, number(thousandths).into())).collect();
    for item in others.items() {
        object.insert(item.kind.name.clone(), item.quantity.to_string().into());
    }
    object.into()
}

/// How much of each there is, as numbers; what there is none of is left out.
pub(super) fn quantities<'a>(list: impl IntoIterator<Item = &'a Resource>) -> Value {
    let list: Vec<Resource> = list.into_iter().cloned().collect();
    let mut totals: BTreeMap<String, i64> = BTreeMap::new();
    for item in resources::of(&list).items() {
        let thousandths = match &item.quantity {
            Quantity::Scalar(thousandths) => *thousandths,
            Quantity::Ranges(ranges) => {
                let count: u64 = ranges.iter().map(|range| range.1 - range.0 + 1).sum();
                i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(1000)
            }
            Quantity::Set(items) => i64::try_from(items.len()).unwrap_or(i64::MAX).saturating_mul(1000),
        };
        *totals.entry(item.kind.name.clone()).or_default() += thousandths;
    }
    let numbers = totals.into_iter().map(|(name, thousandths)| (name, number(thousandths).into()));
    Value::Object(numbers.collect())
}

/// As messages.
pub(super) fn full(list: &[Resource]) -> Value {
    list.iter().map(|resource| message(msg::RESOURCE, resource)).collect()
}

/// For which role it is reserved, by whichever way it says so.
pub(super) fn reserved_for(resource: &Resource) -> Option<&str> {
    resource.reservations.last().map(|reservation| reservation.role())
}

/// What is reserved, by role, and what is not.
pub(super) fn parted(list: &[Resource]) -> (BTreeMap<&str, Vec<Resource>>, Vec<Resource>) {
    let (mut reserved, mut unreserved) = (BTreeMap::<&str, Vec<Resource>>::new(), Vec::new());
    for resource in list {
        match reserved_for(resource) {
            Some(role) => reserved.entry(role).or_default().push(resource.clone()),
            None => unreserved.push(resource.clone()),
        }
    }
    (reserved, unreserved)
}

/// The same of each role.
pub(super) fn by_role(reserved: &BTreeMap<&str, Vec<Resource>>, write: fn(&[Resource]) -> Value) -> Value {
    Value::Object(reserved.iter().map(|(role, list)| ((*role).to_owned(), write(list))).collect())
}

pub(super) fn labels(labels: &Labels) -> Value {
    labels.labels.iter().map(|label| message(msg::LABEL, label)).collect()
}

/// The role that resources are allocated to. No task or executor mixes them.
fn role(list: &[Resource]) -> Option<&str> {
    list.first().map(|first| first.allocation_info.as_ref().map_or("*", |allocation| allocation.role()))
}

pub(super) fn task(task: &Task) -> Value {
    let mut object = fields(json!({
        "id": task.task_id.value,
        "name": task.name,
        "framework_id": task.framework_id.value,
        "executor_id": task.executor_id.as_ref().map_or("", |id| &id.value),
        "slave_id": task.agent_id.value,
        "state": task.state().as_str_name(),
        "resources": amounts(&task.resources),
        "statuses": task.statuses.iter().map(status).collect::<Value>(),
    }));
    put(&mut object, "role", role(&task.resources));
    put(&mut object, "user", task.user.as_deref());
    put(&mut object, "labels", task.labels.as_ref().map(labels));
    put(&mut object, "discovery", task.discovery.as_deref().map(|it| message(msg::DISCOVERY_INFO, it)));
    put(&mut object, "container", task.container.as_deref().map(|it| message(msg::CONTAINER_INFO, it)));
    put(&mut object, "health_check", task.health_check.as_deref().map(|it| message(msg::HEALTH_CHECK, it)));
    object.into()
}

fn status(status: &TaskStatus) -> Value {
    let mut object = fields(json!({
        "state": status.state().as_str_name(),
        "timestamp": status.timestamp(),
    }));
    put(&mut object, "labels", status.labels.as_ref().map(labels));
    put(&mut object, "container_status", status.container_status.as_deref().map(container_status));
    put(&mut object, "healthy", status.healthy);
    object.into()
}

/// Without the process, which is not for everybody.
fn container_status(status: &ContainerStatus) -> Value {
    let mut object = fields(message(msg::CONTAINER_STATUS, status));
    object.remove("executor_pid");
    object.into()
}

pub(super) fn executor(executor: &ExecutorInfo) -> Object {
    let mut object = fields(json!({
        "executor_id": executor.executor_id.value,
        "name": executor.name(),
        "framework_id": executor.framework_id.as_ref().map_or("", |id| &id.value),
        "command": executor.command.as_deref().map_or_else(|| command(&CommandInfo::default()), command),
        "resources": amounts(&executor.resources),
    }));
    put(&mut object, "role", role(&executor.resources));
    put(&mut object, "labels", executor.labels.as_ref().map(labels));
    put(&mut object, "type", executor.r#type.map(|_| executor.r#type().as_str_name()));
    object
}

fn command(command: &CommandInfo) -> Value {
    let uris = command.uris.iter().map(|uri| json!({"value": uri.value, "executable": uri.executable()}));
    let mut object = fields(json!({"argv": command.arguments, "uris": uris.collect::<Value>()}));
    put(&mut object, "shell", command.shell);
    put(&mut object, "value", command.value.as_deref());
    put(&mut object, "environment", command.environment.as_ref().map(|it| message(msg::ENVIRONMENT, it)));
    object.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::{ExecutorId, TaskState};

    fn parse(text: &str) -> Vec<Resource> {
        let all = resources::parse(text).unwrap();
        crate::local::operator::with_role(resources::to_proto(&all, "r"))
    }

    #[test]
    fn amounts_have_the_four_and_what_there_is() {
        let some = parse("cpus:0.3;cpus(a):1;ports:[5-6,1-2];ports(a):[3-3];devices:{x,y};gpus:2");
        let expected = json!({
            "cpus": 1.3, "disk": 0.0, "gpus": 2.0, "mem": 0.0, "devices": "{x, y}", "ports": "[1-3, 5-6]",
        });
        assert_eq!(amounts(&some), expected);
        assert_eq!(amounts(&[]), json!({"cpus": 0.0, "disk": 0.0, "gpus": 0.0, "mem": 0.0}));
        assert_eq!(quantities(&some), json!({"cpus": 1.3, "devices": 2.0, "gpus": 2.0, "ports": 5.0}));
    }

    #[test]
    fn what_is_reserved_is_told_apart() {
        let some = parse("cpus:2;cpus(a):1;mem(b):64");
        let (reserved, unreserved) = parted(&some);
        assert_eq!(reserved.keys().copied().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(
            by_role(&reserved, |list| quantities(list)),
            json!({"a": {"cpus": 1.0}, "b": {"mem": 64.0}})
        );
        assert_eq!(quantities(&unreserved), json!({"cpus": 2.0}));
    }

    #[test]
    fn a_task_has_what_is_known_of_it() {
        let mut known = Task { name: "n".into(), resources: parse("cpus:1"), ..Task::default() };
        known.set_state(TaskState::TaskRunning);
        let bare = fields(task(&known));
        assert_eq!((&bare["executor_id"], &bare["role"]), (&json!(""), &json!("r")));
        assert!(!bare.contains_key("labels") && !bare.contains_key("user"));
        known.executor_id = Some(ExecutorId { value: "e".into() });
        known.user = Some("u".into());
        let mut status = TaskStatus { healthy: Some(false), timestamp: Some(2.5), ..TaskStatus::default() };
        status.set_state(TaskState::TaskRunning);
        status.container_status =
            Some(Box::new(ContainerStatus { executor_pid: Some(7), ..ContainerStatus::default() }));
        known.statuses.push(status);
        let object = fields(task(&known));
        assert_eq!((&object["executor_id"], &object["user"]), (&json!("e"), &json!("u")));
        let expected =
            json!([{"state": "TASK_RUNNING", "timestamp": 2.5, "healthy": false, "container_status": {}}]);
        assert_eq!(object["statuses"], expected);
    }
}
