//! Rounds in virtual time: who is asked for when, and what is forgotten.

use super::*;
use crate::proto::mesos::v1::offer::{Operation, operation};
use crate::proto::mesos::v1::scheduler::call::reconcile;
use crate::proto::mesos::v1::{AgentId, TaskGroupInfo, TaskId, TaskInfo, TaskStatus};
use TaskState::{TaskFinished, TaskLost, TaskRunning, TaskUnknown, TaskUnreachable};
use prost::Message;

const AGENT: &str = "agent";
const UUID: &[u8] = b"0123456789abcdef";

fn task_id(id: &str) -> TaskId {
    TaskId { value: id.into() }
}

fn agent_id() -> AgentId {
    AgentId { value: AGENT.into() }
}

/// A reconciler, and what it was told and has asked.
#[derive(Default)]
struct Run {
    machine: Reconciler,
    now: Time,
}

/// What a call asks for: the ids of tasks; none is everything.
type Asked = Vec<Vec<String>>;

impl Run {
    fn step(&mut self, input: &Input<'_>) -> Asked {
        let ids = |call| match call {
            Call::Reconcile { tasks } => tasks.iter().map(|task| asked(task).task_id.value).collect(),
            other => panic!("{other:?}"),
        };
        self.machine.step(self.now, input).into_iter().map(ids).collect()
    }

    fn subscribed(&mut self) -> Asked {
        self.step(&Input::Event(&Event::Subscribed { framework_id: Bytes::new(), master_info: None }))
    }

    fn disconnected(&mut self) {
        assert!(self.step(&Input::Event(&Event::Disconnected)).is_empty());
    }

    fn launch(&mut self, ids: &[&str]) {
        let task = |id: &&str| TaskInfo { task_id: task_id(id), agent_id: agent_id(), ..TaskInfo::default() };
        let (one, rest) = ids.split_first().unwrap();
        let task_group = TaskGroupInfo { tasks: rest.iter().map(task).collect() };
        let operation = Operation {
            launch: Some(operation::Launch { task_infos: vec![task(one)] }),
            launch_group: Some(operation::LaunchGroup { task_group, ..Default::default() }.into()),
            ..Operation::default()
        };
        let operations = vec![operation.encode_to_vec().into()];
        let accept = Call::Accept { offer_ids: Vec::new(), operations, filters: None };
        assert!(self.step(&Input::Call(&accept)).is_empty());
    }

    fn update(&mut self, id: &str, state: TaskState, uuid: Option<&'static [u8]>) -> Asked {
        let mut status = TaskStatus {
            task_id: task_id(id),
            agent_id: Some(agent_id()),
            uuid: uuid.map(Bytes::from),
            ..TaskStatus::default()
        };
        status.set_state(state);
        self.step(&Input::Event(&Event::StatusUpdate(status.encode_to_vec().into())))
    }

    fn acknowledge(&mut self, id: &str, uuid: &'static [u8]) -> Asked {
        let task_id = task_id(id).encode_to_vec().into();
        let agent_id = agent_id().encode_to_vec().into();
        self.step(&Input::Call(&Call::Acknowledge { agent_id, task_id, uuid: uuid.into() }))
    }

    /// The program asks.
    fn reconcile(&mut self, ids: &[&str]) -> Asked {
        let task = |id: &&str| question(&id.as_bytes().into(), None);
        self.step(&Input::Call(&Call::Reconcile { tasks: ids.iter().map(task).collect() }))
    }

    /// Lets time pass up to the next tick: after how many seconds that was, and what it asked.
    fn tick(&mut self) -> (u64, Asked) {
        let due = self.machine.due().unwrap();
        let waited = due - self.now;
        self.now = due - Duration::from_millis(1);
        assert!(self.step(&Input::Tick).is_empty(), "a tick before its time");
        self.now = due;
        (waited.as_secs(), self.step(&Input::Tick))
    }

    fn known(&self) -> Vec<&str> {
        self.machine.tasks.keys().map(|id| std::str::from_utf8(id).unwrap()).collect()
    }
}

fn asked(task: &Bytes) -> reconcile::Task {
    reconcile::Task::decode(&task[..]).unwrap()
}

fn everything() -> Asked {
    vec![Vec::new()]
}

fn tasks(ids: &[&str]) -> Asked {
    vec![ids.iter().map(|id| (*id).to_owned()).collect()]
}

#[test]
fn with_no_tasks_a_round_asks_for_everything_and_rests() {
    let mut run = Run::default();
    assert_eq!(run.machine.due(), None);
    assert_eq!(run.subscribed(), everything());
    assert_eq!(run.tick(), (900, everything()));
    assert_eq!(run.tick(), (900, everything()));
}

