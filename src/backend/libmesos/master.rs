//! What libmesos is told of the master, once it is safe to: a number for a host's name, a ZooKeeper that answers.
//!
//! libmesos ends the process over a ZooKeeper that refuses it, and waits for names with its driver locked. So both
//! are asked here first, with the pauses and warnings of the native backend.
//!
//! # Invariants
//! * Nobody waits for it but the driver's own thread, which an end of the driver wakes.

use crate::backend::http::Timing;
use crate::backend::http::backoff::Backoff;
use crate::backend::http::detect::{Ensemble, Leaders, detect};
use crate::backend::http::master::{Endpoint, Scheme, Source};
use crate::error::Error;
use crate::event::{Failure, FailureKind};
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::runtime::Handle;
use tokio::time::sleep;
use tracing::warn;

/// Waits until libmesos can be told, for ever if need be; fails if it never can.
pub(super) async fn find(source: Source, failover_timeout: Duration) -> Result<String, Failure> {
    let timing = Timing::default();
    let mut backoff = Backoff::new(&timing, failover_timeout);
    match source {
        Source::ZooKeeper(ensemble, _) => ask(ensemble, &timing, backoff).await,
        Source::List(masters) => loop {
            let Some(master) = masters.first() else {
                return Err(Failure {
                    kind: FailureKind::Connection,
                    message: "master: none is given".into(),
                });
            };
            match resolve(master).await {
                Ok(address) => return Ok(address),
                Err(what) => {
                    let pause = backoff.pause();
                    warn!(target: "mesos.libmesos", "{master}: {what}; next try in {:.1} s", pause.as_secs_f32());
                    sleep(pause).await;
                }
            }
        },
    }
}

/// `ip:port`; libmesos speaks IPv4.
pub(super) async fn resolve(master: &Endpoint) -> Result<String, String> {
    let found = lookup_host(master.address()).await.map_err(|error| error.to_string())?;
    let found = found.into_iter().find(|address| address.is_ipv4());
    found.map(|address| address.to_string()).ok_or_else(|| "it has no IPv4 address".to_owned())
}

/// The URL of a ZooKeeper that has named a master.
async fn ask(ensemble: Ensemble, timing: &Timing, backoff: Backoff) -> Result<String, Failure> {
    let url = ensemble.url();
    let failed = |error: Error| Failure { kind: FailureKind::Connection, message: error.to_string() };
    let source = Source::ZooKeeper(ensemble, Scheme::Http);
    let mut leaders = detect(&Handle::current(), source, timing, backoff).map_err(failed)?;
    loop {
        match &*leaders.borrow_and_update() {
            Leaders::Known(_) => return Ok(url),
            Leaders::Failed(failure) => return Err(failure.clone()),
            Leaders::Unknown(_) => {}
        }
        if leaders.changed().await.is_err() {
            let message = "the search for a master has ended".into();
            return Err(Failure { kind: FailureKind::Connection, message });
        }
    }
}
