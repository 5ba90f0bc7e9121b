//! The queue's promises: order, no lost wake-up, an end that is seen, a reader that may stop anywhere.

use super::*;
use crate::sys::{Waited, wait_readable};
use bytes::Bytes;
use std::sync::atomic::AtomicBool;
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

/// A waker that says whether it is set, and clears itself just when two more events are queued.
#[derive(Default)]
struct Raced {
    set: AtomicBool,
    sender: OnceLock<WeakSender>,
}

impl Waker for Raced {
    fn wake(&self) {
        self.set.store(true, Ordering::SeqCst);
    }

    fn clear(&self) {
        if let Some(sender) = self.sender.get() {
            let sent = (0..2).all(|number| sender.send(numbered(0, number)));
            assert!(sent, "the queue is open");
        }
        self.set.store(false, Ordering::SeqCst);
    }
}

#[test]
fn what_comes_while_the_waker_is_cleared_stays_announced() {
    let waker = Arc::new(Raced::default());
    let (sender, receiver) = with_waker(waker.clone());
    waker.sender.get_or_init(|| sender.downgrade());
    assert!(matches!(receiver.receive(), Received::Event(..)));
    assert!(receiver.depth() == 1 && waker.set.load(Ordering::SeqCst), "a reader may stop here");
}

/// Whoever wakes up finds the end: it looks only once.
#[test]
fn the_end_is_there_before_it_is_announced() {
    struct Looks(OnceLock<Receiver>, AtomicBool);
    impl Waker for Looks {
        fn wake(&self) {
            let ended = self.0.get().is_some_and(|receiver| matches!(receiver.receive(), Received::Ended));
            self.1.store(ended, Ordering::SeqCst);
        }
        fn clear(&self) {}
    }
    let waker = Arc::new(Looks(OnceLock::new(), AtomicBool::new(false)));
    let (sender, receiver) = with_waker(waker.clone());
    waker.0.get_or_init(|| receiver);
    drop(sender);
    assert!(waker.1.load(Ordering::SeqCst));
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
