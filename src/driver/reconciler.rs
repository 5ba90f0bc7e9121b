//! `reconcile="auto"`: which tasks there are, what Mesos was asked of them, and when to ask again.
//!
//! What Mesos advises, as a state machine. A round asks for each task that is known, and again for those that have
//! not been answered, after pauses that double; when all are, it asks for whatever else the master has, and rests.
//! The master says nothing of a task whose agent it has not heard since it leads: that is what the pauses are for.
//!
//! # Invariants
//! * No clock, no thread, no Python: `step(now, input)` gives the calls to make, `due` says when to come back.
//! * One round at a time: a subscription begins one, and ends the one before.
//! * A task is known from its launch, its first update or the program's own question for it, until an update that
//!   ends it was acknowledged (or handled, where there is nothing to acknowledge).
//! * A round asks about a task at most once in a pause, and about no task that was answered in it.

use crate::event::{Call, Event};
use crate::proto::mesos::v1::TaskState;
use crate::task::{is_terminal, launched};
use crate::wire::field::scheduler_call_reconcile_task as reconcile_task;
use crate::wire::field::{task_id, task_info, task_status};
use crate::wire::{Writer, last_bytes, last_varint};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The pause after the first question of a round; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// No pause is longer. A master takes ten minutes to give up an agent.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// From the end of a round to the next one.
const REST: Duration = Duration::from_secs(15 * 60);

/// Since whatever the caller measures from.
pub(super) type Time = Duration;

/// The text of a `TaskID`.
type Id = Box<[u8]>;

