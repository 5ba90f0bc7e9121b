//! RecordIO: `<decimal length>\n<that many bytes>`, again and again, cut into chunks anywhere.
//!
//! # Invariants
//! * A record is one `Bytes` of its own: events are slices of it, and keeping one keeps nothing else alive.
//! * Memory is taken as bytes arrive, never because a header promises them.
//! * After an error the stream cannot be read on: where the next record begins is unknown.

use bytes::{Buf, Bytes, BytesMut};

/// The largest record read. Mesos has no limit; a message cannot be larger than 2 GiB, and no event is near 1.
pub(crate) const MAX_RECORD: u64 = 1 << 30;

/// At most this much memory is set aside before a record's bytes are there.
const FIRST_ALLOCATION: usize = 1 << 20;

/// Why a stream is not RecordIO, or not any more.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("{:?} where the length of a record belongs", char::from(*.0))]
    Header(u8),
    #[error("a record longer than {MAX_RECORD} bytes")]
    TooLong,
}

/// The reader of one stream.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// the length read so far; `None` before its first digit
    length: Option<u64>,
    /// the header is complete: `record` is being filled up to `length`
    in_body: bool,
    record: BytesMut,
    any: bool,
}

impl Decoder {
    /// Takes bytes off `chunk` until a record is complete; `None` when the chunk is used up before.
    pub(crate) fn next(&mut self, chunk: &mut Bytes) -> Result<Option<Bytes>, Broken> {
        if !self.in_body && !self.header(chunk)? {
            return Ok(None);
        }
        let length = usize::try_from(self.length.unwrap_or(0)).map_err(|_| Broken::TooLong)?;
        let wanted = length - self.record.len();
        if self.record.is_empty() {
            self.record.reserve(length.min(FIRST_ALLOCATION.max(chunk.len())));
        }
        let taken = wanted.min(chunk.len());
        self.record.extend_from_slice(&chunk[..taken]);
        chunk.advance(taken);
        if taken < wanted {
            return Ok(None);
        }
        let record = std::mem::take(&mut self.record).freeze();
        *self = Decoder { any: true, ..Decoder::default() };
        Ok(Some(record))
    }

    /// Whether a whole record was ever read.
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    /// Whether the stream stands inside a record: an end here is a cut.
    pub(crate) fn inside(&self) -> bool {
        self.length.is_some()
    }

    /// Reads up to and with the newline after a length; says whether it was reached.
    fn header(&mut self, chunk: &mut Bytes) -> Result<bool, Broken> {
        while chunk.has_remaining() {
            match (chunk.get_u8(), self.length) {
                // a blank line between records
                (b'\n', None) => {}
                (b'\n', Some(_)) => {
                    self.in_body = true;
                    return Ok(true);
                }
                (digit @ b'0'..=b'9', length) => {
                    let length = length.unwrap_or(0) * 10 + u64::from(digit - b'0');
                    if length > MAX_RECORD {
                        return Err(Broken::TooLong);
                    }
                    self.length = Some(length);
                }
                (other, _) => return Err(Broken::Header(other)),
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(chunks: &[&[u8]]) -> Result<Vec<Bytes>, Broken> {
        let mut decoder = Decoder::default();
        let mut records = Vec::new();
        for chunk in chunks {
            let mut chunk = Bytes::copy_from_slice(chunk);
            while let Some(record) = decoder.next(&mut chunk)? {
                records.push(record);
            }
            assert!(chunk.is_empty());
        }
        Ok(records)
    }

    const STREAM: &[u8] = b"5\nhello0\n\n\n12\nhello\nworld\n3\n\x00\n110\n1234567890";

    fn expected() -> Vec<Bytes> {
        ["hello", "", "hello\nworld\n", "\x00\n1", "1234567890"].map(Bytes::from).into()
    }

    #[test]
    fn split_at_every_pair_of_places() {
        for first in 0..=STREAM.len() {
            for second in first..=STREAM.len() {
                let chunks = [&STREAM[..first], &STREAM[first..second], &STREAM[second..]];
                assert_eq!(decode(&chunks).as_ref(), Ok(&expected()), "{first} {second}");
            }
        }
    }

    #[test]
    fn byte_by_byte() {
        assert_eq!(decode(&STREAM.chunks(1).collect::<Vec<_>>()), Ok(expected()));
    }

    #[test]
    fn a_cut_is_seen_everywhere_but_between_records() {
        for end in 0..STREAM.len() {
            let mut decoder = Decoder::default();
            let mut chunk = Bytes::from_static(&STREAM[..end]);
            while let Ok(Some(_)) = decoder.next(&mut chunk) {}
            let between = [0, 7, 9, 10, 11, 26, 31].contains(&end);
            assert_eq!(decoder.inside(), !between, "{end}");
        }
    }

    #[test]
    fn what_is_not_recordio() {
        assert_eq!(decode(&[b"<html>"]), Err(Broken::Header(b'<')));
        assert_eq!(decode(&[b"-5\nhello"]), Err(Broken::Header(b'-')));
        assert_eq!(decode(&[b"5 \nhello"]), Err(Broken::Header(b' ')));
        assert_eq!(decode(&[b"2\nok{}"]), Err(Broken::Header(b'{')));
        assert_eq!(decode(&[b"1073741825\n"]), Err(Broken::TooLong));
        assert_eq!(decode(&[b"18446744073709551616\n"]), Err(Broken::TooLong));
        assert_eq!(decode(&[b"000000000000000000000000000002\nok"]), Ok(vec![Bytes::from_static(b"ok")]));
    }

    #[test]
    fn a_promise_takes_no_memory() {
        let mut decoder = Decoder::default();
        let mut chunk = Bytes::from_static(b"1073741824\nx");
        assert_eq!(decoder.next(&mut chunk), Ok(None));
        assert!(decoder.record.capacity() <= 2 * FIRST_ALLOCATION);
    }
}
