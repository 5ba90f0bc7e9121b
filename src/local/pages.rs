//! The plain endpoints over HTTP: whom to ask for a page, and how it is sent.

use super::api::{Encoding, Host, Request};
use super::driver::{Answer, Shared};
use super::endpoints::{self, Endpoint, Page, Query, View};
use super::operator::{Call, Wanted};
use super::server::{Content, ask, closing, expecting_post, message, plain};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;

/// Answers a request. `home` is where the sandboxes of an agent are.
pub(crate) async fn answer(
    host: Host,
    endpoint: Endpoint,
    head: &Parts,
    body: Incoming,
    driver: &Shared,
    home: Option<Arc<Path>>,
) -> Response<Content> {
    let query = Query::new(head.uri.query());
    let page = match endpoint {
        Endpoint::Health => Some(Page::Empty),
        Endpoint::Version => Some(endpoints::version()),
        Endpoint::View(view) => driver.look(host.agent(), view, &query),
        Endpoint::Files(files) => {
            let query = query.clone();
            let answer = spawn_blocking(move || endpoints::files(files, home.as_deref(), &query)).await;
            let failed = |error: tokio::task::JoinError| failed(error.to_string());
            Some(answer.unwrap_or_else(failed))
        }
        Endpoint::Logging => match endpoints::toggle(host, &query) {
            Ok(None) => driver.look(host.agent(), View::LoggingLevel, &query),
            Ok(Some(call)) => order(host, call, driver).await,
            Err(page) => Some(page),
        },
        Endpoint::Teardown if head.method != Method::POST => return expecting_post(&head.method),
        Endpoint::Teardown => match body.collect().await.map(|body| endpoints::teardown(&body.to_bytes())) {
            Ok(Ok(call)) => order(host, call, driver).await,
            Ok(Err(page)) => Some(page),
            Err(error) => Some(failed(error.to_string())),
        },
    };
    page.map_or_else(closing, |page| shown(page, &query))
}

fn failed(text: String) -> Page {
    Page::Text(StatusCode::INTERNAL_SERVER_ERROR, text)
}

/// What an operator wants of files.
pub(crate) async fn look_into(
    wanted: Wanted,
    home: Option<Arc<Path>>,
    encoding: Encoding,
) -> Response<Content> {
    match spawn_blocking(move || wanted.answer(home.as_deref())).await {
        Ok(Ok(answer)) => message(encoding, encoding.response(&answer)),
        Ok(Err(page)) => shown(page, &Query::new(None)),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// Makes a call of the operator API.
async fn order(host: Host, call: Call, driver: &Shared) -> Option<Page> {
    let request = Request::Operator { call, encoding: Encoding::Json };
    Some(match ask(host, request, driver).await? {
        Answer::Refused(status, text) => Page::Text(status, text),
        _ => Page::Empty,
    })
}

fn shown(page: Page, query: &Query) -> Response<Content> {
    let (text, media) = match (page, query.callback()) {
        (Page::Json(text), None) => (text, "application/json"),
        (Page::Json(text), Some(callback)) => (format!("{callback}({text})"), "text/javascript"),
        (Page::Empty, _) => return Response::new(Content::full(String::new())),
        (Page::Text(status, text), _) => return plain(status, text),
        (Page::Elsewhere(place), _) => return elsewhere(&place),
        (Page::File { name, file, size }, _) => return download(&name, file, size),
    };
    let mut response = Response::new(Content::full(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

fn elsewhere(place: &str) -> Response<Content> {
    let mut response = Response::new(Content::full(String::new()));
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// A file in pieces, read while they are sent.
fn download(name: &str, file: File, size: u64) -> Response<Content> {
    let (sender, pieces) = mpsc::channel(1);
    spawn_blocking(move || {
        let mut rest = file.take(size);
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            match rest.by_ref().take(PIECE as u64).read_to_end(&mut piece) {
                Ok(0) => break,
                // Nobody reads any more.
                Ok(_) if sender.blocking_send(piece.into()).is_err() => break,
                Ok(_) => {}
                // The reader sees that it gets less than was promised.
                Err(error) => return tracing::warn!(%error, "a file could not be read to its end"),
            }
        }
    });
    let mut response = Response::new(Content::Pieces(pieces, size));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename={name}")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
    }
    response
}
