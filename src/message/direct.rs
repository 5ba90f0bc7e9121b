//! From nested dicts, lists and plain values straight to the wire, without an object for each message in between: what
//! is given so is nearly always sent, and read by nobody.
//!
//! Only the plain cases are handled here: exact `dict`, `list`, `str`, `bytes`, `int`, `float` and `bool`, names of
//! enums, messages and `mesos.Resources`. For anything else the answer is None, and `construct` goes the long way from
//! the beginning; it knows all that is taken, and what is wrong with what is not.
//!
//! # Invariants
//! * Runs no Python code, so nothing changes meanwhile, and going the long way afterwards does nothing twice.
//! * What is written is what the message that the long way makes would be encoded to: it needs no scan.

#![expect(unsafe_code, reason = "borrows what dicts and lists hold while nothing can change them")]

use super::backward::Backward;
use super::boundary::argument;
use super::desc::{Desc, Field, Shape};
use super::encode::{self, LEVELS, Mode};
use super::layout::Message;
use super::value::Source;
use super::{alloc, resources, strings};
use crate::wire::{self, Bits, Kind};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString};
use std::mem::MaybeUninit;

/// Values by field, borrowed from whoever gave them.
struct Given<'py> {
    py: Python<'py>,
    desc: &'static Desc,
    /// bit i: `values[i]` was written
    has: Bits,
    values: [MaybeUninit<*mut ffi::PyObject>; Bits::BITS as usize],
}

/// Whether a value is one that the direct way is there for.
pub(super) fn is_nested(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyDict>() || value.is_exact_instance_of::<PyList>()
}

/// A message of the fields that a dict holds; None if that takes the long way.
pub(super) fn of_dict<'py>(
    desc: &'static Desc,
    dict: &Bound<'py, PyDict>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut given = Given::new(dict.py(), desc);
    // SAFETY: nothing runs before the values were written down in bytes.
    let read = unsafe { given.read(dict) };
    if read.is_some() { given.message() } else { Ok(None) }
}

/// A message of keywords; None if that takes the long way.
///
/// # Safety
/// `names` is a tuple of `count` names, `args` has a value for each.
pub(super) unsafe fn of_keywords<'py>(
    py: Python<'py>,
    desc: &'static Desc,
    args: *const *mut ffi::PyObject,
    names: *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut given = Given::new(py, desc);
    for at in 0..count {
        // SAFETY: the caller's promises.
        let (name, value) =
            unsafe { (argument(py, ffi::PyTuple_GetItem(names, at)), *args.add(at as usize)) };
        if given.add(&name, value).is_none() {
            return Ok(None);
        }
    }
    given.message()
}

impl<'py> Given<'py> {
    fn new(py: Python<'py>, desc: &'static Desc) -> Self {
        Given { py, desc, has: 0, values: [MaybeUninit::uninit(); Bits::BITS as usize] }
    }

    /// Adds the items of a dict.
    ///
    /// # Safety
    /// The dict does not change as long as the values are used.
    unsafe fn read(&mut self, dict: &Bound<'py, PyDict>) -> Option<()> {
        let (mut position, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the documented protocol of PyDict_Next; what it gives is borrowed.
        unsafe {
            while ffi::PyDict_Next(dict.as_ptr(), &raw mut position, &raw mut key, &raw mut value) != 0 {
                self.add(&argument(self.py, key), value)?;
            }
        }
        Some(())
    }

    fn add(&mut self, name: &Bound<'_, PyAny>, value: *mut ffi::PyObject) -> Option<()> {
        let at = self.desc.names.search(name)?;
        let bit: Bits = 1 << at;
        // SAFETY: the singleton.
        if value == unsafe { ffi::Py_None() } {
            return Some(());
        }
        if self.has & bit != 0 {
            return None; // by its old name as well
        }
        if self.desc.oneofs & bit != 0 {
            self.has &= !self.desc.field(at).siblings;
        }
        self.has |= bit;
        self.values[at].write(value);
        Some(())
    }

    /// The message, over bytes that nobody else has.
    fn message(&self) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut out = Backward::new(self.py);
        let written = self.write(LEVELS, &mut out).is_some() && encode::check_size(&out).is_ok();
        let bytes = written.then(|| PyBytes::new(self.py, out.written()));
        out.finish(self.py);
        let Some(bytes) = bytes else { return Ok(None) };
        let source = Source { bytes: bytes.as_bytes(), owner: bytes.as_ptr(), complete: false };
        alloc::parsed(self.py, self.desc, source).map(Some)
    }

