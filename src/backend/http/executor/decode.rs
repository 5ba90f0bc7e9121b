//! Records of the stream, `mesos.v1.executor.Event`, to what the driver is told.
//!
//! # Invariants
//! * As for schedulers: a record is validated once, every part is a slice of it, what is not known is nothing.

use crate::backend::http::decode::{Said, part};
use crate::event::{Event, Placement};
use crate::proto::mesos::v1::executor::event::Type;
use crate::wire::field::{self as f, executor_event as n};
use crate::wire::{last_varint, msg, validate};
use bytes::Bytes;

/// Reads a record; the error says what is wrong with it.
pub(super) fn decode(record: &Bytes) -> Result<Said<Placement>, String> {
    validate(msg::EXECUTOR_EVENT, record).map_err(|error| error.to_string())?;
    let number = last_varint(record, n::TYPE).unwrap_or(0);
    let of_type =
        i32::try_from(number).ok().and_then(|number| Type::try_from(number).ok()).unwrap_or(Type::Unknown);
    tracing::trace!(target: "mesos.http", "event {}, {} bytes", of_type.as_str_name(), record.len());
    let Some(said) = read(of_type, record) else {
        if of_type == Type::Subscribed {
            return Err("SUBSCRIBED without executor, framework and agent".into());
        }
        tracing::warn!(target: "mesos.http", "ignored an incomplete event of type {}", of_type.as_str_name());
        return Ok(Said::Nothing);
    };
    Ok(said)
}

/// What a record of this type says; `None` if something is missing in it.
fn read(of_type: Type, record: &Bytes) -> Option<Said<Placement>> {
    use f::{executor_event_acknowledged as acknowledged, executor_event_kill as kill};
    use f::{executor_event_launch as launch, executor_event_launch_group as launch_group};
    Some(Said::Event(match of_type {
        Type::Subscribed => {
            let what = placement(&part(record, n::SUBSCRIBED)?)?;
            return Some(Said::Subscribed { what, heartbeat: None });
        }
        Type::Launch => Event::Launch(part(&part(record, n::LAUNCH)?, launch::TASK)?),
        Type::LaunchGroup => {
            Event::LaunchGroup(part(&part(record, n::LAUNCH_GROUP)?, launch_group::TASK_GROUP)?)
        }
        Type::Kill => {
            let body = part(record, n::KILL)?;
            Event::Kill { task_id: part(&body, kill::TASK_ID)?, kill_policy: part(&body, kill::KILL_POLICY) }
        }
        Type::Acknowledged => {
            let body = part(record, n::ACKNOWLEDGED)?;
            let (task_id, uuid) = (part(&body, acknowledged::TASK_ID)?, part(&body, acknowledged::UUID)?);
            return Some(Said::Acknowledged { task_id, uuid });
        }
        Type::Message => {
            Event::SchedulerMessage(part(&part(record, n::MESSAGE)?, f::executor_event_message::DATA)?)
        }
        Type::Error => {
            let words = part(&part(record, n::ERROR)?, f::executor_event_error::MESSAGE).unwrap_or_default();
            return Some(Said::Error(String::from_utf8_lossy(&words).into_owned()));
        }
        Type::Shutdown => Event::Shutdown,
        Type::Heartbeat | Type::Unknown => return Some(Said::Nothing),
    }))
}

