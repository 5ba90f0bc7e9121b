//! What libmesos is told of the master, once it is safe to: a number for a host's name, a ZooKeeper that answers.
//! And whether the master has heard the last of libmesos.
//!
//! libmesos ends the process over a ZooKeeper that refuses it, and waits for names with its driver locked. So both
//! are asked here first, with the pauses and warnings of the native backend.
//!
//! # Invariants
//! * Nobody waits for it but the driver's own thread, which an end of the driver wakes.

use crate::backend::END_TIMEOUT;
use crate::backend::http::Timing;
use crate::backend::http::backoff::Backoff;
use crate::backend::http::detect::{Ensemble, Leaders, detect, of_info};
use crate::backend::http::master::{Endpoint, Scheme, Source};
use crate::error::Error;
use crate::event::{Failure, FailureKind};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
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
async fn resolve(master: &Endpoint) -> Result<String, String> {
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

/// Waits until the master of this `MasterInfo` has seen what libmesos sent before, `END_TIMEOUT` at most.
///
/// A TEARDOWN has no answer, and a master that sees the connections of a process close first refuses it. So it is
/// asked what anybody may ask: it answers in turn.
pub(super) async fn settle(master_info: &[u8]) {
    let Ok(master) = of_info(master_info, Scheme::Http) else { return };
    match timeout(END_TIMEOUT, ask_health(&master)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(target: "mesos.libmesos", "{master} may not know of the end: {error}"),
        Err(_) => warn!(target: "mesos.libmesos", "{master} may not know of the end: no answer in time"),
    }
}

async fn ask_health(master: &Endpoint) -> io::Result<()> {
    let mut stream = TcpStream::connect(master.address()).await?;
    let host = master.authority();
    let request = format!("GET /master/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.read_u8().await.map(drop)
}
