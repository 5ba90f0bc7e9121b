//! `Call`s to the bytes of `mesos.v1.scheduler.Call` or `mesos.v1.executor.Call`. User messages are put in as they are.
//!
//! # Invariants
//! * SUBSCRIBE has the field numbers of v1; it is the one message that v0 numbers differently.

use crate::backend::Subscription;
use crate::event::Call;
use crate::proto::mesos::v1::executor::call::Type as ExecutorType;
use crate::proto::mesos::v1::scheduler::call::Type;
use crate::wire::field::{self as f, executor_call as executor_field, scheduler_call as call_field};
use crate::wire::{Writer, fields, last_bytes};
use bytes::Bytes;

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// `FrameworkID`; empty while there is none
    pub(crate) framework_id: &'a [u8],
    /// `ExecutorID`; empty for a scheduler, whose calls do not say it
    pub(crate) executor_id: &'a [u8],
}

impl<'a> Caller<'a> {
    /// The scheduler of this framework.
    pub(crate) fn scheduler(framework_id: &'a [u8]) -> Self {
        Self { framework_id, executor_id: &[] }
    }
}

/// The SUBSCRIBE of a scheduler; it names the framework id if there is one.
pub(super) fn subscribe(subscription: &Subscription) -> Bytes {
    use f::scheduler_call_subscribe as n;
    let id = last_bytes(&subscription.framework, f::framework_info::ID);
    whole(Caller::scheduler(id.unwrap_or_default()), scheduler(Type::Subscribe, call_field::SUBSCRIBE), |w| {
        w.bytes(n::FRAMEWORK_INFO, &subscription.framework);
        strings(w, n::SUPPRESSED_ROLES, &subscription.suppressed_roles);
        optional(w, n::OFFER_CONSTRAINTS, subscription.offer_constraints.as_ref());
    })
}

/// The name of an encoded call, for the trace: its type is its first number, a field of its own in either API.
pub(super) fn name(call: &[u8]) -> &'static str {
    let mut numbers = fields(call).flatten().filter_map(|(field, value)| Some((field, value.varint()?)));
    let Some((field, number)) = numbers.next() else { return "UNKNOWN" };
    let number = i32::try_from(number).unwrap_or_default();
    if field == executor_field::TYPE {
        ExecutorType::try_from(number).unwrap_or(ExecutorType::Unknown).as_str_name()
    } else {
        Type::try_from(number).unwrap_or(Type::Unknown).as_str_name()
    }
}

/// A TEARDOWN.
pub(crate) fn teardown(framework_id: &[u8]) -> Bytes {
    let kind = Kind { body: None, ..scheduler(Type::Teardown, 0) };
    whole(Caller::scheduler(framework_id), kind, |_| {})
}

/// The SUBSCRIBE of an executor, with the `TaskInfo`s and `TaskStatus`es that nobody has acknowledged.
pub(super) fn subscribe_executor<'a>(
    caller: Caller<'_>,
    tasks: impl Iterator<Item = &'a Bytes>,
    statuses: impl Iterator<Item = &'a Bytes>,
) -> Bytes {
    use f::{executor_call_subscribe as n, executor_call_update as update};
    whole(caller, executor(ExecutorType::Subscribe, executor_field::SUBSCRIBE), |w| {
        for task in tasks {
            w.bytes(n::UNACKNOWLEDGED_TASKS, task);
        }
        for status in statuses {
            w.message(n::UNACKNOWLEDGED_UPDATES, |w| {
                w.bytes(update::STATUS, status);
            });
        }
    })
}

/// An executor's sign of life.
pub(super) fn heartbeat(caller: Caller<'_>) -> Bytes {
    whole(caller, Kind { body: None, ..executor(ExecutorType::Heartbeat, 0) }, |_| {})
}

/// Any other call.
pub(crate) fn encode(caller: Caller<'_>, call: &Call) -> Bytes {
    whole(caller, kind(call), |w| body(w, call))
}

/// What a call begins with.
struct Kind {
    of_executor: bool,
    of_type: u64,
    /// the number of its body's field
    body: Option<u32>,
}

fn scheduler(of_type: Type, body: u32) -> Kind {
    Kind { of_executor: false, of_type: of_type as u64, body: Some(body) }
}

fn executor(of_type: ExecutorType, body: u32) -> Kind {
    Kind { of_executor: true, of_type: of_type as u64, body: Some(body) }
}

fn whole(caller: Caller<'_>, kind: Kind, fill: impl FnOnce(&mut Writer)) -> Bytes {
    let mut writer = Writer::new();
    if kind.of_executor {
        writer.bytes(executor_field::EXECUTOR_ID, caller.executor_id);
        writer.bytes(executor_field::FRAMEWORK_ID, caller.framework_id);
        writer.varint(executor_field::TYPE, kind.of_type);
    } else {
        if !caller.framework_id.is_empty() {
            writer.bytes(call_field::FRAMEWORK_ID, caller.framework_id);
        }
        writer.varint(call_field::TYPE, kind.of_type);
    }
    if let Some(number) = kind.body {
        writer.message(number, fill);
    }
    writer.finish().into()
}

