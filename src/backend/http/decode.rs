//! Records of the stream, `mesos.v1.scheduler.Event`, to what the driver is told.
//!
//! # Invariants
//! * A record is validated once, as a whole; every part handed on is a slice of it.
//! * Types that this version does not know are nothing, as Mesos may add some, and a word at DEBUG; a type without
//!   the body that it needs is nothing too, with a WARNING.

use crate::event::Event;
use crate::proto::mesos::v1::scheduler::event::Type;
use crate::wire::field::{self as f, scheduler_event as n};
use crate::wire::{Value, fields, last_bytes, last_varint, msg, validate};
use bytes::Bytes;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What one record says; what SUBSCRIBED says depends on the API.
#[derive(Debug)]
pub(super) enum Said<S> {
    Subscribed {
        what: S,
        /// how often the server promises to say something
        heartbeat: Option<Duration>,
    },
    Event(Event),
    /// to an executor: the agent has this update
    Acknowledged {
        task_id: Bytes,
        uuid: Bytes,
    },
    /// the server's words
    Error(String),
    /// a heartbeat, or what is not known here
    Nothing,
}

/// The SUBSCRIBED of a scheduler.
#[derive(Debug, Clone)]
pub(super) struct Subscribed {
    /// `FrameworkID`
    pub(super) framework_id: Bytes,
    /// `MasterInfo`
    pub(super) master_info: Option<Bytes>,
}

/// Reads a record; the error says what is wrong with it.
pub(super) fn decode(record: &Bytes) -> Result<Said<Subscribed>, String> {
    validate(msg::SCHEDULER_EVENT, record).map_err(|error| error.to_string())?;
    let number = last_varint(record, n::TYPE).unwrap_or(0);
    let of_type =
        i32::try_from(number).ok().and_then(|number| Type::try_from(number).ok()).unwrap_or(Type::Unknown);
    tracing::trace!(target: "mesos.http", "event {}, {} bytes", of_type.as_str_name(), record.len());
    let Some(body) = body_of(of_type) else {
        if of_type == Type::Unknown {
            note_unknown(number);
        }
        return Ok(Said::Nothing);
    };
    let said = part(record, body).and_then(|body| read(of_type, &body));
    if said.is_none() {
        if of_type == Type::Subscribed {
            return Err("SUBSCRIBED without a framework id".into());
        }
        tracing::warn!(target: "mesos.http", "ignored an incomplete event of type {}", of_type.as_str_name());
    }
    Ok(said.unwrap_or(Said::Nothing))
}

/// Says what is ignored; of one type after another, only the first.
fn note_unknown(number: u64) {
    static LAST: AtomicU64 = AtomicU64::new(u64::MAX);
    if LAST.swap(number, Ordering::Relaxed) != number {
        tracing::debug!(target: "mesos.http", "ignored events of type {number}, which is not known here");
    }
}

/// The number of the field that an event of this type needs.
fn body_of(of_type: Type) -> Option<u32> {
    Some(match of_type {
        Type::Subscribed => n::SUBSCRIBED,
        Type::Offers => n::OFFERS,
        Type::InverseOffers => n::INVERSE_OFFERS,
        Type::Rescind => n::RESCIND,
        Type::RescindInverseOffer => n::RESCIND_INVERSE_OFFER,
        Type::Update => n::UPDATE,
        Type::UpdateOperationStatus => n::UPDATE_OPERATION_STATUS,
        Type::Message => n::MESSAGE,
        Type::Failure => n::FAILURE,
        Type::Error => n::ERROR,
        Type::Heartbeat | Type::Unknown => return None,
    })
}

