//! The queue's promises: order, no lost wake-up, an end that is seen, a reader that may stop anywhere.

use super::*;
use crate::sys::{Waited, wait_readable};
use bytes::Bytes;
use std::thread;
use std::time::Duration;

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);
const HANG: Duration = Duration::from_secs(20);

fn numbered(producer: u32, number: u32) -> Event {
    let bytes = [producer.to_le_bytes(), number.to_le_bytes()].concat();
    Event::StatusUpdate(Bytes::from(bytes))
}

fn numbers(event: &Event) -> (u32, u32) {
    let Event::StatusUpdate(bytes) = event else { panic!("not ours: {event:?}") };
    let number = |range: std::ops::Range<usize>| u32::from_le_bytes(bytes[range].try_into().unwrap());
    (number(0..4), number(4..8))
}

fn readable(signal: &Bell) -> bool {
    wait_readable(signal, None, AT_ONCE) == Waited::Ready
}

#[test]
fn events_come_in_order_and_depth_is_counted() {
    let (sender, receiver, signal) = with_fd().unwrap();
    assert!(matches!(receiver.receive(), Received::Empty));
    assert!(!readable(&signal));
    for number in 0..3 {
        sender.send(numbered(0, number));
    }
    assert_eq!((receiver.depth(), receiver.highest(), receiver.sent()), (3, 3, 3));
    for number in 0..3 {
        assert!(readable(&signal), "something is still queued");
        let Received::Event(_, event) = receiver.receive() else { panic!("lost {number}") };
        assert_eq!(numbers(&event), (0, number));
    }
    assert!(matches!(receiver.receive(), Received::Empty));
    assert!(!readable(&signal));
    assert_eq!((receiver.depth(), receiver.highest()), (0, 3));
}

#[test]
fn the_end_comes_behind_the_events_and_stays() {
    let (sender, receiver, signal) = with_fd().unwrap();
    let weak = sender.downgrade();
    sender.clone().send(numbered(0, 0));
    weak.send(numbered(0, 1));
    drop(sender);
    weak.send(numbered(0, 2));
    assert!(matches!(receiver.receive(), Received::Event(..)));
    assert!(matches!(receiver.receive(), Received::Event(..)));
    for _ in 0..3 {
        assert!(matches!(receiver.receive(), Received::Ended));
        assert!(readable(&signal));
    }
}

#[test]
fn sending_after_the_reader_left_drops() {
    let (sender, receiver, _signal) = with_fd().unwrap();
    drop(receiver);
    sender.send(numbered(0, 0));
}

/// A reader that sleeps on the descriptor between batches of odd sizes must see every event of every producer.
#[test]
fn no_wake_up_is_lost() {
    const PRODUCERS: u32 = 4;
    const EACH: u32 = 50_000;
    let (sender, receiver, signal) = with_fd().unwrap();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let sender = sender.clone();
            thread::spawn(move || {
                for number in 0..EACH {
                    sender.send(numbered(producer, number));
                    if number % 1000 == producer {
                        thread::yield_now();
                    }
                }
            })
        })
        .collect();
    drop(sender);
    let mut next = [0; PRODUCERS as usize];
    let mut batch = 1;
    'all: loop {
        let deadline = Instant::now() + HANG;
        while wait_readable(&signal, Some(deadline), None) != Waited::Ready {
            assert!(Instant::now() < deadline, "a wake-up was lost at {next:?}");
        }
        batch = batch % 97 + 1;
        for _ in 0..batch {
            match receiver.receive() {
                Received::Event(_, event) => {
                    let (producer, number) = numbers(&event);
                    assert_eq!(number, next[producer as usize]);
                    next[producer as usize] += 1;
                }
                Received::Empty => break,
                Received::Ended => break 'all,
            }
        }
    }
    assert_eq!(next, [EACH; PRODUCERS as usize]);
    producers.into_iter().for_each(|producer| producer.join().unwrap());
}
