//! The files of the sandboxes on one agent: which a path means, what is in a directory, a part of a file.
//!
//! # Invariants
//! * A path goes below a sandbox and stays there, links included: `/frameworks/F/executors/E/runs/latest/…`, or the
//!   sandbox's own path on this machine.
//! * Only directories and regular files are opened: nothing here waits for the other end of a pipe.
//! * All of it blocks, so the caller is a thread for blocking work.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};

/// At most this much is read at once, whatever is asked: sixteen pages, as in Mesos.
const LONGEST: u64 = 16 * 4096;

/// Why there is no file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Missing,
    /// it is not in the sandbox
    Inaccessible(PathBuf),
    IsDirectory,
    /// neither a file nor a directory
    IsSpecial,
    Failed(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// One entry of a directory.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) path: String,
    /// as `ls -l` has it
    pub(crate) mode: String,
    /// as stat(2) has it
    pub(crate) bits: u32,
    pub(crate) links: u64,
    pub(crate) user: String,
    pub(crate) group: String,
    pub(crate) size: u64,
    /// seconds since 1970
    pub(crate) modified: i64,
}

/// The file or directory that a path means. `home` is the agent's directory.
pub(crate) fn locate(home: &Path, path: &str) -> Result<PathBuf, Refusal> {
    let path = Path::new(path);
    let (below, is_virtual) = match path.strip_prefix(home) {
        Ok(below) => (below, false),
        Err(_) => (path.strip_prefix("/").unwrap_or(path), true),
    };
    let mut parts = below.components();
    let mut next = || match parts.next() {
        Some(Component::Normal(part)) => part.to_str().ok_or(Refusal::Missing),
        _ => Err(Refusal::Missing),
    };
    let ("frameworks", framework, "executors", executor, "runs", run) =
        (next()?, next()?, next()?, next()?, next()?, next()?)
    else {
        return Err(Refusal::Missing);
    };
    if is_virtual && run != "latest" {
        return Err(Refusal::Missing);
    }
    let sandbox: PathBuf = ["frameworks", framework, "executors", executor, "runs", run].iter().collect();
    let sandbox = fs::canonicalize(home.join(sandbox))?;
    let wanted = sandbox.join(parts.as_path());
    let found = fs::canonicalize(&wanted)?;
    if found.starts_with(&sandbox) { Ok(found) } else { Err(Refusal::Inaccessible(wanted)) }
}

