//! What operators ask, order and watch.

use super::operations::reserved;
use super::worker::{Worker, by, executor};
use super::*;
use crate::local::faults::Fault;
use crate::local::operator::{Call as OperatorCall, Response};
use crate::proto::mesos::v1::OperationId;
use crate::proto::mesos::v1::agent;
use crate::proto::mesos::v1::agent::call::Type as AskAgent;
use crate::proto::mesos::v1::master::call::{
    MarkAgentGone, ReserveResources, SetLoggingLevel, Teardown, Type as Ask, UnreserveResources,
};
use crate::proto::mesos::v1::master::event::Type as News;
use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{DurationInfo, Task};
use TaskState::{
    TaskFinished, TaskGoneByOperator, TaskKilled, TaskLost, TaskRunning, TaskStaging, TaskStarting,
    TaskUnreachable,
};

const RESOURCES: &str = "cpus:4;mem:4096";

impl Sim {
    pub(super) fn order(&mut self, r#type: Ask, mut call: master::Call) -> Reply {
        self.requests += 1;
        call.set_type(r#type);
        let (request, call) = (self.requests, OperatorCall::Master(Box::new(call)));
        self.input(Input::Operator { agent: None, request, call });
        self.replies.remove(&request).expect("an answer")
    }

    pub(super) fn ask(&mut self, r#type: Ask) -> master::Response {
        match self.order(r#type, master::Call::default()) {
            Reply::Message(Response::Master(response)) => *response,
            other => panic!("{other:?}"),
        }
    }

    fn ask_agent(&mut self, r#type: AskAgent) -> agent::Response {
        self.requests += 1;
        let mut call = agent::Call::default();
        call.set_type(r#type);
        let request = self.requests;
        self.input(Input::Operator { agent: Some(0), request, call: OperatorCall::Agent(Box::new(call)) });
        match self.replies.remove(&request) {
            Some(Reply::Message(Response::Agent(response))) => *response,
            other => panic!("{other:?}"),
        }
    }

    fn tasks(&mut self) -> master::response::GetTasks {
        *self.ask(Ask::GetTasks).get_tasks.unwrap()
    }

    fn agent_tasks(&mut self) -> agent::response::GetTasks {
        *self.ask_agent(AskAgent::GetTasks).get_tasks.unwrap()
    }

    /// Subscribes; the stream's number.
    fn watch(&mut self) -> u64 {
        assert_eq!(self.order(Ask::Subscribe, master::Call::default()), Reply::Stream(None));
        self.requests
    }

    fn news(&mut self, stream: u64) -> Vec<News> {
        self.news.remove(&stream).unwrap_or_default().iter().map(master::Event::r#type).collect()
    }

    pub(super) fn agent(&self) -> String {
        self.core.ids()[0].clone()
    }
}

fn states(tasks: &[Task]) -> Vec<(&str, TaskState)> {
    tasks.iter().map(|task| (task.task_id.value.as_str(), task.state())).collect()
}

fn said(task: &Task) -> Vec<TaskState> {
    task.statuses.iter().map(TaskStatus::state).collect()
}

#[test]
fn a_task_from_its_launch_to_the_past() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let run = sim.run(&client, "t");
    let tasks = sim.tasks();
    assert_eq!(states(&tasks.tasks), [("t", TaskStarting)], "as the agent said when it said that");
    let task = &tasks.tasks[0];
    assert_eq!((task.framework_id.value.as_str(), &task.executor_id), (client.framework.as_str(), &None));
    assert_eq!(said(task), [TaskStarting], "the next waits for the acknowledgement");
    assert_eq!(states(&sim.agent_tasks().launched_tasks), [("t", TaskRunning)]);

    sim.states(&client);
    assert_eq!(said(&sim.tasks().tasks[0]), [TaskStarting, TaskRunning]);
    sim.exit(run, Exit::Code(0));
    assert_eq!(states(&sim.tasks().tasks), [("t", TaskFinished)], "not acknowledged");
    assert_eq!(states(&sim.agent_tasks().terminated_tasks), [("t", TaskFinished)]);
    sim.states(&client);
    let tasks = sim.tasks();
    assert!(tasks.tasks.is_empty());
    assert_eq!(states(&tasks.completed_tasks), [("t", TaskFinished)]);
    let past = &tasks.completed_tasks[0];
    assert_eq!(said(past), [TaskStarting, TaskRunning, TaskFinished]);
    assert_eq!(past.status_update_state(), TaskFinished);
    let tasks = sim.agent_tasks();
    assert!(tasks.terminated_tasks.is_empty() && tasks.launched_tasks.is_empty());
    assert_eq!(states(&tasks.completed_tasks), [("t", TaskFinished)]);

    let executors = sim.ask_agent(AskAgent::GetExecutors).get_executors.unwrap();
    assert!(executors.executors.is_empty());
    let name = executors.completed_executors[0].executor_info.name().to_owned();
    assert_eq!(name, "Command Executor (Task: t) (Command: sh -c 'true')");
    let frameworks = sim.ask_agent(AskAgent::GetFrameworks).get_frameworks.unwrap();
    assert!(frameworks.frameworks.is_empty(), "an agent forgets who has nothing on it");
    assert_eq!(frameworks.completed_frameworks.len(), 1);
}

#[test]
fn a_task_waits_for_its_executor() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let entrusted = by(task("e", &offer, "cpus:0.5;mem:32"), executor("x"));
    sim.accept(&client, &[&offer], vec![launch(vec![entrusted])], 3600.0);
    assert_eq!(states(&sim.agent_tasks().queued_tasks), [("e", TaskStaging)]);
    let executors = sim.ask(Ask::GetExecutors).get_executors.unwrap().executors;
    assert_eq!(executors.len(), 1);
    assert_eq!(executors[0].agent_id.value, sim.agent());
    let mut worker = Worker::new(&client, "x");
    worker.subscribe(&mut sim, &[], Vec::new());
    assert_eq!(states(&sim.agent_tasks().launched_tasks), [("e", TaskStaging)]);
    worker.update(&mut sim, "e", TaskRunning, 1);
    assert_eq!(states(&sim.agent_tasks().launched_tasks), [("e", TaskRunning)]);
    let containers = sim.ask_agent(AskAgent::GetContainers).get_containers.unwrap().containers;
    assert_eq!(containers.len(), 1);
    let statistics = containers[0].resource_statistics.as_ref().unwrap();
    assert_eq!((statistics.cpus_soft_limit(), statistics.mem_limit_bytes()), (1.0, 64 << 20));

    sim.exit(sim.started[0].0, Exit::Code(1));
    sim.states(&client);
    assert!(sim.ask(Ask::GetExecutors).get_executors.unwrap().executors.is_empty());
    let past = sim.ask_agent(AskAgent::GetExecutors).get_executors.unwrap().completed_executors;
    assert_eq!(past.len(), 1);
    assert_eq!(states(&sim.agent_tasks().completed_tasks), [("e", TaskState::TaskFailed)]);
}

#[test]
fn a_framework_that_has_ended_is_remembered_with_its_tasks() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let stream = sim.watch();
    assert_eq!(sim.news(stream), [News::Subscribed, News::Heartbeat]);
    sim.run(&client, "t");
    sim.states(&client);
    assert_eq!(sim.news(stream), [News::TaskAdded, News::TaskUpdated, News::TaskUpdated]);
    let teardown = Teardown { framework_id: FrameworkId { value: client.framework.clone() } };
    let call = || master::Call { teardown: Some(teardown.clone()), ..master::Call::default() };
    assert_eq!(sim.order(Ask::Teardown, call()), Reply::Ok);
    assert!(sim.closed.contains(&client.stream));
    assert_eq!(sim.news(stream), [News::TaskUpdated, News::FrameworkRemoved]);
    let why = "No framework found with specified ID";
    assert_eq!(sim.order(Ask::Teardown, call()), Reply::Refused(400, why.into()));

