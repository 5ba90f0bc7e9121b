//! How liberal a reader of JSON is: what it takes where the schema wants a number, a boolean, bytes or a name.
//!
//! # Invariants
//! * Nothing is taken for a value that the field cannot hold: Mesos lets numbers wrap around, we refuse them.

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine as _};

/// How liberal a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// as Mesos reads what it is sent: the embedded cluster takes and refuses the same
    Mesos,
    /// as messages read what programs give them: also old names, enums by number, and what protobuf's JSON has
    Lenient,
    /// the same, but fields and values of enums that the schema does not have are errors that name them
    Strict,
}

/// A number, as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(i128),
    Float(f64),
}

impl Manner {
    /// The name of today for one of the time when agents were slaves. To Mesos' v1 API the old ones are unknown.
    pub(super) fn modern(self, name: &str, old: &str, new: &str) -> Option<String> {
        (self != Self::Mesos && name.contains(old)).then(|| name.replace(old, new))
    }

    /// A number that came as text.
    pub(super) fn number(self, text: &str) -> Option<Number> {
        if self == Self::Mesos {
            return mesos_number(text);
        }
        text.parse().map(Number::Whole).or_else(|_| text.parse().map(Number::Float)).ok()
    }

    /// A boolean that came as text.
    pub(super) fn boolean(self, text: &str) -> Option<bool> {
        let text = if self == Self::Mesos { text.trim_matches(is_space) } else { text };
        text.parse().ok()
    }

    /// Bytes as base64, whatever the bits behind the last byte are.
    pub(super) fn bytes(self, text: &str) -> Option<Vec<u8>> {
        const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        static STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
        static URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);
        if self == Self::Mesos {
            // It ends at the padding, lines may be broken, and a character that makes no byte is dropped.
            let mut text: String = text.chars().take_while(|c| *c != '=').filter(|c| !is_space(*c)).collect();
            if text.len() % 4 == 1 && text.is_ascii() {
                text.pop().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/'))?;
            }
            return STANDARD.decode(text).ok();
        }
        let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
        engine.decode(text).ok()
    }
}

/// Those of JSON.
const SPACES: [char; 4] = [' ', '\t', '\n', '\r'];

/// Those of C's `isspace`.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\x0b'
}

/// A number as Mesos' reader of JSON takes it: spaces before it, leading zeros and a bare point at the end, but no plus
/// sign, and of what is not finite only these two names.
fn mesos_number(text: &str) -> Option<Number> {
    match text {
        "Infinity" => return Some(Number::Float(f64::INFINITY)),
        "-Infinity" => return Some(Number::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    let text = text.trim_start_matches(SPACES);
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return None;
    }
    match (text.parse(), text.parse()) {
        (Ok(whole), _) => Some(Number::Whole(whole)),
        (_, Ok(value)) if f64::is_finite(value) => Some(Number::Float(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_mesos_takes_them() {
        let number = |text| Manner::Mesos.number(text);
        for (text, value) in
            [("5", 5), (" \n5", 5), ("-0", 0), ("010", 10), ("18446744073709551616", 1 << 64)]
        {
            assert_eq!(number(text), Some(Number::Whole(value)), "{text:?}");
        }
        for (text, value) in [("5.", 5.0), ("5e3", 5e3), ("-.5", -0.5), ("-Infinity", f64::NEG_INFINITY)] {
            assert_eq!(number(text), Some(Number::Float(value)), "{text:?}");
        }
        for text in
            ["", " ", "+1", ".5", "5 ", "5abc", "0x10", "1e400", "NaN", "inf", "-inf", "-nan", " Infinity"]
        {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn bytes_as_mesos_takes_them() {
        let bytes = |text| Manner::Mesos.bytes(text);
        for (text, value) in [
            ("", &b""[..]),
            ("AA", b"\0"),
            ("A", b""),
            ("A===", b""),
            ("AAA\nAAA \x0b=", b"\0\0\0\0"),
            ("=AA=", b""),
            ("AA==/w==", b"\0"),
            ("AB==", b"\0"),
        ] {
            assert_eq!(bytes(text).as_deref(), Some(value), "{text:?}");
        }
        for text in ["!", "AAAA!", "--8=", "é", "AAAAé"] {
            assert_eq!(bytes(text), None, "{text:?}");
        }
    }
}
