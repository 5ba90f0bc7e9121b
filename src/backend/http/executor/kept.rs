//! What an executor keeps until the agent has acknowledged it: the tasks it was given and the updates it has sent.
//!
//! An agent that was started again knows of neither, perhaps; a SUBSCRIBE tells it what is here.
//!
//! # Invariants
//! * An update is kept from the moment it was made until its acknowledgement; a task, from its launch until any of its
//!   updates was acknowledged. Nothing else drops them, but the agent's refusal.
//! * Both stay in the order in which they came. Every step takes the same time, however many there are.

use crate::backend::http::encode::{Caller, subscribe_executor};
use crate::dispatch::describe::task_name;
use crate::wire::field::{task_info, task_status};
use crate::wire::last_bytes;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};

/// What is kept by one executor.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// `TaskInfo`s by the text of their ids
    tasks: Shelf,
    /// `TaskStatus`es by uuid
    updates: Shelf,
}

/// Which updates a SUBSCRIBE has said: those before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl Kept {
    /// A `TaskInfo` has come.
    pub(super) fn launched(&mut self, task: &Bytes) {
        if let Some(id) = part(task, task_info::TASK_ID) {
            self.tasks.put(task_name(&id), task.clone());
        }
    }

    /// A `TaskStatus` is to be sent.
    pub(super) fn updated(&mut self, status: &Bytes) {
        if let Some(uuid) = part(status, task_status::UUID) {
            self.updates.put(uuid, status.clone());
        }
    }

    /// The agent has the update with this uuid, and so knows the task (`TaskID`); false if no such update is kept.
    pub(super) fn acknowledged(&mut self, task_id: &Bytes, uuid: &Bytes) -> bool {
        self.tasks.take(&task_name(task_id));
        self.updates.take(uuid)
    }

    /// The agent will never take this `TaskStatus`; false if it is not kept.
    pub(super) fn refused(&mut self, status: &Bytes) -> bool {
        part(status, task_status::UUID).is_some_and(|uuid| self.updates.take(&uuid))
    }

    /// A SUBSCRIBE that tells all of it.
    pub(super) fn subscribe(&self, caller: Caller<'_>) -> (Bytes, Mark) {
        let call = subscribe_executor(caller, self.tasks.in_order.values(), self.updates.in_order.values());
        (call, Mark(self.updates.next))
    }

    /// The updates that a SUBSCRIBE had not told yet, oldest first.
    pub(super) fn since(&self, mark: Mark) -> impl Iterator<Item = &Bytes> {
        self.updates.in_order.range(mark.0..).map(|(_, status)| status)
    }

    /// How many updates wait for their acknowledgement.
    pub(super) fn updates(&self) -> usize {
        self.updates.in_order.len()
    }
}

fn part(message: &Bytes, number: u32) -> Option<Bytes> {
    last_bytes(message, number).map(|found| message.slice_ref(found))
}

/// Things in the order of their arrival, each with a name.
#[derive(Debug, Default)]
struct Shelf {
    in_order: BTreeMap<u64, Bytes>,
    places: HashMap<Bytes, u64>,
    next: u64,
}

impl Shelf {
    /// A thing of a name that is here already takes the place of the older one.
    fn put(&mut self, name: Bytes, thing: Bytes) {
        let place = *self.places.entry(name).or_insert(self.next);
        if place == self.next {
            self.next += 1;
        }
        self.in_order.insert(place, thing);
    }

