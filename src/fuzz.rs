//! What the targets in fuzz/ do with their bytes: `make fuzz` runs them. Compiled for cargo-fuzz only.
//!
//! The first two bytes choose a message of the schema, the rest is what somebody might have sent for it. Each target
//! asserts what the code under it promises, for what is accepted and for what is refused.

use crate::wire::json::Manner;
use crate::wire::resources::{self, Resources};
use crate::wire::{self, Message, field, json, msg};
use crate::{_mesos, message};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use std::sync::OnceLock;

/// A message of the schema, and bytes for it.
fn chosen(data: &[u8]) -> Option<(&'static Message, &[u8])> {
    let (number, bytes) = data.split_first_chunk()?;
    let messages = wire::MESSAGES.iter().filter(|message| !message.is_map_entry);
    let number = usize::from(u16::from_le_bytes(*number)) % messages.clone().count();
    messages.clone().nth(number).map(|message| (message, bytes))
}

/// The scan, the walks over what it accepts, and JSON of that.
pub fn wire(data: &[u8]) {
    let Some((message, bytes)) = chosen(data) else { return };
    if wire::validate(message, bytes).is_err() {
        wire::spans(message, bytes).for_each(drop); // ends, and does not panic
        wire::fields(bytes).for_each(drop);
        return;
    }
    cover(message, bytes);
    let mut text = Vec::new();
    json::encode(message, bytes, &mut text);
    json_comes_back(message, &text, wire::is_complete(message, bytes));
}

/// The spans of a level follow each other and cover it; so do those of what lies below.
fn cover(message: &'static Message, level: &[u8]) {
    let mut end = 0;
    for span in wire::spans(message, level) {
        assert!(span.start == end && span.start < span.value.min(span.end), "no gap, and progress");
        assert!(span.value <= span.end);
        end = span.end;
        let Some(field) = span.field.map(|index| &message.fields[usize::from(index)]) else { continue };
        if span.is_packed {
            let values = wire::packed(field.kind, span.value(level));
            assert_eq!(values.map(<[u8]>::len).sum::<usize>(), span.value(level).len());
        } else if let Some(child) = field.message() {
            cover(child, span.value(level));
        }
    }
    assert_eq!(end as usize, level.len(), "all of it");
    let numbers: Result<Vec<_>, _> = wire::fields(level).collect();
    assert_eq!(numbers.map(|fields| fields.len()), Ok(wire::spans(message, level).count()));
}

/// What `encode` wrote is JSON; if the message was complete, it says the same when it is read again.
fn json_comes_back(message: &'static Message, text: &[u8], complete: bool) {
    let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(text);
    assert!(parsed.is_ok(), "encode writes JSON");
    match json::decode(message, text, Manner::Lenient) {
        Ok(bytes) => {
            let mut again = Vec::new();
            json::encode(message, &bytes, &mut again);
            assert_eq!(text, again);
        }
        Err(error) => assert!(!complete, "{error}"),
    }
}

/// JSON that anybody may send.
pub fn json(data: &[u8]) {
    let Some((message, text)) = chosen(data) else { return };
    for manner in [Manner::Mesos, Manner::Lenient] {
        json_in(message, text, manner);
    }
}

fn json_in(message: &'static Message, text: &[u8], manner: Manner) {
    let Ok(bytes) = json::decode(message, text, manner) else { return };
    assert_eq!(wire::validate(message, &bytes), Ok(()), "decode writes messages");
    assert!(wire::is_complete(message, &bytes), "decode refuses what lacks a required field");
    let mut text = Vec::new();
    json::encode(message, &bytes, &mut text);
    json_comes_back(message, &text, true);
}

/// Resources: what a text says if it is one, else what the bytes of a message with resources say.
pub fn resources(data: &[u8]) {
    let Some((form, data)) = data.split_first() else { return };
    let holder = msg::OFFER_OPERATION_RESERVE;
    let items = if *form == 0 {
        let Ok(Ok(items)) = std::str::from_utf8(data).map(|text| resources::parse(text, None)) else {
            return;
        };
        items
    } else {
        if wire::validate(holder, data).is_err() || !wire::is_complete(holder, data) {
            return;
        }
        let values =
            || wire::spans(holder, data).filter(|span| span.field.is_some()).map(|span| span.value(data));
        values().for_each(totals_agree);
        values().filter_map(|value| resources::item(value, None).ok()).collect()
    };
    let all: Resources = items.iter().cloned().collect();
    let read: Result<Resources, _> = all.encode().iter().map(|bytes| resources::item(bytes, None)).collect();
    assert_eq!(read.as_ref(), Ok(&all), "the encoding of resources says what they are");
    let text = resources::text(&all);
    let read: Result<Resources, _> = resources::parse(&text, None).map(Resources::from_iter);
    if *form == 0 {
        assert_eq!(
            read.as_ref(),
            Ok(&all),
            "and so does their text, which has no place for unknown fields: {text}"
        );
    }
    assert!(all.contains(&all));
    for item in items {
        let one: Resources = [item].into_iter().collect();
        assert!(all.contains(&one), "what was added is there");
        let (mut less, mut rest) = (all.clone(), one.clone());
        less.subtract(&one);
        rest.subtract(&one);
        assert!(rest.is_empty() && all.contains(&less));
    }
}

