//! Who a driver is to masters and how it gets to them: from what its constructor was given to a `Config`.
//!
//! # Invariants
//! * No `Debug`: there are secrets in all of it.

use crate::backend::http::Config;
use crate::backend::http::master::{Master, Scheme, parse};
use crate::backend::http::tls::{self, Tls};
use crate::backend::libmesos::settings::{Settings, source};
use crate::error::{Error, Result};
use pyo3::prelude::*;
use std::time::Duration;

/// What a `mesos.TLS` holds once its files are read: ca, cert and key in PEM, verify, server_name.
pub(super) type TlsSettings = (Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, bool, Option<String>);

/// What a connection needs besides the address.
pub(super) struct Identity {
    credential: Option<(String, Option<String>)>,
    token: Option<String>,
    tls: Option<Tls>,
    connect_timeout: Option<Duration>,
}

/// Raises ConfigurationError if `master` is no address.
#[pyfunction]
pub(crate) fn check_master(master: &str) -> PyResult<()> {
    Ok(parse(master, Scheme::Http).map(drop)?)
}

/// Raises ConfigurationError if libmesos cannot find a master there.
#[pyfunction]
pub(crate) fn check_libmesos_master(master: &str) -> PyResult<()> {
    Ok(source(master).map(drop)?)
}

impl Identity {
    pub(super) fn new(
        credential: Option<(String, Option<String>)>,
        token: Option<String>,
        tls: Option<TlsSettings>,
        connect_timeout: Option<f64>,
    ) -> Result<Self> {
        let tls = tls.map(|(ca, cert, key, verify, server_name)| {
            Tls::new(tls::Settings { ca, cert, key, verify, server_name })
        });
        let connect_timeout = connect_timeout.map(Duration::try_from_secs_f64).transpose().map_err(|_| {
            Error::Configuration(
                "connect_timeout: a number of seconds from 0 up, or None, is expected".into(),
            )
        })?;
        Ok(Self { credential, token, tls: tls.transpose()?, connect_timeout })
    }

    /// How to get to the master at `address`, which speaks TLS if nothing else is said and there are settings for it.
    pub(super) fn config(self, address: &str, failover_timeout: Duration) -> Result<Config> {
        let Self { credential, token, mut tls, connect_timeout } = self;
        let master = match parse(address, if tls.is_some() { Scheme::Https } else { Scheme::Http })? {
            Master::Http(source) => source,
            Master::Local => {
                return Err(Error::Configuration("master: \"local\" has no address here".into()));
            }
        };
        if tls.is_none() && master.is_secure() {
            tls = Some(Tls::new(tls::Settings { verify: true, ..tls::Settings::default() })?);
        }
        Ok(Config { master, credential, token, tls, connect_timeout, failover_timeout })
    }

    /// The same for the libmesos at `library`.
    pub(super) fn settings(
        self,
        library: String,
        address: &str,
        failover_timeout: Duration,
    ) -> Result<Settings> {
        Settings::new(library, address, self.credential, self.connect_timeout, failover_timeout)
    }
}
