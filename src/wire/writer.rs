//! Writes a message field by field, by number: for Rust code that puts together what it has as bytes.
//!
//! # Invariants
//! * Fields stand in the order of the calls. Whoever writes them by ascending number writes what protobuf would.
//! * Lengths are exact and as short as they can be, also of nested messages.

use super::input;

/// A message in the making.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An integer, a bool (0 or 1) or an enum; a negative one as `i64 as u64`.
    pub(crate) fn varint(&mut self, number: u32, value: u64) -> &mut Self {
        self.tag(number, input::VARINT).raw_varint(value)
    }

    pub(crate) fn double(&mut self, number: u32, value: f64) -> &mut Self {
        self.tag(number, input::FIXED64).raw(&value.to_le_bytes())
    }

    pub(crate) fn string(&mut self, number: u32, value: &str) -> &mut Self {
        self.bytes(number, value.as_bytes())
    }

    /// Bytes, or a message that is bytes already.
    pub(crate) fn bytes(&mut self, number: u32, value: &[u8]) -> &mut Self {
        self.tag(number, input::DELIMITED).raw_varint(value.len() as u64).raw(value)
    }

    /// A message that `fill` writes.
    pub(crate) fn message(&mut self, number: u32, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let open = self.open(number);
        fill(self);
        self.close(open);
        self
    }

    /// Fields that are encoded already.
    pub(super) fn encoded(&mut self, fields: &[u8]) -> &mut Self {
        self.raw(fields)
    }

    /// The finished message.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Begins a nested message, which lasts until `close`: for writers that are not one closure.
    pub(super) fn open(&mut self, number: u32) -> Open {
        self.tag(number, input::DELIMITED).raw(&[0]);
        Open { length_at: self.out.len() - 1 }
    }

    /// Ends the nested message: its length is known now.
    pub(super) fn close(&mut self, open: Open) {
        let at = open.length_at;
        let length = self.out.len() - at - 1;
        if let Ok(short @ 0..0x80) = u8::try_from(length) {
            self.out[at] = short;
            return;
        }
        let mut text = Writer::new();
        text.raw_varint(length as u64);
        self.out.splice(at..=at, text.out);
    }

    /// Takes back a nested message, its tag included: `before` is `len()` before `open`.
    pub(super) fn truncate(&mut self, before: usize) {
        self.out.truncate(before);
    }

    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    fn tag(&mut self, number: u32, wire_type: u32) -> &mut Self {
        self.raw_varint(u64::from(number << 3 | wire_type))
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    fn raw_varint(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
        self
    }
}

/// A nested message that was begun. It must be closed, and the last one opened first.
#[derive(Debug)]
#[must_use]
pub(super) struct Open {
    length_at: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1;
    use crate::wire::{field, reader};
    use prost::Message;

    #[test]
    fn a_message_reads_as_written() {
        let mut writer = Writer::new();
        writer
            .message(field::task_status::TASK_ID, |w| {
                w.string(field::task_id::VALUE, "t1");
            })
            .varint(field::task_status::STATE, v1::TaskState::TaskRunning as u64)
            .bytes(field::task_status::DATA, &[0xff; 300])
            .double(field::task_status::TIMESTAMP, 1.5)
            .varint(field::task_status::HEALTHY, 1);
        let status = v1::TaskStatus::decode(&writer.finish()[..]).unwrap();
        let expected = v1::TaskStatus {
            task_id: v1::TaskId { value: "t1".into() },
            state: v1::TaskState::TaskRunning as i32,
            data: Some(vec![0xff; 300].into()),
            timestamp: Some(1.5),
            healthy: Some(true),
            ..Default::default()
        };
        assert_eq!(status, expected);
    }

    #[test]
    fn lengths_of_nested_messages_are_exact() {
        for size in [0, 1, 127, 128, 129, 16_383, 16_384, 70_000] {
            let text = "x".repeat(size);
            let mut writer = Writer::new();
            writer.message(3, |w| {
                w.message(5, |w| {
                    w.string(1, &text);
                });
                w.varint(2, u64::MAX);
            });
            let bytes = writer.finish();
            let outer = reader::last_bytes(&bytes, 3).unwrap();
            let inner = reader::last_bytes(outer, 5).unwrap();
            assert_eq!(reader::last_bytes(inner, 1), Some(text.as_bytes()));
            let last = reader::fields(outer).last().unwrap().unwrap();
            assert_eq!(last, (2, reader::Value::Varint(u64::MAX)));
        }
    }
}
