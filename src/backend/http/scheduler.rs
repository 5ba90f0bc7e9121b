//! The HTTP backend of a scheduler driver: one task that connects, serves a subscription, and connects again.
//!
//! # Invariants
//! * A call is sent on the subscription that is there when its turn comes, or it is dropped and counted. Only
//!   what it says about the framework itself (suppressed roles, FrameworkInfo) is kept, for the next SUBSCRIBE, unless
//!   the master refuses it.
//! * Both connections of a subscription are closed before `Disconnected` is said and before the next attempt:
//!   nothing late can come out of them.
//! * An end is seen at once in every state; with it the task ends and drops the queue's `Sender`.
//! * `Error` is the last event.

use super::acks::Acks;
use super::attempt;
use super::backoff::Backoff;
use super::calls::Answered;
use super::decode::{Said, Subscribed, decode};
use super::detect::{Leaders, Masters, detect};
use super::encode::{self, Caller};
use super::line::{Command, Counters, Line, Served, Stop, add, guarded, line};
use super::settings::Settings;
use super::subscription::Ended;
use super::tls::Tls;
use super::{Config, Timing};
use crate::backend::{Backend, End, Subscription};
use crate::error::Result;
use crate::event::{Call, Event, Failure};
use crate::queue::Sender;
use crate::runtime;
use hyper::header::HeaderValue;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

mod connecting;

/// Starts to subscribe, and returns at once: whatever happens is an event.
///
/// Fails only if the process can have no network threads, or the authorization cannot stand in a header.
pub(crate) fn connect(
    config: Config,
    subscription: Subscription,
    sender: Sender,
) -> Result<Arc<dyn Backend>> {
    let say = move |event| sender.send(event);
    Ok(Arc::new(start(&runtime::handle()?, config, subscription, Timing::default(), say)?))
}

/// The same on any runtime, with any waits, to any listener. Dropping `say` is dropping the queue's sender.
pub(super) fn start(
    runtime: &Handle,
    config: Config,
    subscription: Subscription,
    timing: Timing,
    say: impl Fn(Event) + Send + 'static,
) -> Result<Line> {
    let backoff = Backoff::new(&timing, config.failover_timeout);
    let detected = detect(runtime, config.master.clone(), &timing, backoff)?;
    let (line, actor) = Actor::new(config, detected, subscription, timing, say)?;
    runtime.spawn(actor.run());
    Ok(line)
}

/// A scheduler's subscription.
type Session = attempt::Session<Subscribed>;

struct Actor<S> {
    authorization: Option<HeaderValue>,
    tls: Option<Tls>,
    masters: Masters,
    settings: Settings,
    backoff: Backoff,
    timing: Timing,
    commands: UnboundedReceiver<Command>,
    acks: Arc<Acks>,
    counters: Arc<Counters>,
    say: S,
    /// whether there ever was a subscription
    registered: bool,
    /// until when there must have been one
    limit: Option<(Instant, Duration)>,
    /// what went wrong last
    problem: String,
}

impl<S: Fn(Event) + Send> Actor<S> {
    /// A task that has not begun, for the leaders of `detected`, and the driver's end of its line.
    fn new(
        config: Config,
        detected: watch::Receiver<Leaders>,
        subscription: Subscription,
        timing: Timing,
        say: S,
    ) -> Result<(Line, Self)> {
        let (line, commands, acks, counters) = line();
        let actor = Self {
            authorization: config.authorization()?,
            tls: config.tls,
            masters: Masters::new(detected),
            settings: Settings::new(subscription),
            backoff: Backoff::new(&timing, config.failover_timeout),
            timing,
            commands,
            acks,
            counters,
            say,
            registered: false,
            // beyond what the clock can say is never
            limit: config.connect_timeout.and_then(|limit| Some((Instant::now().checked_add(limit)?, limit))),
            problem: "no answer yet".into(),
        };
        Ok((line, actor))
    }

    async fn run(mut self) {
        let stop = guarded(self.live()).await;
        self.commands.close();
        add(&self.counters.dropped, self.acks.close().len() as u64);
        while let Ok(command) = self.commands.try_recv() {
            add(&self.counters.dropped, u64::from(matches!(command, Command::Call(_))));
        }
        if let Stop::Failed(failure) = stop {
            (self.say)(Event::Error(failure));
        }
    }

    async fn live(&mut self) -> Stop {
        let mut pause = Duration::ZERO;
        loop {
            let mut session = match self.connect(pause).await {
                Ok(session) => session,
                Err(stop) => return stop,
            };
            let served = self.serve(&mut session).await;
            add(&self.counters.sent, session.calls.take_sent());
            let unanswered = session.calls.unanswered();
            add(&self.counters.dropped, unanswered as u64);
            let (endpoint, lasted) = (session.endpoint.clone(), session.started.elapsed());
            drop(session);
            let why = match served {
                Served::Stopped(stop) => return stop,
                Served::Lost(why) => why,
            };
            pause = if lasted < self.timing.settled {
                self.backoff.pause()
            } else {
                self.backoff.reset();
                Duration::ZERO
            };
            let (calls, next) = (plural(unanswered), when(pause));
            warn!(target: "mesos.http", "lost the master {endpoint}: {why}; {calls}; subscribing again {next}");
            (self.say)(Event::Disconnected);
        }
    }

