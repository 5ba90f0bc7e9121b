//! `Error` as a Python exception. The classes are written in Python (python/mesos/errors.py) and imported.
//!
//! # Invariants
//! * The only place that knows which exception an `Error` is.

use crate::error::Error;
use pyo3::PyErr;
use pyo3::exceptions::PyOSError;

pyo3::import_exception!(mesos.errors, AuthenticationError);
pyo3::import_exception!(mesos.errors, ConfigurationError);
pyo3::import_exception!(mesos.errors, DriverAbortedError);
pyo3::import_exception!(mesos.errors, EncodeError);
pyo3::import_exception!(mesos.errors, ForkedDriverError);
pyo3::import_exception!(mesos.errors, MasterConnectionError);

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let words = error.to_string();
        match error {
            Error::Configuration(_) => ConfigurationError::new_err(words),
            Error::Connection(_) => MasterConnectionError::new_err(words),
            Error::Authentication(_) => AuthenticationError::new_err(words),
            Error::Aborted(_) => DriverAbortedError::new_err(words),
            Error::Forked(_) | Error::ForkedLibrary => ForkedDriverError::new_err(words),
            Error::Os { errno, .. } => PyOSError::new_err((errno, words)),
        }
    }
}
