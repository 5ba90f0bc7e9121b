//! From objects to wire bytes, in one pass from the last byte to the first.
//!
//! # Invariants
//! * Runs no Python code: slots do not change under it, and borrowed children stay alive.
//! * A `CLEAN` message, or a span, is copied as it is.
//! * Fields stand by ascending number, unknown ones behind them; map entries in the order of the map.

#![expect(unsafe_code, reason = "borrows what slots hold while nothing can change them")]

use super::backward::Backward;
use super::desc::{Desc, Field, Shape};
use super::layout::{CLEAN, COMPLETE, Message, Slot, View};
use super::map::Map;
use super::repeated::Repeated;
use super::value::Source;
use super::{required, strings, value};
use crate::wire::{self, Kind};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::ptr;

/// Levels of nesting, as for parsing.
const MAX_DEPTH: u32 = 100;
/// As many messages, one in the other: what no walk goes below, so that none runs out of stack.
pub(super) const LEVELS: u32 = MAX_DEPTH + 1;
const MAX_SIZE: usize = i32::MAX as usize;

/// Why a message has no encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fail {
    /// a required field is missing somewhere
    Missing,
    TooDeep,
    TooLarge,
    /// an object in a slot would not give up its value: memory ran out
    Object,
}

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// required fields must be there
    Full,
    /// what there is
    Partial,
}

/// Hands the encoding of a message to `take`.
pub(super) fn encode<R>(
    py: Python<'_>,
    message: Message<'_>,
    mode: Mode,
    take: impl FnOnce(&[u8]) -> R,
) -> Result<R, Fail> {
    let mut out = Backward::new(py);
    let written = encode_message(py, message, mode, LEVELS, &mut out);
    let result = match written {
        Ok(()) if out.written().len() > MAX_SIZE => Err(Fail::TooLarge),
        Ok(()) => Ok(take(out.written())),
        Err(fail) => Err(fail),
    };
    out.finish(py);
    result
}

/// The encoding as `bytes`. Of a message that is unchanged those it was parsed from, if they are nothing more: they
/// cannot change either.
pub(super) fn to_bytes<'py>(
    py: Python<'py>,
    message: Message<'_>,
    mode: Mode,
) -> Result<Bound<'py, PyAny>, Fail> {
    if message.node.is(CLEAN) && (mode == Mode::Partial || was_complete(message)) {
        // SAFETY: compared or copied at once; the message holds the owner.
        let (source, owner) = unsafe {
            let source = message.source();
            (source, Bound::from_borrowed_ptr_or_opt(py, source.owner))
        };
        return Ok(match owner.and_then(|owner| owner.cast_into::<PyBytes>().ok()) {
            Some(owner) if ptr::eq(owner.as_bytes(), source.bytes) => owner.into_any(),
            _ => PyBytes::new(py, source.bytes).into_any(),
        });
    }
    encode(py, message, mode, |bytes| PyBytes::new(py, bytes).into_any())
}

/// The exception for a message without encoding.
#[cold]
pub(super) fn error(py: Python<'_>, message: Message<'_>, fail: Fail) -> PyErr {
    let name = message.desc().wire.name;
    let text = match fail {
        Fail::Missing => match required::missing(py, message) {
            Ok(fields) => format!("Message {name} is missing required fields: {}", fields.join(",")),
            Err(error) => return error,
        },
        Fail::TooDeep => format!("Message {name} has more than {MAX_DEPTH} levels of nesting"),
        Fail::TooLarge => format!("Message {name} is 2 GiB or more"),
        Fail::Object => {
            return PyErr::take(py)
                .unwrap_or_else(|| PyMemoryError::new_err("no memory to encode a message"));
        }
    };
    super::errors::EncodeError::new_err(text)
}

/// For walks other than encoding that met too many levels.
#[cold]
pub(super) fn too_deep(desc: &Desc) -> PyErr {
    PyRuntimeError::new_err(format!("a {} with more than {MAX_DEPTH} levels of nesting", desc.name()))
}