/// What the body says; `None` if something is missing in it.
fn read(of_type: Type, body: &Bytes) -> Option<Said<Subscribed>> {
    use f::{scheduler_event_failure as failure, scheduler_event_message as message};
    use f::{scheduler_event_rescind as rescind, scheduler_event_rescind_inverse_offer as rescind_inverse};
    use f::{scheduler_event_subscribed as subscribed, scheduler_event_update as update};
    Some(Said::Event(match of_type {
        Type::Subscribed => {
            let framework_id = part(body, subscribed::FRAMEWORK_ID)?;
            let what = Subscribed { framework_id, master_info: part(body, subscribed::MASTER_INFO) };
            return Some(Said::Subscribed { what, heartbeat: heartbeat(body) });
        }
        Type::Offers => match parts(body, f::scheduler_event_offers::OFFERS) {
            offers if offers.is_empty() => return Some(Said::Nothing),
            offers => Event::Offers(offers),
        },
        Type::InverseOffers => match parts(body, f::scheduler_event_inverse_offers::INVERSE_OFFERS) {
            offers if offers.is_empty() => return Some(Said::Nothing),
            offers => Event::InverseOffers(offers),
        },
        Type::Rescind => Event::OfferRescinded(part(body, rescind::OFFER_ID)?),
        Type::RescindInverseOffer => {
            Event::InverseOfferRescinded(part(body, rescind_inverse::INVERSE_OFFER_ID)?)
        }
        Type::Update => Event::StatusUpdate(part(body, update::STATUS)?),
        Type::UpdateOperationStatus => {
            Event::OperationStatusUpdate(part(body, f::scheduler_event_update_operation_status::STATUS)?)
        }
        Type::Message => Event::FrameworkMessage {
            executor_id: part(body, message::EXECUTOR_ID)?,
            agent_id: part(body, message::AGENT_ID)?,
            data: part(body, message::DATA)?,
        },
        Type::Failure => {
            let agent_id = part(body, failure::AGENT_ID)?;
            match part(body, failure::EXECUTOR_ID) {
                Some(executor_id) => {
                    // an int32, which the wire carries as 64 bits
                    let status = last_varint(body, failure::STATUS).unwrap_or(0) as i32;
                    Event::ExecutorLost { executor_id, agent_id, status }
                }
                None => Event::AgentLost { agent_id },
            }
        }
        Type::Error => {
            let words = part(body, f::scheduler_event_error::MESSAGE).unwrap_or_default();
            return Some(Said::Error(String::from_utf8_lossy(&words).into_owned()));
        }
        Type::Heartbeat | Type::Unknown => return Some(Said::Nothing),
    }))
}

/// The bytes of the last field with this number, as a slice of `message`.
pub(super) fn part(message: &Bytes, number: u32) -> Option<Bytes> {
    last_bytes(message, number).map(|found| message.slice_ref(found))
}

/// The bytes of every field with this number.
pub(super) fn parts(message: &Bytes, number: u32) -> Vec<Bytes> {
    let of_number = |field| match field {
        Ok((at, Value::Bytes(found))) if at == number => Some(message.slice_ref(found)),
        _ => None,
    };
    fields(message).filter_map(of_number).collect()
}

