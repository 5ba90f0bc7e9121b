//! The part of an executor's task that has no subscription yet, or none any more.
//!
//! # Invariants
//! * Updates made meanwhile are kept; they follow the SUBSCRIBE that could not say them.
//! * Whoever gives up has said `Shutdown`, and waits for the driver's end: only the driver knows when its tasks have ended.

use super::super::attempt::attempt;
use super::super::subscription::Refused;
use super::decode::decode;
use super::kept::Mark;
use super::recovery::Next;
use super::{Actor, Command, Session, Stop, add, at, encode, next};
use crate::backend::End;
use crate::event::{Call, Event, Failure};
use std::future::Future;
use std::pin::pin;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

impl<S: Fn(Event) + Send> Actor<S> {
    /// Gets a subscription, as long as there is hope for one.
    pub(super) async fn connect(&mut self) -> Result<Session, Stop> {
        loop {
            let pause = match self.recovery.next(Instant::now(), fastrand::f64()) {
                Next::Try(pause) if !self.shutting_down => pause,
                _ => return Err(self.give_up().await),
            };
            if self.meanwhile(sleep(pause)).await?.is_none() {
                continue;
            }
            let (call, mark) = self.kept.subscribe(self.caller());
            let attempt = attempt(self.target.clone(), call, self.timing, decode);
            match self.meanwhile(attempt).await? {
                Some(Ok(session)) => return Ok(self.subscribed(session, mark)),
                Some(Err(Refused::Fatal(failure))) => return Err(Stop::Failed(failure)),
                // a 404 is one of these: an agent that starts knows no API yet
                Some(Err(
                    Refused::Unfit(Failure { message: what, .. })
                    | Refused::Retry(what)
                    | Refused::NotYet(what),
                )) => {
                    warn!(target: "mesos.http", "{what}");
                }
                None => {}
            }
        }
    }

    /// Waits for `future` while there is no subscription; `None` if the time for it is over.
    async fn meanwhile<F: Future>(&mut self, future: F) -> Result<Option<F::Output>, Stop> {
        let mut future = pin!(future);
        let deadline = self.recovery.deadline();
        loop {
            tokio::select! {
                biased;
                command = next(&mut self.commands, self.ending) => self.unsubscribed(command)?,
                output = &mut future => return Ok(Some(output)),
                () = at(self.ending) => return Err(self.out_of_time()),
                () = at(deadline) => return Ok(None),
            }
        }
    }

    /// What the driver wants while there is no subscription.
    fn unsubscribed(&mut self, command: Command) -> Result<(), Stop> {
        match command {
            Command::Call(Call::Update(status)) => self.kept.updated(&status),
            Command::Call(_) => add(&self.counters.dropped, 1),
            Command::End(End::Abort) => return Err(Stop::Ended),
            Command::End(_) if self.kept.updates() == 0 => return Err(Stop::Ended),
            Command::End(_) => self.end(),
        }
        Ok(())
    }

    /// The agent is lost: nothing is left but to end.
    async fn give_up(&mut self) -> Stop {
        if self.ending.is_none() && !self.shutting_down {
            warn!(target: "mesos.http", "the agent {} is lost: shutting down", self.target.endpoint);
            self.shut_down();
        }
        while self.ending.is_none() {
            let command = next(&mut self.commands, None).await;
            if let Err(stop) = self.unsubscribed(command) {
                return stop;
            }
        }
        self.out_of_time()
    }

    /// Announces a new subscription, whose SUBSCRIBE has told the updates up to `mark`.
    fn subscribed(&mut self, mut session: Session, mark: Mark) -> Session {
        add(&self.counters.reconnects, u64::from(self.registered));
        self.registered = true;
        self.recovery.subscribed();
        self.counters.hear(&session);
        info!(target: "mesos.http", "subscribed at the agent {}", session.endpoint);
        (self.say)(Event::ExecutorSubscribed(session.subscribed.clone()));
        for status in self.kept.since(mark) {
            session.calls.push(encode(self.caller(), &Call::Update(status.clone())));
        }
        session
    }
}
