//! Records for `mesos.trace`: lines on standard error or in a file, written where they are made, so that a program
//! that is stuck still speaks.
//!
//! # Invariants
//! * A line is one write: lines of several threads and processes do not mix.
//! * Each process writes to a file of its own, a forked child too.
//! * Python's standard error is the descriptor 2 of the moment, whatever `sys.stderr` is.

use super::{INFO, NOTHING, Record, TRACE, WARNING};
use crate::error::Error;
use crate::sys::process_static::ProcessStatic;
use pyo3::prelude::*;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// the lowest level that is written
static LOWEST: AtomicI32 = AtomicI32::new(NOTHING);
static CURRENT: ProcessStatic<Output> = ProcessStatic::empty();

/// Where one process writes.
struct Output {
    pid: u32,
    /// `None` is standard error
    directory: Option<PathBuf>,
    /// `None` for standard error, and when another output has taken over
    file: Mutex<Option<File>>,
}

impl Output {
    fn open(directory: Option<PathBuf>) -> io::Result<&'static Self> {
        let file = directory.as_deref().map(open).transpose()?;
        Ok(Box::leak(Box::new(Self { pid: process::id(), directory, file: Mutex::new(file) })))
    }

    /// What was set; after a fork the same for the child. `None` before, and if the child has no file.
    fn of_this_process() -> Option<&'static Self> {
        let seen = CURRENT.get()?;
        if seen.pid == process::id() {
            return Some(seen);
        }
        let made = Self::open(seen.directory.clone()).ok()?;
        if CURRENT.replace(Some(seen), made) { Some(made) } else { CURRENT.get() }
    }

    fn write(&self, line: &str) -> io::Result<()> {
        if self.directory.is_none() {
            let mut rest = line.as_bytes();
            while !rest.is_empty() {
                let written = rustix::io::retry_on_intr(|| rustix::io::write(rustix::stdio::stderr(), rest))?;
                rest = &rest[written..];
            }
            return Ok(());
        }
        match &mut *self.file.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(file) => file.write_all(line.as_bytes()),
            None => Ok(()),
        }
    }

    fn close(&self) {
        // the parent's is the parent's, and may be locked
        if self.pid == process::id() {
            self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

fn open(directory: &Path) -> io::Result<File> {
    fs::create_dir_all(directory)?;
    let path = directory.join(format!("mesos-{}.log", process::id()));
    OpenOptions::new().create(true).append(true).open(path)
}

/// The lowest level that is of use here.
pub(super) fn lowest() -> i32 {
    LOWEST.load(Ordering::Relaxed)
}

/// What was asked for: the lowest of Python's levels, and a directory if not standard error. `None` if nothing was.
pub(crate) fn wanted() -> Option<(i32, Option<PathBuf>)> {
    CURRENT.get().map(|output| (lowest(), output.directory.clone()))
}

/// Writes a record as a line.
pub(super) fn write(record: &Record) {
    let Some(output) = Output::of_this_process() else { return };
    let time = humantime::format_rfc3339_millis(SystemTime::now());
    let level = match record.level {
        TRACE..INFO => "DEBUG",
        INFO => "INFO",
        WARNING => "WARNING",
        _ => "ERROR",
    };
    let words = record.message.replace('\n', "\\n");
    let line = format!("{time} {} {level} {}: {words}\n", process::id(), record.logger);
    // a full disk or a closed standard error: there is nobody left to tell
    output.write(&line).ok();
}

/// Writes records from `level` up (0 none, 1 errors, 2 warnings, 3 info, 4 all) to a file in `directory`, or to
/// standard error.
#[pyfunction]
#[pyo3(name = "trace", signature = (level, directory=None))]
pub(crate) fn py_trace(py: Python<'_>, level: u8, directory: Option<PathBuf>) -> PyResult<()> {
    py.detach(|| {
        let shown = directory.clone().unwrap_or_default();
        let opened = Output::open(directory.filter(|_| level > 0)).map_err(|error| {
            Error::Configuration(format!("dir: no file can be written in {}: {error}", shown.display()))
        })?;
        loop {
            let seen = CURRENT.get();
            if CURRENT.replace(seen, opened) {
                seen.inspect(|before| before.close());
                break;
            }
        }
        let lowest = match level {
            0 => NOTHING,
            1 => 40,
            2 => WARNING,
            3 => INFO,
            _ => TRACE,
        };
        LOWEST.store(lowest, Ordering::Relaxed);
        super::record();
        Ok(())
    })
}