    /// Passes events and calls until the subscription or the driver ends.
    async fn serve(&mut self, session: &mut Session) -> Served {
        loop {
            let deadline = session.deadline(&self.timing);
            tokio::select! {
                command = self.commands.recv() => {
                    if let Some(how) = self.commanded(session, command) {
                        self.finish(session, how).await;
                        return Served::Stopped(Stop::Ended);
                    }
                }
                record = session.stream.next() => match record.map(|record| decode(&record)) {
                    Ok(Ok(Said::Event(event))) => (self.say)(event),
                    Ok(Ok(Said::Nothing | Said::Subscribed { .. } | Said::Acknowledged { .. })) => {}
                    Ok(Ok(Said::Error(message))) => {
                        return Served::Stopped(Stop::Failed(Failure::of_mesos(message)));
                    }
                    Ok(Err(what)) => return Served::Lost(format!("an event that cannot be read: {what}")),
                    Err(Ended::Cut(why) | Ended::NotRecordIo(why)) => return Served::Lost(why),
                },
                answer = session.calls.next() => match answer.map(|answer| self.answered(answer)) {
                    Ok(None) => {}
                    Ok(Some(why)) | Err(why) => return Served::Lost(why),
                },
                () = self.acks.due() => {}
                () = self.masters.replaced(&session.endpoint) => {
                    return Served::Lost("another master leads now".into());
                }
                why = late(deadline) => match session.deadline(&self.timing) {
                    // something was heard meanwhile, if only a part of a record
                    Some((deadline, _)) if deadline > Instant::now() => {}
                    _ => return Served::Lost(why.into()),
                },
            }
            self.acknowledge(session);
            add(&self.counters.sent, session.calls.take_sent());
            self.counters.hear(session);
        }
    }

    /// Queues the acknowledgements that wait: whatever has woken the task takes them along.
    fn acknowledge(&mut self, session: &mut Session) {
        for call in self.acks.take() {
            push(session, &call);
        }
    }

    /// Queues all calls that wait, so that they leave together; returns how to end when an end is among them.
    fn commanded(&mut self, session: &mut Session, first: Option<Command>) -> Option<End> {
        let mut next = first;
        loop {
            match next {
                Some(Command::Call(call)) => {
                    self.settings.sent(&call);
                    self.acknowledge(session); // what was acknowledged before the call goes before it
                    push(session, &call);
                }
                Some(Command::End(how)) => {
                    self.acknowledge(session);
                    return Some(how);
                }
                // the driver is gone without a word
                None => return Some(End::Abort),
            }
            match self.commands.try_recv() {
                Ok(command) => next = Some(command),
                Err(_) => return None,
            }
        }
    }

    /// What an answer means; a reason if the subscription is worth nothing any more.
    fn answered(&mut self, answered: Answered) -> Option<String> {
        let Answered { call, status: code, words: message } = answered;
        match code {
            200..=299 => {
                self.settings.answered(&call, true);
                None
            }
            // the master's own words; any other 403 is about this one call
            403 if message.contains("not subscribed") || message.contains("not connected") => {
                add(&self.counters.dropped, 1);
                Some(format!("a call was answered with 403 ({message})"))
            }
            400..=499 => {
                self.settings.answered(&call, false);
                add(&self.counters.rejected, 1);
                (self.say)(Event::CallRejected { call, code, message });
                None
            }
            _ => {
                add(&self.counters.dropped, 1);
                Some(format!("a call was answered with {code} ({message})"))
            }
        }
    }

    /// Waits for what was sent, and for the TEARDOWN if there is one, as long as `how` allows.
    async fn finish(&mut self, session: &mut Session, how: End) {
        match how {
            End::Abort => return session.calls.write().await,
            End::Teardown => session.calls.push(encode::teardown(&session.subscribed.framework_id)),
            End::Failover => {}
        }
        let deadline = Instant::now() + self.timing.end;
        let (mut streaming, mut listening) = (true, true);
        while session.calls.unanswered() > 0 {
            let gave_up = tokio::select! {
                answer = session.calls.next() => match answer.map(|answer| self.answered(answer)) {
                    Ok(None) => continue,
                    Ok(Some(why)) => why,
                    Err(why) => why,
                },
                // what the master still says is nobody's business; that it ends the stream is no answer
                record = session.stream.next(), if streaming => {
                    streaming = record.is_ok();
                    continue;
                }
                command = self.commands.recv(), if listening => {
                    match command {
                        Some(Command::End(End::Abort)) => return,
                        Some(Command::Call(_)) => add(&self.counters.dropped, 1),
                        Some(Command::End(_)) => {}
                        None => listening = false,
                    }
                    continue;
                }
                () = sleep_until(deadline) => "no answer in time".into(),
            };
            let calls = plural(session.calls.unanswered());
            warn!(target: "mesos.http", "stopped without all answers of {}: {gave_up}; {calls}", session.endpoint);
            return;
        }
    }
}

fn push(session: &mut Session, call: &Call) {
    session.calls.push(encode::encode(Caller::scheduler(&session.subscribed.framework_id), call));
}

async fn late(deadline: Option<(Instant, &'static str)>) -> &'static str {
    match deadline {
        Some((deadline, why)) => {
            sleep_until(deadline).await;
            why
        }
        None => std::future::pending().await,
    }
}

fn when(pause: Duration) -> String {
    if pause.is_zero() { "now".into() } else { format!("in {:.1} s", pause.as_secs_f32()) }
}

fn plural(unanswered: usize) -> String {
    format!("{unanswered} unanswered call{}", if unanswered == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
