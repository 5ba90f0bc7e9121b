//! Every cell of the status machine, over a backend that only takes notes.

use super::*;
use bytes::Bytes;

/// What the backend itself says it has dropped.
const DROPPED: u64 = 5;

#[derive(Default)]
struct Notes {
    sender: Mutex<Option<Sender>>,
    calls: AtomicU64,
    ends: Mutex<Vec<End>>,
}

impl Backend for Notes {
    fn send(&self, _call: Call) -> Result<()> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn end(&self, how: End) {
        lock(&self.ends).push(how);
        lock(&self.sender).take();
    }

    fn stats(&self) -> Stats {
        Stats { calls_sent: self.calls.load(Ordering::Relaxed), calls_dropped: DROPPED, ..Stats::default() }
    }
}

fn driver() -> (Lifecycle, Arc<Notes>) {
    (Lifecycle::new("SchedulerDriver").unwrap(), Arc::default())
}

fn start(driver: &Lifecycle, notes: &Arc<Notes>) -> Status {
    let backend = notes.clone();
    let connect = |sender| {
        *lock(&backend.sender) = Some(sender);
        Ok(backend.clone() as Arc<dyn Backend>)
    };
    driver.start(connect).unwrap()
}

fn call() -> Call {
    Call::Revive { roles: Vec::new() }
}

fn emit(notes: &Notes) {
    lock(&notes.sender).as_ref().unwrap().send(Event::OfferRescinded(Bytes::new()));
}

#[test]
fn before_start_nothing_has_an_effect() {
    let (driver, notes) = driver();
    assert_eq!(driver.stop(End::Teardown), Status::NotStarted);
    assert_eq!(driver.abort(), Status::NotStarted);
    assert_eq!(driver.send(call()).unwrap(), Status::NotStarted);
    assert_eq!((driver.status(), driver.stats().calls_dropped), (Status::NotStarted, 1));
    assert_eq!(start(&driver, &notes), Status::Running);
    assert!(lock(&notes.ends).is_empty());
}

#[test]
fn a_running_driver_sends_and_stops_once() {
    let (driver, notes) = driver();
    start(&driver, &notes);
    assert_eq!(start(&driver, &notes), Status::Running);
    assert_eq!(driver.send(call()).unwrap(), Status::Running);
    assert_eq!(driver.stop(End::Teardown), Status::Stopped);
    assert_eq!(driver.stop(End::Failover), Status::Stopped);
    assert_eq!(driver.abort(), Status::Stopped);
    assert_eq!(start(&driver, &notes), Status::Stopped);
    assert_eq!(driver.send(call()).unwrap(), Status::Stopped);
    assert!(!driver.acknowledge(call()).unwrap());
    assert_eq!(*lock(&notes.ends), [End::Teardown]);
    assert_eq!((driver.stats().calls_sent, driver.stats().calls_dropped), (1, DROPPED + 1));
}

#[test]
fn stop_after_abort_answers_aborted_and_is_stopped() {
    let (driver, notes) = driver();
    start(&driver, &notes);
    assert_eq!(driver.abort(), Status::Aborted);
    assert_eq!(driver.abort(), Status::Aborted);
    assert_eq!(driver.send(call()).unwrap(), Status::Aborted);
    assert_eq!(driver.stop(End::Teardown), Status::Aborted);
    assert_eq!(driver.status(), Status::Stopped);
    assert_eq!(driver.stop(End::Teardown), Status::Stopped);
    assert_eq!(*lock(&notes.ends), [End::Abort], "a stop after an abort tears nothing down");
}

#[test]
fn what_is_queued_at_a_stop_is_discarded_unseen() {
    let (driver, notes) = driver();
    start(&driver, &notes);
    emit(&notes);
    emit(&notes);
    assert!(driver.receive().is_some());
    driver.stop(End::Failover);
    assert!(driver.receive().is_none());
    assert!(driver.ended());
    let waiting = driver.bell().unwrap();
    driver.close();
    assert!(driver.bell().is_none());
    drop(waiting);
}

#[test]
fn a_failed_start_aborts() {
    let (driver, _) = driver();
    let error = driver.start(|_| Err(Error::Connection("none".into()))).unwrap_err();
    assert_eq!(error, Error::Connection("none".into()));
    assert_eq!(driver.status(), Status::Aborted);
    assert!(driver.receive().is_none());
    assert!(driver.ended(), "nobody holds the sender any more");
}

#[test]
fn a_dropped_driver_closes_as_failover() {
    let (driver, notes) = driver();
    start(&driver, &notes);
    drop(driver);
    assert_eq!(*lock(&notes.ends), [End::Failover]);
}
