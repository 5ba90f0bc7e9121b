//! Paths of Unix domain sockets, of which the system takes no more than about a hundred bytes.
//!
//! # Invariants
//! * A long path is reached through a descriptor of its directory: the working directory stays what it is.

use rustix::fs::{CWD, Mode, OFlags, openat};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The shortest that any Unix takes, with the byte that ends it.
const LIMIT: usize = 104;

/// A path that can be connected to while this lives.
#[derive(Debug)]
pub(crate) struct Short {
    path: PathBuf,
    _directory: Option<OwnedFd>,
}

impl Short {
    /// The path itself if it is short enough. Fails if it is not, and its directory cannot be opened.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().as_bytes().len() < LIMIT {
            return Ok(Self { path: path.to_owned(), _directory: None });
        }
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no socket"));
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, directory, flags, Mode::empty())?;
        let path = Path::new("/dev/fd").join(directory.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _directory: Some(directory) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_short_path_is_itself() {
        let path = Path::new("/run/agent.sock");
        assert_eq!(Short::of(path).unwrap().path(), path);
    }

    #[test]
    fn a_long_path_can_be_connected_to() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("d".repeat(200));
        std::fs::create_dir(&deep).unwrap();
        let path = deep.join("agent.sock");
        assert!(UnixStream::connect(&path).is_err(), "the system takes more than was thought");
        let listener = UnixListener::bind(Short::of(&path).unwrap().path()).unwrap();
        let mut client = UnixStream::connect(Short::of(&path).unwrap().path()).unwrap();
        client.write_all(b"x").unwrap();
        let mut found = [0];
        listener.accept().unwrap().0.read_exact(&mut found).unwrap();
        assert_eq!(&found, b"x");
    }

    #[test]
    fn a_directory_that_is_not_there() {
        let path = Path::new("/nowhere").join("d".repeat(200)).join("agent.sock");
        assert_eq!(Short::of(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
