//! Status update streams: how an agent gets every status to its framework, in order, at least once.
//!
//! # Invariants
//! * One unacknowledged update per task is under way; the others wait behind it.
//! * It is sent again after 10 s, then after twice as long each time, up to 10 min.
//! * The acknowledgement of a terminal status ends the stream, whatever still waits in it.
//! * A status that comes twice, by its uuid, counts once: executors send again what may not have arrived.

use super::clock::Time;
use crate::proto::mesos::v1::{TaskState, TaskStatus};
use crate::task::is_terminal;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);

/// What an agent tells the master: a status, and how far the task really is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Update {
    pub(crate) framework: String,
    pub(crate) status: TaskStatus,
    pub(crate) latest: TaskState,
}

#[derive(Debug)]
struct Stream {
    pending: VecDeque<TaskStatus>,
    received: BTreeSet<Bytes>,
    latest: TaskState,
    interval: Duration,
    /// its entry in the timers
    again: Option<Time>,
}

/// A framework and a task.
type Key = (String, String);

/// The streams of one agent.
#[derive(Debug, Default)]
pub(crate) struct Updates {
    streams: BTreeMap<Key, Stream>,
    /// when the streams that wait for an acknowledgement send again
    timers: BTreeSet<(Time, Key)>,
}

impl Updates {
    /// Takes a new status; the update to send now, if no other is under way.
    pub(crate) fn push(&mut self, now: Time, framework: &str, status: TaskStatus) -> Option<Update> {
        let key = (framework.to_owned(), status.task_id.value.clone());
        let stream = self.streams.entry(key.clone()).or_insert_with(|| Stream {
            pending: VecDeque::new(),
            received: BTreeSet::new(),
            latest: status.state(),
            interval: FIRST,
            again: None,
        });
        if !stream.received.insert(status.uuid.clone().unwrap_or_default()) {
            return None;
        }
        stream.latest = status.state();
        stream.pending.push_back(status);
        if stream.pending.len() == 1 { self.send(now, &key, FIRST) } else { None }
    }

    /// Takes an acknowledgement; the update that may go next. One that is not expected changes nothing.
    pub(crate) fn acknowledge(
        &mut self,
        now: Time,
        framework: &str,
        task: &str,
        uuid: &[u8],
    ) -> Option<Update> {
        let key = (framework.to_owned(), task.to_owned());
        let stream = self.streams.get_mut(&key)?;
        stream.pending.front().filter(|status| status.uuid() == uuid)?;
        let front = stream.pending.pop_front()?;
        if is_terminal(front.state()) {
            self.remove(&key);
            return None;
        }
        self.send(now, &key, FIRST)
    }

    /// What has waited long enough for its acknowledgement.
    pub(crate) fn resend(&mut self, now: Time) -> Vec<Update> {
        let due = self.timers.iter().take_while(|(due, _)| *due <= now);
        let due: Vec<Key> = due.map(|(_, key)| key.clone()).collect();
        let doubled = |stream: &Stream| (stream.interval * 2).min(LONGEST);
        let send = |key| {
            let interval = self.streams.get(&key).map_or(FIRST, doubled);
            self.send(now, &key, interval)
        };
        due.into_iter().filter_map(send).collect()
    }

    /// Everything unacknowledged of a framework, at once: it has a new connection.
    pub(crate) fn resume(&mut self, now: Time, framework: &str) -> Vec<Update> {
        self.of(framework).into_iter().filter_map(|key| self.send(now, &key, FIRST)).collect()
    }

    /// Forgets a framework.
    pub(crate) fn drop_framework(&mut self, framework: &str) {
        self.of(framework).iter().for_each(|key| self.remove(key));
    }

    fn of(&self, framework: &str) -> Vec<Key> {
        self.streams.keys().filter(|key| key.0 == framework).cloned().collect()
    }

    fn remove(&mut self, key: &Key) {
        if let Some(again) = self.streams.remove(key).and_then(|stream| stream.again) {
            self.timers.remove(&(again, key.clone()));
        }
    }

