//! The part of a driver's task that has no subscription yet, or none any more: who to ask, and how often.
//!
//! # Invariants
//! * Another leader ends the attempt or the pause that is under way: whoever leads now is asked at once, and the pauses
//!   begin anew with the shortest.

use super::super::api::SCHEDULER;
use super::super::attempt::attempt;
use super::super::decode::{Subscribed, decode};
use super::super::detect::Leaders;
use super::super::encode::{self, Caller};
use super::super::lost;
use super::super::master::Endpoint;
use super::super::request::Target;
use super::super::subscription::Refused;
use super::{Actor, Command, Session, Stop, add, when};
use crate::backend::End;
use crate::event::{Event, Failure, FailureKind};
use std::future::{Future, pending};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

/// What came of asking.
enum Asked {
    Subscribed(Box<Session>),
    /// by all of them: how long to wait now
    Refused(Duration),
    /// others are to be asked
    Changed,
}

impl<S: Fn(Event) + Send> Actor<S> {
    /// Gets a subscription, however long it takes.
    pub(super) async fn connect(&mut self, mut pause: Duration) -> Result<Session, Stop> {
        loop {
            if !pause.is_zero() {
                self.meanwhile(sleep(pause)).await?;
            }
            pause = match self.masters.round() {
                Leaders::Known(masters) => match self.ask(masters).await? {
                    Asked::Subscribed(session) => return Ok(*session),
                    Asked::Refused(pause) => pause,
                    Asked::Changed => Duration::ZERO,
                },
                Leaders::Unknown(why) => {
                    self.problem = why;
                    self.meanwhile(pending::<()>()).await?;
                    Duration::ZERO
                }
                Leaders::Failed(failure) => return Err(Stop::Failed(failure)),
            };
        }
    }

    /// Asks each of these masters once.
    async fn ask(&mut self, masters: Vec<Endpoint>) -> Result<Asked, Stop> {
        let mut round = masters.into_iter().peekable();
        let (mut pause, mut soon) = (Duration::ZERO, false);
        while let Some(endpoint) = round.next() {
            let (call, revision) = self.settings.subscribe();
            let (authorization, tls) = (self.authorization.clone(), self.tls.clone());
            let target = Target { endpoint, api: &SCHEDULER, authorization, tls, unix_socket: None };
            let what = match self.meanwhile(attempt(target.clone(), call, self.timing, decode)).await? {
                None => return Ok(Asked::Changed),
                Some(Ok(session)) => {
                    return Ok(Asked::Subscribed(Box::new(self.subscribed(session, revision))));
                }
                Some(Err(Refused::Fatal(failure))) => return Err(Stop::Failed(failure)),
                Some(Err(Refused::Unfit(failure))) if !self.registered => return Err(Stop::Failed(failure)),
                Some(Err(Refused::NotYet(message))) => {
                    soon = true;
                    message
                }
                Some(Err(Refused::Unfit(Failure { message, .. }) | Refused::Retry(message))) => message,
            };
            self.masters.failed(&target.endpoint);
            match round.peek() {
                Some(next) => warn!(target: "mesos.http", "{what}; next try: {next}"),
                None => {
                    pause = if soon { self.backoff.short_pause() } else { self.backoff.pause() };
                    warn!(target: "mesos.http", "{what}; next try {}", when(pause));
                }
            }
            self.problem = what;
        }
        Ok(Asked::Refused(pause))
    }

    /// Waits for `future` while there is no subscription; `None` if somebody else is to be asked now.
    async fn meanwhile<F: Future>(&mut self, future: F) -> Result<Option<F::Output>, Stop> {
        let mut future = pin!(future);
        loop {
            // of updates that came from the subscription before
            add(&self.counters.dropped, self.acks.take().len() as u64);
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(Command::Call(call)) => {
                        let kept = self.settings.absorb(&call);
                        add(&self.counters.dropped, u64::from(!kept));
                        lost::updates(&call, self.settings.framework()).into_iter().for_each(&self.say);
                    }
                    Some(Command::End(how)) => {
                        if how == End::Teardown && self.settings.is_registered() {
                            warn!(target: "mesos.http", "stopped without a connection to a master: the framework \
                                could not be torn down, its tasks run on until its failover_timeout is over");
                        }
                        return Err(Stop::Ended);
                    }
                    None => return Err(Stop::Ended),
                },
                () = self.acks.due() => {}
                output = &mut future => return Ok(Some(output)),
                () = self.masters.changed() => {
                    self.backoff.reset();
                    return Ok(None);
                }
                limit = passed(self.limit) => {
                    let message = format!("no master within {} s: {}", limit.as_secs_f32(), self.problem);
                    return Err(Stop::Failed(Failure { kind: FailureKind::Connection, message }));
                }
            }
        }
    }

    /// Announces a new subscription; `revision` of the settings is what its SUBSCRIBE said.
    fn subscribed(&mut self, mut session: Session, revision: u64) -> Session {
        add(&self.counters.reconnects, u64::from(self.registered));
        self.registered = true;
        self.counters.hear(&session);
        self.limit = None;
        self.masters.found(&session.endpoint);
        self.settings.registered(&session.subscribed.framework_id);
        info!(target: "mesos.http", "subscribed at {}", session.endpoint);
        let Subscribed { framework_id, master_info } = session.subscribed.clone();
        if let Some(call) = self.settings.update_since(revision) {
            session.calls.push(encode::encode(Caller::scheduler(&framework_id), &call));
        }
        (self.say)(Event::Subscribed { framework_id, master_info });
        session
    }
}

/// Never, without a limit.
async fn passed(limit: Option<(Instant, Duration)>) -> Duration {
    match limit {
        Some((deadline, limit)) => {
            sleep_until(deadline).await;
            limit
        }
        None => pending().await,
    }
}