/// Seconds as a duration, if they are any that one can wait for.
fn heartbeat(subscribed: &[u8]) -> Option<Duration> {
    let number = f::scheduler_event_subscribed::HEARTBEAT_INTERVAL_SECONDS;
    let found = fields(subscribed).filter_map(Result::ok).filter_map(|field| match field {
        (at, Value::Fixed64(bits)) if at == number => Some(f64::from_bits(bits)),
        _ => None,
    });
    let interval = found.last().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())?;
    (!interval.is_zero()).then_some(interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::{self, scheduler as s};
    use crate::wire::samples;
    use prost::Message;

    fn said(event: &s::Event) -> Said<Subscribed> {
        let record = Bytes::from(event.encode_to_vec());
        decode(&record).unwrap()
    }

    fn told(event: &s::Event) -> Event {
        match said(event) {
            Said::Event(event) => event,
            other => panic!("{other:?}"),
        }
    }

    fn of(of_type: Type) -> s::Event {
        s::Event { r#type: Some(of_type as i32), ..Default::default() }
    }

    fn value(bytes: &Bytes) -> String {
        v1::TaskId::decode(&bytes[..]).unwrap().value
    }

    fn subscribed(interval: f64) -> Option<Duration> {
        let framework_id = v1::FrameworkId { value: "f".into() };
        let body = s::event::Subscribed {
            framework_id,
            heartbeat_interval_seconds: Some(interval),
            master_info: None,
        };
        let event = s::Event { subscribed: Some(body.into()), ..of(Type::Subscribed) };
        let Said::Subscribed { what: Subscribed { framework_id, master_info: None }, heartbeat } =
            said(&event)
        else {
            panic!()
        };
        assert_eq!(value(&framework_id), "f");
        heartbeat
    }

    #[test]
    fn subscribed_with_any_interval() {
        assert_eq!(subscribed(15.0), Some(Duration::from_secs(15)));
        for nonsense in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(subscribed(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn parts_are_slices_of_the_record() {
        let ids = ["t1", "t2"].map(|id| v1::OfferId { value: id.into() });
        let offers = ids.map(|id| v1::Offer { id, ..Default::default() }).to_vec();
        let event =
            s::Event { offers: Some(s::event::Offers { offers: offers.clone() }), ..of(Type::Offers) };
        let record = Bytes::from(event.encode_to_vec());
        let Said::Event(Event::Offers(parts)) = decode(&record).unwrap() else { panic!() };
        assert_eq!(
            parts.iter().map(|part| v1::Offer::decode(&part[..]).unwrap()).collect::<Vec<_>>(),
            offers
        );
        assert!(parts.iter().all(|part| record.as_ptr_range().contains(&part.as_ptr())));
        let none = s::Event { offers: Some(s::event::Offers::default()), ..of(Type::Offers) };
        assert!(matches!(said(&none), Said::Nothing));
    }

    #[test]
    fn the_other_types() {
        let offer_id = v1::OfferId { value: "o".into() };
        let rescind = s::event::Rescind { offer_id: offer_id.clone() };
        let event = told(&s::Event { rescind: Some(rescind), ..of(Type::Rescind) });
        assert!(matches!(event, Event::OfferRescinded(id) if value(&id) == "o"));
        let rescind = s::event::RescindInverseOffer { inverse_offer_id: offer_id };
        let event = s::Event { rescind_inverse_offer: Some(rescind), ..of(Type::RescindInverseOffer) };
        assert!(matches!(told(&event), Event::InverseOfferRescinded(id) if value(&id) == "o"));
        let agent_id = v1::AgentId { value: "a".into() };
        let executor_id = v1::ExecutorId { value: "e".into() };
        let data = Bytes::from_static(b"\0\xff");
        let body = s::event::Message { agent_id: agent_id.clone(), executor_id: executor_id.clone(), data };
        let event = told(&s::Event { message: Some(body.into()), ..of(Type::Message) });
        let Event::FrameworkMessage { executor_id: e, agent_id: a, data } = event else { panic!() };
        assert_eq!((value(&e).as_str(), value(&a).as_str(), &data[..]), ("e", "a", &b"\0\xff"[..]));
        let failure = s::event::Failure { agent_id: Some(agent_id), executor_id: None, status: None };
        let event =
            |body: &s::event::Failure| s::Event { failure: Some(body.clone().into()), ..of(Type::Failure) };
        assert!(matches!(told(&event(&failure)), Event::AgentLost { agent_id } if value(&agent_id) == "a"));
        let lost = s::event::Failure { executor_id: Some(executor_id), status: Some(-9), ..failure.clone() };
        assert!(matches!(told(&event(&lost)), Event::ExecutorLost { status: -9, .. }));
        assert!(matches!(said(&event(&s::event::Failure { agent_id: None, ..lost })), Said::Nothing));
        let error = s::event::Error { message: "why".into() };
        let event = s::Event { error: Some(error), ..of(Type::Error) };
        assert!(matches!(said(&event), Said::Error(words) if words == "why"));
    }

    #[test]
    fn what_is_missing_or_unknown_is_nothing() {
        let bare = (1..=11).map(|number| s::Event { r#type: Some(number), ..Default::default() });
        for event in bare.filter(|event| event.r#type() != Type::Subscribed) {
            assert!(matches!(said(&event), Said::Nothing), "{event:?}");
        }
        for record in [
            &b""[..],
            b"\x08\x00",
            b"\x08\x63",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\xf8\x06\x01",
        ] {
            assert!(matches!(decode(&Bytes::from_static(record)), Ok(Said::Nothing)), "{record:?}");
        }
        // an UPDATE whose body lacks the status, and one whose body is of another wire type
        for record in [&b"\x08\x04\x2a\x00"[..], b"\x08\x04\x28\x01"] {
            assert!(matches!(decode(&Bytes::from_static(record)), Ok(Said::Nothing)), "{record:?}");
        }
    }

    #[test]
    fn what_does_not_validate_is_an_error() {
        for record in
            [&b"\x08"[..], b"{\"type\":1}", b"\x08\x01", b"\x08\x01\x12\x00", b"\x08\x02\x1a\x05\x0a"]
        {
            assert!(decode(&Bytes::from_static(record)).is_err(), "{record:?}");
        }
    }

    #[test]
    fn nothing_that_arrives_panics() {
        let ids = ["t1", "t2"].map(|id| v1::OfferId { value: id.into() });
        let offers = ids.map(|id| v1::Offer { id, ..Default::default() }).to_vec();
        let events = [
            s::Event { offers: Some(s::event::Offers { offers }), ..of(Type::Offers) },
            s::Event { failure: Some(s::event::Failure::default().into()), ..of(Type::Failure) },
            s::Event { message: Some(s::event::Message::default().into()), ..of(Type::Message) },
        ];
        for event in events {
            samples::damaged(&event.encode_to_vec(), 20_000, |bytes| drop(decode(&bytes.into())));
        }
    }
}