/// The short way of adding up finds what the long one does, which an unknown field in front enforces.
fn totals_agree(resource: &[u8]) {
    let total = |resource: &[u8]| {
        let mut message = wire::Writer::new();
        message.bytes(field::offer_operation_reserve::RESOURCES, resource);
        let message = message.finish();
        let totals = resources::totals(msg::OFFER_OPERATION_RESERVE, &message, 0);
        totals.into_iter().map(|(name, total)| (name.to_vec(), total)).collect::<Vec<_>>()
    };
    let unknown = b"\xf8\x07\x00"; // number 127
    assert_eq!(total(resource), total(&[unknown, resource].concat()));
}

/// The message classes: parsing, reading everything, copying, writing.
pub fn message(data: &[u8]) {
    static READY: OnceLock<()> = OnceLock::new();
    READY.get_or_init(|| {
        pyo3::append_to_inittab!(_mesos);
        Python::initialize();
        Python::attach(import).expect("the package can be imported");
    });
    let Some((message, bytes)) = chosen(data) else { return };
    Python::attach(|py| read_and_write(py, message, bytes)).expect("nothing is raised but DecodeError");
}

/// Imports the package in python/ over the module that is linked into this program.
fn import(py: Python<'_>) -> PyResult<()> {
    let code = c"
import importlib, importlib.machinery, sys

class Linked:
    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name == 'mesos._mesos' else None
    def create_module(self, spec):
        return importlib.import_module('_mesos')
    def exec_module(self, module):
        pass

sys.meta_path.insert(0, Linked())
import mesos
";
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/python");
    py.import("sys")?.getattr("path")?.cast_into::<PyList>()?.insert(0, python)?;
    py.run(code, None, None)
}

fn written<'py>(message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    message.call_method0("SerializePartialToString")
}

fn read_and_write(py: Python<'_>, message: &'static Message, bytes: &[u8]) -> PyResult<()> {
    let class = message::class(py, message)?;
    let parsed = class.call_method1("FromString", (PyBytes::new(py, bytes),));
    assert_eq!(parsed.is_ok(), wire::validate(message, bytes).is_ok());
    let Ok(parsed) = parsed else { return Ok(()) };
    assert!(written(&parsed)?.eq(bytes)?, "what nobody looked at is kept as it came");
    let text = parsed.repr()?.into_any(); // reads everything, and puts together what came in parts
    let kept = class.call_method1("FromString", (written(&parsed)?,))?;
    assert!(kept.eq(&parsed)? && text.eq(kept.repr()?)?, "reading changes nothing");

    let copy = class.call0()?;
    copy.call_method1("MergeFrom", (&parsed,))?;
    assert!(copy.eq(&parsed)? && text.eq(copy.repr()?)?, "an equal, written in the order of the fields");
    let again = class.call_method1("FromString", (written(&copy)?,))?;
    assert!(again.eq(&copy)? && text.eq(again.repr()?)?);
    assert!(written(&copy.call_method0("__copy__")?)?.eq(written(&copy)?)?);

    let complete: bool = parsed.call_method0("IsInitialized")?.extract()?;
    assert_eq!(complete, wire::is_complete(message, bytes));
    assert_eq!(complete, parsed.call_method0("FindInitializationErrors")?.len()? == 0);
    assert_eq!(complete, copy.call_method0("SerializeToString").is_ok());

    let bytes = bytes::Bytes::copy_from_slice(bytes);
    assert!(message::from_wire(py, message, bytes)?.bind(py).eq(parsed)?);
    copy.call_method0("DiscardUnknownFields")?;
    copy.call_method0("Clear")?;
    assert_eq!(written(&copy)?.len()?, 0);
    Ok(())
}
