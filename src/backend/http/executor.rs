//! The HTTP backend of an executor driver: one task that connects to the agent, serves a subscription, and, as far as
//! Mesos' rules allow, connects again.
//!
//! # Invariants
//! * An update is kept until the agent has acknowledged it, and is told to it again with every subscription (`kept`).
//!   Messages are at most once: without a subscription they are dropped and counted.
//! * An executor that has lost its agent for good, and one that the agent wants to end, hears `Shutdown`, once, and no
//!   other order after it. Then its process group has the grace period before it is killed.
//! * A stop is seen through when every update was acknowledged; it waits `END_TIMEOUT` at most, and after a `Shutdown` only
//!   for a part of the grace period.
//! * As for schedulers: both connections are closed before `Disconnected` is said, `Error` is the last event.

use super::calls::Answered;
use super::decode::{Said, part, parts};
use super::encode::{Caller, encode, heartbeat};
use super::line::{Command, Counters, Line, Served, Stop, add, guarded, line};
use super::master::Endpoint;
use super::request::Target;
use super::subscription::Ended;
use super::tls::Tls;
use super::{Timing, api, attempt, sensitive};
use crate::backend::{Backend, End};
use crate::error::Result;
use crate::event::{Call, Event, Failure, Placement};
use crate::queue::Sender;
use crate::runtime;
use crate::sys::processes::kill_group;
use crate::wire::field::executor_call::MESSAGE;
use crate::wire::field::task_group_info::TASKS;
use bytes::Bytes;
use decode::decode;
use kept::Kept;
use recovery::Recovery;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::warn;

mod connecting;
mod decode;
mod kept;
mod recovery;

pub(crate) use recovery::Policy;

/// What an executor's environment says. Not `Debug`: it holds a secret.
pub(crate) struct Config {
    /// the agent
    pub(crate) endpoint: Endpoint,
    /// where the agent is, if not at its address
    pub(crate) unix_socket: Option<PathBuf>,
    /// for an agent that speaks TLS
    pub(crate) tls: Option<Tls>,
    /// a bearer token
    pub(crate) token: Option<String>,
    /// `FrameworkID`
    pub(crate) framework_id: Bytes,
    /// `ExecutorID`
    pub(crate) executor_id: Bytes,
    /// what to do without an agent
    pub(crate) policy: Policy,
    /// from `Shutdown` to the end of the process group; `None` = nobody ends it
    pub(crate) grace_period: Option<Duration>,
}

/// Starts to subscribe, and returns at once: whatever happens is an event.
///
/// Fails only if the process can have no network threads, or the token cannot stand in a header.
pub(crate) fn connect(config: Config, sender: Sender) -> Result<Arc<dyn Backend>> {
    let say = move |event| sender.send(event);
    Ok(Arc::new(start(&runtime::handle()?, config, Timing::default(), say)?))
}

/// The same on any runtime, with any waits, to any listener. Dropping `say` is dropping the queue's sender.
fn start(
    runtime: &Handle,
    config: Config,
    timing: Timing,
    say: impl Fn(Event) + Send + 'static,
) -> Result<Line> {
    let Config { endpoint, unix_socket, tls, token, framework_id, executor_id, policy, grace_period } =
        config;
    let bearer = |token| sensitive("MESOS_EXECUTOR_AUTHENTICATION_TOKEN", &format!("Bearer {token}"));
    let authorization = token.map(bearer).transpose()?;
    let unix_socket = unix_socket.map(Into::into);
    let (line, commands, _, counters) = line();
    let actor = Actor {
        target: Target { endpoint, api: &api::EXECUTOR, authorization, tls, unix_socket },
        framework_id,
        executor_id,
        grace_period,
        runtime: runtime.clone(),
        timing,
        commands,
        counters,
        say,
        kept: Kept::default(),
        recovery: Recovery::new(policy, Instant::now()),
        next_heartbeat: Instant::now() + timing.heartbeat,
        registered: false,
        shutting_down: false,
        ending: None,
    };
    runtime.spawn(actor.run());
    Ok(line)
}

/// An executor's subscription.
type Session = attempt::Session<Placement>;

struct Actor<S> {
    target: Target,
    framework_id: Bytes,
    executor_id: Bytes,
    grace_period: Option<Duration>,
    runtime: Handle,
    timing: Timing,
    commands: UnboundedReceiver<Command>,
    counters: Arc<Counters>,
    say: S,
    kept: Kept,
    recovery: Recovery,
    next_heartbeat: Instant,
    /// whether there ever was a subscription
    registered: bool,
    /// `Shutdown` was said
    shutting_down: bool,
    /// a stop was asked for: until when it may take
    ending: Option<Instant>,
}