    fn write(&self, depth: u32, out: &mut Backward) -> Option<()> {
        let depth = depth.checked_sub(1).filter(|depth| *depth > 0)?;
        let mut has = self.has;
        while has != 0 {
            let at = has.ilog2() as usize;
            has &= !(1 << at);
            let field = self.desc.field(at);
            // SAFETY: the bit says that it was written; whoever gave the value holds it, and nothing runs.
            let value = unsafe { argument(self.py, self.values[at].assume_init()) };
            match field.shape {
                Shape::Scalar => scalar(field, &value, out)?,
                Shape::Message => message(field, &value, depth, out)?,
                Shape::Repeated => items(field, &value, depth, out)?,
                Shape::Map => return None,
            }
        }
        Some(())
    }
}

fn items(field: &Field, value: &Bound<'_, PyAny>, depth: u32, out: &mut Backward) -> Option<()> {
    if field.wire.message().is_some_and(|child| std::ptr::eq(child, wire::msg::RESOURCE))
        && resources::each_encoded(value, |bytes| out.delimited(field.tag, bytes))
    {
        return Some(());
    }
    let list = value.cast_exact::<PyList>().ok()?;
    for at in (0..list.len()).rev() {
        let item = list.get_item(at).ok()?;
        match field.kind {
            Kind::Message => message(field, &item, depth, out)?,
            _ => scalar(field, &item, out)?,
        }
        encode::check_size(out).ok()?;
    }
    Some(())
}

/// A message with its tag: of a dict, another message, or the value that is all it holds.
fn message(field: &Field, value: &Bound<'_, PyAny>, depth: u32, out: &mut Backward) -> Option<()> {
    let desc = field.made_child()?; // making its class would run Python code
    let before = out.len();
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        let mut given = Given::new(value.py(), desc);
        // SAFETY: nothing runs before the values were written down in bytes.
        unsafe { given.read(dict)? };
        given.write(depth, out)?;
    } else if let Some(message) = Message::of(value) {
        if !std::ptr::eq(message.desc(), desc) {
            return None;
        }
        encode::encode_message(value.py(), message, Mode::Partial, depth, out).ok()?;
    } else {
        scalar(desc.field(desc.bare?), value, out)?;
    }
    out.tagged(field.tag, (out.len() - before) as u64);
    Some(())
}

/// A plain value with its tag, if it is of the very type.
#[inline]
fn scalar(field: &Field, value: &Bound<'_, PyAny>, out: &mut Backward) -> Option<()> {
    match field.kind {
        Kind::String => out.delimited(field.tag, strings::utf8_of(value.cast_exact::<PyString>().ok()?)?),
        Kind::Bytes => out.delimited(field.tag, value.cast_exact::<PyBytes>().ok()?.as_bytes()),
        Kind::Bool => out.tagged(field.tag, u64::from(value.cast_exact::<PyBool>().ok()?.is_true())),
        Kind::Double => {
            let number = match value.cast_exact::<PyFloat>() {
                Ok(float) => float.value(),
                Err(_) => value.cast_exact::<PyInt>().ok()?.extract().ok()?,
            };
            out.fixed(field.tag, &number.to_le_bytes());
        }
        Kind::Enum => out.tagged(field.tag, i64::from(enumerator(field, value)?) as u64),
        Kind::Uint64 => out.tagged(field.tag, value.cast_exact::<PyInt>().ok()?.extract().ok()?),
        kind => {
            let number: i64 = value.cast_exact::<PyInt>().ok()?.extract().ok()?;
            let fits = match kind {
                Kind::Int32 => i32::try_from(number).is_ok(),
                Kind::Uint32 => u32::try_from(number).is_ok(),
                _ => kind == Kind::Int64,
            };
            out.tagged(field.tag, fits.then_some(number as u64)?);
        }
    }
    Some(())
}

/// The number of an enum's value, given by name, as a member or as an int.
fn enumerator(field: &Field, value: &Bound<'_, PyAny>) -> Option<i32> {
    let values = field.made_values()?;
    let number = match value.cast_exact::<PyString>() {
        Ok(name) => return values.number_of(name),
        Err(_) if value.get_type().is(values.class(value.py())) => value.extract().ok()?,
        Err(_) => value.cast_exact::<PyInt>().ok()?.extract().ok()?,
    };
    values.wire().contains(number).then_some(number)
}