fn kind(call: &Call) -> Kind {
    let (of_type, number) = match call {
        Call::Update(_) => return executor(ExecutorType::Update, executor_field::UPDATE),
        Call::SchedulerMessage(_) => return executor(ExecutorType::Message, executor_field::MESSAGE),
        Call::Accept { .. } => (Type::Accept, call_field::ACCEPT),
        Call::Decline { .. } => (Type::Decline, call_field::DECLINE),
        Call::AcceptInverseOffers { .. } => (Type::AcceptInverseOffers, call_field::ACCEPT_INVERSE_OFFERS),
        Call::DeclineInverseOffers { .. } => (Type::DeclineInverseOffers, call_field::DECLINE_INVERSE_OFFERS),
        Call::Revive { .. } => (Type::Revive, call_field::REVIVE),
        Call::Suppress { .. } => (Type::Suppress, call_field::SUPPRESS),
        Call::Kill { .. } => (Type::Kill, call_field::KILL),
        Call::Shutdown { .. } => (Type::Shutdown, call_field::SHUTDOWN),
        Call::Acknowledge { .. } => (Type::Acknowledge, call_field::ACKNOWLEDGE),
        Call::AcknowledgeOperation { .. } => {
            (Type::AcknowledgeOperationStatus, call_field::ACKNOWLEDGE_OPERATION_STATUS)
        }
        Call::Reconcile { .. } => (Type::Reconcile, call_field::RECONCILE),
        Call::ReconcileOperations { .. } => (Type::ReconcileOperations, call_field::RECONCILE_OPERATIONS),
        Call::Message { .. } => (Type::Message, call_field::MESSAGE),
        Call::Request { .. } => (Type::Request, call_field::REQUEST),
        Call::UpdateFramework { .. } => (Type::UpdateFramework, call_field::UPDATE_FRAMEWORK),
    };
    scheduler(of_type, number)
}

fn body(w: &mut Writer, call: &Call) {
    match call {
        Call::Accept { offer_ids, operations, filters } => {
            use f::scheduler_call_accept as n;
            messages(w, n::OFFER_IDS, offer_ids);
            messages(w, n::OPERATIONS, operations);
            optional(w, n::FILTERS, filters.as_ref());
        }
        Call::Decline { offer_ids, filters } => {
            use f::scheduler_call_decline as n;
            messages(w, n::OFFER_IDS, offer_ids);
            optional(w, n::FILTERS, filters.as_ref());
        }
        Call::AcceptInverseOffers { offer_ids, filters } => {
            use f::scheduler_call_accept_inverse_offers as n;
            messages(w, n::INVERSE_OFFER_IDS, offer_ids);
            optional(w, n::FILTERS, filters.as_ref());
        }
        Call::DeclineInverseOffers { offer_ids, filters } => {
            use f::scheduler_call_decline_inverse_offers as n;
            messages(w, n::INVERSE_OFFER_IDS, offer_ids);
            optional(w, n::FILTERS, filters.as_ref());
        }
        Call::Revive { roles } => strings(w, f::scheduler_call_revive::ROLES, roles),
        Call::Suppress { roles } => strings(w, f::scheduler_call_suppress::ROLES, roles),
        Call::Kill { task_id, agent_id, kill_policy } => {
            use f::scheduler_call_kill as n;
            w.bytes(n::TASK_ID, task_id);
            optional(w, n::AGENT_ID, agent_id.as_ref());
            optional(w, n::KILL_POLICY, kill_policy.as_ref());
        }
        Call::Shutdown { executor_id, agent_id } => {
            use f::scheduler_call_shutdown as n;
            w.bytes(n::EXECUTOR_ID, executor_id).bytes(n::AGENT_ID, agent_id);
        }
        Call::Acknowledge { agent_id, task_id, uuid } => {
            use f::scheduler_call_acknowledge as n;
            w.bytes(n::AGENT_ID, agent_id).bytes(n::TASK_ID, task_id).bytes(n::UUID, uuid);
        }
        Call::AcknowledgeOperation { agent_id, resource_provider_id, uuid, operation_id } => {
            use f::scheduler_call_acknowledge_operation_status as n;
            optional(w, n::AGENT_ID, agent_id.as_ref());
            optional(w, n::RESOURCE_PROVIDER_ID, resource_provider_id.as_ref());
            w.bytes(n::UUID, uuid).bytes(n::OPERATION_ID, operation_id);
        }
        Call::Reconcile { tasks } => messages(w, f::scheduler_call_reconcile::TASKS, tasks),
        Call::ReconcileOperations { operations } => {
            messages(w, f::scheduler_call_reconcile_operations::OPERATIONS, operations);
        }
        Call::Message { agent_id, executor_id, data } => {
            use f::scheduler_call_message as n;
            w.bytes(n::AGENT_ID, agent_id).bytes(n::EXECUTOR_ID, executor_id).bytes(n::DATA, data);
        }
        Call::Request { requests } => messages(w, f::scheduler_call_request::REQUESTS, requests),
        Call::UpdateFramework { framework, suppressed_roles, offer_constraints } => {
            use f::scheduler_call_update_framework as n;
            w.bytes(n::FRAMEWORK_INFO, framework);
            strings(w, n::SUPPRESSED_ROLES, suppressed_roles);
            optional(w, n::OFFER_CONSTRAINTS, offer_constraints.as_ref());
        }
        Call::Update(status) => {
            w.bytes(f::executor_call_update::STATUS, status);
        }
        Call::SchedulerMessage(data) => {
            w.bytes(f::executor_call_message::DATA, data);
        }
    }
}