impl<S: Fn(Event) + Send> Actor<S> {
    async fn run(mut self) {
        let stop = guarded(self.live()).await;
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            add(&self.counters.dropped, u64::from(matches!(command, Command::Call(_))));
        }
        if let Stop::Failed(failure) = stop {
            (self.say)(Event::Error(failure));
        }
    }

    async fn live(&mut self) -> Stop {
        loop {
            let mut session = match self.connect().await {
                Ok(session) => session,
                Err(stop) => return stop,
            };
            let served = self.serve(&mut session).await;
            add(&self.counters.sent, session.calls.take_sent());
            let messages = session.calls.calls().filter(|call| part(call, MESSAGE).is_some());
            add(&self.counters.dropped, messages.count() as u64);
            drop(session);
            match served {
                Served::Stopped(stop) => return stop,
                Served::Lost(why) => {
                    let kept = self.kept.updates();
                    warn!(target: "mesos.http", "lost the agent {}: {why}; {}", self.target.endpoint, updates(kept));
                    (self.say)(Event::Disconnected);
                    self.recovery.lost(Instant::now());
                }
            }
        }
    }

    /// Passes events and calls until the subscription or the driver ends.
    async fn serve(&mut self, session: &mut Session) -> Served {
        while self.ending.is_none() || session.calls.unanswered() > 0 || self.kept.updates() > 0 {
            tokio::select! {
                command = next(&mut self.commands, self.ending) => match self.commanded(session, command) {
                    Some(End::Abort) => return Served::Stopped(Stop::Ended),
                    Some(_) => self.end(),
                    None => {}
                },
                record = session.stream.next() => match record.map(|record| decode(&record)) {
                    Ok(Ok(said)) => {
                        if let Some(stop) = self.heard(said) {
                            return Served::Stopped(stop);
                        }
                    }
                    Ok(Err(what)) => return Served::Lost(format!("an event that cannot be read: {what}")),
                    Err(Ended::Cut(why) | Ended::NotRecordIo(why)) => return Served::Lost(why),
                },
                answer = session.calls.next() => match answer.map(|answer| self.answered(answer)) {
                    Ok(None) => {}
                    Ok(Some(why)) | Err(why) => return Served::Lost(why),
                },
                () = sleep_until(self.next_heartbeat) => {
                    self.next_heartbeat = Instant::now() + self.timing.heartbeat;
                    session.calls.push(heartbeat(self.caller()));
                }
                () = at(self.ending) => return Served::Stopped(self.out_of_time()),
            }
            add(&self.counters.sent, session.calls.take_sent());
            self.counters.hear(session);
        }
        Served::Stopped(Stop::Ended)
    }

    fn caller(&self) -> Caller<'_> {
        Caller { framework_id: &self.framework_id, executor_id: &self.executor_id }
    }

    /// Queues all calls that wait, so that they leave together; returns how to end when an end is among them.
    fn commanded(&mut self, session: &mut Session, first: Command) -> Option<End> {
        let mut next = Ok(first);
        while let Ok(command) = next {
            match command {
                Command::Call(call) => {
                    if let Call::Update(status) = &call {
                        self.kept.updated(status);
                    }
                    session.calls.push(encode(self.caller(), &call));
                }
                Command::End(how) => return Some(how),
            }
            next = self.commands.try_recv();
        }
        None
    }

    /// Sees a stop through: from now on events are nobody's business.
    fn end(&mut self) {
        // an agent that ends the whole framework acknowledges nothing any more; nor is there time to wait for it
        let limit = match self.grace_period {
            Some(grace_period) if self.shutting_down => self.timing.end.min(grace_period / 5),
            _ => self.timing.end,
        };
        self.ending.get_or_insert_with(|| Instant::now() + limit);
    }

    fn out_of_time(&self) -> Stop {
        let kept = updates(self.kept.updates());
        warn!(target: "mesos.http", "stopped without all answers of the agent {}: {kept}", self.target.endpoint);
        Stop::Ended
    }

    /// What the agent said; a reason to stop if it is one.
    fn heard(&mut self, said: Said<Placement>) -> Option<Stop> {
        match said {
            Said::Acknowledged { task_id, uuid } => {
                let kept = self.kept.acknowledged(&task_id, &uuid);
                self.counters.settle(kept);
            }
            Said::Event(Event::Shutdown) => self.shut_down(),
            Said::Event(event) if !self.shutting_down => {
                match &event {
                    Event::Launch(task) => self.kept.launched(task),
                    Event::LaunchGroup(group) => {
                        parts(group, TASKS).iter().for_each(|task| self.kept.launched(task));
                    }
                    _ => {}
                }
                (self.say)(event);
            }
            Said::Error(message) => {
                return Some(Stop::Failed(Failure::of_mesos(message)));
            }
            Said::Event(_) | Said::Subscribed { .. } | Said::Nothing => {}
        }
        None
    }

    /// Says `Shutdown`, and sees to it that this process ends.
    fn shut_down(&mut self) {
        if std::mem::replace(&mut self.shutting_down, true) {
            return;
        }
        (self.say)(Event::Shutdown);
        if let Some(grace_period) = self.grace_period {
            warn!(target: "mesos.http", "shutting down: what is left of this process group is killed in {grace_period:?}");
            // it outlives this task and the driver: only the end of the process ends it
            self.runtime.spawn(async move {
                sleep(grace_period).await;
                kill_group();
            });
        }
    }

    /// What an answer means; a reason if the subscription is worth nothing any more.
    fn answered(&mut self, answered: Answered) -> Option<String> {
        let Answered { call, status: code, words: message } = answered;
        match code {
            200..=299 => None,
            // the agent's own words; any other 403 is about this one call
            403 if message.contains("not subscribed") => {
                Some(format!("a call was answered with 403 ({message})"))
            }
            400..=499 => {
                let kept = status_of(&call).is_some_and(|status| self.kept.refused(&status));
                self.counters.settle(kept);
                add(&self.counters.rejected, 1);
                (self.say)(Event::CallRejected { call, code, message });
                None
            }
            _ => Some(format!("a call was answered with {code} ({message})")),
        }
    }
}

/// The `TaskStatus` of an `executor.Call` that is an UPDATE.
fn status_of(call: &Bytes) -> Option<Bytes> {
    use crate::wire::field::{executor_call, executor_call_update};
    part(&part(call, executor_call::UPDATE)?, executor_call_update::STATUS)
}

/// What the driver wants next. One that is gone without a word aborts; one that has stopped needs to say no more.
async fn next(commands: &mut UnboundedReceiver<Command>, ending: Option<Instant>) -> Command {
    match commands.recv().await {
        Some(command) => command,
        None if ending.is_none() => Command::End(End::Abort),
        None => std::future::pending().await,
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn updates(kept: usize) -> String {
    format!("{kept} unacknowledged update{}", if kept == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