/// What happens.
pub(super) enum Input<'a> {
    /// its handler is about to be called
    Event(&'a Event),
    /// the program, or the acknowledgement after a handler, made it
    Call(&'a Call),
    /// `due` has come
    Tick,
}

/// One driver's tasks, and the round that is under way.
#[derive(Debug, Default)]
pub(super) struct Reconciler {
    tasks: BTreeMap<Id, Task>,
    /// of `tasks`, those that the round waits for
    unanswered: BTreeSet<Id>,
    phase: Phase,
}

#[derive(Debug, Default)]
struct Task {
    /// `AgentID`
    agent_id: Option<Bytes>,
    /// the uuid of an update that ends it; its acknowledgement is the last that is heard of it
    ends_with: Option<Bytes>,
}

#[derive(Debug, Default)]
enum Phase {
    /// there is no subscription
    #[default]
    Away,
    /// some are unanswered: they are asked for again at `again`, and `pause` later
    Asking { again: Time, pause: Duration },
    /// all are answered, until the next round
    Resting { until: Time },
}

impl Reconciler {
    /// When `Tick` is to come; `None`: never, as it is.
    pub(super) fn due(&self) -> Option<Time> {
        match self.phase {
            Phase::Away => None,
            Phase::Asking { again: at, .. } | Phase::Resting { until: at } => Some(at),
        }
    }

    /// Takes note of `input`, and gives the calls to make, in their order.
    pub(super) fn step(&mut self, now: Time, input: &Input<'_>) -> Vec<Call> {
        match input {
            Input::Event(Event::Subscribed { .. }) => self.begin(now),
            Input::Event(Event::Disconnected) => {
                self.phase = Phase::Away;
                Vec::new()
            }
            Input::Event(Event::StatusUpdate(status)) => {
                self.updated(status);
                self.settle(now)
            }
            Input::Call(call) => {
                self.called(now, call);
                self.settle(now)
            }
            Input::Tick => self.tick(now),
            Input::Event(_) => Vec::new(),
        }
    }

    fn begin(&mut self, now: Time) -> Vec<Call> {
        self.unanswered = self.tasks.keys().cloned().collect();
        self.ask(now, FIRST_PAUSE)
    }

    /// Asks for what is unanswered; if nothing is, the round is at its end.
    fn ask(&mut self, now: Time, pause: Duration) -> Vec<Call> {
        self.phase = Phase::Asking { again: now + pause, pause: (pause * 2).min(LONGEST_PAUSE) };
        if self.unanswered.is_empty() {
            return self.settle(now);
        }
        let task = |id| question(id, self.tasks.get(id).and_then(|task| task.agent_id.as_ref()));
        vec![Call::Reconcile { tasks: self.unanswered.iter().map(task).collect() }]
    }

    /// Ends a round in which everything was answered: with the question for all that is not known here.
    fn settle(&mut self, now: Time) -> Vec<Call> {
        if !matches!(self.phase, Phase::Asking { .. }) || !self.unanswered.is_empty() {
            return Vec::new();
        }
        self.phase = Phase::Resting { until: now + REST };
        vec![Call::Reconcile { tasks: Vec::new() }]
    }

    fn tick(&mut self, now: Time) -> Vec<Call> {
        match self.phase {
            Phase::Asking { again, pause } if again <= now => self.ask(now, pause),
            Phase::Resting { until } if until <= now => self.begin(now),
            _ => Vec::new(),
        }
    }

    fn updated(&mut self, status: &[u8]) {
        let Some(id) = id_in(status, task_status::TASK_ID) else { return };
        self.unanswered.remove(id);
        let state = last_varint(status, task_status::STATE).and_then(|number| i32::try_from(number).ok());
        let state = state.and_then(|number| TaskState::try_from(number).ok()).unwrap_or_default();
        // what the master does not know, it cannot tell more about; should it come back, an update says so
        let over = is_terminal(state) || state == TaskState::TaskUnknown;
        let uuid = last_bytes(status, task_status::UUID).filter(|uuid| !uuid.is_empty());
        if over && uuid.is_none() {
            self.tasks.remove(id);
            return;
        }
        let task = self.tasks.entry(id.into()).or_default();
        if let Some(agent_id) = last_bytes(status, task_status::AGENT_ID) {
            task.agent_id = Some(Bytes::copy_from_slice(agent_id));
        }
        task.ends_with = uuid.filter(|_| over).map(Bytes::copy_from_slice);
    }

    fn called(&mut self, now: Time, call: &Call) {
        for task in launched(call) {
            if let Some(id) = id_in(task, task_info::TASK_ID) {
                let agent_id = last_bytes(task, task_info::AGENT_ID).map(Bytes::copy_from_slice);
                self.tasks.insert(id.into(), Task { agent_id, ends_with: None });
            }
        }
        match call {
            Call::Acknowledge { task_id, uuid, .. } => {
                let Some(id) = last_bytes(task_id, task_id::VALUE) else { return };
                if self.tasks.get(id).is_some_and(|task| task.ends_with.as_ref() == Some(uuid)) {
                    self.tasks.remove(id);
                    self.unanswered.remove(id);
                }
            }
            Call::Reconcile { tasks } => self.asked(now, tasks),
            _ => {}
        }
    }

    /// The program itself asks for tasks, now: they are known, and waited for.
    fn asked(&mut self, now: Time, questions: &[Bytes]) {
        for question in questions {
            let Some(id) = id_in(question, reconcile_task::TASK_ID) else { continue };
            let task = self.tasks.entry(id.into()).or_default();
            if let Some(agent_id) = last_bytes(question, reconcile_task::AGENT_ID) {
                task.agent_id = Some(Bytes::copy_from_slice(agent_id));
            }
            self.unanswered.insert(id.into());
        }
        if !questions.is_empty() && matches!(self.phase, Phase::Resting { .. }) {
            self.phase = Phase::Asking { again: now + FIRST_PAUSE, pause: FIRST_PAUSE * 2 };
        }
    }
}

/// The text of the `TaskID` in this field.
fn id_in(message: &[u8], number: u32) -> Option<&[u8]> {
    last_bytes(message, number).and_then(|id| last_bytes(id, task_id::VALUE))
}

/// A `scheduler.Call.Reconcile.Task`.
fn question(id: &Id, agent_id: Option<&Bytes>) -> Bytes {
    let mut task = Writer::new();
    task.message(reconcile_task::TASK_ID, |task_id| {
        task_id.bytes(task_id::VALUE, id);
    });
    if let Some(agent_id) = agent_id {
        task.bytes(reconcile_task::AGENT_ID, agent_id);
    }
    task.finish().into()
}

#[cfg(test)]
mod tests;