fn placement(body: &Bytes) -> Option<Placement> {
    use f::executor_event_subscribed as n;
    Some(Placement {
        executor_info: part(body, n::EXECUTOR_INFO)?,
        framework_info: part(body, n::FRAMEWORK_INFO)?,
        agent_info: part(body, n::AGENT_INFO)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::{self, executor as e};
    use crate::wire::samples;
    use prost::Message;

    fn said(event: &e::Event) -> Said<Placement> {
        decode(&event.encode_to_vec().into()).unwrap()
    }

    fn of(of_type: Type) -> e::Event {
        e::Event { r#type: Some(of_type as i32), ..Default::default() }
    }

    fn task(name: &str) -> v1::TaskInfo {
        v1::TaskInfo { task_id: v1::TaskId { value: name.into() }, ..Default::default() }
    }

    fn event(event: &e::Event) -> Event {
        match said(event) {
            Said::Event(event) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_event() {
        let launch = e::event::Launch { task: task("t").into() };
        let Event::Launch(found) = event(&e::Event { launch: Some(launch), ..of(Type::Launch) }) else {
            panic!()
        };
        assert_eq!(v1::TaskInfo::decode(found).unwrap(), task("t"));
        let tasks = v1::TaskGroupInfo { tasks: vec![task("a"), task("b")] };
        let group = e::event::LaunchGroup { task_group: tasks.clone() };
        let group = e::Event { launch_group: Some(group), ..of(Type::LaunchGroup) };
        let Event::LaunchGroup(found) = event(&group) else { panic!() };
        assert_eq!(v1::TaskGroupInfo::decode(found).unwrap(), tasks);
        let kill_policy = Some(v1::KillPolicy::default());
        let kill = e::event::Kill { task_id: task("t").task_id, kill_policy };
        let Event::Kill { task_id, kill_policy } =
            event(&e::Event { kill: Some(kill.into()), ..of(Type::Kill) })
        else {
            panic!()
        };
        assert_eq!((v1::TaskId::decode(task_id).unwrap().value.as_str(), kill_policy.is_some()), ("t", true));
        let message = e::event::Message { data: Bytes::from_static(b"\0x") };
        let Event::SchedulerMessage(data) = event(&e::Event { message: Some(message), ..of(Type::Message) })
        else {
            panic!()
        };
        assert_eq!(&data[..], b"\0x");
        assert!(matches!(event(&of(Type::Shutdown)), Event::Shutdown));
        let acknowledged =
            e::event::Acknowledged { task_id: task("t").task_id, uuid: Bytes::from_static(b"u") };
        let acknowledged = e::Event { acknowledged: Some(acknowledged.into()), ..of(Type::Acknowledged) };
        assert!(matches!(said(&acknowledged), Said::Acknowledged { uuid, .. } if &uuid[..] == b"u"));
        let error = e::event::Error { message: "why".into() };
        let error = said(&e::Event { error: Some(error), ..of(Type::Error) });
        assert!(matches!(error, Said::Error(why) if why == "why"));
        assert!(matches!(said(&of(Type::Heartbeat)), Said::Nothing));
    }

    #[test]
    fn nothing_that_arrives_panics() {
        let tasks = v1::TaskGroupInfo { tasks: vec![task("a"), task("b")] };
        let events = [
            e::Event { subscribed: Some(e::event::Subscribed::default().into()), ..of(Type::Subscribed) },
            e::Event {
                launch_group: Some(e::event::LaunchGroup { task_group: tasks }),
                ..of(Type::LaunchGroup)
            },
            e::Event { kill: Some(e::event::Kill::default().into()), ..of(Type::Kill) },
            e::Event {
                acknowledged: Some(e::event::Acknowledged::default().into()),
                ..of(Type::Acknowledged)
            },
        ];
        for event in events {
            samples::damaged(&event.encode_to_vec(), 20_000, |bytes| drop(decode(&bytes.into())));
        }
    }

    #[test]
    fn what_is_incomplete_is_nothing_but_for_a_subscription() {
        for of_type in [Type::Launch, Type::LaunchGroup, Type::Kill, Type::Acknowledged, Type::Message] {
            assert!(matches!(said(&of(of_type)), Said::Nothing), "{of_type:?}");
        }
        assert!(decode(&of(Type::Subscribed).encode_to_vec().into()).is_err());
        assert!(matches!(decode(&Bytes::from_static(b"\x08\x63")), Ok(Said::Nothing)), "an unknown type");
        assert!(decode(&Bytes::from_static(b"{\"type\":1}")).is_err());
    }
}
