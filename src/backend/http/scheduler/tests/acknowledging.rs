//! Acknowledgements: they may wait for company, but none is lost that the master could have.

use super::*;

const COUNT: usize = 100;

fn acknowledgement(number: usize) -> Call {
    Call::Acknowledge {
        agent_id: id("a"),
        task_id: id(&format!("task {number}")),
        uuid: Bytes::from_static(b"u"),
    }
}

fn acknowledged(call: s::Call) -> String {
    call.acknowledge.unwrap().task_id.value
}

/// A driver whose call connection is open, and all calls answered.
async fn connected(master: &Master) -> (Driver, Peer, Peer) {
    let mut driver = Driver::start(&[master]);
    let (stream, mut calls) = master.subscribe().await;
    driver.subscribed().await;
    driver.backend.send(kill("t")).unwrap();
    calls.request().await;
    calls.send(status("400 Bad Request", "").as_bytes()).await;
    let event = driver.event().await;
    assert!(matches!(event, Some(Event::CallRejected { .. })), "{event:?}");
    (driver, stream, calls)
}

#[tokio::test]
async fn all_are_sent_in_order_with_nothing_else_to_wake_the_task() {
    let master = Master::new().await;
    let (driver, _stream, mut calls) = connected(&master).await;
    for number in 0..COUNT {
        driver.backend.send(acknowledgement(number)).unwrap();
        tokio::task::yield_now().await;
    }
    for number in 0..COUNT {
        assert_eq!(acknowledged(calls.accept().await), format!("task {number}"));
    }
}

#[tokio::test]
async fn the_masters_next_word_ends_their_wait_for_company() {
    let master = Master::new().await;
    let (driver, mut stream, mut calls) = connected(&master).await;
    // while a thread is at work for the runtime, a paused clock stands still
    let (time_goes_on, stands_still) = std::sync::mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || stands_still.recv_timeout(LIMIT).is_ok());
    tokio::time::pause();
    let started = Instant::now();
    (0..2).for_each(|number| driver.backend.send(acknowledgement(number)).unwrap());
    for number in 0..2 {
        assert_eq!(acknowledged(calls.accept().await), format!("task {number}"));
    }
    driver.backend.send(acknowledgement(2)).unwrap();
    stream.record(&rescind("o1")).await;
    assert_eq!(acknowledged(calls.accept().await), "task 2");
    assert_eq!(started.elapsed(), Duration::ZERO);
    drop(time_goes_on);
}

#[tokio::test]
async fn every_end_comes_behind_them() {
    // what the task looks at first is a matter of chance
    for how in [[End::Teardown; 8], [End::Failover; 8], [End::Abort; 8]].concat() {
        let master = Master::new().await;
        let (mut driver, _stream, mut calls) = connected(&master).await;
        (0..COUNT).for_each(|number| driver.backend.send(acknowledgement(number)).unwrap());
        driver.backend.end(how);
        for number in 0..COUNT {
            assert_eq!(acknowledged(calls.request().await.call()), format!("task {number}"), "{how:?}");
        }
        if how != End::Abort {
            driver.backend.send(acknowledgement(COUNT)).unwrap(); // too late: only answers are waited for now
            calls.send(ACCEPTED.repeat(COUNT).as_bytes()).await;
        }
        if how == End::Teardown {
            assert_eq!(calls.accept().await.r#type(), s::call::Type::Teardown);
        }
        driver.ended().await;
        assert!(calls.closed().await.is_empty());
        driver.backend.send(acknowledgement(COUNT)).unwrap();
        let dropped = if how == End::Abort { COUNT + 1 } else { 2 };
        assert_eq!(driver.counts().calls_dropped, dropped as u64, "{how:?}");
    }
}

#[tokio::test]
async fn those_of_a_lost_subscription_are_dropped() {
    let master = Master::new().await;
    let (mut driver, stream, calls) = connected(&master).await;
    drop((stream, calls));
    driver.disconnected().await;
    (0..COUNT).for_each(|number| driver.backend.send(acknowledgement(number)).unwrap());
    let (mut stream, _) = master.answer(STREAM).await;
    assert_eq!(driver.counts().calls_dropped, COUNT as u64);
    stream.record(&subscribed(None)).await;
    let mut calls = master.accept().await;
    driver.subscribed().await;
    driver.backend.send(acknowledgement(COUNT)).unwrap();
    assert_eq!(acknowledged(calls.accept().await), format!("task {COUNT}"));
}

#[tokio::test]
async fn a_call_goes_behind_what_was_acknowledged_before_it() {
    let master = Master::new().await;
    let (driver, _stream, mut calls) = connected(&master).await;
    for number in 0..COUNT {
        driver.backend.send(acknowledgement(number)).unwrap();
        driver.backend.send(kill("t")).unwrap();
        assert_eq!(acknowledged(calls.accept().await), format!("task {number}"));
        assert_eq!(killed(calls.accept().await), "t");
    }
}