/// One message, without tag and length.
pub(super) fn encode_message(
    py: Python<'_>,
    message: Message<'_>,
    mode: Mode,
    depth: u32,
    out: &mut Backward,
) -> Result<(), Fail> {
    let desc = message.desc();
    if message.node.is(CLEAN) {
        // SAFETY: copied at once.
        let bytes = unsafe { message.parsed() };
        if mode == Mode::Full && !was_complete(message) {
            return Err(Fail::Missing);
        }
        out.bytes(bytes);
        return Ok(());
    }
    let depth = depth.checked_sub(1).filter(|depth| *depth > 0).ok_or(Fail::TooDeep)?;
    let mut has = message.has.get();
    if mode == Mode::Full {
        if has & desc.required != desc.required {
            return Err(Fail::Missing);
        }
        was_complete(message); // asked once, it need not be asked of each span
    }
    // SAFETY: spans of it are copied or read at once.
    let source = unsafe { message.source() };
    message.with_unknown(|unknown| out.bytes(unknown));
    while has != 0 {
        let at = has.ilog2() as usize;
        has &= !(1 << at);
        let field = desc.field(at);
        match (message.slot(at).view(), field.shape) {
            (View::Object(object), Shape::Scalar) => encode_scalar(field, object, out)?,
            (View::Object(object), Shape::Message) => encode_child(py, field, object, mode, depth, out)?,
            (View::Object(object), Shape::Repeated) => {
                encode_items(py, field, object, source, mode, depth, out)?;
            }
            (View::Object(object), Shape::Map) => encode_map(py, field, object, source, mode, depth, out)?,
            (View::Span(offset, len), Shape::Scalar | Shape::Message) => {
                encode_span(field, source, offset, len, mode, out)?;
            }
            (View::Span(offset, len), _) => encode_run(desc, source, offset, len, mode, out)?,
            (View::Empty, _) => {}
        }
    }
    Ok(())
}

/// Whether what the message was parsed from has all required fields. The answer is kept if it has.
#[inline]
fn was_complete(message: Message<'_>) -> bool {
    let known = message.node.is(COMPLETE) || message.owner.get().is_null();
    known || look_for_required(message)
}

#[inline(never)]
fn look_for_required(message: Message<'_>) -> bool {
    // SAFETY: looked at once.
    let complete = wire::is_complete(message.desc().wire, unsafe { message.parsed() });
    if complete {
        message.node.add(COMPLETE);
    }
    complete
}

/// What was not read since it was parsed.
fn encode_span(
    field: &Field,
    source: Source<'_>,
    offset: usize,
    len: usize,
    mode: Mode,
    out: &mut Backward,
) -> Result<(), Fail> {
    let bytes = source.bytes.get(offset..offset + len).unwrap_or_default();
    match field.kind.wire_type() {
        0 => out.tagged(field.tag, value::normal(field.kind, wire::varint(bytes))),
        1 => out.fixed(field.tag, bytes),
        _ => {
            let complete = mode == Mode::Partial
                || source.complete
                || field.wire.message().is_none_or(|child| wire::is_complete(child, bytes));
            if !complete {
                return Err(Fail::Missing);
            }
            out.delimited(field.tag, bytes);
        }
    }
    Ok(())
}

/// The items of a field that nobody has looked at.
fn encode_run(
    desc: &Desc,
    source: Source<'_>,
    offset: usize,
    len: usize,
    mode: Mode,
    out: &mut Backward,
) -> Result<(), Fail> {
    let run = source.bytes.get(offset..offset + len).unwrap_or_default();
    if mode == Mode::Full && !source.complete {
        let child = |span: &wire::Span| desc.wire.fields[usize::from(span.field?)].message();
        let mut items = wire::spans(desc.wire, run);
        let complete =
            |item: &wire::Span| child(item).is_none_or(|child| wire::is_complete(child, item.value(run)));
        if !items.all(|item| complete(&item)) {
            return Err(Fail::Missing);
        }
    }
    out.bytes(run);
    Ok(())
}

