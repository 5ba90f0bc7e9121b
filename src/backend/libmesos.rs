//! The backend on the user's own libmesos. So far: finding and loading the library (`cpp/`), and its version.
//!
//! # Invariants
//! * The one bridge to C++, and the only Rust that knows of it.
//! * Across it go bytes, strings, integers and opaque C++ objects; never a protobuf type.
//! * No function here needs the GIL: a load takes a tenth of a second.

#![expect(
    unsafe_code,
    unreachable_pub,
    clippy::panic,
    reason = "code that the bridge generates: calls to C++, all of it `pub`, with panics on what cannot happen"
)]

use crate::error::{Error, Result};
use crate::wire;
use pyo3::prelude::*;

#[cxx::bridge(namespace = "mesos_native")]
mod ffi {
    // SAFETY: all of these may be called from any thread, with any arguments; they throw, or return a value that
    // owns what it holds.
    unsafe extern "C++" {
        include!("mesos/cpp/library.h");

        type Library;

        fn open_library(path: &str) -> Result<SharedPtr<Library>>;
        fn version_response(self: &Library) -> Result<Vec<u8>>;
    }
}

/// The release of Mesos that a libmesos is, like `1.11.0`; an empty `library` means the one of the environment.
pub(crate) fn version(library: &str) -> Result<String> {
    let refused = |error: cxx::Exception| Error::Configuration(error.what().to_owned());
    let library = ffi::open_library(library).map_err(refused)?;
    let library =
        library.as_ref().ok_or_else(|| Error::Configuration("no libmesos was loaded".to_owned()))?;
    let response = library.version_response().map_err(refused)?;
    // Response.get_version.version_info.version
    let version =
        [4, 1, 1].iter().try_fold(&response[..], |message, &number| wire::last_bytes(message, number));
    version
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .ok_or_else(|| Error::Configuration("libmesos does not tell its version".to_owned()))
}

/// The Python face of `version`: `mesos.libmesos_version` is a wrapper of it.
#[pyfunction]
#[pyo3(name = "libmesos_version")]
pub(crate) fn py_version(py: Python<'_>, library: &str) -> PyResult<String> {
    Ok(py.detach(|| version(library))?)
}
