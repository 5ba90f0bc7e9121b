//! Calls: their order, their answers, and what becomes of those without one.

use super::*;

#[tokio::test]
async fn a_thousand_calls_are_pipelined_in_order() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (_stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    let names: Vec<_> = (0..1000).map(|number| format!("task {number}")).collect();
    names.iter().for_each(|name| driver.backend.send(kill(name)).unwrap());
    // all are read before one is answered
    for name in &names {
        let request = calls.request().await;
        assert_eq!(request.line, "POST /api/v1/scheduler HTTP/1.1");
        assert_eq!(request.headers["mesos-stream-id"], "stream-1");
        assert_eq!(request.headers["content-type"], "application/x-protobuf");
        assert_eq!(&killed(request.call()), name);
    }
    calls.send(ACCEPTED.repeat(999).as_bytes()).await;
    let last = status("400 Bad Request", "the last one");
    for byte in last.as_bytes().chunks(1) {
        calls.send(byte).await;
    }
    let event = driver.event().await;
    let Some(Event::CallRejected { call, code: 400, message }) = event else { panic!("{event:?}") };
    assert_eq!(message, "the last one");
    assert_eq!(killed(s::Call::decode(&call[..]).unwrap()), "task 999");
    let stats = Stats { calls_sent: 1000, calls_rejected: 1, ..Stats::default() };
    assert_eq!(driver.counts(), stats);
}

#[tokio::test]
async fn a_large_call_goes_through_a_reader_that_is_slow() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (_stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    let data = Bytes::from(vec![7; 20 << 20]);
    driver
        .backend
        .send(Call::Message { agent_id: id("a"), executor_id: id("e"), data: data.clone() })
        .unwrap();
    driver.backend.send(kill("t")).unwrap();
    assert_eq!(calls.accept().await.message.unwrap().data, data);
    assert_eq!(killed(calls.accept().await), "t");
}

#[tokio::test]
async fn a_rejected_call_does_not_end_anything() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (_stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    for (line, code) in
        [("400 Bad Request", 400), ("403 Forbidden", 403), ("401 Unauthorized", 401), ("409 Conflict", 409)]
    {
        driver.backend.send(kill("t")).unwrap();
        calls.request().await;
        calls.send(status(line, "why").as_bytes()).await;
        let event = driver.event().await;
        assert!(matches!(event, Some(Event::CallRejected { code: found, .. }) if found == code), "{event:?}");
    }
    driver.backend.send(kill("u")).unwrap();
    assert_eq!(killed(calls.accept().await), "u");
    assert_eq!(driver.backend.stats().calls_rejected, 4);
}

#[tokio::test]
async fn who_is_not_subscribed_subscribes_again() {
    for answer in [
        status("403 Forbidden", "Framework is not subscribed"),
        status("403 Forbidden", "Framework is not connected via HTTP"),
        status("503 Service Unavailable", ""),
        status("307 Temporary Redirect", ""),
    ] {
        let master = Master::new().await;
        let mut driver = Driver::start(&[&master]);
        let (_stream, mut calls) = master.subscribe().await;
        driver.subscribed().await;
        driver.backend.send(kill("t")).unwrap();
        calls.request().await;
        calls.send(answer.as_bytes()).await;
        driver.disconnected().await;
        master.subscribe().await;
        driver.subscribed().await;
        let stats = Stats { calls_sent: 1, calls_dropped: 1, reconnects: 1, ..Stats::default() };
        assert_eq!(driver.counts(), stats);
    }
}

#[tokio::test]
async fn unanswered_calls_are_dropped_with_their_connection_and_not_replayed() {
    for broken in ["", "HTTP/1.1 202 Acc", "SSH-2.0\r\n\r\n"] {
        let master = Master::new().await;
        let mut driver = Driver::start(&[&master]);
        let (stream, mut calls) = master.subscribe().await;
        driver.subscribed().await;
        for name in ["one", "two", "three"] {
            driver.backend.send(kill(name)).unwrap();
        }
        assert_eq!(killed(calls.accept().await), "one");
        calls.request().await;
        calls.request().await;
        calls.send(broken.as_bytes()).await;
        drop(calls);
        driver.disconnected().await;
        stream.closed().await;
        let (_stream, mut calls) = master.subscribe().await;
        driver.subscribed().await;
        driver.backend.send(kill("four")).unwrap();
        assert_eq!(killed(calls.accept().await), "four");
        driver.backend.end(End::Failover);
        driver.ended().await;
        assert!(driver.backend.stats().heard.is_some());
        let stats = Stats { calls_sent: 4, calls_dropped: 2, reconnects: 1, ..Stats::default() };
        assert_eq!(driver.counts(), stats);
    }
}

