//! What an agent survives: its end and its start again, while processes go on.
//!
//! # Invariants
//! * Of a framework that checkpoints, executors, tasks and what is not acknowledged stay; of others nothing does.
//! * While the agent is down executors are refused; what happens to processes meanwhile is noticed at the start.
//! * An executor that does not subscribe again in time is killed.

use super::{Agent, Executor, Input, Output, metrics};
use crate::local::action::Action;
use crate::local::clock::Time;
use crate::local::process::Signal;
use crate::local::reply::Reply;
use std::time::Duration;

/// How long after the agent's start an executor may take to subscribe again.
const REREGISTRATION: Duration = Duration::from_secs(2);

impl Agent {
    /// Whether it is down, and so does not take an input: it keeps some for the start, and refuses calls.
    pub(super) fn misses(&mut self, input: Input, out: &mut Vec<Output>) -> Option<Input> {
        if !self.down {
            return Some(input);
        }
        match input {
            Input::Start => return Some(input),
            Input::Happened { .. } => self.missed.push(input),
            Input::Call { request, .. } | Input::Operator { request, .. } => {
                let reply = Reply::Refused(503, "Agent has not finished recovery".into());
                out.push(Action::Reply { request, reply }.into());
            }
            _ => {}
        }
        None
    }

    /// The agent's process ends.
    pub(super) fn stop(&mut self, out: &mut Vec<Output>) {
        self.down = true;
        for executor in self.executors.values_mut() {
            out.extend(executor.stream.take().map(|stream| Action::Close { stream }.into()));
            executor.heartbeat = None;
            executor.expect(None);
            if !executor.owner.checkpoints() {
                executor.silence();
                out.push(Action::Signal { run: executor.run, signal: Signal::Kill }.into());
            }
        }
        for id in self.find(|run| !run.owner.checkpoints()) {
            self.stop_checks(id, out);
            self.runs.get_mut(&id).into_iter().for_each(|run| run.silent = true);
            out.push(Action::Signal { run: id, signal: Signal::Kill }.into());
        }
        for framework in std::mem::take(&mut self.fleeting) {
            self.updates.drop_framework(&framework);
            self.records.forget(&framework);
        }
    }

    /// It starts again.
    pub(super) fn start(&mut self, now: Time, out: &mut Vec<Output>) {
        (self.down, self.since) = (false, now);
        self.records.counters = metrics::counters();
        for executor in self.executors.values_mut() {
            executor.expect(Some(now + REREGISTRATION));
        }
        for input in std::mem::take(&mut self.missed) {
            let news = self.step(now, input).into_iter();
            // They go with all others that are not acknowledged, once the master lets them: `Resume`.
            out.extend(news.filter(|output| !matches!(output, Output::Update(_))));
        }
    }

    /// It ends for good, and all that runs on it.
    pub(super) fn destroy(&mut self, out: &mut Vec<Output>) {
        self.executors.values_mut().for_each(Executor::silence);
        let executors = self.executors.values().map(|executor| executor.run);
        self.runs.values_mut().for_each(|run| run.silent = true);
        let all = self.runs.keys().copied().chain(executors);
        out.extend(all.map(|run| Action::Signal { run, signal: Signal::Kill }.into()));
        self.stop(out);
    }
}
