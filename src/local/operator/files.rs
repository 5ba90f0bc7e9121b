//! LIST_FILES and READ_FILE: the files of sandboxes, as operators ask an agent for them. A master has none.
//!
//! # Invariants
//! * Reading blocks, so the caller is a thread for blocking work.
//! * What is refused is refused as at `/files/browse` and `/files/read`.

use super::{Call, Response};
use crate::local::endpoints::{Page, refused};
use crate::local::files::{self, Entry, Refusal};
use crate::proto::mesos::v1::{FileInfo, TimeInfo, agent, master};
use std::path::Path;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    List(String),
    Read { path: String, offset: u64, length: Option<u64> },
}

impl Wanted {
    /// None: it is no question about files.
    pub(crate) fn of(call: &Call) -> Option<Self> {
        use agent::call::Type as AgentType;
        use master::call::Type;
        match call {
            Call::Master(call) => match call.r#type() {
                Type::ListFiles => Some(Self::List(call.list_files.as_ref()?.path.clone())),
                Type::ReadFile => {
                    let read = call.read_file.as_deref()?;
                    Some(Self::Read { path: read.path.clone(), offset: read.offset, length: read.length })
                }
                _ => None,
            },
            Call::Agent(call) => match call.r#type() {
                AgentType::ListFiles => Some(Self::List(call.list_files.as_ref()?.path.clone())),
                AgentType::ReadFile => {
                    let read = call.read_file.as_deref()?;
                    Some(Self::Read { path: read.path.clone(), offset: read.offset, length: read.length })
                }
                _ => None,
            },
        }
    }

    /// The answer; `home` is the agent's directory.
    pub(crate) fn answer(self, home: Option<&Path>) -> Result<Response, Page> {
        let missing = || refused(Refusal::Missing, "read");
        let home = home.ok_or_else(missing)?;
        let mut response = agent::Response::default();
        match self {
            Self::List(path) => {
                let entries = files::list(home, &path).map_err(|refusal| refused(refusal, "browse"))?;
                let file_infos = entries.into_iter().map(info).collect();
                response.set_type(agent::response::Type::ListFiles);
                response.list_files = Some(agent::response::ListFiles { file_infos });
            }
            Self::Read { path, offset, length } => {
                let read = files::open(home, &path)
                    .and_then(|(_, size)| Ok((size, files::read(home, &path, Some(offset), length)?.0)));
                let (size, data) = read.map_err(|refusal| refused(refusal, "read"))?;
                response.set_type(agent::response::Type::ReadFile);
                response.read_file = Some(Box::new(agent::response::ReadFile { size, data: data.into() }));
            }
        }
        Ok(Response::Agent(Box::new(response)))
    }
}

fn info(entry: Entry) -> FileInfo {
    FileInfo {
        path: entry.path,
        nlink: i32::try_from(entry.links).ok(),
        size: Some(entry.size),
        mtime: Some(TimeInfo { nanoseconds: entry.modified.saturating_mul(1_000_000_000) }),
        mode: Some(entry.bits),
        uid: Some(entry.user),
        gid: Some(entry.group),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn asked(home: &Path, wanted: Wanted) -> agent::Response {
        match wanted.answer(Some(home)) {
            Ok(Response::Agent(response)) => *response,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_in_a_sandbox() {
        let home = tempfile::tempdir().unwrap();
        let sandbox = home.path().join("frameworks/F/executors/E/runs/latest");
        fs::create_dir_all(&sandbox).unwrap();
        fs::write(sandbox.join("stdout"), b"0123\xff\x00").unwrap();
        let path = "/frameworks/F/executors/E/runs/latest";
        let files = asked(home.path(), Wanted::List(path.into())).list_files.unwrap().file_infos;
        assert_eq!((files.len(), files[0].size()), (1, 6));
        assert_eq!(files[0].path, format!("{path}/stdout"));
        assert_eq!(files[0].mode() & 0o170_000, 0o100_000);
        let path = files[0].path.clone();
        let read = |offset, length| {
            let wanted = Wanted::Read { path: path.clone(), offset, length };
            let read = asked(home.path(), wanted).read_file.unwrap();
            (read.size, read.data.to_vec())
        };
        assert_eq!(read(0, None), (6, b"0123\xff\x00".to_vec()), "bytes, not text");
        assert_eq!(read(1, Some(2)), (6, b"12".to_vec()));
        assert_eq!(read(99, None), (6, Vec::new()));
    }

    #[test]
    fn what_is_not_there() {
        let home = tempfile::tempdir().unwrap();
        let wanted = || Wanted::List("/nothing".into());
        for place in [Some(home.path()), None] {
            assert!(matches!(wanted().answer(place), Err(Page::Text(status, _)) if status == 404));
        }
    }
}
