//! Follows the masters' election in ZooKeeper.
//!
//! The client keeps a session by itself: it goes from server to server, and sets its watches again. Here a session
//! that ended is followed by another one, and what is watched is read again after each change.
//!
//! # Invariants
//! * Nothing is written into ZooKeeper, and no node needs to be there yet.
//! * While ZooKeeper cannot be asked, what it said last stays: it is no news of the masters.

use super::super::backoff::Backoff;
use super::super::master::Scheme;
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

/// An election, and what it takes to follow it.
pub(super) struct Election {
    pub(super) ensemble: Ensemble,
    /// how the masters are spoken to
    pub(super) scheme: Scheme,
    /// how long ZooKeeper keeps a session of which it hears nothing
    pub(super) timeout: Duration,
}

impl Election {
    /// Says who leads, until nobody listens.
    pub(super) async fn follow(self, backoff: Backoff, say: Sender<Leaders>) {
        tokio::select! {
            () = say.closed() => {}
            () = self.sessions(backoff, &say) => {}
        }
    }

    /// One session after the other.
    async fn sessions(&self, mut backoff: Backoff, say: &Sender<Leaders>) {
        let ensemble = &self.ensemble;
        loop {
            let what = match self.session(&mut backoff, say).await {
                Ok(never) => match never {},
                Err(error @ (Error::AuthFailed | Error::NoAuth)) => {
                    let message = format!(
                        "{ensemble} refuses to tell the master ({error}); its user and password are written \
                         \"zk://user:password@…\""
                    );
                    say.send_replace(Leaders::Failed(Failure { kind: FailureKind::Authentication, message }));
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
    async fn session(&self, backoff: &mut Backoff, say: &Sender<Leaders>) -> Result<Infallible, Error> {
        let mut connector = Client::connector();
        connector.session_timeout(self.timeout).fail_eagerly();
        if let Some(credentials) = self.ensemble.credentials() {
            connector.auth(DIGEST.into(), credentials.into());
        }
        let client = connector.connect(self.ensemble.servers()).await?;
        loop {
            let (leaders, watcher) = self.look(&client).await?;
            backoff.reset();
            say.send_if_modified(|known| {
                let news = *known != leaders;
                if news {
                    self.log(&leaders);
                    *known = leaders;
                }
                news
            });
            // the end of a session is an event of every watch, and fails the next look
            watcher.changed().await;
        }
    }

    /// Who leads now, and what will tell that this may have changed.
    async fn look(&self, client: &Client) -> Result<(Leaders, OneshotWatcher), Error> {
        let (ensemble, path) = (&self.ensemble, self.ensemble.path());
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
            let leaders = match member::endpoint(name, &data, self.scheme) {
                Ok(endpoint) => Leaders::Known(vec![endpoint]),
                Err(what) => Leaders::Unknown(format!("{ensemble}: {what}")),
            };
            return Ok((leaders, watcher));
        }
    }

    fn log(&self, leaders: &Leaders) {
        match leaders {
            Leaders::Known(masters) => {
                for master in masters {
                    info!(target: "mesos.http", "{}: the master {master} leads", self.ensemble);
                }
            }
            Leaders::Unknown(why) => warn!(target: "mesos.http", "{why}; waiting for one"),
            Leaders::Failed(_) => {}
        }
    }
}
