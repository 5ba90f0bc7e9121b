//! Who the leading master is, now: one watched value, whoever finds it out.
//!
//! A list of masters is a value that never changes; `zookeeper` follows the masters' election and changes it
//! (`ensemble` is its address, `member` knows what the masters write there).
//!
//! # Invariants
//! * A value is sent only if it says something new: whoever waits for a change has a reason to start again.
//! * The search ends with the last `Masters` that watches it.

mod ensemble;
mod member;
mod zookeeper;

pub(crate) use ensemble::Ensemble;
pub(in crate::backend) use member::of_info;

use super::Timing;
use super::backoff::Backoff;
use super::master::{Endpoint, Source};
use crate::error::{Error, Result};
use crate::event::Failure;
use tokio::runtime::Handle;
use tokio::sync::watch;
use zookeeper::Election;

/// What is known of the leading master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::backend) enum Leaders {
    /// whom to ask, in this order; never empty
    Known(Vec<Endpoint>),
    /// nobody leads, or nobody says who: the words tell why
    Unknown(String),
    /// it will never be known
    Failed(Failure),
}

/// Starts to find the leader. The pauses between attempts are those of `backoff`.
pub(in crate::backend) fn detect(
    runtime: &Handle,
    source: Source,
    timing: &Timing,
    backoff: Backoff,
) -> Result<watch::Receiver<Leaders>> {
    let first = match &source {
        Source::List(masters) if masters.is_empty() => {
            return Err(Error::Configuration("master: no address is given".into()));
        }
        Source::List(masters) => Leaders::Known(masters.clone()),
        Source::ZooKeeper(ensemble, _) => Leaders::Unknown(format!("no answer of {ensemble} yet")),
    };
    let (say, leaders) = watch::channel(first);
    if let Source::ZooKeeper(ensemble, scheme) = source {
        let election = Election { ensemble, scheme, timeout: timing.session };
        runtime.spawn(election.follow(backoff, say));
    }
    Ok(leaders)
}

/// Whom to ask for a subscription: what was detected, and the leader to which one of them redirected.
#[derive(Debug)]
pub(super) struct Masters {
    detected: watch::Receiver<Leaders>,
    leader: Option<Endpoint>,
}

impl Masters {
    pub(super) fn new(detected: watch::Receiver<Leaders>) -> Masters {
        Masters { detected, leader: None }
    }

    /// Whom to ask, in this order, before the next pause: the leader last seen, then the detected ones. What was
    /// detected until now is no change any more.
    pub(super) fn round(&mut self) -> Leaders {
        let detected = self.detected.borrow_and_update().clone();
        let Leaders::Known(masters) = detected else { return detected };
        let others = masters.iter().filter(|endpoint| Some(*endpoint) != self.leader.as_ref());
        Leaders::Known(self.leader.iter().chain(others).cloned().collect())
    }

    /// `endpoint` accepted a subscription.
    pub(super) fn found(&mut self, endpoint: &Endpoint) {
        self.leader = Some(endpoint.clone());
    }

    /// `endpoint` failed; a leader that fails has lost its place at the front.
    pub(super) fn failed(&mut self, endpoint: &Endpoint) {
        if self.leader.as_ref() == Some(endpoint) {
            self.leader = None;
        }
    }

    /// Waits until something else is detected. May be dropped at any point.
    pub(super) async fn changed(&mut self) {
        match self.detected.changed().await {
            Ok(()) => self.leader = None,
            // a list: nobody will ever say anything else
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits until another master than `serving` is detected. That nobody leads, or that nobody can say, is no
    /// reason to leave a master that serves: one that has lost its office ends the stream itself.
    pub(super) async fn replaced(&mut self, serving: &Endpoint) {
        loop {
            self.changed().await;
            if let Leaders::Known(masters) = &*self.detected.borrow()
                && !masters.contains(serving)
            {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::http::master::Scheme;
    use crate::event::FailureKind;

    fn endpoints(text: &str) -> Vec<Endpoint> {
        text.split(' ').map(|host| Endpoint::at(Scheme::Http, host, 1).unwrap()).collect()
    }

    fn masters(text: &str) -> (watch::Sender<Leaders>, Masters) {
        let (say, detected) = watch::channel(Leaders::Known(endpoints(text)));
        (say, Masters::new(detected))
    }

    fn round(masters: &mut Masters) -> String {
        match masters.round() {
            Leaders::Known(list) => list.iter().map(|e| e.address().0).collect::<Vec<_>>().join(" "),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn rounds_begin_with_the_leader_until_it_fails() {
        let (_, mut masters) = masters("a b");
        assert_eq!(round(&mut masters), "a b");
        masters.found(&endpoints("b")[0]);
        assert_eq!(round(&mut masters), "b a");
        masters.found(&endpoints("c")[0]);
        assert_eq!(round(&mut masters), "c a b");
        masters.failed(&endpoints("a")[0]);
        assert_eq!(round(&mut masters), "c a b");
        masters.failed(&endpoints("c")[0]);
        assert_eq!(round(&mut masters), "a b");
    }

    #[tokio::test]
    async fn a_change_makes_the_last_leader_forgotten() {
        let (say, mut masters) = masters("a");
        masters.found(&endpoints("c")[0]);
        say.send_replace(Leaders::Known(endpoints("b")));
        masters.changed().await;
        assert_eq!(round(&mut masters), "b");
        let failure = Failure { kind: FailureKind::Authentication, message: "no".into() };
        say.send_replace(Leaders::Failed(failure.clone()));
        assert_eq!(masters.round(), Leaders::Failed(failure));
    }

    #[tokio::test]
    async fn only_another_master_replaces_one_that_serves() {
        let (say, mut masters) = masters("a");
        for still in [Leaders::Unknown("nobody leads".into()), Leaders::Known(endpoints("a"))] {
            say.send_replace(still);
            let serving = &endpoints("a")[0];
            tokio::select! {
                biased;
                () = masters.replaced(serving) => panic!("replaced"),
                () = tokio::task::yield_now() => {}
            }
        }
        say.send_replace(Leaders::Known(endpoints("b")));
        masters.replaced(&endpoints("a")[0]).await;
    }
}