    /// The update to send now, if there is one; and when it is sent again.
    fn send(&mut self, now: Time, key: &Key, interval: Duration) -> Option<Update> {
        let stream = self.streams.get_mut(key)?;
        if let Some(again) = stream.again.take() {
            self.timers.remove(&(again, key.clone()));
        }
        let status = stream.pending.front()?.clone();
        stream.interval = interval;
        stream.again = Some(now + interval);
        self.timers.insert((now + interval, key.clone()));
        Some(Update { framework: key.0.clone(), status, latest: stream.latest })
    }

    /// Whether something of this task is not acknowledged yet.
    pub(crate) fn knows(&self, framework: &str, task: &str) -> bool {
        self.streams.contains_key(&(framework.to_owned(), task.to_owned()))
    }

    /// When `resend` should be called next.
    pub(crate) fn due(&self) -> Option<Time> {
        self.timers.first().map(|(due, _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::TaskId;

    fn status(state: TaskState, uuid: u8) -> TaskStatus {
        let mut status = TaskStatus { task_id: TaskId { value: "t".into() }, ..TaskStatus::default() };
        status.set_state(state);
        status.uuid = Some(vec![uuid].into());
        status
    }

    fn at(seconds: u64) -> Time {
        Time::from_secs(seconds)
    }

    #[test]
    fn one_at_a_time_and_the_latest_state_goes_along() {
        let mut updates = Updates::default();
        let first = updates.push(at(0), "f", status(TaskState::TaskStarting, 1)).unwrap();
        assert_eq!((first.status.uuid(), first.latest), (&[1][..], TaskState::TaskStarting));
        assert!(updates.push(at(0), "f", status(TaskState::TaskRunning, 2)).is_none());
        assert!(updates.push(at(0), "f", status(TaskState::TaskFinished, 3)).is_none());
        assert!(updates.acknowledge(at(1), "f", "t", &[2]).is_none(), "not the one under way");
        let second = updates.acknowledge(at(1), "f", "t", &[1]).unwrap();
        assert_eq!((second.status.uuid(), second.latest), (&[2][..], TaskState::TaskFinished));
        assert!(updates.acknowledge(at(1), "f", "t", &[1]).is_none(), "acknowledged twice");
        assert_eq!(updates.acknowledge(at(1), "f", "t", &[2]).unwrap().status.uuid(), [3]);
        assert!(updates.acknowledge(at(1), "f", "t", &[3]).is_none());
        assert_eq!(updates.due(), None);
    }

    #[test]
    fn the_terminal_acknowledgement_drops_what_waits() {
        let mut updates = Updates::default();
        updates.push(at(0), "f", status(TaskState::TaskFinished, 1)).unwrap();
        assert!(updates.push(at(0), "f", status(TaskState::TaskFailed, 2)).is_none());
        assert!(updates.acknowledge(at(0), "f", "t", &[1]).is_none());
        assert_eq!(updates.due(), None);
    }

    #[test]
    fn sent_again_after_10_20_40_seconds_and_at_once_to_a_new_connection() {
        let mut updates = Updates::default();
        updates.push(at(0), "f", status(TaskState::TaskRunning, 1)).unwrap();
        let mut now = at(0);
        for wait in [10, 20, 40, 80, 160, 320, 600, 600] {
            assert_eq!(updates.due(), Some(now + at(wait)));
            assert!(updates.resend(now + at(wait) - Duration::from_nanos(1)).is_empty());
            now += at(wait);
            assert_eq!(updates.resend(now).len(), 1);
        }
        assert!(updates.resume(now, "another").is_empty());
        assert_eq!(updates.resume(now, "f").len(), 1);
        assert_eq!(updates.due(), Some(now + at(10)));
        updates.acknowledge(now, "f", "t", &[1]);
        assert_eq!(updates.due(), None);
    }
}
