//! How much libmesos logs, and where: what `mesos.trace` was asked for, else Mesos' own variables, else warnings.
//!
//! # Invariants
//! * Mesos' own variables are read by libmesos alone; nothing here changes the environment.

use super::ffi::Library;
use super::refused;
use crate::error::Result;
use crate::trace;
use std::path::PathBuf;

/// Mesos' variables about its log.
const MESOS: [&str; 4] =
    ["MESOS_LOGGING_LEVEL", "MESOS_LOG_DIR", "MESOS_QUIET", "MESOS_INITIALIZE_DRIVER_LOGGING"];

/// glog's severities; it has nothing below INFO.
const WARNING: i32 = 1;
const FATAL: i32 = 3;

/// Tells libmesos, for the whole process: once, when the first driver has been constructed and none has started. The
/// construction sets what Mesos' variables say, and later its threads read what is written here.
pub(super) fn apply(library: &Library) -> Result<()> {
    let is_said = MESOS.iter().any(|name| std::env::var_os(name).is_some());
    let Some((severity, directory)) = choose(trace::wanted(), is_said) else { return Ok(()) };
    library.log(severity, &directory.unwrap_or_default().to_string_lossy()).map_err(refused)
}

/// The least severity and the directory; none if it is left to libmesos.
fn choose(traced: Option<(i32, Option<PathBuf>)>, is_said: bool) -> Option<(i32, Option<PathBuf>)> {
    match traced {
        // Python's numbers: 40 is ERROR, 20 INFO
        Some((level, directory)) => Some(((level / 10 - 2).clamp(0, FATAL), directory)),
        None if is_said => None,
        None => Some((WARNING, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_traced_goes_before_mesos_variables_and_warnings_are_said_without_both() {
        let severity = |level| choose(Some((level, None)), true).unwrap().0;
        assert_eq!([5, 20, 30, 40, 100].map(severity), [0, 0, 1, 2, FATAL]);
        let here = Some(PathBuf::from("/tmp"));
        assert_eq!(choose(Some((20, here.clone())), false), Some((0, here)));
        assert_eq!(choose(None, true), None);
        assert_eq!(choose(None, false), Some((WARNING, None)));
    }
}
