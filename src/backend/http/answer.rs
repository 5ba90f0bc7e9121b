//! Answers to calls: one HTTP/1.1 response after another out of a buffer.
//!
//! # Invariants
//! * Nothing is taken from the buffer before a whole answer is in it.
//! * A body serves only as words for people: it is bounded, cleaned and shortened.

use httparse::{EMPTY_HEADER, Response, Status, parse_chunk_size};

/// More than this is no answer to a call.
const MAX_ANSWER: usize = 1 << 20;
const MAX_HEADERS: usize = 100;
/// Characters of a body that are shown.
const MAX_WORDS: usize = 500;

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// the server's words
    pub(super) words: String,
    /// the server will close the connection, or has
    pub(super) last: bool,
    /// how much of the buffer it was
    pub(super) length: usize,
}

/// What cannot be an answer, and why.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an answer that is not HTTP/1.1: {0}")]
pub(super) struct Malformed(String);

/// How a body ends.
enum Framing {
    Length(usize),
    Chunked,
    Close,
}

/// The first answer in `buffer`, if it is complete. `ended`: nothing will follow.
pub(super) fn parse(buffer: &[u8], ended: bool) -> Result<Option<Answer>, Malformed> {
    let mut start = 0;
    loop {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut response = Response::new(&mut headers);
        let head = match response.parse(&buffer[start..]) {
            Ok(Status::Complete(length)) => start + length,
            Ok(Status::Partial) => return incomplete(buffer),
            Err(error) => return Err(Malformed(error.to_string())),
        };
        let status = response.code.unwrap_or(0);
        if (100..200).contains(&status) {
            start = head; // an interim answer; the real one follows
            continue;
        }
        let (framing, close) = framing(&response, status)?;
        let body = &buffer[head..];
        let (words, length) = match framing {
            Framing::Length(length) => match body.get(..length) {
                Some(words) => (words.to_vec(), length),
                None => return incomplete(buffer),
            },
            Framing::Chunked => match chunked(body)? {
                Some(found) => found,
                None => return incomplete(buffer),
            },
            Framing::Close if ended => (body.to_vec(), body.len()),
            Framing::Close => return incomplete(buffer),
        };
        return Ok(Some(Answer { status, words: readable(&words), last: close, length: head + length }));
    }
}

fn incomplete(buffer: &[u8]) -> Result<Option<Answer>, Malformed> {
    if buffer.len() > MAX_ANSWER {
        return Err(Malformed(format!("longer than {MAX_ANSWER} bytes")));
    }
    Ok(None)
}

/// How the body ends, and whether the connection ends with it.
fn framing(response: &Response<'_, '_>, status: u16) -> Result<(Framing, bool), Malformed> {
    let mut close = response.version == Some(0);
    let mut length = None;
    let mut chunked = false;
    for header in response.headers.iter() {
        let value = String::from_utf8_lossy(header.value).trim().to_ascii_lowercase();
        if header.name.eq_ignore_ascii_case("content-length") {
            let number = value.parse().map_err(|_| Malformed(format!("Content-Length: {value}")))?;
            length = Some(number);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.ends_with("chunked");
        } else if header.name.eq_ignore_ascii_case("connection") {
            close = value.contains("close") || (close && !value.contains("keep-alive"));
        }
    }
    Ok(match (status, chunked, length) {
        (204 | 304, _, _) => (Framing::Length(0), close),
        (_, true, _) => (Framing::Chunked, close),
        (_, false, Some(length)) => (Framing::Length(length), close),
        (_, false, None) => (Framing::Close, true),
    })
}

/// A chunked body and its length on the wire, if it is complete.
fn chunked(body: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Malformed> {
    let wrong = |what: &str| Malformed(format!("chunked body: {what}"));
    let (mut words, mut at) = (Vec::new(), 0);
    loop {
        let (start, size) = match parse_chunk_size(&body[at..]) {
            Ok(Status::Complete((length, size))) => (at + length, size),
            Ok(Status::Partial) => return Ok(None),
            Err(_) => return Err(wrong("no chunk size")),
        };
        if size == 0 {
            return trailers(&body[start..]).map(|end| end.map(|end| (words, start + end)));
        }
        let size =
            usize::try_from(size).ok().filter(|size| *size <= MAX_ANSWER).ok_or_else(|| wrong("too long"))?;
        let Some(chunk) = body.get(start..start + size + 2) else { return Ok(None) };
        let Some(chunk) = chunk.strip_suffix(b"\r\n") else { return Err(wrong("no line end after a chunk")) };
        words.extend_from_slice(chunk);
        at = start + size + 2;
    }
}

/// Where the trailers end, which are not looked at.
fn trailers(body: &[u8]) -> Result<Option<usize>, Malformed> {
    if body.starts_with(b"\r\n") {
        return Ok(Some(2));
    }
    Ok(body.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4))
}

/// A body as words for a message: one line, not too long, nothing that a terminal would obey.
pub(super) fn readable(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let clean = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut words = clean.collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(MAX_WORDS) {
        words.truncate(end);
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (u16, String, bool) {
        let answer = parse(text.as_bytes(), false).unwrap().unwrap();
        assert_eq!(answer.length, text.len());
        for end in 0..text.len() {
            assert_eq!(parse(&text.as_bytes()[..end], false), Ok(None), "{end}");
        }
        (answer.status, answer.words, answer.last)
    }

    #[test]
    fn the_framings_cut_anywhere() {
        assert_eq!(one("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"), (202, String::new(), false));
        assert_eq!(
            one("HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nwhy?"),
            (400, "why?".into(), false)
        );
        let chunks = "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n5;x=y\r\n now.\r\n0\r\n\r\n";
        assert_eq!(one(chunks), (403, "not now.".into(), false));
        let trailer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n";
        assert_eq!(one(trailer), (200, String::new(), false));
        assert_eq!(
            one("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
            (204, String::new(), false)
        );
        assert_eq!(
            one("HTTP/1.1 202 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
            (202, String::new(), true)
        );
        assert_eq!(one("HTTP/1.0 202 x\r\nContent-Length: 0\r\n\r\n"), (202, String::new(), true));
    }

    #[test]
    fn pipelined_answers_come_one_by_one() {
        let text =
            b"HTTP/1.1 202 A\r\nContent-Length: 0\r\n\r\nHTTP/1.1 400 B\r\nContent-Length: 2\r\n\r\nno";
        let first = parse(text, false).unwrap().unwrap();
        let second = parse(&text[first.length..], false).unwrap().unwrap();
        assert_eq!((first.status, second.status, second.words.as_str()), (202, 400, "no"));
    }

    #[test]
    fn a_body_without_a_length_ends_with_the_connection() {
        let text = b"HTTP/1.1 500 Oops\r\n\r\nall of this";
        assert_eq!(parse(text, false), Ok(None));
        let answer = parse(text, true).unwrap().unwrap();
        assert_eq!((answer.words.as_str(), answer.last), ("all of this", true));
    }

    #[test]
    fn what_is_no_answer() {
        assert!(parse(b"SSH-2.0-OpenSSH_9.2\r\n", false).is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", false).is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", false).is_err());
        assert!(
            parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", false)
                .is_err()
        );
        let endless =
            [b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n".to_vec(), vec![b'x'; MAX_ANSWER]].concat();
        assert!(parse(&endless, false).is_err());
    }

    #[test]
    fn words_are_clean_and_short() {
        assert_eq!(readable(b" a\r\n\tb \x1b[31m\x00c\n"), "a b [31m c");
        assert_eq!(readable("é".repeat(600).as_bytes()).chars().count(), MAX_WORDS + 1);
    }
}