/// What is in a directory, by name; nothing is in a file. `path` is how its reader calls it.
pub(crate) fn list(home: &Path, path: &str) -> Result<Vec<Entry>, Refusal> {
    let directory = locate(home, path)?;
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let mut entries = Vec::new();
    for file in directory.read_dir()? {
        let file = file?;
        // Links are followed; what is gone by now, or was never there, is left out.
        let Ok(known) = fs::metadata(file.path()) else { continue };
        entries.push(entry(format!("{}/{}", path.trim_end_matches('/'), file.file_name().display()), &known));
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(entries)
}

fn entry(path: String, known: &Metadata) -> Entry {
    Entry {
        path,
        mode: mode(known),
        bits: known.mode(),
        links: known.nlink(),
        user: user(known.uid()),
        group: group(known.gid()),
        size: known.size(),
        modified: known.mtime(),
    }
}

fn user(id: u32) -> String {
    uzers::get_user_by_uid(id).map_or(id.to_string(), |user| user.name().to_string_lossy().into_owned())
}

fn group(id: u32) -> String {
    uzers::get_group_by_gid(id).map_or(id.to_string(), |group| group.name().to_string_lossy().into_owned())
}

fn mode(known: &Metadata) -> String {
    let kind = known.file_type();
    let kind = match kind {
        _ if kind.is_dir() => 'd',
        _ if kind.is_fifo() => 'p',
        _ if kind.is_socket() => 's',
        _ if kind.is_char_device() => 'c',
        _ if kind.is_block_device() => 'b',
        _ => '-',
    };
    let letters = ["r", "w", "x"].iter().cycle();
    let bits = (0..9).rev().map(|bit| known.mode() >> bit & 1 == 1);
    let permissions: String =
        bits.zip(letters).map(|(is_set, letter)| if is_set { letter } else { "-" }).collect();
    format!("{kind}{permissions}")
}

/// A regular file, opened, and its size.
pub(crate) fn open(home: &Path, path: &str) -> Result<(File, u64), Refusal> {
    let path = locate(home, path)?;
    let known = fs::metadata(&path)?;
    if known.is_dir() {
        return Err(Refusal::IsDirectory);
    }
    if !known.is_file() {
        return Err(Refusal::IsSpecial);
    }
    Ok((File::open(path)?, known.len()))
}

/// A part of a file, and where it begins. Without an offset, the file's size.
pub(crate) fn read(
    home: &Path,
    path: &str,
    offset: Option<u64>,
    length: Option<u64>,
) -> Result<(Vec<u8>, u64), Refusal> {
    let (mut file, size) = open(home, path)?;
    let Some(offset) = offset else { return Ok((Vec::new(), size)) };
    file.seek(SeekFrom::Start(offset))?;
    let mut data = Vec::new();
    file.take(length.unwrap_or(LONGEST).min(LONGEST)).read_to_end(&mut data)?;
    Ok((data, offset))
}

/// The sandboxes of an agent, by each path that means one.
pub(crate) fn sandboxes(home: &Path) -> Result<Vec<(String, PathBuf)>, Refusal> {
    let children = |path: PathBuf| -> io::Result<Vec<PathBuf>> {
        match path.read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            entries => entries?.map(|entry| Ok(entry?.path())).collect(),
        }
    };
    let mut found = Vec::new();
    for framework in children(home.join("frameworks"))? {
        for executor in children(framework.join("executors"))? {
            for run in children(executor.join("runs"))? {
                let Ok(sandbox) = fs::canonicalize(&run) else { continue };
                if run.ends_with("latest") {
                    let below = run.strip_prefix(home).unwrap_or(&run);
                    found.push((format!("/{}", below.display()), sandbox.clone()));
                }
                found.push((run.display().to_string(), sandbox));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, Mode, mkfifoat};
    use std::os::unix::fs::symlink;

    const LATEST: &str = "/frameworks/F/executors/E/runs/latest";

    /// An agent's directory with one sandbox, and that sandbox.
    fn agent() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let runs = fs::canonicalize(home.path()).unwrap().join("frameworks/F/executors/E/runs");
        fs::create_dir_all(runs.join("R/inner")).unwrap();
        symlink("R", runs.join("latest")).unwrap();
        fs::write(runs.join("R/stdout"), "0123456789").unwrap();
        fs::write(home.path().join("secret"), "no").unwrap();
        (home, runs.join("R"))
    }

    #[test]
    fn a_sandbox_has_two_names() {
        let (home, sandbox) = agent();
        let home = fs::canonicalize(home.path()).unwrap();
        let locate = |path: &str| locate(&home, path);
        assert_eq!(locate(LATEST), Ok(sandbox.clone()));
        assert_eq!(locate(&LATEST[1..]), Ok(sandbox.clone()));
        assert_eq!(locate(&format!("{LATEST}/stdout")), Ok(sandbox.join("stdout")));
        assert_eq!(locate(sandbox.join("inner").to_str().unwrap()), Ok(sandbox.join("inner")));
        assert_eq!(locate(sandbox.with_file_name("latest").to_str().unwrap()), Ok(sandbox.clone()));
        let names: Vec<String> = sandboxes(&home).unwrap().into_iter().map(|(name, _)| name).collect();
        let own = [sandbox.clone(), sandbox.with_file_name("latest")].map(|path| path.display().to_string());
        let mut expected = vec![LATEST.to_owned()];
        expected.extend(own);
        expected.sort();
        assert_eq!(names, expected);
    }

    #[test]
    fn nothing_outside_of_a_sandbox() {
        let (home, sandbox) = agent();
        symlink("/etc/hostname", sandbox.join("out")).unwrap();
        symlink("/nowhere", sandbox.join("dangling")).unwrap();
        symlink("stdout", sandbox.join("in")).unwrap();
        let locate = |path: &str| locate(home.path(), path);
        for path in ["/secret", "/", "", "/frameworks/F", "/frameworks/F/executors/E/runs", "/etc/hostname"] {
            assert_eq!(locate(path), Err(Refusal::Missing), "{path}");
        }
        for rest in ["/stderr", "/dangling", "/stdout/x", "/../nothing"] {
            assert_eq!(locate(&format!("{LATEST}{rest}")), Err(Refusal::Missing), "{rest}");
        }
        let lower = "/frameworks/F/executors/E/runs/../../../../../secret";
        assert_eq!(locate(lower), Err(Refusal::Missing));
        assert_eq!(
            locate(&LATEST.replace("latest", "R")),
            Err(Refusal::Missing),
            "that is for its real path"
        );
        for rest in ["/out", "/..", "/../../../../../../secret"] {
            let refused = locate(&format!("{LATEST}{rest}"));
            assert_eq!(refused, Err(Refusal::Inaccessible(sandbox.join(&rest[1..]))), "{rest}");
        }
        assert_eq!(locate(&format!("{LATEST}/in")), Ok(sandbox.join("stdout")));
    }

    #[test]
    fn what_is_in_a_directory() {
        let (home, sandbox) = agent();
        symlink("/nowhere", sandbox.join("dangling")).unwrap();
        mkfifoat(CWD, sandbox.join("pipe"), Mode::RUSR).unwrap();
        let entries = list(home.path(), &format!("{LATEST}/")).unwrap();
        let names: Vec<&str> = entries.iter().map(|entry| &entry.path[LATEST.len()..]).collect();
        assert_eq!(names, ["/inner", "/pipe", "/stdout"]);
        let modes: Vec<&str> = entries.iter().map(|entry| &entry.mode[..2]).collect();
        assert_eq!(modes, ["dr", "pr", "-r"]);
        assert_eq!((entries[2].size, entries[2].links), (10, 1));
        assert_eq!(list(home.path(), &format!("{LATEST}/stdout")), Ok(Vec::new()));
    }

    #[test]
    fn a_part_of_a_file() {
        let (home, sandbox) = agent();
        mkfifoat(CWD, sandbox.join("pipe"), Mode::RUSR).unwrap();
        let read =
            |name: &str, offset, length| read(home.path(), &format!("{LATEST}/{name}"), offset, length);
        assert_eq!(read("stdout", Some(0), None), Ok((b"0123456789".into(), 0)));
        assert_eq!(read("stdout", Some(3), Some(2)), Ok((b"34".into(), 3)));
        assert_eq!(read("stdout", Some(99), None), Ok((Vec::new(), 99)));
        assert_eq!(read("stdout", None, None), Ok((Vec::new(), 10)));
        assert_eq!(read("", Some(0), None), Err(Refusal::IsDirectory));
        assert_eq!(read("pipe", Some(0), None), Err(Refusal::IsSpecial));
        fs::write(sandbox.join("long"), vec![b'x'; 100_000]).unwrap();
        assert_eq!(read("long", Some(0), Some(u64::MAX)).unwrap().0.len(), 65536);
    }
}