#[test]
fn the_unanswered_are_asked_for_again_after_pauses_that_double() {
    let mut run = Run::default();
    run.subscribed();
    run.launch(&["a", "b", "c"]);
    run.disconnected();
    assert_eq!(run.machine.due(), None, "nobody is there to be asked");
    assert_eq!(run.subscribed(), tasks(&["a", "b", "c"]));
    assert!(run.update("b", TaskRunning, None).is_empty());
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let (pause, asked) = run.tick();
        assert_eq!(asked, tasks(&["a", "c"]));
        pauses.push(pause);
    }
    assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
    assert!(run.update("a", TaskRunning, Some(UUID)).is_empty());
    assert_eq!(run.update("c", TaskUnreachable, None), everything(), "the last answer ends the round");
    assert_eq!(run.tick(), (900, tasks(&["a", "b", "c"])));
    assert_eq!(run.tick().0, 5, "each round begins with a short pause");
}

#[test]
fn agents_are_named_as_far_as_they_are_known() {
    let mut run = Run::default();
    run.launch(&["a"]);
    run.reconcile(&["b"]);
    let input = Event::Subscribed { framework_id: Bytes::new(), master_info: None };
    let calls = run.machine.step(run.now, &Input::Event(&input));
    let [Call::Reconcile { tasks }] = &calls[..] else { panic!("{calls:?}") };
    let agents: Vec<_> = tasks.iter().map(|task| asked(task).agent_id).collect();
    assert_eq!(agents, [Some(agent_id()), None]);
}

#[test]
fn a_subscription_ends_the_round_before() {
    let mut run = Run::default();
    run.launch(&["a", "b"]);
    run.subscribed();
    run.tick();
    run.tick();
    run.update("a", TaskRunning, None);
    assert_eq!(run.subscribed(), tasks(&["a", "b"]), "what was said before does not count any more");
    assert_eq!(run.tick(), (5, tasks(&["a", "b"])));
    run.disconnected();
    assert!(run.step(&Input::Tick).is_empty());
}

#[test]
fn a_task_is_known_until_its_end_is_acknowledged() {
    let mut run = Run::default();
    run.subscribed();
    run.launch(&["a", "b", "c", "d"]);
    run.update("a", TaskFinished, Some(UUID));
    run.update("b", TaskLost, None);
    run.update("c", TaskUnknown, None);
    run.update("d", TaskRunning, Some(UUID));
    run.update("e", TaskUnreachable, None);
    assert_eq!(run.known(), ["a", "d", "e"], "it is not acknowledged, it runs, it may come back");
    run.acknowledge("a", b"another update's");
    run.acknowledge("d", UUID);
    run.acknowledge("never heard of", UUID);
    assert_eq!(run.known(), ["a", "d", "e"]);
    run.acknowledge("a", UUID);
    assert_eq!(run.known(), ["d", "e"]);
    assert!(run.machine.unanswered.is_empty());
}

#[test]
fn the_acknowledgement_of_an_end_is_an_answer_too() {
    let mut run = Run::default();
    run.launch(&["a"]);
    run.update("a", TaskFinished, Some(UUID));
    assert_eq!(run.subscribed(), tasks(&["a"]));
    assert_eq!(run.acknowledge("a", UUID), everything());
    assert_eq!(run.tick(), (900, everything()));
}

#[test]
fn an_id_that_is_used_again_is_a_task_again() {
    let mut run = Run::default();
    run.launch(&["a"]);
    run.update("a", TaskFinished, Some(UUID));
    run.launch(&["a"]);
    run.acknowledge("a", UUID);
    assert_eq!(run.known(), ["a"]);
}

#[test]
fn what_the_program_asks_for_is_asked_for_until_it_is_answered() {
    let mut run = Run::default();
    run.subscribed();
    assert!(run.reconcile(&[]).is_empty(), "everything: nobody knows when that is answered");
    assert_eq!(run.tick().0, 900);
    assert!(run.reconcile(&["stored"]).is_empty(), "the program's own call asks");
    assert_eq!(run.tick(), (5, tasks(&["stored"])));
    assert!(run.reconcile(&["other"]).is_empty());
    assert_eq!(run.tick(), (10, tasks(&["other", "stored"])), "one round for both");
    run.update("other", TaskRunning, None);
    assert_eq!(run.update("stored", TaskUnknown, None), everything());
    assert_eq!(run.known(), ["other"]);
}

#[test]
fn what_is_odd_changes_nothing() {
    let mut run = Run::default();
    for status in [&b""[..], b"\x0a\x00", b"\x10\x01", b"\xff"] {
        let event = Event::StatusUpdate(Bytes::from_static(status));
        assert!(run.step(&Input::Event(&event)).is_empty());
    }
    assert!(run.step(&Input::Event(&Event::OfferRescinded(Bytes::new()))).is_empty());
    assert!(run.step(&Input::Tick).is_empty());
    assert!(run.known().is_empty());
}
