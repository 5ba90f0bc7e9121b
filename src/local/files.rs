//! `/files/read`: what is in the files of a sandbox, as Mesos' agents serve it.
//!
//! # Invariants
//! * Only files below a sandbox are read: a path is `/frameworks/F/executors/E/runs/latest/…` and has no `..` in it.
//! * Reading a file blocks, so the caller is a thread for blocking work.

use hyper::StatusCode;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// At most this much is read at once, whatever is asked: sixteen pages, as in Mesos.
const LONGEST: u64 = 16 * 4096;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
struct Query {
    path: String,
    /// None (−1 on the wire) asks for the size
    offset: Option<u64>,
    length: u64,
}

/// Answers a query with JSON: `{"data": …, "offset": …}`.
pub(crate) fn read(root: &Path, query: &str) -> Result<String, (StatusCode, String)> {
    let query = Query::parse(query).map_err(|text| (StatusCode::BAD_REQUEST, text))?;
    let missing = || (StatusCode::NOT_FOUND, String::new());
    let path = locate(root, &query.path).ok_or_else(missing)?;
    match slice(&path, &query) {
        Ok((data, offset)) => {
            Ok(serde_json::json!({"data": String::from_utf8_lossy(&data), "offset": offset}).to_string())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing()),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            Err((StatusCode::BAD_REQUEST, "Cannot read a directory.\n".into()))
        }
        Err(error) => {
            Err((StatusCode::INTERNAL_SERVER_ERROR, format!("Failed to read the file: {error}.\n")))
        }
    }
}

impl Query {
    fn parse(query: &str) -> Result<Self, String> {
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let number = |name: &str| match value(name).as_deref() {
            None | Some("-1") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| format!("Failed to parse {name}: '{text}'.\n")),
        };
        let path = value("path").filter(|path| !path.is_empty());
        let path = path.ok_or("Expecting 'path=value' in query.\n")?;
        let length = number("length")?.unwrap_or(LONGEST).min(LONGEST);
        Ok(Self { path, offset: number("offset")?, length })
    }
}

/// The file that a virtual path names; whichever agent has the sandbox.
fn locate(root: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path.trim_start_matches('/'));
    let parts: Vec<_> = path
        .components()
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let ["frameworks", _, "executors", _, "runs", "latest", _, ..] = parts[..] else { return None };
    let agents = root.join("agents").read_dir().ok()?;
    agents.filter_map(|agent| Some(agent.ok()?.path().join(path))).find(|file| file.exists())
}

fn slice(path: &Path, query: &Query) -> io::Result<(Vec<u8>, u64)> {
    let mut file = File::open(path)?;
    let Some(offset) = query.offset else { return Ok((Vec::new(), file.metadata()?.len())) };
    file.seek(SeekFrom::Start(offset))?;
    let mut data = Vec::new();
    file.take(query.length).read_to_end(&mut data)?;
    Ok((data, offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn sandbox() -> (tempfile::TempDir, &'static str) {
        let root = tempfile::tempdir().unwrap();
        let latest = root.path().join("agents/S0/frameworks/F/executors/E/runs/latest");
        fs::create_dir_all(&latest).unwrap();
        fs::write(latest.join("stdout"), "0123456789").unwrap();
        fs::write(root.path().join("secret"), "no").unwrap();
        (root, "path=/frameworks/F/executors/E/runs/latest")
    }

    #[test]
    fn a_part_of_a_file() {
        let (root, path) = sandbox();
        let read = |rest: &str| read(root.path(), &format!("{path}{rest}"));
        assert_eq!(read("/stdout&offset=0").unwrap(), r#"{"data":"0123456789","offset":0}"#);
        assert_eq!(read("/stdout&offset=3&length=2").unwrap(), r#"{"data":"34","offset":3}"#);
        assert_eq!(read("/stdout&offset=99").unwrap(), r#"{"data":"","offset":99}"#);
        assert_eq!(read("%2Fstdout&offset=9&length=-1").unwrap(), r#"{"data":"9","offset":9}"#);
    }

    #[test]
    fn without_an_offset_the_size() {
        let (root, path) = sandbox();
        assert_eq!(read(root.path(), &format!("{path}/stdout")).unwrap(), r#"{"data":"","offset":10}"#);
    }

    #[test]
    fn nothing_outside_of_a_sandbox_and_no_nonsense() {
        let (root, path) = sandbox();
        let status = |query: &str| read(root.path(), query).unwrap_err().0;
        assert_eq!(status(&format!("{path}/stderr&offset=0")), StatusCode::NOT_FOUND);
        assert_eq!(status(&format!("{path}/../../../../../../../../secret")), StatusCode::NOT_FOUND);
        assert_eq!(status("path=/secret"), StatusCode::NOT_FOUND);
        assert_eq!(status(&path.replace("latest", "")), StatusCode::NOT_FOUND);
        assert_eq!(status("offset=0"), StatusCode::BAD_REQUEST);
        assert_eq!(status(&format!("{path}/stdout&offset=x")), StatusCode::BAD_REQUEST);
    }
}