    let frameworks = sim.ask(Ask::GetFrameworks).get_frameworks.unwrap();
    assert!(frameworks.frameworks.is_empty());
    let past = &frameworks.completed_frameworks[0];
    assert!(!past.active && !past.connected);
    assert_eq!(past.unregistered_time.as_ref().unwrap().nanoseconds, 1_000_000_000_000_000);
    let tasks = sim.tasks();
    assert_eq!(states(&tasks.completed_tasks), [("t", TaskKilled)]);
    let last = tasks.completed_tasks[0].statuses.last().unwrap();
    assert_eq!(last.reason(), Reason::FrameworkRemoved);
    assert_eq!(last.message(), format!("Framework {} removed", client.framework));
    sim.exit(sim.started[0].0, Exit::Signal { number: 15, dumped: false });
    assert_eq!(states(&sim.agent_tasks().terminated_tasks), [("t", TaskRunning)]);
}

#[test]
fn only_the_latest_thousand_tasks_and_fifty_frameworks_are_remembered() {
    let mut sim = Sim::new(1, "cpus:4;mem:4096");
    let client = sim.subscribe(framework("f"));
    for number in 0..1002 {
        let offer = sim.offer(&client);
        let task = task(&format!("t{number}"), &offer, "cpus:1;mem:64");
        sim.accept(&client, &[&offer], vec![launch(vec![task])], 0.0);
        sim.exit(sim.started.last().unwrap().0, Exit::Code(0));
        sim.states(&client);
        sim.advance(seconds(1.0));
    }
    let past = sim.tasks().completed_tasks;
    assert_eq!((past.len(), past[0].task_id.value.as_str()), (1000, "t2"));
    assert_eq!(sim.agent_tasks().completed_tasks.len(), 150, "as many executors as an agent remembers");
    sim.simple(&client, call::Type::Teardown);
    for _ in 0..51 {
        let client = sim.subscribe(framework("g"));
        sim.simple(&client, call::Type::Teardown);
    }
    assert_eq!(sim.ask(Ask::GetFrameworks).get_frameworks.unwrap().completed_frameworks.len(), 50);
    assert!(sim.tasks().completed_tasks.is_empty(), "they went with their framework");
}

