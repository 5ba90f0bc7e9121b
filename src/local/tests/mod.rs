//! The state machines in virtual time, with processes that only exist on paper.

mod allocation;
mod checks;
mod draining;
mod endpoints;
mod executors;
mod faults;
mod frameworks;
mod groups;
mod maintenance;
mod metrics;
mod offers;
mod operations;
mod operators;
mod shares;
mod tasks;
mod worker;

use super::action::{Action, Event as StreamEvent, Happening};
use super::agent::Access;
use super::clock::{Entropy, Time};
use super::core::{Core, Input, Shape};
use super::probe::{Found, Probe};
use super::process::{Exit, Launch, RunId, Signal};
use super::reply::Reply;
use super::resources;
use crate::proto::mesos::v1::executor;
use crate::proto::mesos::v1::framework_info::Capability;
use crate::proto::mesos::v1::framework_info::capability::Type as CapabilityType;
use crate::proto::mesos::v1::master;
use crate::proto::mesos::v1::offer::{Operation, operation};
use crate::proto::mesos::v1::scheduler::call::{self, Accept, Acknowledge, Decline, Kill, Subscribe};
use crate::proto::mesos::v1::scheduler::{Call, Event, event};
use crate::proto::mesos::v1::{
    AgentId, CommandInfo, Filters, FrameworkId, FrameworkInfo, Offer, OfferId, TaskId, TaskInfo, TaskState,
    TaskStatus,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Numbers that are different, and the same in every run.
struct Counter(u64);

impl Entropy for Counter {
    fn uuid(&mut self) -> [u8; 16] {
        self.0 += 1;
        let mut uuid = [0; 16];
        uuid[..8].copy_from_slice(&self.0.to_be_bytes());
        uuid[6] = 0x40;
        uuid[8..].copy_from_slice(&self.0.to_be_bytes());
        uuid
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 += 1;
        usize::try_from(self.0).unwrap() % bound
    }
}

/// A subscribed framework.
#[derive(Debug, Clone)]
struct Client {
    stream: u64,
    framework: String,
    stream_id: String,
}

/// A cluster in virtual time.
struct Sim {
    core: Core,
    now: Time,
    requests: u64,
    events: BTreeMap<u64, Vec<Event>>,
    replies: BTreeMap<u64, Reply>,
    closed: BTreeSet<u64>,
    started: Vec<(RunId, Launch)>,
    signals: Vec<(Time, RunId, Signal)>,
    /// looks over the network that are under way
    probes: BTreeMap<RunId, Probe>,
    /// where the files of tasks are
    sandboxes: BTreeMap<String, PathBuf>,
    /// the volumes that each task sees, and where
    mounted: BTreeMap<String, Vec<(String, PathBuf)>>,
    volumes: BTreeSet<PathBuf>,
    /// what executors have heard, by their streams
    told: BTreeMap<u64, Vec<executor::Event>>,
    /// what operators who watch have heard, by their streams
    news: BTreeMap<u64, Vec<master::Event>>,
    /// what is said instead of starting the next processes
    refusal: Option<String>,
    /// whether their files are missing
    absent: bool,
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn framework(name: &str) -> FrameworkInfo {
    FrameworkInfo { name: name.into(), user: "nobody".into(), ..FrameworkInfo::default() }
}

fn with(mut info: FrameworkInfo, capabilities: &[CapabilityType]) -> FrameworkInfo {
    let capability = |capability: &CapabilityType| Capability { r#type: Some((*capability).into()) };
    info.capabilities.extend(capabilities.iter().map(capability));
    info
}

fn with_roles(info: FrameworkInfo, roles: &[&str]) -> FrameworkInfo {
    let mut info = with(info, &[CapabilityType::MultiRole]);
    info.roles = roles.iter().map(|&role| role.to_owned()).collect();
    info
}

fn call_of(r#type: call::Type) -> Call {
    let mut call = Call::default();
    call.set_type(r#type);
    call
}

fn task(id: &str, offer: &Offer, resources: &str) -> TaskInfo {
    let mut resources = resources::to_proto(&resources::parse(resources).unwrap(), "*");
    resources.iter_mut().for_each(|resource| resource.allocation_info = None);
    TaskInfo {
        name: id.into(),
        task_id: TaskId { value: id.into() },
        agent_id: offer.agent_id.clone(),
        resources,
        command: Some(Box::new(CommandInfo { value: Some("true".into()), ..CommandInfo::default() })),
        ..TaskInfo::default()
    }
}

fn launch(tasks: Vec<TaskInfo>) -> Operation {
    let mut operation =
        Operation { launch: Some(operation::Launch { task_infos: tasks }), ..Operation::default() };
    operation.set_type(operation::Type::Launch);
    operation
}

fn filters(refuse_seconds: f64) -> Option<Filters> {
    Some(Filters { refuse_seconds: Some(refuse_seconds) })
}

impl Sim {
    fn new(agents: usize, resources: &str) -> Self {
        Self::with_access(agents, resources, &Access::default())
    }

    /// One whose executors reach their agents like this.
    fn with_access(agents: usize, resources: &str, access: &Access) -> Self {
        let resources = resources::parse(resources).unwrap();
        Self::with_shape(agents, Shape { resources, ..Shape::default() }, access)
    }

    fn with(agents: usize, shape: Shape) -> Self {
        Self::with_shape(agents, shape, &Access::default())
    }

    fn with_shape(agents: usize, shape: Shape, access: &Access) -> Self {
        let now = seconds(1_000_000.0);
        let mut seed = 0;
        let entropy = || -> Box<dyn Entropy> {
            seed += 1_000_000;
            Box::new(Counter(seed))
        };
        let address = |at: usize| SocketAddr::from(([127, 0, 0, 1], 5050 + u16::try_from(at).unwrap()));
        let addresses: Vec<_> = (1..=agents).map(|at| (address(at), access.clone())).collect();
        let core = Core::new(now, address(0), &addresses, shape, entropy);
        Self {
            core,
            now,
            requests: 0,
            events: BTreeMap::new(),
            replies: BTreeMap::new(),
            closed: BTreeSet::new(),
            started: Vec::new(),
            signals: Vec::new(),
            probes: BTreeMap::new(),
            sandboxes: BTreeMap::new(),
            mounted: BTreeMap::new(),
            volumes: BTreeSet::new(),
            told: BTreeMap::new(),
            news: BTreeMap::new(),
            refusal: None,
            absent: false,
        }
    }

    fn input(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut out = Vec::new();
            self.core.step(self.now, input, &mut out);
            for action in out {
                match action {
                    Action::Reply { request, reply } => drop(self.replies.insert(request, reply)),
                    Action::Event { stream, event } => {
                        assert!(!self.closed.contains(&stream), "an event after the end: {event:?}");
                        match event {
                            StreamEvent::Scheduler(event) => {
                                self.events.entry(stream).or_default().push(*event)
                            }
                            StreamEvent::Executor(event) => self.told.entry(stream).or_default().push(*event),
                            StreamEvent::Operator(event) => self.news.entry(stream).or_default().push(*event),
                        }
                    }
                    Action::Close { stream } => drop(self.closed.insert(stream)),
                    Action::Start { run, launch } => {
                        let pid = 100 + u32::try_from(self.started.len()).unwrap();
                        self.started.push((run, *launch));
                        let what = match self.refusal.clone() {
                            _ if self.absent => Happening::NotFetched,
                            Some(why) => Happening::NotStarted(why),
                            None => Happening::Started(pid),
                        };
                        inputs.push(Input::Happened { run, what });
                    }
                    Action::Signal { run, signal } => self.signals.push((self.now, run, signal)),
                    Action::Probe { run, probe } => drop(self.probes.insert(run, probe)),
                    Action::EndProbe { run } => drop(self.probes.remove(&run).expect("it was under way")),
                    Action::Sandbox { task, directory, volumes } => {
                        self.sandboxes.insert(task.clone(), directory);
                        self.mounted.insert(task, volumes);
                    }
                    Action::CreateVolume { directory } => drop(self.volumes.insert(directory)),
                    Action::DestroyVolume { directory } => drop(self.volumes.remove(&directory)),
                }
            }
        }
    }

    /// Lets time pass, with a tick whenever one is due.
    fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        let mut turns = 0;
        while let Some(due) = self.core.due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.input(Input::Tick);
            turns += 1;
            assert!(turns < 10_000, "ticks without end");
        }
        self.now = end;
    }

    fn subscribe(&mut self, info: FrameworkInfo) -> Client {
        self.subscribe_with(Subscribe { framework_info: Box::new(info), ..Subscribe::default() })
    }

    fn subscribe_with(&mut self, subscribe: Subscribe) -> Client {
        self.requests += 1;
        let stream = self.requests;
        self.input(Input::Subscribe { request: stream, subscribe: Box::new(subscribe) });
        let Some(Reply::Stream(Some(stream_id))) = self.replies.remove(&stream) else { panic!("no stream") };
        let first = self.events[&stream][0].clone();
        let framework = first.subscribed.map(|event| event.framework_id.value).unwrap_or_default();
        Client { stream, framework, stream_id }
    }

    fn call(&mut self, client: &Client, mut call: Call) -> Reply {
        self.requests += 1;
        call.framework_id = Some(FrameworkId { value: client.framework.clone() });
        let (request, stream_id) = (self.requests, Some(client.stream_id.clone()));
        self.input(Input::Call { request, call: Box::new(call), stream_id });
        self.replies.remove(&request).expect("an answer")
    }

    fn accepted(&mut self, client: &Client, call: Call) {
        assert_eq!(self.call(client, call), Reply::Accepted);
    }

    /// What has come in since the last time.
    fn events(&mut self, client: &Client) -> Vec<Event> {
        self.events.remove(&client.stream).unwrap_or_default()
    }

    fn types(&mut self, client: &Client) -> Vec<event::Type> {
        self.events(client).iter().map(Event::r#type).collect()
    }

    fn offers(&mut self, client: &Client) -> Vec<Offer> {
        self.events(client)
            .into_iter()
            .filter_map(|event| event.offers)
            .flat_map(|event| event.offers)
            .collect()
    }

    fn offer(&mut self, client: &Client) -> Offer {
        let mut offers = self.offers(client);
        assert_eq!(offers.len(), 1, "{offers:?}");
        offers.remove(0)
    }

    fn statuses(&mut self, client: &Client) -> Vec<TaskStatus> {
        self.events(client).into_iter().filter_map(|event| event.update).map(|event| *event.status).collect()
    }

    fn status(&mut self, client: &Client) -> TaskStatus {
        let mut statuses = self.statuses(client);
        assert_eq!(statuses.len(), 1, "{statuses:?}");
        statuses.remove(0)
    }

    fn accept(&mut self, client: &Client, offers: &[&Offer], operations: Vec<Operation>, refuse: f64) {
        let offer_ids = offers.iter().map(|offer| offer.id.clone()).collect();
        let accept = Accept { offer_ids, operations, filters: filters(refuse) };
        self.accepted(client, Call { accept: Some(Box::new(accept)), ..call_of(call::Type::Accept) });
    }

    fn decline(&mut self, client: &Client, offer: &Offer, filters: Option<Filters>) {
        let decline = Decline { offer_ids: vec![offer.id.clone()], filters };
        self.accepted(client, Call { decline: Some(Box::new(decline)), ..call_of(call::Type::Decline) });
    }

    /// Launches a task on the whole offer that is there.
    fn run(&mut self, client: &Client, id: &str) -> RunId {
        let offer = self.offer(client);
        self.accept(client, &[&offer], vec![launch(vec![task(id, &offer, "cpus:1;mem:64")])], 3600.0);
        self.started.last().expect("a process").0
    }

    fn acknowledge(&mut self, client: &Client, status: &TaskStatus) {
        let acknowledge = Acknowledge {
            agent_id: status.agent_id.clone().expect("an agent"),
            task_id: status.task_id.clone(),
            uuid: status.uuid.clone().expect("a uuid"),
        };
        let call = Call { acknowledge: Some(Box::new(acknowledge)), ..call_of(call::Type::Acknowledge) };
        self.accepted(client, call);
    }

    /// Takes and acknowledges statuses until none follows.
    fn states(&mut self, client: &Client) -> Vec<TaskState> {
        let mut states = Vec::new();
        loop {
            let statuses = self.statuses(client);
            if statuses.is_empty() {
                return states;
            }
            for status in statuses {
                states.push(status.state());
                if status.uuid.is_some() {
                    self.acknowledge(client, &status);
                }
            }
        }
    }

    fn kill(&mut self, client: &Client, task: &str, agent: Option<&str>, grace: Option<i64>) {
        use crate::proto::mesos::v1::{DurationInfo, KillPolicy};
        let kill = Kill {
            task_id: TaskId { value: task.into() },
            agent_id: agent.map(|agent| AgentId { value: agent.into() }),
            kill_policy: grace
                .map(|nanoseconds| KillPolicy { grace_period: Some(DurationInfo { nanoseconds }) }),
        };
        self.accepted(client, Call { kill: Some(Box::new(kill)), ..call_of(call::Type::Kill) });
    }

    fn exit(&mut self, run: RunId, exit: Exit) {
        self.input(Input::Happened { run, what: Happening::Exited(exit) });
    }

    fn close(&mut self, client: &Client) {
        self.input(Input::Closed { agent: None, stream: client.stream });
    }

    fn simple(&mut self, client: &Client, r#type: call::Type) {
        self.accepted(client, call_of(r#type));
    }
}

/// `cpus` of an offer.
fn cpus(offer: &Offer) -> f64 {
    let cpus = offer.resources.iter().find(|resource| resource.name == "cpus");
    cpus.and_then(|resource| resource.scalar.as_ref()).map_or(0.0, |scalar| scalar.value)
}

fn role(offer: &Offer) -> &str {
    offer.allocation_info.as_ref().map_or("", |allocation| allocation.role())
}

fn id_of(offer: &Offer) -> OfferId {
    offer.id.clone()
}