/// A message in a field or among the items of one.
fn encode_child(
    py: Python<'_>,
    field: &Field,
    object: *mut ffi::PyObject,
    mode: Mode,
    depth: u32,
    out: &mut Backward,
) -> Result<(), Fail> {
    let before = out.len();
    // SAFETY: slots of such fields hold messages, alive while nothing runs.
    encode_message(py, unsafe { Message::from_ptr(object) }, mode, depth, out)?;
    out.tagged(field.tag, (out.len() - before) as u64);
    Ok(())
}

fn encode_items(
    py: Python<'_>,
    field: &Field,
    object: *mut ffi::PyObject,
    whole: Source<'_>,
    mode: Mode,
    depth: u32,
    out: &mut Backward,
) -> Result<(), Fail> {
    // SAFETY: in the slot of such a field; nothing runs that could change it.
    let items = unsafe { Repeated::from_ptr(object) };
    let source = items.source().knowing(whole);
    for at in (0..items.len()).rev() {
        match items.slot(at).unwrap_or(Slot::EMPTY).view() {
            View::Span(offset, len) => encode_span(field, source, offset, len, mode, out)?,
            View::Object(item) if field.kind == Kind::Message => {
                encode_child(py, field, item, mode, depth, out)?
            }
            View::Object(item) => encode_scalar(field, item, out)?,
            View::Empty => {}
        }
        check_size(out)?;
    }
    Ok(())
}

/// Each entry of a map is a message of key and value.
fn encode_map(
    py: Python<'_>,
    field: &Field,
    object: *mut ffi::PyObject,
    whole: Source<'_>,
    mode: Mode,
    depth: u32,
    out: &mut Backward,
) -> Result<(), Fail> {
    // SAFETY: in the slot of such a field; nothing runs that could change it.
    let map = unsafe { Map::from_ptr(object) };
    let source = map.source().knowing(whole);
    for (offset, len) in map.spans().unwrap_or_default().into_iter().rev() {
        encode_span(field, source, offset, len, mode, out)?;
    }
    let entry = field.child(py).map_err(|error| {
        error.restore(py);
        Fail::Object
    })?;
    let (keys, values) = (entry.field(0), entry.field(1));
    let depth = depth.checked_sub(1).filter(|depth| *depth > 0).ok_or(Fail::TooDeep)?;
    for (key, value) in map.pairs().into_iter().rev() {
        let before = out.len();
        match values.kind {
            Kind::Message => encode_child(py, values, value, mode, depth, out)?,
            _ => encode_scalar(values, value, out)?,
        }
        encode_scalar(keys, key, out)?;
        out.tagged(field.tag, (out.len() - before) as u64);
        check_size(out)?;
    }
    Ok(())
}

/// Stops before a large value that is there a thousand times fills the memory.
#[inline]
pub(super) fn check_size(out: &Backward) -> Result<(), Fail> {
    if out.len() > MAX_SIZE { Err(Fail::TooLarge) } else { Ok(()) }
}

/// An object that is no message, with its tag.
#[inline]
fn encode_scalar(field: &Field, object: *mut ffi::PyObject, out: &mut Backward) -> Result<(), Fail> {
    // SAFETY: slots hold exact objects of the field's kind, alive while nothing runs.
    unsafe {
        match field.kind {
            Kind::String if ffi::PyUnicode_Check(object) != 0 => {
                out.delimited(field.tag, strings::utf8(object).ok_or(Fail::Object)?);
            }
            // a string that came as something else than UTF-8 is kept as bytes
            Kind::String | Kind::Bytes => {
                let size = ffi::PyBytes_Size(object) as usize;
                out.delimited(
                    field.tag,
                    std::slice::from_raw_parts(ffi::PyBytes_AsString(object).cast(), size),
                );
            }
            Kind::Double => out.fixed(field.tag, &ffi::PyFloat_AsDouble(object).to_le_bytes()),
            Kind::Bool => out.tagged(field.tag, u64::from(object == ffi::Py_True())),
            Kind::Uint64 => out.tagged(field.tag, ffi::PyLong_AsUnsignedLongLong(object)),
            _ => out.tagged(field.tag, ffi::PyLong_AsLongLong(object) as u64),
        }
    }
    Ok(())
}