#[test]
fn tasks_of_an_agent_that_is_lost_returns_and_is_gone() {
    let mut sim = Sim::new(1, RESOURCES);
    let info = FrameworkInfo { checkpoint: Some(true), failover_timeout: Some(60.0), ..framework("f") };
    let client = sim.subscribe(with(info, &[CapabilityType::PartitionAware]));
    sim.run(&client, "t");
    sim.states(&client);
    let (stream, agent) = (sim.watch(), sim.agent());
    sim.news(stream);
    sim.input(Input::Fault(Fault::AgentLost(0)));
    assert_eq!(sim.news(stream), [News::TaskUpdated, News::AgentRemoved]);
    let tasks = sim.tasks();
    assert!(tasks.tasks.is_empty() && tasks.completed_tasks.is_empty());
    assert_eq!(states(&tasks.unreachable_tasks), [("t", TaskUnreachable)]);
    assert!(sim.ask(Ask::GetAgents).get_agents.unwrap().agents.is_empty());

    sim.advance(seconds(5.0));
    sim.input(Input::Fault(Fault::AgentReturns(0)));
    assert_eq!(sim.news(stream), [News::AgentAdded, News::TaskAdded]);
    let tasks = sim.tasks();
    assert_eq!(states(&tasks.tasks), [("t", TaskRunning)]);
    assert_eq!(said(&tasks.tasks[0]), [TaskStarting, TaskRunning]);
    let known = &sim.ask(Ask::GetAgents).get_agents.unwrap().agents[0];
    let since = |time: &Option<crate::proto::mesos::v1::TimeInfo>| time.as_ref().unwrap().nanoseconds;
    assert_eq!(since(&known.reregistered_time) - since(&known.registered_time), 5_000_000_000);

    let mark = MarkAgentGone { agent_id: AgentId { value: agent } };
    let call = || master::Call { mark_agent_gone: Some(mark.clone()), ..master::Call::default() };
    assert_eq!(sim.order(Ask::MarkAgentGone, call()), Reply::Ok);
    assert_eq!(sim.news(stream), [News::TaskUpdated, News::AgentRemoved]);
    assert_eq!(states(&sim.tasks().completed_tasks), [("t", TaskGoneByOperator)]);
    assert_eq!(sim.order(Ask::MarkAgentGone, call()), Reply::Ok, "it is");
    assert!(matches!(sim.statuses(&client).last(), Some(status) if status.state() == TaskGoneByOperator));
    let unknown = MarkAgentGone { agent_id: AgentId { value: "x".into() } };
    let call = master::Call { mark_agent_gone: Some(unknown), ..master::Call::default() };
    assert_eq!(sim.order(Ask::MarkAgentGone, call), Reply::Refused(404, "Agent 'x' not found".into()));
}

#[test]
fn without_checkpoints_a_task_is_past_when_its_agent_disconnects() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    sim.run(&client, "t");
    sim.states(&client);
    sim.input(Input::Fault(Fault::AgentStops(0)));
    assert_eq!(states(&sim.tasks().completed_tasks), [("t", TaskLost)]);
    assert!(!sim.ask(Ask::GetAgents).get_agents.unwrap().agents[0].active);
}

