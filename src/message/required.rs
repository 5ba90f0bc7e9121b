//! Which required fields a message lacks, all of them, with the way to each: `offers[3].agent_id.value`.

#![expect(unsafe_code, reason = "looks at the bytes a message was parsed from")]

use super::access::Seen;
use super::encode::{LEVELS, too_deep};
use super::layout::{CLEAN, COMPLETE, Message};
use super::{access, index};
use crate::wire;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// The paths of all required fields that are missing.
pub(super) fn missing(py: Python<'_>, message: Message<'_>) -> PyResult<Vec<String>> {
    let mut found = Vec::new();
    collect(py, message, "", LEVELS, &mut found)?;
    Ok(found)
}

/// Whether none is missing.
pub(super) fn is_complete(py: Python<'_>, message: Message<'_>) -> PyResult<bool> {
    if message.node.is(CLEAN) && message.node.is(COMPLETE) {
        return Ok(true);
    }
    Ok(missing(py, message)?.is_empty())
}

/// The key of a map in a path. One that is not UTF-8 reads as bytes.
fn key_text(key: &Bound<'_, PyAny>) -> String {
    let text = match key.cast::<PyBytes>() {
        Ok(bytes) => String::from_utf8_lossy(bytes.as_bytes()).into_owned(),
        Err(_) => key.to_string(),
    };
    text.replace('"', "\\\"")
}

fn collect(
    py: Python<'_>,
    message: Message<'_>,
    path: &str,
    depth: u32,
    found: &mut Vec<String>,
) -> PyResult<()> {
    let desc = message.desc();
    if message.node.is(CLEAN) {
        // SAFETY: only looked at.
        let complete = message.node.is(COMPLETE) || wire::is_complete(desc.wire, unsafe { message.parsed() });
        if complete {
            message.node.add(COMPLETE);
            return Ok(());
        }
    }
    let depth = depth.checked_sub(1).ok_or_else(|| too_deep(desc))?;
    index::index(py, message)?;
    for (at, field) in desc.fields.iter().enumerate() {
        if desc.wire.required >> at & 1 == 1 && message.has.get() >> at & 1 == 0 {
            found.push(format!("{path}{}", field.wire.name));
        }
    }
    for (at, field) in desc.fields.iter().enumerate() {
        if desc.nodes >> at & 1 == 0 || !access::is_set(py, message, at)? {
            continue;
        }
        let value = access::read(py, message, at)?;
        let name = field.wire.name;
        match access::see(&value) {
            Seen::Value => {}
            Seen::Message(child) => collect(py, child, &format!("{path}{name}."), depth, found)?,
            Seen::Repeated(items) => {
                let mut index = 0;
                while items.holds_messages()
                    && let Some(item) = items.get(py, index)?
                {
                    if let Some(item) = Message::of(&item) {
                        collect(py, item, &format!("{path}{name}[{index}]."), depth, found)?;
                    }
                    index += 1;
                }
            }
            Seen::Map(map) => {
                for pair in map.dict(py)?.items() {
                    let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
                    if let Some(value) = Message::of(&value) {
                        collect(py, value, &format!("{path}{name}[\"{}\"].", key_text(&key)), depth, found)?;
                    }
                }
            }
        }
    }
    Ok(())
}
