//! What cannot be seen from Python in a test's time: signs of life, and calls that come while a SUBSCRIBE is under way.
//!
//! tests/test_executor_http.py has the rest: agents that refuse, go and come back.

use super::*;
use crate::proto::mesos::v1::{self, executor as e};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

/// Reached only by a failure.
const LIMIT: Duration = Duration::from_secs(20);

fn id(value: &str) -> Bytes {
    v1::TaskId { value: value.into() }.encode_to_vec().into()
}

fn config(agent: &TcpListener) -> Config {
    Config {
        endpoint: agent.local_addr().unwrap().into(),
        unix_socket: None,
        tls: None,
        token: None,
        framework_id: id("f"),
        executor_id: id("e"),
        policy: Policy { checkpoint: true, recovery_timeout: LIMIT, backoff_max: Duration::ZERO },
        grace_period: None,
    }
}

/// An executor of this agent; what it says goes nowhere.
fn executor(agent: &TcpListener, timing: Timing) -> Line {
    let (sender, _) = unbounded_channel();
    start(&Handle::current(), config(agent), timing, move |event| sender.send(event).unwrap_or(())).unwrap()
}

/// Accepts a connection and reads one call from it.
async fn accept(agent: &TcpListener) -> (TcpStream, e::Call) {
    let (mut socket, _) = timeout(LIMIT, agent.accept()).await.unwrap().unwrap();
    let call = read(&mut socket).await;
    (socket, call)
}

async fn read(socket: &mut TcpStream) -> e::Call {
    let mut input = Vec::new();
    loop {
        let head = input.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&input[..head]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let length: usize = length.parse().unwrap();
            if input.len() == head + length {
                return e::Call::decode(&input[head..]).unwrap();
            }
        }
        let byte = timeout(LIMIT, socket.read_u8()).await.unwrap().unwrap();
        input.push(byte);
    }
}

/// Answers a SUBSCRIBE.
async fn subscribe(stream: &mut TcpStream) {
    let subscribed = e::event::Subscribed::default();
    let of_type = Some(e::event::Type::Subscribed as i32);
    let event = e::Event { r#type: of_type, subscribed: Some(subscribed.into()), ..Default::default() };
    let event = event.encode_to_vec();
    let record = [format!("{}\n", event.len()).as_bytes(), &event].concat();
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(format!("{:x}\r\n", record.len()).as_bytes()).await.unwrap();
    stream.write_all(&[&record, &b"\r\n"[..]].concat()).await.unwrap();
}

#[tokio::test]
async fn heartbeats_are_sent_again_and_again() {
    let agent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _executor = executor(&agent, Timing { heartbeat: Duration::from_millis(1), ..Timing::default() });
    let (mut stream, _) = accept(&agent).await;
    subscribe(&mut stream).await;
    let (mut calls, mut call) = accept(&agent).await;
    for _ in 0..3 {
        assert_eq!(call.r#type(), e::call::Type::Heartbeat);
        assert_eq!((call.executor_id.value.as_str(), call.framework_id.value.as_str()), ("e", "f"));
        calls.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        call = read(&mut calls).await;
    }
    assert_eq!(Timing::default().heartbeat, Duration::from_secs(1800));
}

#[tokio::test]
async fn an_update_made_while_a_subscribe_is_under_way_follows_it() {
    let agent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let executor = executor(&agent, Timing::default());
    let (mut stream, call) = accept(&agent).await;
    assert!(call.subscribe.unwrap().unacknowledged_updates.is_empty());
    for uuid in [1, 2] {
        let uuid = Some(Bytes::from(vec![uuid; 16]));
        let status = v1::TaskStatus { task_id: v1::TaskId { value: "t".into() }, uuid, ..Default::default() };
        executor.send(Call::Update(status.encode_to_vec().into())).unwrap();
    }
    executor.send(Call::SchedulerMessage(Bytes::from_static(b"nobody is there yet"))).unwrap();
    // the message is dropped once the commands were taken, so the SUBSCRIBE's answer finds both updates kept
    let taken = async {
        while executor.stats().calls_dropped == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, taken).await.unwrap();
    subscribe(&mut stream).await;
    let (mut calls, first) = accept(&agent).await;
    let second = read(&mut calls).await;
    let uuids = [first, second].map(|call| call.update.unwrap().status.uuid.unwrap()[0]);
    assert_eq!(uuids, [1, 2]);
    assert_eq!(executor.stats().unacknowledged, 2);
}

#[tokio::test]
async fn a_defect_is_told_and_is_the_end() {
    let agent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (sender, mut events) = unbounded_channel();
    let say = move |event| match event {
        Event::ExecutorSubscribed(_) => panic!("as a defect does"),
        event => sender.send(event).unwrap_or(()),
    };
    let _executor = start(&Handle::current(), config(&agent), Timing::default(), say).unwrap();
    let (mut stream, _) = accept(&agent).await;
    subscribe(&mut stream).await;
    let event = timeout(LIMIT, events.recv()).await.unwrap();
    let Some(Event::Error(failure)) = event else { panic!("{event:?}") };
    assert!(failure.message.contains("defect"), "{}", failure.message);
    assert!(timeout(LIMIT, events.recv()).await.unwrap().is_none());
}