fn messages(w: &mut Writer, number: u32, messages: &[Bytes]) {
    for message in messages {
        w.bytes(number, message);
    }
}

fn strings(w: &mut Writer, number: u32, texts: &[String]) {
    for text in texts {
        w.string(number, text);
    }
}

fn optional(w: &mut Writer, number: u32, message: Option<&Bytes>) {
    if let Some(message) = message {
        w.bytes(number, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::{self, executor as e, scheduler as s};
    use crate::wire::{msg, validate};
    use prost::Message;

    fn decoded(bytes: &Bytes) -> s::Call {
        validate(msg::SCHEDULER_CALL, bytes).unwrap();
        let call = s::Call::decode(&bytes[..]).unwrap();
        assert_eq!(call.encode_to_vec(), bytes[..], "fields stand in order, and nothing is unknown");
        call
    }

    fn id(value: &str) -> Bytes {
        v1::TaskId { value: value.into() }.encode_to_vec().into()
    }

    fn sent(call: Call) -> s::Call {
        let call = decoded(&encode(Caller::scheduler(&id("f")), &call));
        assert_eq!(call.framework_id.as_ref().unwrap().value, "f");
        call
    }

    #[test]
    fn subscribe_says_what_it_was_given() {
        let framework = v1::FrameworkInfo { user: "u".into(), name: "n".into(), ..Default::default() };
        let with_id =
            v1::FrameworkInfo { id: Some(v1::FrameworkId { value: "f".into() }), ..framework.clone() };
        let constraints = s::OfferConstraints::default();
        let mut subscription = Subscription {
            framework: framework.encode_to_vec().into(),
            suppressed_roles: vec!["a".into(), "b".into()],
            offer_constraints: Some(constraints.encode_to_vec().into()),
        };
        let call = decoded(&subscribe(&subscription));
        assert_eq!((call.r#type(), call.framework_id), (Type::Subscribe, None));
        let body = call.subscribe.unwrap();
        assert_eq!(body.suppressed_roles, ["a", "b"]);
        assert_eq!(body.offer_constraints, Some(constraints));
        assert_eq!(*body.framework_info, framework);
        subscription.framework = with_id.encode_to_vec().into();
        let call = decoded(&subscribe(&subscription));
        assert_eq!(call.framework_id.unwrap().value, "f");
        assert_eq!(call.subscribe.unwrap().framework_info.id.unwrap().value, "f");
    }

    #[test]
    fn teardown_has_no_body() {
        let call = decoded(&teardown(&id("f")));
        let framework_id = Some(v1::FrameworkId { value: "f".into() });
        assert_eq!(call, s::Call { framework_id, r#type: Some(Type::Teardown as i32), ..Default::default() });
    }

    #[test]
    fn offers_are_answered() {
        let filters = v1::Filters { refuse_seconds: Some(1.5) };
        let given = Some(Bytes::from(filters.encode_to_vec()));
        let operation = v1::offer::Operation { r#type: Some(6), ..Default::default() };
        let operations = vec![operation.encode_to_vec().into()];
        let offer_ids = vec![id("o1"), id("o2")];
        let accept = sent(Call::Accept { offer_ids: offer_ids.clone(), operations, filters: given.clone() })
            .accept
            .unwrap();
        assert_eq!(accept.offer_ids.iter().map(|id| &id.value).collect::<Vec<_>>(), ["o1", "o2"]);
        assert_eq!((accept.operations, accept.filters), (vec![operation], Some(filters)));
        let decline =
            sent(Call::Decline { offer_ids: offer_ids.clone(), filters: given.clone() }).decline.unwrap();
        assert_eq!((decline.offer_ids.len(), decline.filters), (2, Some(filters)));
        let accept = sent(Call::AcceptInverseOffers { offer_ids: offer_ids.clone(), filters: None });
        assert_eq!(accept.accept_inverse_offers.unwrap().inverse_offer_ids.len(), 2);
        let decline = sent(Call::DeclineInverseOffers { offer_ids, filters: given });
        assert_eq!(decline.decline_inverse_offers.unwrap().filters, Some(filters));
        assert_eq!(sent(Call::Revive { roles: vec!["r".into()] }).revive.unwrap().roles, ["r"]);
        assert!(sent(Call::Suppress { roles: vec![] }).suppress.unwrap().roles.is_empty());
    }

    #[test]
    fn tasks_are_named() {
        let kill =
            sent(Call::Kill { task_id: id("t"), agent_id: Some(id("a")), kill_policy: None }).kill.unwrap();
        assert_eq!((kill.task_id.value.as_str(), kill.agent_id.unwrap().value.as_str()), ("t", "a"));
        let shutdown = sent(Call::Shutdown { executor_id: id("e"), agent_id: id("a") }).shutdown.unwrap();
        assert_eq!((shutdown.executor_id.value.as_str(), shutdown.agent_id.value.as_str()), ("e", "a"));
        let uuid = Bytes::from_static(&[7; 16]);
        let ack = sent(Call::Acknowledge { agent_id: id("a"), task_id: id("t"), uuid: uuid.clone() });
        let ack = ack.acknowledge.unwrap();
        assert_eq!(
            (ack.agent_id.value.as_str(), ack.task_id.value.as_str(), ack.uuid),
            ("a", "t", uuid.clone())
        );
        let ack = Call::AcknowledgeOperation {
            agent_id: Some(id("a")),
            resource_provider_id: Some(id("p")),
            uuid: uuid.clone(),
            operation_id: id("o"),
        };
        let ack = sent(ack).acknowledge_operation_status.unwrap();
        assert_eq!((ack.operation_id.value.as_str(), ack.uuid), ("o", uuid));
        assert_eq!(ack.resource_provider_id.unwrap().value, "p");
        let task = s::call::reconcile::Task { task_id: v1::TaskId { value: "t".into() }, agent_id: None };
        let reconcile = sent(Call::Reconcile { tasks: vec![task.encode_to_vec().into()] }).reconcile.unwrap();
        assert_eq!(reconcile.tasks, [task]);
        assert!(sent(Call::ReconcileOperations { operations: vec![] }).reconcile_operations.is_some());
    }

    #[test]
    fn executors_say_who_they_are() {
        let (executor_id, framework_id) = (id("e"), id("f"));
        let caller = Caller { framework_id: &framework_id, executor_id: &executor_id };
        let sent = |bytes: Bytes| {
            validate(msg::EXECUTOR_CALL, &bytes).unwrap();
            let call = e::Call::decode(&bytes[..]).unwrap();
            assert_eq!((call.executor_id.value.as_str(), call.framework_id.value.as_str()), ("e", "f"));
            (name(&bytes), call)
        };
        let status = v1::TaskStatus { task_id: v1::TaskId { value: "t".into() }, ..Default::default() };
        let (named, call) = sent(encode(caller, &Call::Update(status.encode_to_vec().into())));
        assert_eq!((named, *call.update.unwrap().status), ("UPDATE", status));
        let (named, call) = sent(encode(caller, &Call::SchedulerMessage(Bytes::from_static(b"\0x"))));
        assert_eq!((named, &call.message.unwrap().data[..]), ("MESSAGE", &b"\0x"[..]));
        assert_eq!(sent(heartbeat(caller)).0, "HEARTBEAT");
        assert_eq!(sent(subscribe_executor(caller, [].iter(), [].iter())).0, "SUBSCRIBE");
        assert_eq!(name(&teardown(&id("f"))), "TEARDOWN");
    }

    #[test]
    fn the_rest() {
        let data = Bytes::from_static(b"\0\xff");
        let message = Call::Message { agent_id: id("a"), executor_id: id("e"), data: data.clone() };
        let message = sent(message).message.unwrap();
        assert_eq!((message.executor_id.value.as_str(), message.data), ("e", data));
        let request = v1::Request::default();
        let requests =
            sent(Call::Request { requests: vec![request.encode_to_vec().into()] }).request.unwrap();
        assert_eq!(requests.requests, [request]);
        let framework = v1::FrameworkInfo { user: "u".into(), name: "n".into(), ..Default::default() };
        let update = Call::UpdateFramework {
            framework: framework.encode_to_vec().into(),
            suppressed_roles: vec!["r".into()],
            offer_constraints: Some(Bytes::new()),
        };
        let update = sent(update).update_framework.unwrap();
        assert_eq!(
            (update.suppressed_roles.as_slice(), update.offer_constraints.is_some()),
            (&["r".to_owned()][..], true)
        );
    }
}