#[test]
fn an_operation_is_known_until_its_end_is_acknowledged() {
    let mut sim = Sim::new(1, RESOURCES);
    let client =
        sim.subscribe(with_roles(with(framework("f"), &[CapabilityType::ReservationRefinement]), &["web"]));
    let offer = sim.offer(&client);
    let reserve = operation::Reserve { resources: reserved("cpus:1", "web"), ..Default::default() };
    let mut operation = Operation {
        id: Some(OperationId { value: "o".into() }),
        reserve: Some(Box::new(reserve)),
        ..Operation::default()
    };
    operation.set_type(operation::Type::Reserve);
    sim.accept(&client, &[&offer], vec![operation], 0.0);
    let known = sim.ask(Ask::GetOperations).get_operations.unwrap().operations;
    assert_eq!(known.len(), 1);
    use crate::proto::mesos::v1::OperationState::OperationFinished;
    assert_eq!(known[0].latest_status.state(), OperationFinished);
    assert_eq!(sim.ask_agent(AskAgent::GetOperations).get_operations.unwrap().operations, known);
    let roles = sim.ask(Ask::GetRoles).get_roles.unwrap().roles;
    assert_eq!((roles.len(), roles[0].name.as_str()), (1, "web"));
}

#[test]
fn an_operator_reserves_what_is_free_or_on_offer() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let (offer, agent_id) = (sim.offer(&client), AgentId { value: sim.agent() });
    let reserve = |text| {
        let call = ReserveResources {
            agent_id: agent_id.clone(),
            resources: reserved(text, "web"),
            ..Default::default()
        };
        master::Call { reserve_resources: Some(Box::new(call)), ..master::Call::default() }
    };
    assert!(matches!(sim.order(Ask::ReserveResources, reserve("cpus:5")), Reply::Refused(409, _)));
    assert_eq!(sim.types(&client), [event::Type::Rescind]);
    assert_eq!(sim.order(Ask::ReserveResources, reserve("cpus:1")), Reply::Accepted);
    let total = sim.ask(Ask::GetAgents).get_agents.unwrap().agents[0].total_resources.clone();
    let amounts = total.iter().filter(|resource| resource.name == "cpus");
    let amounts: Vec<f64> = amounts.map(|resource| resource.scalar.as_ref().unwrap().value).collect();
    assert_eq!(amounts, [3.0, 1.0]);
    sim.advance(seconds(6.0));
    assert_eq!(cpus(&offer), 4.0);
    assert_eq!(cpus(&sim.offer(&client)), 3.0, "the rest is not for its role");

    let call = UnreserveResources { agent_id: agent_id.clone(), resources: reserved("cpus:1", "web") };
    let call = master::Call { unreserve_resources: Some(Box::new(call)), ..master::Call::default() };
    assert_eq!(sim.order(Ask::UnreserveResources, call.clone()), Reply::Accepted);
    assert!(matches!(sim.order(Ask::UnreserveResources, call), Reply::Refused(409, _)), "not any more");
    let call = ReserveResources { agent_id: AgentId { value: "x".into() }, ..Default::default() };
    let call = master::Call { reserve_resources: Some(Box::new(call)), ..master::Call::default() };
    let why = "No agent found with specified ID";
    assert_eq!(sim.order(Ask::ReserveResources, call), Reply::Refused(400, why.into()));
}

#[test]
fn who_watches_hears_heartbeats_until_the_stream_or_the_master_ends() {
    let mut sim = Sim::new(1, RESOURCES);
    let (one, two) = (sim.watch(), sim.watch());
    sim.news(one);
    sim.advance(seconds(31.0));
    assert_eq!(sim.news(one), [News::Heartbeat, News::Heartbeat]);
    sim.input(Input::Closed { agent: None, stream: one });
    sim.news(two);
    sim.subscribe(framework("f"));
    assert_eq!((sim.news(one), sim.news(two)), (vec![], vec![News::FrameworkAdded]));
    sim.input(Input::Fault(Fault::MasterFailsOver));
    assert!(sim.closed.contains(&two));
    let frameworks = sim.ask(Ask::GetFrameworks).get_frameworks.unwrap().frameworks;
    assert!(frameworks.iter().all(|framework| framework.recovered));
}

#[test]
fn the_level_of_the_log_is_kept_for_as_long_as_was_asked() {
    let mut sim = Sim::new(1, RESOURCES);
    let set = SetLoggingLevel { level: 2, duration: DurationInfo { nanoseconds: 5_000_000_000 } };
    let call = master::Call { set_logging_level: Some(Box::new(set)), ..master::Call::default() };
    assert_eq!(sim.order(Ask::SetLoggingLevel, call), Reply::Ok);
    let level = |sim: &mut Sim| sim.ask(Ask::GetLoggingLevel).get_logging_level.unwrap().level;
    assert_eq!(level(&mut sim), 2);
    sim.advance(seconds(5.0));
    assert_eq!(level(&mut sim), 0);
}