#[tokio::test]
async fn an_idle_call_connection_may_be_closed() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let (_stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    for closing in
        ["HTTP/1.1 202 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "HTTP/1.1 202 x\r\n\r\n"]
    {
        driver.backend.send(kill("t")).unwrap();
        assert_eq!(killed(calls.request().await.call()), "t");
        calls.send(closing.as_bytes()).await;
        soon(calls.socket.shutdown()).await.unwrap();
        calls.closed().await;
        driver.backend.send(kill("u")).unwrap();
        calls = master.accept().await;
        assert_eq!(killed(calls.accept().await), "u");
    }
    driver.backend.end(End::Failover);
    driver.ended().await;
    assert_eq!(driver.counts(), Stats { calls_sent: 4, ..Stats::default() });
}

#[tokio::test]
async fn a_call_is_not_waited_for_for_ever() {
    let master = Master::new().await;
    let impatient = Timing { call: Duration::from_millis(20), ..timing() };
    let mut driver = Driver::with(config(&[&master]), impatient);
    let (_stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    driver.backend.send(kill("t")).unwrap();
    calls.request().await;
    driver.disconnected().await;
    assert_eq!(driver.backend.stats().calls_dropped, 1);
}

#[tokio::test]
async fn without_a_subscription_calls_are_dropped_but_suppression_is_kept() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let mut first = master.accept().await;
    first.request().await;
    // the attempt is under way: its SUBSCRIBE cannot say what is said now
    driver.backend.send(kill("t")).unwrap();
    driver.backend.send(Call::Suppress { roles: vec![] }).unwrap();
    first.send(STREAM.as_bytes()).await;
    first.record(&subscribed(None)).await;
    driver.subscribed().await;
    let mut calls = master.accept().await;
    let update = calls.accept().await.update_framework.unwrap();
    assert_eq!(update.suppressed_roles, ["a", "b"]);
    assert_eq!(update.framework_info.id.unwrap().value, "f1");
    driver.backend.send(Call::Revive { roles: vec!["a".into()] }).unwrap();
    assert_eq!(calls.accept().await.revive.unwrap().roles, ["a"]);
    drop((first, calls));
    driver.disconnected().await;
    // the next one says it by itself
    let (_, request) = master.answer(STREAM).await;
    assert_eq!(request.call().subscribe.unwrap().suppressed_roles, ["b"]);
    assert_eq!(driver.backend.stats().calls_dropped, 1);
}

/// What a framework called `name` says in an update.
fn update(name: &str) -> Call {
    let mut framework = v1::FrameworkInfo { user: "user".into(), name: name.into(), ..Default::default() };
    framework.id = Some(v1::FrameworkId { value: "f1".into() });
    framework.roles = vec!["a".into()];
    let mut multi_role = v1::framework_info::Capability::default();
    multi_role.set_type(v1::framework_info::capability::Type::MultiRole);
    framework.capabilities.push(multi_role);
    let framework = framework.encode_to_vec().into();
    Call::UpdateFramework { framework, suppressed_roles: vec![], offer_constraints: None }
}

#[tokio::test]
async fn what_the_master_refused_is_not_said_with_the_next_subscribe() {
    const YES: &str = "202 Accepted";
    const NO: &str = "403 Forbidden";
    for (answers, name) in [
        (&[NO][..], "name"),
        (&[NO, YES], "two"),
        (&[YES, NO], "one"),
        (&[NO, NO], "name"),
        (&[NO, NO, YES, NO], "three"),
        (&[YES, ""], "two"), // without an answer it may have been accepted, and is said again
    ] {
        let master = Master::new().await;
        let mut driver = Driver::start(&[&master]);
        let (_stream, mut calls) = master.subscribe().await;
        driver.subscribed().await;
        let names = ["one", "two", "three", "four"];
        for name in names.iter().take(answers.len()) {
            driver.backend.send(update(name)).unwrap();
        }
        // of the roles that the framework still has afterwards, or not
        driver.backend.send(Call::Suppress { roles: vec!["a".into()] }).unwrap();
        for answer in answers.iter().filter(|answer| !answer.is_empty()) {
            calls.request().await;
            calls.send(status(answer, "Not authorized").as_bytes()).await;
        }
        for _ in answers.iter().filter(|answer| **answer == NO) {
            let event = driver.event().await;
            assert!(matches!(event, Some(Event::CallRejected { code: 403, .. })), "{event:?}");
        }
        calls.request().await;
        drop(calls);
        driver.disconnected().await;
        let (_, request) = master.answer(STREAM).await;
        let subscribe = request.call().subscribe.unwrap();
        assert_eq!(subscribe.framework_info.name, name, "{answers:?}");
        assert_eq!(subscribe.framework_info.id.unwrap().value, "f1");
        let suppressed = if name == "name" { &["a", "b"][..] } else { &["a"] };
        assert_eq!(subscribe.suppressed_roles, suppressed, "{answers:?}");
    }
}

#[tokio::test]
async fn what_came_while_a_subscribe_was_under_way_is_refused_together() {
    let master = Master::new().await;
    let mut driver = Driver::start(&[&master]);
    let mut first = master.accept().await;
    first.request().await;
    driver.backend.send(update("one")).unwrap();
    driver.backend.send(update("two")).unwrap();
    first.send(STREAM.as_bytes()).await;
    first.record(&subscribed(None)).await;
    driver.subscribed().await;
    let mut calls = master.accept().await;
    let call = calls.request().await.call();
    assert_eq!(call.update_framework.unwrap().framework_info.name, "two");
    calls.send(status("403 Forbidden", "Not authorized").as_bytes()).await;
    assert!(matches!(driver.event().await, Some(Event::CallRejected { .. })));
    drop((first, calls));
    driver.disconnected().await;
    let (_, request) = master.answer(STREAM).await;
    let framework = request.call().subscribe.unwrap().framework_info;
    assert_eq!((framework.name.as_str(), framework.id.unwrap().value.as_str()), ("name", "f1"));
}
