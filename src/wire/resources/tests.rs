use super::*;
use crate::wire::json::{Manner, decode};
use crate::wire::{Writer, field, msg, samples, validate};

fn of(text: &str) -> Resources {
    parse(text, None).unwrap().into_iter().collect()
}

/// One resource of JSON's fields, besides name, type and value.
fn disk(extra: &str) -> Resources {
    of(&format!(r#"[{{"name":"disk","type":"SCALAR","scalar":{{"value":10}},{extra}}}]"#))
}

fn sum(one: &Resources, other: &Resources) -> Resources {
    let mut sum = one.clone();
    sum.add(other);
    sum
}

fn difference(one: &Resources, other: &Resources) -> Resources {
    let mut rest = one.clone();
    rest.subtract(other);
    rest
}

#[test]
fn text_form_and_arithmetic() {
    let mut all = of("cpus:4;mem:4096.5; ports:[31000-32000, 5-6];devices:{a,b}");
    assert_eq!(text(&all), "cpus:4;mem:4096.5;ports:[5-6,31000-32000];devices:{a,b}");
    let part = of("cpus:0.1;ports:[31000-31000,31005-31006];devices:{a}");
    assert!(all.contains(&part));
    for _ in 0..3 {
        all.subtract(&part);
    }
    assert_eq!(text(&all), "cpus:3.7;mem:4096.5;ports:[5-6,31001-31004,31007-32000];devices:{b}");
    assert!(!all.contains(&part));
    all.add(&part);
    assert_eq!(text(&all), "cpus:3.8;mem:4096.5;ports:[5-6,31000-32000];devices:{a,b}");
    let whole = all.clone();
    all.subtract(&whole);
    assert!(all.is_empty() && whole.contains(&all));
    assert_eq!((text(&all).as_str(), of("").is_empty()), ("", true));
}

#[test]
fn tenths_never_drift() {
    let mut all = of("cpus:1");
    let tenth = of("cpus:0.1");
    for _ in 0..10 {
        assert!(all.contains(&tenth));
        all.subtract(&tenth);
    }
    assert!(all.is_empty());
}

#[test]
fn what_is_the_same_is_one_and_nothing_is_kept_of_nothing() {
    let all = of("cpus:1;cpus:2;gpus:0;mem(web):1;mem:1;ports:[1-2];ports:[3-4];cpus(*):1");
    assert_eq!(text(&all), "cpus:4;mem(web):1;mem:1;ports:[1-4]");
    assert_eq!(all, of("mem:1;ports:[1-4];mem(web):1;cpus:4"));
    assert_ne!(all, of("mem:1;ports:[1-4];mem(db):1;cpus:4"));
}

#[test]
fn who_names_no_role_is_for_the_one_given() {
    let items: Resources = parse("cpus:1;mem(db):1;disk(*):1", Some("web")).unwrap().into_iter().collect();
    assert_eq!(text(&items), "cpus(web):1;mem(db):1;disk:1");
    assert_eq!(parse("cpus:1", Some("*")).unwrap()[0].kind.role(), None);
    assert!(parse("cpus:1", Some("a b")).unwrap_err().contains("Role component 'a b' is invalid"));
}

#[test]
fn allocations_are_found_when_nobody_asks_for_one() {
    let offer = of("cpus(allocated: web):4;mem(allocated: web)(web):512");
    assert_eq!(text(&offer), "cpus(allocated: web):4;mem(allocated: web)(web):512");
    assert!(offer.contains(&of("cpus:4")) && offer.contains(&of("cpus(allocated: web):4;mem(web):512")));
    assert!(!offer.contains(&of("cpus(allocated: db):1")), "allocated to another");
    assert!(!offer.contains(&of("mem:1")), "reserved");
    assert!(!offer.contains(&of("cpus:3;cpus(allocated: web):2")), "together too much");
    assert!(!of("cpus:4").contains(&of("cpus(allocated: web):1")));
    assert_eq!(
        text(&difference(&offer, &of("cpus:1"))),
        "cpus(allocated: web):3;mem(allocated: web)(web):512"
    );
    assert_ne!(offer, offer.allocated(None));
    assert_eq!(offer.allocated(None), of("cpus:4;mem(web):512"));
    let both = sum(&offer, &of("cpus:1"));
    assert_eq!(both.items().len(), 3, "adding tells them apart");
    assert_eq!(difference(&both, &of("cpus:1")), offer);
    let mixed = of("cpus:1;cpus(allocated: web):5");
    assert!(mixed.contains(&of("cpus:3")), "not where it is allocated alike, but where all of it is");
    let two = of("cpus(allocated: a):1;cpus(allocated: b):3");
    assert_eq!(text(&difference(&two, &of("cpus:2"))), "cpus(allocated: a):1;cpus(allocated: b):1");
}

#[test]
fn old_reservations_are_the_new_ones() {
    let old = disk(r#""role":"web""#);
    assert_eq!(old, of("disk(web):10"));
    assert_eq!(text(&old), "disk(web):10");
    let dynamic = disk(r#""role":"web","reservation":{"principal":"p"}"#);
    let new = disk(r#""reservations":[{"type":"DYNAMIC","role":"web","principal":"p"}]"#);
    assert_eq!(dynamic, new);
    assert_ne!(dynamic, old);
    assert_eq!(
        dynamic,
        disk(
            r#""role":"web","reservation":{"principal":"p"},"reservations":
        [{"type":"DYNAMIC","role":"web","principal":"p"}]"#
        )
    );
    let label = |order: &str| {
        disk(&format!(
            r#""reservations":[{{"type":"DYNAMIC","role":"web","labels":{{"labels":[{order}]}}}}]"#
        ))
    };
    let (a, b) = (r#"{"key":"a","value":"1"}"#, r#"{"key":"b"}"#);
    assert_eq!(label(&format!("{a},{b}")), label(&format!("{b},{a}")));
    assert_ne!(label(a), label(b));
}

#[test]
fn some_disks_are_only_whole() {
    let root = disk(r#""disk":{"source":{"type":"PATH","path":{"root":"/a"}}}"#);
    let mount = disk(r#""disk":{"source":{"type":"MOUNT","mount":{"root":"/a"}}}"#);
    let raw = disk(r#""disk":{"source":{"type":"RAW","id":"x"}}"#);
    let nameless = disk(r#""disk":{"source":{"type":"RAW","profile":"fast"}}"#);
    let volume = disk(r#""disk":{"persistence":{"id":"v"}}"#);
    for (one, whole) in [(root, false), (mount, true), (raw, true), (nameless, false), (volume, true)] {
        let what = text(&one);
        let twice = sum(&one, &one);
        assert_eq!(twice.items().len(), 1 + usize::from(whole), "{what}");
        assert!(twice.contains(&twice) && !one.contains(&twice), "{what}");
        assert_eq!(difference(&twice, &one), one, "{what}");
        let half = of(&what.replace("10.0", "5.0"));
        assert_eq!(one.contains(&half), !whole, "{what}");
        assert_eq!(difference(&one, &half) == one, whole, "{what}");
        assert!(!one.contains(&of("disk:1")) && !of("disk:99").contains(&one), "{what}");
    }
}

#[test]
fn where_a_volume_is_seen_makes_no_difference() {
    let volume = |more: &str| disk(&format!(r#""disk":{{"persistence":{{"id":"v"{more}}}"#));
    let one = volume(r#","principal":"p"},"volume":{"container_path":"a","mode":"RW"}"#);
    let other = volume("}");
    assert_eq!(one, other);
    assert!(text(&one).contains("container_path"), "but is kept");
    assert_ne!(one, disk(r#""disk":{"persistence":{"id":"w"}}"#));
}

#[test]
fn shared_volumes_are_counted() {
    let shared = disk(r#""disk":{"persistence":{"id":"v"}},"shared":{}"#);
    let mut twice = sum(&shared, &shared);
    assert_eq!((twice.items().len(), twice.items()[0].uses), (1, 2));
    assert_eq!(twice.scalars()["disk"], 10_000);
    assert!(twice.contains(&shared) && !shared.contains(&twice));
    assert_eq!(of(&text(&twice)), twice);
    twice.subtract(&shared);
    assert_eq!(twice, shared);
    twice.subtract(&shared);
    assert!(twice.is_empty());
    for _ in 0..40 {
        twice = sum(&twice, &shared);
        twice.add(&twice.clone());
    }
    assert_eq!(twice.items()[0].uses, u16::MAX, "however often they are added");
}

#[test]
fn refusals_in_mesos_words() {
    let resource = |fields: &str| {
        let json = format!(r#"{{"name":"disk","type":"SCALAR","scalar":{{"value":1}}{fields}}}"#);
        let bytes = decode(msg::RESOURCE, json.as_bytes(), Manner::Lenient).unwrap();
        check(&bytes).map_err(|why| why.split_once(" is invalid: ").unwrap().1.to_owned())
    };
    assert_eq!(resource(""), Ok(()));
    let reservations = |each: &str| format!(r#","reservations":[{each}]"#);
    for (fields, why) in [
        (r#","name":"""#.to_owned(), "Empty resource name"),
        (r#","type":"TEXT""#.into(), "Unsupported resource type"),
        (r#","scalar":{"value":-1}"#.into(), "Invalid scalar resource: value <= 0"),
        (r#","scalar":{"value":"NaN"}"#.into(), "Invalid scalar resource: value <= 0"),
        (r#","scalar":{"value":"Infinity"}"#.into(), "Invalid scalar resource: value too large"),
        (r#","set":{"item":["a"]}"#.into(), "Invalid scalar resource"),
        (r#","type":"SET""#.into(), "Invalid set resource"),
        (r#","type":"RANGES""#.into(), "Invalid ranges resource"),
        (r#","name":"mem","disk":{}"#.into(), "DiskInfo should not be set for mem resource"),
        (
            r#","disk":{"source":{"type":"RAW","mount":{}}}"#.into(),
            "Mount should not be set for RAW disk source",
        ),
        (r#","role":"a//b""#.into(), "Role 'a//b' cannot contain two adjacent slashes"),
        (r#","reservation":{}"#.into(), "Invalid reservation: role \"*\" cannot be dynamically reserved"),
        (reservations("{}"), "Invalid reservation: 'Resource.ReservationInfo.type' field must be set."),
        (
            reservations(r#"{"type":"STATIC"}"#),
            "Invalid reservation: 'Resource.ReservationInfo.role' field must be set.",
        ),
        (
            reservations(r#"{"type":"STATIC","role":"a"},{"type":"DYNAMIC","role":"b"}"#),
            "Invalid refined reservation: role 'b' is not a refinement of 'a'",
        ),
        (
            reservations(r#"{"type":"STATIC","role":"a"},{"type":"STATIC","role":"a/b"}"#),
            "Invalid refined reservation: A refined reservation cannot be STATIC",
        ),
        (
            reservations(r#"{"type":"STATIC","role":"a"}"#) + r#","role":"b""#,
            "Invalid resource format: 'Resource.role' field with 'b' does not match the role 'a' in \
             'Resource.reservations'",
        ),
        (r#","shared":{}"#.into(), "Only persistent volumes can be shared"),
    ] {
        assert_eq!(resource(&fields), Err(why.to_owned()), "{fields}");
    }
    let set = r#"{"name":"x","type":"SET","scalar":null,"set":{"item":["a","a"]}}"#;
    let bytes = decode(msg::RESOURCE, set.as_bytes(), Manner::Lenient).unwrap();
    assert_eq!(
        check(&bytes).unwrap_err(),
        "Resource 'x:{a, a}' is invalid: Invalid set resource: duplicated elements"
    );
}

#[test]
fn mesos_words_for_a_resource() {
    let json = r#"{"name":"disk","type":"SCALAR","scalar":{"value":10.5},"allocation_info":{"role":"a"},"shared":{},
        "reservations":[{"type":"STATIC","role":"a"},{"type":"DYNAMIC","role":"a/b","principal":"p","labels":
        {"labels":[{"key":"k","value":"v"},{"key":"l"}]}}],"disk":{"persistence":{"id":"v"},"source":{"type":"MOUNT",
        "mount":{"root":"/m"}},"volume":{"container_path":"data","host_path":"/h","mode":"RO"}},"revocable":{}}"#;
    let bytes = decode(msg::RESOURCE, json.as_bytes(), Manner::Lenient).unwrap();
    assert_eq!(
        describe(&Reading::new(&bytes)),
        "disk(allocated: a)(reservations: [(STATIC,a),(DYNAMIC,a/b,p,{k: v, l})])[MOUNT:/m,v:/h:data:ro]{REV}\
         <SHARED>:10.5"
    );
}

#[test]
fn unknown_fields_and_odd_orders_are_kept_and_read() {
    let mut writer = Writer::new();
    writer.varint(63, 7).message(field::resource::SCALAR, |out| {
        out.double(field::value_scalar::VALUE, 2.0);
    });
    writer.varint(field::resource::TYPE, 1).string(field::resource::NAME, "mem");
    writer.message(field::resource::SCALAR, |_| {}); // the rest of a message that was split
    writer.varint(field::resource::TYPE, 0).string(field::resource::NAME, "cpus");
    let bytes = writer.finish();
    validate(msg::RESOURCE, &bytes).unwrap();
    let all: Resources = [item(&bytes, None).unwrap()].into_iter().collect();
    assert_eq!(all, of("cpus:2"));
    let written = all.encode().remove(0);
    assert!(crate::wire::fields(&written).any(|field| field.unwrap().0 == 63));
    assert!(!text(&all).contains("cpus:2"), "text cannot say it all");
}

/// Resources that a cluster could have: few kinds, so that they meet.
fn random(rng: &mut fastrand::Rng) -> Resources {
    let extras = [
        r#","role":"web""#,
        r#","reservations":[{"type":"STATIC","role":"web"},{"type":"DYNAMIC","role":"web/a","principal":"p"}]"#,
        r#","allocation_info":{"role":"web"}"#,
        r#","disk":{"persistence":{"id":"v"},"volume":{"container_path":"a","mode":"RW"}},"shared":{}"#,
        r#","disk":{"source":{"type":"MOUNT","metadata":{"labels":[{"key":"k"}]}}}"#,
        r#","revocable":{}"#,
        r#","provider_id":{"value":"p"}"#,
    ];
    let one = |rng: &mut fastrand::Rng| {
        let begin = rng.u32(0..20);
        let value = [
            format!(r#""SCALAR","scalar":{{"value":{}.{}}}"#, rng.u32(0..9), rng.u32(0..999)),
            format!(r#""RANGES","ranges":{{"range":[{{"begin":{begin},"end":{}}}]}}"#, begin + rng.u32(0..9)),
            format!(r#""SET","set":{{"item":["{}"]}}"#, rng.lowercase()),
        ];
        let extras: String = extras.iter().filter(|_| rng.u8(..) < 60).copied().collect();
        format!(r#"[{{"name":"disk","type":{}{extras}}}]"#, value[rng.usize(0..3)])
    };
    let texts: Vec<String> = (0..rng.usize(0..7)).map(|_| one(rng)).collect();
    texts.iter().filter_map(|text| parse(text, None).ok()).flatten().collect()
}

#[test]
fn laws_of_arithmetic() {
    let mut rng = fastrand::Rng::with_seed(13);
    for _ in 0..1000 {
        let (a, b) = (random(&mut rng), random(&mut rng));
        let all = sum(&a, &b);
        let what = format!("{} and {}", text(&a), text(&b));
        assert_eq!(all, sum(&b, &a), "{what}");
        assert!(all.contains(&a) && all.contains(&b), "{what}");
        assert!(difference(&all, &all).is_empty(), "{what}");
        assert_eq!(of(&text(&all)), all, "{what}");
        let read: Resources = all.encode().iter().map(|bytes| item(bytes, None).unwrap()).collect();
        assert_eq!(read, all, "{what}");
        assert!(all.encode().iter().all(|bytes| check(bytes) == Ok(())), "{what}");
        let rest = difference(&a, &b);
        assert!(a.contains(&rest), "{what}");
        let strict = b.items().iter().all(|item| item.allocation.is_some());
        if strict && a.contains(&b) {
            assert_eq!(sum(&rest, &b), a, "{what}");
        }
    }
}

#[test]
fn hostile_bytes_never_panic() {
    let mut rng = fastrand::Rng::with_seed(17);
    for _ in 0..4000 {
        let mut bytes = samples::random(msg::RESOURCE, &mut rng, 4);
        if !bytes.is_empty() {
            let at = rng.usize(0..bytes.len());
            bytes[at] = rng.u8(..);
        }
        let _ = describe(&Reading::new(&bytes));
        assert_eq!(
            item(&bytes, Some("web")).is_ok(),
            Reading::new(&bytes).reserve(Some("web")).item().is_ok()
        );
    }
}

#[test]
fn totals_come_straight_from_the_bytes() {
    use prost::Message as _;
    let offer = samples::offer();
    let index = msg::OFFER.index_named("resources").unwrap() as u8;
    let bytes = offer.encode_to_vec();
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for resource in &offer.resources {
        if let Some(scalar) = &resource.scalar {
            *expected.entry(resource.name.clone()).or_default() += thousandths(scalar.value);
        }
    }
    let found = totals(msg::OFFER, &bytes, index);
    assert!(!found.is_empty());
    let found: BTreeMap<_, _> =
        found.iter().map(|(name, total)| (std::str::from_utf8(name).unwrap(), *total)).collect();
    assert_eq!(found, expected.iter().map(|(name, total)| (name.as_str(), *total)).collect());
}