    /// False if nothing has this name.
    fn take(&mut self, name: &Bytes) -> bool {
        self.places.remove(name).is_some_and(|place| self.in_order.remove(&place).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::{self, executor as e};
    use prost::Message;

    fn task(name: &str) -> Bytes {
        let task_id = v1::TaskId { value: name.into() };
        v1::TaskInfo { task_id, ..Default::default() }.encode_to_vec().into()
    }

    fn update(name: &str, uuid: u8) -> Bytes {
        let task_id = v1::TaskId { value: name.into() };
        let uuid = Some(Bytes::from(vec![uuid; 16]));
        v1::TaskStatus { task_id, uuid, ..Default::default() }.encode_to_vec().into()
    }

    fn acknowledge(kept: &mut Kept, name: &str, uuid: u8) -> bool {
        let id = v1::TaskId { value: name.into() }.encode_to_vec().into();
        kept.acknowledged(&id, &Bytes::from(vec![uuid; 16]))
    }

    /// What a SUBSCRIBE tells: the names of tasks, the first bytes of uuids.
    fn told(kept: &Kept) -> (Vec<String>, Vec<u8>) {
        let executor_id = v1::ExecutorId { value: "e".into() }.encode_to_vec();
        let framework_id = v1::FrameworkId { value: "f".into() }.encode_to_vec();
        let (call, _) = kept.subscribe(Caller { framework_id: &framework_id, executor_id: &executor_id });
        let call = e::Call::decode(call).unwrap();
        assert_eq!((call.executor_id.value.as_str(), call.framework_id.value.as_str()), ("e", "f"));
        let subscribe = call.subscribe.unwrap();
        let tasks = subscribe.unacknowledged_tasks.into_iter().map(|task| task.task_id.value);
        let updates =
            subscribe.unacknowledged_updates.into_iter().map(|update| update.status.uuid.unwrap()[0]);
        (tasks.collect(), updates.collect())
    }

    #[test]
    fn all_is_told_in_order() {
        let mut kept = Kept::default();
        assert_eq!(told(&kept), (vec![], vec![]));
        for (number, name) in ["c", "a", "b"].into_iter().enumerate() {
            kept.launched(&task(name));
            kept.updated(&update(name, 9 - number as u8));
        }
        assert_eq!(told(&kept), (vec!["c".into(), "a".into(), "b".into()], vec![9, 8, 7]));
    }

    #[test]
    fn any_acknowledgement_of_a_task_is_enough_for_it_but_each_update_wants_its_own() {
        let mut kept = Kept::default();
        kept.launched(&task("a"));
        kept.launched(&task("b"));
        [1, 2, 3].into_iter().for_each(|uuid| kept.updated(&update("a", uuid)));
        assert!(acknowledge(&mut kept, "a", 2));
        assert_eq!(told(&kept), (vec!["b".into()], vec![1, 3]));
        assert!(!acknowledge(&mut kept, "a", 2));
        assert!(acknowledge(&mut kept, "a", 1));
        assert!(!acknowledge(&mut kept, "nobody", 77));
        assert_eq!((told(&kept), kept.updates()), ((vec!["b".into()], vec![3]), 1));
    }

    #[test]
    fn a_refused_update_is_not_told_again_and_its_task_is() {
        let mut kept = Kept::default();
        kept.launched(&task("a"));
        kept.updated(&update("a", 1));
        assert!(kept.refused(&update("a", 1)) && !kept.refused(&update("a", 1)));
        assert_eq!(told(&kept), (vec!["a".into()], vec![]));
    }

    #[test]
    fn what_comes_while_a_subscribe_is_under_way_is_known() {
        let mut kept = Kept::default();
        kept.updated(&update("a", 1));
        let (_, mark) = kept.subscribe(Caller { framework_id: b"", executor_id: b"" });
        assert_eq!(kept.since(mark).count(), 0);
        kept.updated(&update("a", 2));
        acknowledge(&mut kept, "a", 1);
        kept.updated(&update("a", 3));
        assert_eq!(kept.since(mark).collect::<Vec<_>>(), [&update("a", 2), &update("a", 3)]);
    }

    #[test]
    fn many_take_no_longer_than_few() {
        let mut kept = Kept::default();
        for number in 0..100_000_u32 {
            let name = number.to_string();
            kept.launched(&task(&name));
            let mut status = v1::TaskStatus { task_id: v1::TaskId { value: name }, ..Default::default() };
            status.uuid = Some(Bytes::copy_from_slice(&number.to_le_bytes()));
            kept.updated(&status.encode_to_vec().into());
        }
        for number in (0..100_000_u32).rev() {
            let id = v1::TaskId { value: number.to_string() }.encode_to_vec().into();
            kept.acknowledged(&id, &Bytes::copy_from_slice(&number.to_le_bytes()));
        }
        assert_eq!(
            (told(&kept), kept.updates.places.len(), kept.tasks.places.len()),
            ((vec![], vec![]), 0, 0)
        );
    }
}
