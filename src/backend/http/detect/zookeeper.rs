//! Follows the masters' election in ZooKeeper.
//!
//! The client keeps a session by itself: it goes from server to server, and sets its watches again. Here a session
//! that ended is followed by another one, and what is watched is read again after each change.
//!
//! # Invariants
//! * Nothing is written into ZooKeeper, and no node needs to be there yet.
//! * While ZooKeeper cannot be asked, what it said last stays: it is no news of the masters.

use super::super::backoff::Backoff;
use super::{Ensemble, Leaders, member};
use crate::event::{Failure, FailureKind};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch::Sender;
use tokio::time::sleep;
use tracing::{info, warn};
use zookeeper_client::{Client, Error, OneshotWatcher};

/// ZooKeeper's scheme for user and password.
const DIGEST: &str = "digest";

/// Says who leads, and goes on until nobody listens.
pub(super) async fn detect(ensemble: Ensemble, session: Duration, backoff: Backoff, say: Sender<Leaders>) {
    tokio::select! {
        () = say.closed() => {}
        () = follow(&ensemble, session, backoff, &say) => {}
    }
}

async fn follow(ensemble: &Ensemble, timeout: Duration, mut backoff: Backoff, say: &Sender<Leaders>) {
    loop {
        let what = match session(ensemble, timeout, &mut backoff, say).await {
            Ok(never) => match never {},
            Err(error @ (Error::AuthFailed | Error::NoAuth)) => {
                let message = format!(
                    "{ensemble} refuses to tell the master ({error}); its user and password are written \
                     \"zk://user:password@…\""
                );
                let failure = Failure { kind: FailureKind::Authentication, message };
                say.send_replace(Leaders::Failed(failure));
                return;
            }
            Err(Error::NoHosts | Error::Timeout) => format!("cannot connect to any server of {ensemble}"),
            Err(error) => format!("{ensemble}: {error}"),
        };
        let pause = backoff.pause();
        warn!(target: "mesos.http", "{what}; next try in {:.1} s", pause.as_secs_f32());
        say.send_if_modified(|leaders| match leaders {
            Leaders::Unknown(why) if *why != what => {
                *why = what;
                true
            }
            _ => false,
        });
        sleep(pause).await;
    }
}

/// One session; returns how it ended.
async fn session(
    ensemble: &Ensemble,
    timeout: Duration,
    backoff: &mut Backoff,
    say: &Sender<Leaders>,
) -> Result<Infallible, Error> {
    let mut connector = Client::connector();
    connector.session_timeout(timeout).fail_eagerly();
    if let Some(credentials) = ensemble.credentials() {
        connector.auth(DIGEST.into(), credentials.into());
    }
    let client = connector.connect(ensemble.servers()).await?;
    loop {
        let (leaders, watcher) = look(&client, ensemble).await?;
        backoff.reset();
        say.send_if_modified(|known| {
            let news = *known != leaders;
            if news {
                log(ensemble, &leaders);
                *known = leaders;
            }
            news
        });
        // the end of a session is an event of every watch, and fails the next look
        watcher.changed().await;
    }
}

/// Who leads now, and what will tell that this may have changed.
async fn look(client: &Client, ensemble: &Ensemble) -> Result<(Leaders, OneshotWatcher), Error> {
    let path = ensemble.path();
    loop {
        let (children, watcher) = match client.list_and_watch_children(path).await {
            Ok(found) => found,
            Err(Error::NoNode) => {
                let (stat, watcher) = client.check_and_watch_stat(path).await?;
                if stat.is_some() {
                    continue; // it was made just now
                }
                let why = format!("{ensemble} is not there yet: no master has ever registered in it");
                return Ok((Leaders::Unknown(why), watcher));
            }
            Err(error) => return Err(error),
        };
        let Some(name) = member::leading(&children) else {
            return Ok((Leaders::Unknown(format!("no master leads in {ensemble}")), watcher));
        };
        let data = match client.get_data(&format!("{path}/{name}")).await {
            Ok((data, _)) => data,
            Err(Error::NoNode) => continue, // it has just gone
            Err(error) => return Err(error),
        };
        let leaders = match member::endpoint(name, &data) {
            Ok(endpoint) => Leaders::Known(vec![endpoint]),
            Err(what) => Leaders::Unknown(format!("{ensemble}: {what}")),
        };
        return Ok((leaders, watcher));
    }
}

fn log(ensemble: &Ensemble, leaders: &Leaders) {
    match leaders {
        Leaders::Known(masters) => {
            for master in masters {
                info!(target: "mesos.http", "{ensemble}: the master {master} leads");
            }
        }
        Leaders::Unknown(why) => warn!(target: "mesos.http", "{why}; waiting for one"),
        Leaders::Failed(_) => {}
    }
}
