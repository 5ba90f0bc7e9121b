//! The ends of a driver: what is still sent, what is waited for, and how fast.

use super::*;

#[tokio::test]
async fn teardown_goes_behind_the_calls_before() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (mut stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    let uuid = Bytes::from_static(&[7; 16]);
    for name in ["t1", "t2"] {
        driver
            .backend
            .send(Call::Acknowledge { agent_id: id("a"), task_id: id(name), uuid: uuid.clone() })
            .unwrap();
    }
    driver.backend.end(End::Teardown);
    driver.backend.send(kill("too late")).unwrap();
    for name in ["t1", "t2"] {
        assert_eq!(calls.accept().await.acknowledge.unwrap().task_id.value, name);
    }
    let call = calls.request().await.call();
    assert_eq!((call.r#type(), call.framework_id.unwrap().value.as_str()), (s::call::Type::Teardown, "f1"));
    // a master ends the stream of a framework it has torn down; the answer is still waited for, and not by looking
    // at the end again and again: that would hold up the only thread here
    stream.send(b"0\r\n\r\n").await;
    stream.closed().await;
    assert!(driver.events.try_recv().is_err());
    assert!(!driver.events.is_closed());
    calls.send(ACCEPTED.as_bytes()).await;
    driver.ended().await;
    assert!(calls.closed().await.is_empty());
    assert_eq!(driver.counts(), Stats { calls_sent: 3, calls_dropped: 1, ..Stats::default() });
}

#[tokio::test]
async fn failover_waits_for_answers_and_tears_nothing_down() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    driver.backend.send(kill("t")).unwrap();
    driver.backend.end(End::Failover);
    assert_eq!(killed(calls.accept().await), "t");
    driver.ended().await;
    assert!(calls.closed().await.is_empty());
    stream.closed().await;
    assert_eq!(driver.counts(), Stats { calls_sent: 1, ..Stats::default() });
}

#[tokio::test]
async fn abort_does_not_wait() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    driver.backend.send(kill("t")).unwrap();
    calls.request().await;
    driver.backend.end(End::Abort);
    // this and the end before it are found together
    driver.backend.send(kill("too late")).unwrap();
    driver.backend.end(End::Failover);
    driver.ended().await;
    assert!(calls.closed().await.is_empty());
    stream.closed().await;
    assert_eq!(driver.counts(), Stats { calls_sent: 1, calls_dropped: 2, ..Stats::default() });
}

#[tokio::test]
async fn abort_cuts_a_teardown_short() {
    let master = Master::new().await;
    let mut driver = Driver::with(config(&[&master]), Timing { end: LIMIT * 1000, ..timing() });
    let (_stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    driver.backend.end(End::Teardown);
    calls.request().await;
    driver.backend.end(End::Failover); // has no effect
    driver.backend.end(End::Abort);
    driver.ended().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let master = Master::new().await;
    let mut driver = Driver::with(config(&[&master]), Timing { end: Duration::from_millis(20), ..timing() });
    let (_stream, calls) = master.subscribe().await;
    driver.subscribed().await;
    driver.backend.end(End::Teardown);
    driver.ended().await;
    assert!(!calls.closed().await.is_empty(), "the TEARDOWN was sent");
    assert_eq!(driver.backend.stats().calls_dropped, 1);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_broken_connection() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (_stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    driver.backend.end(End::Teardown);
    calls.request().await;
    drop(calls);
    driver.ended().await;
}

#[tokio::test]
async fn without_a_subscription_every_end_is_at_once() {
    for how in [End::Teardown, End::Failover, End::Abort] {
        // waiting for an answer
        let master = Master::new().await;
        let mut driver = Driver::start(&[&master]);
        let mut peer = master.accept().await;
        peer.request().await;
        driver.backend.end(how);
        driver.ended().await;
        assert!(peer.closed().await.is_empty());
        // in a pause, which is far longer than a test waits
        let patient = Timing { pause: LIMIT * 1000, longest_pause: LIMIT * 1000, ..timing() };
        let mut driver = Driver::with(config(&[&master]), patient);
        let (peer, _) = master.answer(&status("503 Service Unavailable", "")).await;
        peer.closed().await;
        driver.backend.end(how);
        driver.ended().await;
        assert_eq!(driver.counts(), Stats::default());
    }
}

#[tokio::test]
async fn dropping_the_backend_ends_it_without_a_teardown() {
    let master = Master::new().await;
    let Driver { backend, mut events } = Driver::start(&[&master]);
    let (_stream, calls) = master.subscribe().await;
    assert!(matches!(soon(events.recv()).await, Some(Event::Subscribed { .. })));
    drop(backend);
    assert!(soon(events.recv()).await.is_none());
    assert!(calls.closed().await.is_empty());
}

#[tokio::test]
async fn a_defect_is_told_and_is_the_end() {
    let master = Master::new().await;
    let (sender, mut events) = unbounded_channel();
    let say = move |event| match event {
        Event::Subscribed { .. } => panic!("as a defect does"),
        event => sender.send(event).unwrap_or(()),
    };
    let subscription = Subscription { framework: id("f"), suppressed_roles: vec![], offer_constraints: None };
    let backend = start(&Handle::current(), config(&[&master]), subscription, timing(), say).unwrap();
    let (mut stream, _) = master.answer(STREAM).await;
    stream.record(&subscribed(None)).await;
    let event = soon(events.recv()).await;
    let Some(Event::Error(Failure { kind: FailureKind::Mesos, message })) = event else {
        panic!("{event:?}")
    };
    assert!(message.contains("defect") && message.contains("as a defect does"), "{message}");
    assert!(soon(events.recv()).await.is_none());
    stream.closed().await;
    backend.send(kill("t")).unwrap();
    assert_eq!(backend.stats().calls_dropped, 1);
}
