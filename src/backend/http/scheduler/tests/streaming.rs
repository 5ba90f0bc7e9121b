//! A subscription's stream: events, cuts, silence, and what follows.

use super::*;

#[tokio::test]
async fn events_arrive_however_the_bytes_are_cut() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (mut stream, _calls) = master.subscribe().await;
    driver.subscribed().await;
    let ids: Vec<_> = (0..20).map(|number| format!("offer {number}")).collect();
    let bytes: Vec<_> = ids.iter().flat_map(|id| record(&rescind(id))).collect();
    let (single, together) = bytes.split_at(bytes.len() / 2);
    for byte in single.chunks(1) {
        stream.chunk(byte).await;
    }
    stream.chunk(together).await;
    for id in ids {
        let event = driver.event().await;
        assert!(matches!(&event, Some(Event::OfferRescinded(found)) if text(found) == id), "{event:?}");
    }
}

/// Whatever the place where the stream is cut: whole events arrive, a part of one does not, and the framework
/// subscribes again with its id.
#[tokio::test]
async fn a_stream_may_be_cut_anywhere() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let first = record(&subscribed(None));
    let whole = [&first[..], &record(&rescind("o1")), &record(&rescind("o2"))].concat();
    let (second, third) = (first.len() + record(&rescind("o1")).len(), whole.len());
    let mut known = None;
    for cut in 0..=whole.len() {
        let (mut stream, request) = master.answer(STREAM).await;
        assert_eq!(request.call().framework_id.map(|id| id.value), known, "{cut}");
        if cut > 0 {
            stream.chunk(&whole[..cut]).await;
        }
        drop(stream);
        if cut >= first.len() {
            known = Some("f1".to_owned());
            driver.subscribed().await;
            for _ in 0..usize::from(cut >= second) + usize::from(cut >= third) {
                let event = driver.event().await;
                assert!(matches!(event, Some(Event::OfferRescinded(_))), "{cut}: {event:?}");
            }
            driver.disconnected().await;
            // the call connection of the lost subscription
            drop(master.accept().await);
        }
    }
    assert_eq!(driver.backend.stats().reconnects, (whole.len() - first.len()) as u64);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_a_cut() {
    for bad in [&b"3\n\x08\x02\x1a"[..], b"x"] {
        let master = Master::new().await;
        let mut driver = Driver::start(&[&master]);
        let (mut stream, calls) = master.subscribe().await;
        driver.subscribed().await;
        stream.chunk(bad).await;
        driver.disconnected().await;
        stream.closed().await;
        calls.closed().await;
        master.subscribe().await;
        driver.subscribed().await;
    }
}

#[tokio::test]
async fn events_of_the_future_are_ignored() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (mut stream, _calls) = master.subscribe().await;
    driver.subscribed().await;
    stream.chunk(b"0\n2\n\x08\x632\n\x08\x043\n\xf8\x06\x01").await;
    stream.record(&rescind("o1")).await;
    assert!(matches!(driver.event().await, Some(Event::OfferRescinded(_))));
}

#[tokio::test]
async fn an_error_ends_the_driver() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (mut stream, calls) = master.subscribe().await;
    driver.subscribed().await;
    stream.record(&error("Framework failed over")).await;
    let failure = driver.failed().await;
    assert_eq!(failure, Failure { kind: FailureKind::Mesos, message: "Framework failed over".into() });
    stream.closed().await;
    calls.closed().await;
    driver.backend.send(kill("t")).unwrap();
    driver.backend.end(End::Teardown);
    assert_eq!(driver.backend.stats().calls_dropped, 1);
}

#[tokio::test]
async fn both_connections_are_closed_before_the_next_subscribe() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    drop(stream);
    driver.disconnected().await;
    let _next = master.accept().await;
    // nothing is waited for here: the end is there already
    let mut byte = [0];
    assert!(matches!(calls.socket.try_read(&mut byte), Ok(0)), "the old call connection is still open");
    assert_eq!(calls.read().await, 0);
}

#[tokio::test]
async fn silence_is_noticed_when_heartbeats_were_promised() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (mut stream, _) = master.answer(STREAM).await;
    let (started, interval) = (Instant::now(), Duration::from_millis(200));
    stream.record(&subscribed(Some(interval.as_secs_f64()))).await;
    driver.subscribed().await;
    let _calls = master.accept().await;
    driver.disconnected().await; // fails at LIMIT, which is 100 intervals
    assert!(started.elapsed() >= 5 * interval, "fewer than five heartbeats were missed");
    stream.closed().await;
    master.subscribe().await;
    driver.subscribed().await;
}

#[tokio::test]
async fn any_traffic_is_a_sign_of_life() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (mut stream, _) = master.answer(STREAM).await;
    stream.record(&subscribed(Some(0.2))).await;
    driver.subscribed().await;
    // a record that takes longer than the silence allowed, byte by byte, is not silence
    let started = Instant::now();
    let mut bytes = record(&rescind(&"x".repeat(100_000))).into_iter();
    let last = bytes.next_back().unwrap();
    while started.elapsed() < Duration::from_millis(1500) {
        stream.chunk(&[bytes.next().unwrap()]).await;
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(5)).await; // the pace of a slow line, not a wait for anything
    }
    let rest: Vec<_> = bytes.collect();
    stream.chunk(&rest).await;
    stream.chunk(&[last]).await;
    assert!(matches!(driver.event().await, Some(Event::OfferRescinded(_))));
}

#[tokio::test]
async fn it_is_known_when_the_master_was_heard_last() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (mut stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    let subscribed = driver.backend.stats().heard;
    assert!(subscribed.is_some());
    stream.record(&rescind("o1")).await;
    driver.event().await;
    let rescinded = driver.backend.stats().heard;
    assert!(rescinded > subscribed);
    driver.backend.send(kill("t")).unwrap();
    calls.request().await;
    calls.send(status("400 Bad Request", "").as_bytes()).await;
    driver.event().await;
    assert!(driver.backend.stats().heard > rescinded);
}

#[tokio::test]
async fn a_subscription_that_does_not_last_is_a_failed_attempt() {
    let master = Master::new().await;
    let unsettled = Timing { settled: LIMIT, pause: LIMIT, longest_pause: LIMIT * 1000, ..timing() };
    let mut driver = Driver::with(config(&[&master]), unsettled);
    drop(master.subscribe().await);
    driver.subscribed().await;
    driver.disconnected().await;
    // the next attempt waits, most likely for seconds; an end does not
    driver.backend.end(End::Failover);
    driver.ended().await;
}
