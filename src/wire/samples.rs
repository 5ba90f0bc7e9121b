//! Messages for the tests of src/wire: rich ones by prost, an independent writer of the wire format, and random
//! ones of any type by the tables. The measurement at the end prints how long they take.

use super::{Kind, Label, Message, Writer, json, msg, spans, validate};
use crate::proto::mesos::v1::{self, scheduler, value};
use fastrand::Rng;
use prost::Message as _;

/// An offer of 20 resources, about 1.5 kB.
pub(super) fn offer() -> v1::Offer {
    let scalar = |name: &str, amount| v1::Resource {
        name: name.into(),
        r#type: value::Type::Scalar as i32,
        scalar: Some(value::Scalar { value: amount }),
        ..Default::default()
    };
    let mut resources = Vec::new();
    for role in ["web", "db", "batch", "ops"] {
        let reservations = vec![v1::resource::ReservationInfo {
            role: Some(role.into()),
            principal: Some(format!("{role}-principal")),
            labels: Some(v1::Labels {
                labels: vec![v1::Label { key: "team".into(), value: Some(role.into()) }],
            }),
            ..Default::default()
        }];
        for (name, amount) in [("cpus", 3.5), ("mem", 4096.0), ("disk", 1e6), ("gpus", 0.0)] {
            resources.push(v1::Resource { reservations: reservations.clone(), ..scalar(name, amount) });
        }
    }
    let range = |begin, end| value::Range { begin, end };
    resources.push(v1::Resource {
        name: "ports".into(),
        r#type: value::Type::Ranges as i32,
        ranges: Some(value::Ranges { range: vec![range(31000, 31005), range(31010, 32000)] }),
        ..Default::default()
    });
    for id in ["one", "two", "three"] {
        resources.push(v1::Resource {
            disk: Some(Box::new(v1::resource::DiskInfo {
                persistence: Some(Box::new(v1::resource::disk_info::Persistence {
                    id: id.into(),
                    principal: None,
                })),
                volume: Some(Box::new(v1::Volume {
                    container_path: format!("data/{id}"),
                    mode: v1::volume::Mode::Rw as i32,
                    ..Default::default()
                })),
                ..Default::default()
            })),
            ..scalar("disk", 128.0)
        });
    }
    v1::Offer {
        id: v1::OfferId { value: "5a1f6d0e-0c3f-4f0e-9d8f-0d9a0f6d2b11-O42".into() },
        framework_id: v1::FrameworkId { value: "5a1f6d0e-0c3f-4f0e-9d8f-0d9a0f6d2b11-0000".into() },
        agent_id: v1::AgentId { value: "5a1f6d0e-0c3f-4f0e-9d8f-0d9a0f6d2b11-S7".into() },
        hostname: "agent-7.example".into(),
        resources,
        attributes: vec![v1::Attribute {
            name: "rack".into(),
            r#type: value::Type::Text as i32,
            text: Some(value::Text { value: "r1 \"quoted\" \u{1F980}".into() }),
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A task with a command, a map and bytes.
pub(super) fn task() -> v1::TaskInfo {
    v1::TaskInfo {
        name: "sleeper".into(),
        task_id: v1::TaskId { value: "t1".into() },
        agent_id: v1::AgentId { value: "S7".into() },
        resources: offer().resources.drain(..4).collect(),
        command: Some(Box::new(v1::CommandInfo {
            shell: Some(false),
            value: Some("sleep".into()),
            arguments: vec!["sleep".into(), "10".into()],
            ..Default::default()
        })),
        data: Some(vec![0, 1, 0xfe, 0xff].into()),
        limits: [("cpus", f64::INFINITY), ("mem", 64.0)]
            .map(|(name, value)| (name.into(), value::Scalar { value }))
            .into(),
        kill_policy: Some(v1::KillPolicy {
            grace_period: Some(v1::DurationInfo { nanoseconds: -5_000_000_000 }),
        }),
        ..Default::default()
    }
}

/// An OFFERS event.
pub(super) fn event(offers: usize) -> scheduler::Event {
    scheduler::Event {
        r#type: Some(scheduler::event::Type::Offers as i32),
        offers: Some(scheduler::event::Offers { offers: vec![offer(); offers] }),
        ..Default::default()
    }
}

/// A message of this type with about half of its fields, required ones always.
pub(super) fn random(message: &'static Message, rng: &mut Rng, depth: u32) -> Vec<u8> {
    let mut writer = Writer::new();
    let mut oneofs = 0u64;
    for field in message.fields {
        if let Some(oneof) = field.oneof {
            if oneofs >> oneof & 1 == 1 || rng.bool() {
                continue;
            }
            oneofs |= 1 << oneof;
        }
        let nested = field.kind == Kind::Message;
        let count = match field.label {
            Label::Required => 1,
            _ if nested && depth == 0 => 0,
            Label::Optional => rng.usize(0..2),
            Label::Repeated => rng.usize(0..4),
        };
        for item in 0..count {
            let text: String = (0..rng.usize(0..20)).map(|_| rng.char('\0'..='\u{1ffff}')).collect();
            match (field.message(), field.enumeration()) {
                (Some(child), _) if child.is_map_entry => {
                    // keys differ, so that every entry counts
                    writer.bytes(field.number, &entry(child, &format!("{item}{text}"), rng, depth));
                }
                (Some(child), _) => {
                    writer.bytes(field.number, &random(child, rng, depth.saturating_sub(1)));
                }
                (_, Some(item)) => {
                    let value = &item.values[rng.usize(0..item.values.len())];
                    writer.varint(field.number, value.number as u64);
                }
                _ => scalar(&mut writer, field.number, field.kind, &text, rng),
            }
        }
    }
    writer.finish()
}

fn entry(message: &'static Message, key: &str, rng: &mut Rng, depth: u32) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.string(1, key);
    match message.fields[1].message() {
        Some(child) => writer.bytes(2, &random(child, rng, depth.saturating_sub(1))),
        None => writer.string(2, key),
    };
    writer.finish()
}

fn scalar(writer: &mut Writer, number: u32, kind: Kind, text: &str, rng: &mut Rng) {
    // every size of a varint is as likely
    let value = rng.u64(..) >> rng.u32(0..64);
    match kind {
        Kind::Double => writer.double(number, rng.i32(..) as f64 / 16.0),
        Kind::Int32 => writer.varint(number, value as i32 as u64),
        Kind::Uint32 => writer.varint(number, u64::from(value as u32)),
        Kind::Bool => writer.varint(number, value & 1),
        Kind::Bytes => writer.bytes(number, &value.to_le_bytes()[..rng.usize(0..9)]),
        Kind::String => writer.string(number, text),
        _ => writer.varint(number, value),
    };
}

/// Calls `with` so many times with these bytes, some of them changed and the rest cut off at random.
pub(crate) fn damaged(bytes: &[u8], times: usize, with: impl Fn(Vec<u8>)) {
    let mut random = Rng::with_seed(7);
    for _ in 0..times {
        let mut changed = bytes.to_vec();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..changed.len());
            changed[at] = random.u8(..);
        }
        changed.truncate(random.usize(..=changed.len()));
        with(changed);
    }
}

/// `cargo test --release wire::samples -- --ignored --nocapture` prints microseconds for an event of 100 offers.
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout, reason = "its result")]
fn speed() {
    let message = msg::SCHEDULER_EVENT;
    let bytes = event(100).encode_to_vec();
    let mut json = Vec::new();
    json::encode(message, &bytes, &mut json);
    println!("{} bytes, as JSON {}", bytes.len(), json.len());
    let report = |what: &str, work: &dyn Fn()| {
        let once = || {
            let start = std::time::Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e6
        };
        let mut times: Vec<_> = std::iter::repeat_with(once).take(300).collect();
        times.sort_by(f64::total_cmp);
        println!("{what:14} median {:6.0} us, best {:6.0} us", times[150], times[0]);
    };
    report("validate", &|| validate(message, std::hint::black_box(&bytes)).unwrap());
    report("walk", &|| assert!(walk(message, std::hint::black_box(&bytes)) > 0));
    report("JSON out", &|| json::encode(message, &bytes, &mut Vec::with_capacity(json.len())));
    report("JSON in", &|| drop(json::decode(message, &json, json::Manner::Lenient).unwrap()));
    report("prost", &|| drop(scheduler::Event::decode(&bytes[..]).unwrap()));
}

/// Counts the fields of all levels.
fn walk(message: &'static Message, bytes: &[u8]) -> usize {
    let nested = |span: super::Span| {
        let child = message.fields[usize::from(span.field?)].message()?;
        Some(walk(child, span.value(bytes)))
    };
    spans(message, bytes).map(|span| 1 + nested(span).unwrap_or(0)).sum()
}
