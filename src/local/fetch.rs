//! Brings the files that a command names (`CommandInfo.uris`) into its sandbox, before it starts.
//!
//! # Invariants
//! * All of them are there, unpacked if they are archives, or the command does not start.
//! * What is fetched is a file of this machine (a path, or `file://`) or comes over `http://`.

use super::process::Uri;
use super::web;
use bytes::Bytes;
use hyper::StatusCode;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::task::spawn_blocking;

/// Fetches everything; the first that cannot be had is the error, and in the sandbox's stderr.
pub(crate) async fn fetch(uris: Vec<Uri>, sandbox: PathBuf) -> Result<(), String> {
    let fetched = fetch_all(uris, &sandbox).await;
    if let Err(why) = &fetched {
        let (stderr, line) = (sandbox.join("stderr"), format!("Failed to fetch {why}\n"));
        blocking(move || write(&stderr, line.as_bytes())).await?;
    }
    fetched
}

async fn fetch_all(uris: Vec<Uri>, sandbox: &Path) -> Result<(), String> {
    for uri in uris {
        let failed = |why: String| format!("{}: {why}", uri.value);
        let name = uri.file_name().ok_or_else(|| failed("it names no file".into()))?;
        let target = sandbox.join(name);
        if let Some(rest) = uri.value.strip_prefix("http://") {
            let body = get(rest.to_owned()).await.map_err(failed)?;
            let path = target.clone();
            blocking(move || write(&path, &body)).await.map_err(failed)?;
        } else {
            let source = PathBuf::from(uri.value.strip_prefix("file://").unwrap_or(&uri.value));
            let path = target.clone();
            blocking(move || copy(&source, &path)).await.map_err(failed)?;
        }
        let (unpack, executable, sandbox) = (uri.unpacks(), uri.executable, sandbox.to_owned());
        blocking(move || finish(&target, unpack, executable, &sandbox)).await.map_err(failed)?;
    }
    Ok(())
}

async fn blocking(work: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), String> {
    spawn_blocking(work).await.map_err(|error| error.to_string())?
}

fn words(error: std::io::Error) -> String {
    error.to_string()
}

fn make_room(target: &Path) -> Result<(), String> {
    target.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(words)
}

fn write(target: &Path, content: &[u8]) -> Result<(), String> {
    make_room(target)?;
    std::fs::write(target, content).map_err(words)
}

fn copy(source: &Path, target: &Path) -> Result<(), String> {
    make_room(target)?;
    std::fs::copy(source, target).map(drop).map_err(words)
}

fn finish(target: &Path, unpack: Option<&[&str]>, executable: bool, sandbox: &Path) -> Result<(), String> {
    if executable {
        std::fs::set_permissions(target, std::fs::Permissions::from_mode(0o755)).map_err(words)?;
    }
    let Some([program, arguments @ ..]) = unpack else { return Ok(()) };
    let mut command = std::process::Command::new(program);
    command.args(arguments).arg(target).current_dir(sandbox);
    let done = command.stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(format!("{program}: {}", String::from_utf8_lossy(&done.stderr).trim())),
    }
}

/// Gets what is at `host[:port]/path`.
async fn get(rest: String) -> Result<Bytes, String> {
    let answer = web::get(rest).await?;
    match answer.status() {
        StatusCode::OK => answer.body().await,
        status => Err(format!("the server answers {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    fn uri(value: &str) -> Uri {
        Uri { value: value.into(), output: None, executable: false, extract: true }
    }

    fn run(uris: Vec<Uri>, sandbox: &Path) -> Result<(), String> {
        crate::runtime::handle().unwrap().block_on(fetch(uris, sandbox.into()))
    }

    #[test]
    fn files_are_copied_renamed_made_executable_and_unpacked() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(from.path().join("tool"), "#!/bin/sh\n").unwrap();
        let status = std::process::Command::new("tar")
            .args(["-czf", "all.tgz", "tool"])
            .current_dir(from.path())
            .status()
            .unwrap();
        assert!(status.success());
        let path = |name: &str| from.path().join(name).display().to_string();
        let tool = Uri { output: Some("bin/it".into()), executable: true, ..uri(&path("tool")) };
        run(vec![tool, uri(&format!("file://{}", path("all.tgz")))], to.path()).unwrap();
        let mode = std::fs::metadata(to.path().join("bin/it")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        assert!(to.path().join("tool").exists(), "unpacked");
        let why = run(vec![uri("/no/such")], to.path()).unwrap_err();
        assert!(why.starts_with("/no/such: No such file"), "{why}");
    }

    #[test]
    fn a_redirect_is_followed_and_a_refusal_told() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let answers = ["302 Found\r\nLocation: /there", "200 OK", "404 Not Found"];
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                let _read = stream.read(&mut request).unwrap();
                write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 2\r\n\r\nhi").unwrap();
            }
        });
        let to = tempfile::tempdir().unwrap();
        run(vec![uri(&format!("http://{address}/file"))], to.path()).unwrap();
        assert_eq!(std::fs::read_to_string(to.path().join("file")).unwrap(), "hi");
        let why = run(vec![uri(&format!("http://{address}/file"))], to.path()).unwrap_err();
        assert!(why.ends_with("the server answers 404 Not Found"), "{why}");
        server.join().unwrap();
    }
}
