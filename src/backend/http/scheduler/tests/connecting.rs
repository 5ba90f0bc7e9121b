//! From nothing to a subscription, and what stands in between.

use super::*;
use crate::backend::http::master;
use crate::error::Error;

#[tokio::test]
async fn subscribes_in_protobuf() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (mut stream, request) = master.answer(STREAM).await;
    assert_eq!(request.line, "POST /api/v1/scheduler HTTP/1.1");
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    assert_eq!(header("host"), Some(master.endpoint().authority().as_str()));
    assert_eq!(header("content-type"), Some("application/x-protobuf"));
    assert_eq!(header("accept"), Some("application/x-protobuf"));
    assert_eq!((header("mesos-stream-id"), header("authorization")), (None, None));
    let call = request.call();
    assert_eq!((call.r#type(), &call.framework_id), (s::call::Type::Subscribe, &None));
    let subscribe = call.subscribe.unwrap();
    assert_eq!(subscribe.framework_info.name, "name");
    assert_eq!(subscribe.suppressed_roles, ["b"]);
    stream.record(&subscribed(None)).await;
    let event = driver.event().await;
    let Some(Event::Subscribed { framework_id, master_info: None }) = event else { panic!("{event:?}") };
    assert_eq!(text(&framework_id), "f1");
    assert_eq!(driver.counts(), Stats::default());
}

#[tokio::test]
async fn a_prefix_goes_before_the_path() {
    let master = Master::new().await;
    let parsed = master::parse(&format!("http://{}/mesos", master.endpoint()), master::Scheme::Http);
    let Ok(master::Master::Http(source)) = parsed else { panic!("{parsed:?}") };
    let _driver = Driver::with(Config { master: source, ..config(&[]) }, timing());
    let request = master.accept().await.request().await;
    assert_eq!(request.line, "POST /mesos/api/v1/scheduler HTTP/1.1");
}

#[tokio::test]
async fn the_authorization_is_on_both_connections_and_follows_a_redirect() {
    let (first, leader) = (Master::new().await, Master::new().await);
    let credential = Some(("me".to_owned(), Some("secret".to_owned())));
    let mut driver = Driver::with(Config { credential, ..config(&[&first]) }, timing());
    let basic = "Basic bWU6c2VjcmV0";
    let to_leader = format!(
        "HTTP/1.1 307 x\r\nLocation: //{}/api/v1/scheduler\r\nContent-Length: 0\r\n\r\n",
        leader.endpoint()
    );
    let (_, request) = first.answer(&to_leader).await;
    assert_eq!(request.headers["authorization"], basic);
    let (mut stream, request) = leader.answer(STREAM).await;
    assert_eq!(request.headers["authorization"], basic);
    assert_eq!(request.headers["host"], leader.endpoint().authority());
    stream.record(&subscribed(None)).await;
    driver.subscribed().await;
    driver.backend.send(kill("t")).unwrap();
    assert_eq!(leader.accept().await.request().await.headers["authorization"], basic);
}

#[tokio::test]
async fn the_leader_is_remembered_until_it_fails() {
    let (first, leader) = (Master::new().await, Master::new().await);
    let mut driver = Driver::start(&[&first]);
    let location = leader.endpoint().authority();
    let redirect = format!("HTTP/1.1 307 x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    first.answer(&redirect).await;
    for _ in 0..2 {
        drop(leader.subscribe().await);
        driver.subscribed().await;
        driver.disconnected().await;
    }
    for master in [&leader, &first] {
        master.answer(&status("503 Service Unavailable", "")).await;
    }
    first.subscribe().await; // the other one is not asked again
    driver.subscribed().await;
    assert_eq!(driver.backend.stats().reconnects, 2);
}

#[tokio::test]
async fn circles_of_redirects_are_left_and_tried_again() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let here = format!("HTTP/1.1 307 x\r\nLocation: //{}\r\nContent-Length: 0\r\n\r\n", master.endpoint());
    for _ in 0..25 {
        master.answer(&here).await;
    }
    master.subscribe().await;
    driver.subscribed().await;
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    for line in
        ["503 Service Unavailable", "500 Internal Server Error", "502 Bad Gateway", "504 Gateway Timeout"]
    {
        master.answer(&status(line, "No leader elected")).await;
    }
    master.answer("HTTP/1.1 307 x\r\nContent-Length: 0\r\n\r\n").await;
    master.answer("HTTP/1.1 307 x\r\nLocation: https://other:1/\r\nContent-Length: 0\r\n\r\n").await;
    master.answer("").await; // closed without a word
    master.answer("HTTP/1.1 200").await; // closed within the head
    master.answer(STREAM).await; // closed before the first event
    master.subscribe().await;
    driver.subscribed().await;
    assert_eq!(driver.backend.stats().reconnects, 0);
}

#[tokio::test]
async fn masters_are_asked_in_turn() {
    let (gone, absent, master) = (Master::new().await, Master::new().await, Master::new().await);
    let all = config(&[&gone, &absent, &master]);
    drop((gone, absent));
    let mut driver = Driver::with(all, timing());
    master.answer(&status("503 Service Unavailable", "")).await;
    master.subscribe().await;
    driver.subscribed().await;
}

async fn refused(answer: &str) -> (Failure, String) {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (mut peer, _) = master.answer(answer).await;
    soon(peer.socket.shutdown()).await.unwrap();
    (driver.failed().await, master.endpoint().authority())
}

#[tokio::test]
async fn what_will_not_pass_ends_the_driver() {
    use FailureKind::{Authentication, Connection};
    let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<p/>";
    let no_id = STREAM.replace("Mesos-Stream-Id: stream-1\r\n", "");
    let empty_id = STREAM.replace("stream-1", "");
    let long_id = STREAM.replace("stream-1", &"x".repeat(129));
    let no_records = format!("{STREAM}6\r\n<html>\r\n");
    for (answer, kind, words) in [
        (
            status("401 Unauthorized", "who?").as_str(),
            Authentication,
            "401 Unauthorized: who?; no credential or token was given",
        ),
        (&status("403 Forbidden", ""), Authentication, "may not subscribe"),
        (&status("400 Bad Request", "Failed to validate"), Connection, "Failed to validate"),
        (
            &status("400 Bad Request", "Authenticated principal 'me' does not match principal 'other'"),
            Authentication,
            "principal 'other'; leave it unset",
        ),
        (
            &status("404 Not Found", "<html>nothing</html>"),
            Connection,
            "404 Not Found; this is no Mesos master",
        ),
        (&status("415 Unsupported Media Type", ""), Connection, "415"),
        (&status("302 Found", ""), Connection, "no Mesos master"),
        (&status("501 Not Implemented", ""), Connection, "no Mesos master"),
        (html, Connection, "\"text/html\""),
        (&no_id, Connection, "without a Mesos-Stream-Id"),
        (&empty_id, Connection, "without a Mesos-Stream-Id"),
        (&long_id, Connection, "without a Mesos-Stream-Id"),
        (&no_records, Connection, "not RecordIO"),
        ("HTTP/1.1 nonsense\r\n\r\n", Connection, "not HTTP"),
        ("HTTP/2.0 200 OK\r\n\r\n", Connection, "not"),
        ("+PONG\r\n", Connection, "+PONG"),
        ("\x15\x03\x01\x00\x02\x02\x28", Connection, "TLS"),
    ] {
        let (failure, who) = refused(answer).await;
        assert_eq!(failure.kind, kind, "{answer}: {failure:?}");
        assert!(failure.message.contains(words) && failure.message.contains(&who), "{answer}: {failure:?}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_first_is_named() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let mut peer = master.accept().await;
    peer.send(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n").await;
    let failure = driver.failed().await;
    assert!(failure.message.contains("SSH-2.0-OpenSSH"), "{failure:?}");
    assert_eq!(failure.kind, FailureKind::Connection);
}

#[tokio::test]
async fn an_error_instead_of_subscribed_ends_the_driver() {
    let (failure, _) =
        refused(&String::from_utf8([STREAM.as_bytes(), &chunked(&error("no such role"))].concat()).unwrap())
            .await;
    assert_eq!(failure, Failure { kind: FailureKind::Mesos, message: "no such role".into() });
}

fn chunked(event: &s::Event) -> Vec<u8> {
    let record = record(event);
    [format!("{:x}\r\n", record.len()).as_bytes(), &record, b"\r\n"].concat()
}

#[tokio::test]
async fn a_404_after_a_registration_is_a_master_that_starts() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    drop(master.subscribe().await);
    driver.subscribed().await;
    driver.disconnected().await;
    master.answer(&status("404 Not Found", "")).await;
    master.subscribe().await;
    driver.subscribed().await;
}

#[tokio::test]
async fn the_time_to_the_first_registration_can_be_limited() {
    let gone = Master::new().await;
    let limited = Config { connect_timeout: Some(Duration::from_millis(50)), ..config(&[&gone]) };
    let who = gone.endpoint().authority();
    drop(gone);
    let failure = Driver::with(limited, timing()).failed().await;
    assert_eq!(failure.kind, FailureKind::Connection);
    let words = ["no master within 0.05 s", "cannot connect to", &who, "refused"];
    assert!(words.iter().all(|word| failure.message.contains(word)), "{failure:?}");
}

#[tokio::test]
async fn what_went_wrong_last_is_said_when_the_time_is_over() {
    for (stream, words) in [
        ("", "the server ended the stream"),
        ("5", "the stream ended within a record"),
        ("5\nhell", "the stream ended within a record"),
        ("0\n<html>", "the stream is broken: '<' where the length of a record belongs"),
    ] {
        let master = Master::new().await;
        let limited = Config { connect_timeout: Some(LIMIT * 10), ..config(&[&master]) };
        let patient = Timing { pause: LIMIT * 1000, longest_pause: LIMIT * 1000, ..timing() };
        let mut driver = Driver::with(limited, patient);
        let (mut peer, _) = master.answer(STREAM).await;
        if !stream.is_empty() {
            peer.chunk(stream.as_bytes()).await;
        }
        peer.send(b"0\r\n\r\n").await;
        peer.closed().await;
        tokio::time::pause();
        tokio::time::advance(LIMIT * 10).await;
        tokio::time::resume();
        let failure = driver.failed().await;
        assert!(failure.message.ends_with(&format!(": {words}")), "{failure:?}");
    }
}

#[tokio::test]
async fn a_registration_in_time_lifts_the_limit() {
    let master = Master::new().await;
    let limited = Config { connect_timeout: Some(LIMIT / 2), ..config(&[&master]) };
    let mut driver = Driver::with(limited, timing());
    let subscription = master.subscribe().await;
    driver.subscribed().await;
    tokio::time::pause();
    tokio::time::advance(LIMIT).await;
    tokio::time::resume();
    drop(subscription);
    driver.disconnected().await;
    master.subscribe().await;
    driver.subscribed().await;
}

#[tokio::test]
async fn silence_is_not_waited_for_for_ever() {
    let master = Master::new().await;
    let impatient = Timing { answer: Duration::from_millis(20), ..timing() };
    let mut driver = Driver::with(config(&[&master]), impatient);
    let silent = master.accept().await;
    assert!(!silent.closed().await.is_empty(), "the SUBSCRIBE was sent, and then given up");
    let (only_a_head, _) = master.answer(STREAM).await;
    only_a_head.closed().await;
    let (mut stream, _) = master.answer(&format!("{STREAM}{}", "")).await;
    stream.record(&subscribed(None)).await;
    driver.subscribed().await;
}

#[tokio::test]
async fn bad_configuration_is_refused_at_once() {
    let (sender, _events) = unbounded_channel();
    let subscription =
        Subscription { framework: Bytes::new(), suppressed_roles: vec![], offer_constraints: None };
    let say = move |event| sender.send(event).unwrap_or(());
    let started = start(&Handle::current(), config(&[]), subscription, timing(), say);
    assert!(matches!(started, Err(Error::Configuration(_))));
}

#[tokio::test]
async fn pauses_are_short_again_after_a_subscription() {
    let master = Master::new().await;
    let growing = Timing { longest_pause: LIMIT, ..timing() };
    let mut driver = Driver::with(config(&[&master]), growing);
    for _ in 0..9 {
        master.answer(&status("500 Internal Server Error", "")).await;
    }
    drop(master.subscribe().await);
    driver.subscribed().await;
    driver.disconnected().await;
    // eight pauses of up to 1, 2, … 128 ms; going on with up to 0.5, 1, … 20 s, they would hardly ever be so short
    let started = Instant::now();
    for _ in 0..9 {
        master.answer(&status("500 Internal Server Error", "")).await;
    }
    assert!(started.elapsed() < LIMIT / 4, "{:?}", started.elapsed());
}

#[tokio::test]
async fn pauses_are_short_again_for_another_leader() {
    let (silent, leader) = (Master::new().await, Master::new().await);
    let known = |master: &Master| Leaders::Known(vec![master.endpoint()]);
    let pauses = Timing { longest_pause: LIMIT * 1000, ..timing() };
    for (before, pause) in [
        (known(&silent), Duration::ZERO), // it is being asked
        (known(&silent), LIMIT * 1000),   // it will be, after a pause
        (Leaders::Unknown("nobody leads".into()), Duration::ZERO),
    ] {
        let (detector, detected) = watch::channel(before);
        let (_line, mut actor) = Actor::new(config(&[]), detected, subscription(), pauses, |_| ()).unwrap();
        (0..40).for_each(|_| assert!(actor.backoff.pause() <= pauses.longest_pause));
        let mut connecting = Box::pin(actor.connect(pause));
        assert!(timeout(Duration::ZERO, &mut connecting).await.is_err());
        detector.send(known(&leader)).unwrap();
        let subscribe = async {
            let (mut stream, _) = leader.answer(STREAM).await;
            stream.record(&subscribed(None)).await;
            stream
        };
        let (session, _stream) = tokio::join!(soon(connecting), subscribe);
        assert!(session.is_ok());
        assert!(actor.backoff.pause() <= pauses.pause);
    }
}

/// A cluster that elects a leader takes its time, and then gets its frameworks back within seconds: without this, the
/// pauses would have grown to minutes.
#[tokio::test]
async fn masters_that_are_there_are_asked_again_soon() {
    let (master, gone) = (Master::new().await, Master::new().await);
    let to_nobody = format!("HTTP/1.1 307 x\r\nLocation: //{}\r\nContent-Length: 0\r\n\r\n", gone.endpoint());
    drop(gone);
    let growing = Timing { pause: Duration::from_millis(1), longest_pause: LIMIT * 1000, ..timing() };
    let mut driver = Driver::with(config(&[&master]), growing);
    let started = Instant::now();
    for _ in 0..15 {
        master.answer(&to_nobody).await;
        master.answer(&status("503 Service Unavailable", "recovering")).await;
    }
    master.subscribe().await;
    driver.subscribed().await;
    // thirty pauses of up to 1 ms; doubled, the last ones would be of some hours
    assert!(started.elapsed() < LIMIT / 4, "{:?}", started.elapsed());
}
