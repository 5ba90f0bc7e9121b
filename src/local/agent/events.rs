//! The events of the executor API, each with the fields that Mesos sets in it.

use crate::proto::mesos::v1::executor::Event;
use crate::proto::mesos::v1::executor::event::{
    Acknowledged, Kill, Launch, LaunchGroup, Message, Subscribed, Type,
};
use crate::proto::mesos::v1::{KillPolicy, TaskGroupInfo, TaskId, TaskInfo};
use bytes::Bytes;

fn event(r#type: Type) -> Event {
    let mut event = Event::default();
    event.set_type(r#type);
    event
}

pub(super) fn subscribed(subscribed: Subscribed) -> Event {
    Event { subscribed: Some(Box::new(subscribed)), ..event(Type::Subscribed) }
}

pub(super) fn launch(task: TaskInfo) -> Event {
    Event { launch: Some(Launch { task: Box::new(task) }), ..event(Type::Launch) }
}

pub(super) fn launch_group(tasks: Vec<TaskInfo>) -> Event {
    let group = LaunchGroup { task_group: TaskGroupInfo { tasks } };
    Event { launch_group: Some(group), ..event(Type::LaunchGroup) }
}

pub(super) fn kill(task: &str, kill_policy: Option<KillPolicy>) -> Event {
    let kill = Kill { task_id: TaskId { value: task.into() }, kill_policy };
    Event { kill: Some(Box::new(kill)), ..event(Type::Kill) }
}

pub(super) fn acknowledged(task_id: TaskId, uuid: Bytes) -> Event {
    Event { acknowledged: Some(Box::new(Acknowledged { task_id, uuid })), ..event(Type::Acknowledged) }
}

pub(super) fn message(data: Bytes) -> Event {
    Event { message: Some(Message { data }), ..event(Type::Message) }
}

pub(super) fn shutdown() -> Event {
    event(Type::Shutdown)
}

pub(super) fn heartbeat() -> Event {
    event(Type::Heartbeat)
}
