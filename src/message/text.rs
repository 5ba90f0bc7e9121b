//! `repr` and `str` of messages: protobuf's text format, as google.protobuf prints it. The
//! secrets in credentials and in `Secret` are left out, and what is too deep to be sent.

#![expect(unsafe_code, reason = "tp_repr")]

use super::access::Seen;
use super::boundary::{answer, receiver};
use super::desc::Field;
use super::encode::LEVELS;
use super::layout::Message;
use super::map::Map;
use super::{access, index};
use crate::wire::Kind;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat, PyString};
use std::fmt::Write;

/// `tp_repr`
pub(super) unsafe extern "C" fn repr(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython with a message, attached.
    unsafe {
        answer(|py| {
            let mut out = String::new();
            write_message(py, receiver(object), 0, &mut out)?;
            Ok(PyString::new(py, &out).into_any())
        })
    }
}

fn write_message(py: Python<'_>, message: Message<'_>, level: u32, out: &mut String) -> PyResult<()> {
    let desc = message.desc();
    if level >= LEVELS {
        indent(level, out);
        out.push_str("...\n");
        return Ok(());
    }
    index::index(py, message)?;
    for (at, field) in desc.fields.iter().enumerate() {
        if !access::is_set(py, message, at)? {
            continue;
        }
        let value = access::read(py, message, at)?;
        match access::see(&value) {
            Seen::Value | Seen::Message(_) => write_value(py, field, &value, level, out)?,
            Seen::Repeated(items) => {
                let mut index = 0;
                while let Some(item) = items.get(py, index)? {
                    write_value(py, field, &item, level, out)?;
                    index += 1;
                }
            }
            Seen::Map(map) => write_map(py, field, map, level, out)?,
        }
    }
    Ok(())
}

fn write_map(
    py: Python<'_>,
    field: &'static Field,
    map: Map<'_>,
    level: u32,
    out: &mut String,
) -> PyResult<()> {
    let entry = field.child(py)?;
    let mut items: Vec<_> = map.dict(py)?.iter().collect();
    items.sort_by_cached_key(|(key, _)| match key.cast::<PyBytes>() {
        Ok(bytes) => bytes.as_bytes().to_vec(), // not UTF-8
        Err(_) => key.to_string().into_bytes(),
    });
    for (key, value) in items {
        indent(level, out);
        out.push_str(field.wire.name);
        out.push_str(" {\n");
        write_value(py, entry.field(0), &key, level + 1, out)?;
        write_value(py, entry.field(1), &value, level + 1, out)?;
        indent(level, out);
        out.push_str("}\n");
    }
    Ok(())
}

fn indent(level: u32, out: &mut String) {
    (0..level).for_each(|_| out.push_str("  "));
}

fn write_value(
    py: Python<'_>,
    field: &'static Field,
    value: &Bound<'_, PyAny>,
    level: u32,
    out: &mut String,
) -> PyResult<()> {
    indent(level, out);
    out.push_str(field.wire.name);
    if let Seen::Message(message) = access::see(value) {
        out.push_str(" {\n");
        write_message(py, message, level + 1, out)?;
        indent(level, out);
        out.push_str("}\n");
        return Ok(());
    }
    out.push_str(": ");
    match field.kind {
        _ if field.is_secret() => out.push_str("<hidden>"),
        Kind::Bool => out.push_str(if value.is_truthy()? { "true" } else { "false" }),
        Kind::Double => write_double(value.cast::<PyFloat>()?.value(), out),
        Kind::Enum => out.push_str(value.getattr("name")?.cast::<PyString>()?.to_str()?),
        Kind::String | Kind::Bytes => match value.cast::<PyBytes>() {
            // a string that came as something else than UTF-8 is kept as bytes
            Ok(bytes) => quote(bytes.as_bytes(), field.wire.kind == Kind::String, out),
            Err(_) => quote(value.cast::<PyString>()?.to_str()?.as_bytes(), true, out),
        },
        _ => out.push_str(value.str()?.to_str()?),
    }
    out.push('\n');
    Ok(())
}

/// The shortest of 15 and 17 digits that reads back as the same number, as C's %g prints it.
fn write_double(value: f64, out: &mut String) {
    let text = if value.is_nan() {
        "nan".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "inf".to_owned() } else { "-inf".to_owned() }
    } else {
        let short = general(value, 15);
        if short.parse() == Ok(value) { short } else { general(value, 17) }
    };
    out.push_str(&text);
}

/// C's "%.{digits}g".
fn general(value: f64, digits: usize) -> String {
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= digits as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs());
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    trimmed(&format!("{value:.decimals$}")).to_owned()
}

/// Without zeros at the end of the fraction.
fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// In quotes, with what is not printable escaped; UTF-8 stays as it is in text, but not in bytes.
fn quote(bytes: &[u8], text: bool, out: &mut String) {
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '"' | '\'' | '\\' => out.extend(['\\', letter]),
                ' '..='~' => out.push(letter),
                '\u{80}'.. if text => out.push(letter),
                _ => octal(letter.encode_utf8(&mut [0; 4]).as_bytes(), out),
            }
        }
        octal(chunk.invalid(), out);
    }
    out.push('"');
}

fn octal(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        let _ = write!(out, "\\{byte:03o}"); // a String takes everything
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_print_as_c_does() {
        let text = |value| {
            let mut out = String::new();
            write_double(value, &mut out);
            out
        };
        let values = [(1.5, "1.5"), (0.1, "0.1"), (1e22, "1e+22"), (1e-5, "1e-05"), (3.0, "3"), (-0.0, "-0")];
        for (value, expected) in values {
            assert_eq!(text(value), expected);
        }
        assert_eq!(text(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(text(123_456_789_012_345_680.0), "1.2345678901234568e+17");
        assert_eq!(text(f64::NEG_INFINITY), "-inf");
    }

    #[test]
    fn text_is_quoted() {
        let mut out = String::new();
        quote("a\"\n\u{1}é".as_bytes(), true, &mut out);
        quote("é".as_bytes(), false, &mut out);
        assert_eq!(out, "\"a\\\"\\n\\001é\"\"\\303\\251\"");
        out.clear();
        quote(b"\xc3\xa9\xe2\x80a\x7f", true, &mut out);
        assert_eq!(out, "\"é\\342\\200a\\177\"");
    }
}
