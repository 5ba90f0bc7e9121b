//! `/files/browse`, `/files/read`, `/files/download` and `/files/debug` of an agent. On a master there are no files.
//!
//! # Invariants
//! * Reading blocks, so the caller is a thread for blocking work.

use super::{Page, Query};
use crate::local::files::{self, Refusal};
use hyper::StatusCode;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::path::Path;

/// What can be asked of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files {
    Browse,
    Read,
    Download,
    Debug,
}

/// Answers a request; `home` is the agent's directory.
pub(crate) fn answer(files: Files, home: Option<&Path>, query: &Query) -> Page {
    let answered = match files {
        Files::Browse => browse(home, query),
        Files::Read => read(home, query),
        Files::Download => download(home, query),
        Files::Debug => debug(home),
    };
    answered.unwrap_or_else(|page| page)
}

fn browse(home: Option<&Path>, query: &Query) -> Result<Page, Page> {
    let path = path(query)?;
    let home = home.ok_or_else(missing)?;
    let entries = files::list(home, &path).map_err(|refusal| refused(refusal, "browse"))?;
    let entries = entries.into_iter().map(|entry| {
        json!({
            "gid": entry.group,
            "mode": entry.mode,
            "mtime": entry.modified as f64,
            "nlink": entry.links,
            "path": entry.path,
            "size": entry.size,
            "uid": entry.user,
        })
    });
    Ok(Page::Json(entries.collect::<Value>().to_string()))
}

fn read(home: Option<&Path>, query: &Query) -> Result<Page, Page> {
    let path = path(query)?;
    let (offset, length) = (number(query, "offset")?, number(query, "length")?);
    let home = home.ok_or_else(missing)?;
    let part = files::read(home, &path, offset, length);
    let (data, offset) = part.map_err(|refusal| refused(refusal, "read"))?;
    // JSON is UTF-8. Mesos sends whatever bytes there are, which few can read.
    Ok(Page::Json(json!({"data": String::from_utf8_lossy(&data), "offset": offset}).to_string()))
}

fn download(home: Option<&Path>, query: &Query) -> Result<Page, Page> {
    let path = path(query)?;
    let nothing = || Page::Text(StatusCode::NOT_FOUND, "404 Not Found.".into());
    let home = home.ok_or_else(nothing)?;
    let opened = files::locate(home, &path).and_then(|place| Ok((place, files::open(home, &path)?)));
    let (place, (file, size)) = opened.map_err(|refusal| match refusal {
        Refusal::Missing => nothing(),
        refusal => refused(refusal, "download"),
    })?;
    // where links lead to
    let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Page::File { name, file, size })
}

/// Which path means which directory.
fn debug(home: Option<&Path>) -> Result<Page, Page> {
    let sandboxes =
        home.map_or(Ok(Vec::new()), files::sandboxes).map_err(|refusal| refused(refusal, "list"))?;
    let sandboxes = sandboxes.into_iter().map(|(path, real)| (path, Value::from(real.display().to_string())));
    Ok(Page::Json(Value::Object(sandboxes.collect::<Map<_, _>>()).to_string()))
}

fn path(query: &Query) -> Result<Cow<'_, str>, Page> {
    let path = query.get("path").filter(|path| !path.is_empty());
    path.ok_or_else(|| bad("Expecting 'path=value' in query.\n".into()))
}

/// A number of bytes; −1 is none.
fn number(query: &Query, name: &str) -> Result<Option<u64>, Page> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let Ok(number) = text.parse::<i64>() else {
        return Err(bad(format!("Failed to parse {name}: Failed to convert '{text}' to number.\n")));
    };
    match number {
        -1 => Ok(None),
        number => match u64::try_from(number) {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(bad(format!("Negative {name} provided: {number}.\n"))),
        },
    }
}

fn bad(text: String) -> Page {
    Page::Text(StatusCode::BAD_REQUEST, text)
}

fn missing() -> Page {
    Page::Text(StatusCode::NOT_FOUND, String::new())
}

/// What a refusal looks like.
pub(crate) fn refused(refusal: Refusal, verb: &str) -> Page {
    match refusal {
        Refusal::Missing => missing(),
        Refusal::Inaccessible(path) => bad(format!("'{}' is inaccessible.\n", path.display())),
        Refusal::IsDirectory => bad(format!("Cannot {verb} a directory.\n")),
        Refusal::IsSpecial => bad(format!("Cannot {verb} what is no regular file.\n")),
        Refusal::Failed(why) => {
            Page::Text(StatusCode::INTERNAL_SERVER_ERROR, format!("Failed to {verb} the file: {why}.\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(files: Files, query: &str) -> (u16, String) {
        let home = tempfile::tempdir().unwrap();
        match answer(files, Some(home.path()), &Query::new(Some(query))) {
            Page::Text(status, text) => (status.as_u16(), text),
            page => panic!("{query}: {page:?}"),
        }
    }

    #[test]
    fn what_is_no_request() {
        let cases = [
            ("", "Expecting 'path=value' in query.\n"),
            ("path=", "Expecting 'path=value' in query.\n"),
            ("path=x&offset=1.5", "Failed to parse offset: Failed to convert '1.5' to number.\n"),
            ("path=x&length=", "Failed to parse length: Failed to convert '' to number.\n"),
            ("path=x&offset=-2", "Negative offset provided: -2.\n"),
        ];
        for (query, words) in cases {
            assert_eq!(refusal(Files::Read, query), (400, words.into()), "{query}");
        }
        assert_eq!(refusal(Files::Read, "path=x&offset=-1&length=-1"), (404, String::new()));
        assert_eq!(refusal(Files::Browse, "path=x"), (404, String::new()));
        assert_eq!(refusal(Files::Download, "path=x"), (404, "404 Not Found.".into()));
    }
}
