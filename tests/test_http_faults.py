"""The HTTP backend under everything that a network or a master may do, at the level of the Python driver.

Whatever comes, a driver registers again or ends with an exception that says why; it delivers each event once,
in order, and never crashes or hangs. Pauses are short because `failover_timeout` is: a tenth of it at most.
"""

from __future__ import annotations

import itertools
import random
import resource
import threading
from typing import TYPE_CHECKING

import mesos
import pytest
from mesos.v1 import scheduler as v1
from recorder import OFFER, PATIENCE, Recorder, until, update
from scripted import (
    STREAM,
    Behaviour,
    ScriptedMaster,
    cut,
    error,
    pieces,
    raw,
    record,
    redirect,
    reset,
    silent,
    status,
    subscribe,
    subscribed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripted import Request

    Start = Callable[..., tuple[mesos.SchedulerDriver, Recorder]]

HASTY = {"name": "test", "failover_timeout": 0.02}


def event(kind: str, **body: object) -> bytes:
    return v1.Event(type=kind, **{kind.lower(): body}).SerializePartialToString()  # type: ignore[arg-type]


def message(number: int) -> bytes:
    return event("MESSAGE", agent_id="agent-1", executor_id="executor-1", data=b"%d" % number)


MESSAGES = [record(message(number)) for number in range(3)]
EVENTS = [
    record(event("UPDATE", status={**update()[1], "data": b"2\n\n12\n"})),
    record(event("OFFERS", offers=[OFFER])),
    record(v1.Event(type="HEARTBEAT").SerializeToString()),
    *MESSAGES,
]
NAMES = ["registered", "status_update", "resource_offers", *["framework_message"] * 3]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def run(*script: Behaviour, until_seen: int = 1, **settings: object) -> Recorder:
    """Run a driver until it has registered so often."""
    left = itertools.count(until_seen - 1, -1)

    def registered(driver: mesos.SchedulerDriver, *_: object) -> None:
        if next(left) == 0:
            driver.stop(failover=True)

    scheduler = Recorder(registered=registered, reregistered=registered)
    with ScriptedMaster(*script) as master:
        driver = mesos.SchedulerDriver(scheduler, HASTY, master.address, **settings)  # type: ignore[arg-type]
        assert driver.run() == mesos.DRIVER_STOPPED
    return scheduler


def test_records_may_be_split_at_any_byte(start: Start) -> None:
    """Into two chunks of HTTP's: at each byte of five events, one behind the other."""
    stream = b"".join(EVENTS)
    with ScriptedMaster() as master:
        driver, scheduler = start(master.address)
        for at in range(len(stream) + 1):
            for part in (stream[:at], stream[at:]):
                if part:
                    master.push_raw(part)
        until(scheduler, "registered", *NAMES[1:] * (len(stream) + 1))
        numbers = [one[3] for one in scheduler.events if one[0] == "framework_message"]
        assert numbers == [b"0", b"1", b"2"] * (len(stream) + 1)
        assert driver.stats.reconnects == 0


def test_the_answer_to_subscribe_may_be_split_at_any_byte() -> None:
    """Of what is written to the socket: the head of HTTP, the chunks, the record."""
    answer = STREAM + chunk(record(subscribed())) + chunk(MESSAGES[0])
    for at in range(1, len(answer)):
        assert run(pieces(answer[:at], answer[at:])).names[0] == "registered", at


def test_the_answer_to_subscribe_may_come_byte_by_byte() -> None:
    answer = STREAM + b"".join(chunk(bytes([byte])) for byte in record(subscribed()))
    assert run(pieces(*(bytes([byte]) for byte in answer))).names == ["registered"]


def test_a_stream_may_be_cut_at_any_byte() -> None:
    """Each cut is an attempt that failed or a subscription that was lost; half a record is nothing."""
    whole = len(record(subscribed()))
    records = record(subscribed()) + MESSAGES[0]
    for at in range(len(records)):
        scheduler = run(cut(at, then=MESSAGES[0]), subscribe(), until_seen=1 + (at >= whole))
        wanted = ["registered", "disconnected", "reregistered"] if at >= whole else ["registered"]
        assert scheduler.names == wanted, at


@pytest.mark.parametrize("hops", [1, 2, 8])
def test_chains_of_redirects_are_followed(start: Start, hops: int) -> None:
    with ScriptedMaster() as leader:
        masters = [leader]
        try:
            for _ in range(hops):
                masters.append(ScriptedMaster(redirect(masters[-1].address)))
            driver, scheduler = start(masters[-1].address)
            until(scheduler, "registered")
            assert [master.subscribes.qsize() for master in masters] == [1] * (hops + 1)
            assert driver.stats.reconnects == 0
        finally:
            for master in masters[1:]:
                master.close()


def test_a_chain_that_is_too_long_and_a_loop_are_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedMaster() as one:
        there = ScriptedMaster(*[redirect(one.address)] * 12, subscribe())
        with there, ScriptedMaster(*[redirect(there.address)] * 12) as back:
            one._script = [redirect(there.address)]
            scheduler = Recorder(registered=lambda driver, *_: driver.stop(failover=True))
            driver = mesos.SchedulerDriver(scheduler, HASTY, one.address)
            assert driver.run() == mesos.DRIVER_STOPPED
            assert back.subscribes.empty()
    assert scheduler.names == ["registered"]
    assert any("more than 8 redirects" in entry.getMessage() for entry in caplog.records)


@pytest.mark.parametrize("to", ["nowhere.invalid:1", "", "///", "http://", "//[::1", "ftp://x/"])
def test_a_redirect_to_nowhere_is_tried_again(to: str) -> None:
    location = status(307, headers={"Location": to})
    assert run(location, status(307), subscribe()).names == ["registered"]


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_storm_of_refusals_that_pass(code: int, caplog: pytest.LogCaptureFixture) -> None:
    assert run(*[status(code, "not now")] * 50, subscribe()).names == ["registered"]
    said = [entry.getMessage() for entry in caplog.records]
    assert len([words for words in said if f"{code}" in words and "not now" in words]) == 50, "each is said"


@pytest.mark.parametrize(
    ("behaviour", "exception", "words"),
    [
        (status(400, "no"), mesos.MasterConnectionError, "400.*no"),
        (status(401, "no"), mesos.AuthenticationError, "401.*no"),
        (status(403, "no"), mesos.AuthenticationError, "403.*no"),
        (status(415, "no"), mesos.MasterConnectionError, "415.*no"),
        (pieces(STREAM, chunk(record(error("gone")))), mesos.DriverAbortedError, "gone"),
        (
            pieces(STREAM, chunk(record(subscribed()) + record(error("gone")))),
            mesos.DriverAbortedError,
            "gone",
        ),
        (raw(b"<html>not a master</html>"), mesos.MasterConnectionError, "no Mesos master"),
        (pieces(STREAM, chunk(b"99999999999999999999\n")), mesos.MasterConnectionError, "longer than"),
    ],
)
def test_what_will_not_pass_ends_a_driver_that_had_registered_too(
    behaviour: Behaviour, exception: type[Exception], words: str
) -> None:
    first = cut(1000, then=MESSAGES[0])
    with pytest.raises(exception, match=words):
        run(first, behaviour, until_seen=3)


def test_a_404_passes_once_it_was_a_master() -> None:
    names = run(cut(1000), *[status(404)] * 5, subscribe(), until_seen=2).names
    assert names == ["registered", "disconnected", "reregistered"]


def test_events_before_an_error_are_handled() -> None:
    stream = pieces(STREAM, chunk(record(subscribed()) + b"".join(MESSAGES) + record(error("gone"))))
    scheduler = Recorder()
    with ScriptedMaster(stream) as master:
        driver = mesos.SchedulerDriver(scheduler, HASTY, master.address, dispatcher="poll")
        with pytest.raises(mesos.DriverAbortedError, match="gone"):
            driver.run()
    assert scheduler.names == ["registered", *["framework_message"] * 3]


@pytest.mark.parametrize("behaviour", [silent(), pieces(STREAM), pieces(STREAM + b"5\r\n1")])
def test_silence_before_the_registration_is_given_up_in_time(behaviour: Behaviour) -> None:
    with pytest.raises(mesos.MasterConnectionError, match=r"no master within 0\.1 s"):
        run(behaviour, connect_timeout=0.1)


def test_silence_where_heartbeats_were_promised_is_a_lost_master(caplog: pytest.LogCaptureFixture) -> None:
    names = run(subscribe(heartbeat=0.02), subscribe(), until_seen=2).names
    assert names == ["registered", "disconnected", "reregistered"]
    assert any("no heartbeat" in entry.getMessage() for entry in caplog.records)


@pytest.mark.parametrize("interval", [4e18, 1e300, float("inf"), float("nan"), -1.0, 0.0])
def test_a_heartbeat_that_is_never_due_is_waited_for_in_peace(start: Start, interval: float) -> None:
    with ScriptedMaster(subscribe(heartbeat=interval)) as master:
        driver, scheduler = start(master.address, connect_timeout=1e19)
        until(scheduler, "registered")
        master.push(message(1))
        until(scheduler, "registered", "framework_message")
        driver.kill_task("t")
        assert v1.Call.FromString(master.calls.get(timeout=PATIENCE).body).kill.task_id.value == "t"
        assert (driver.connected, driver.stats.reconnects) == (True, 0)


GARBAGE = [
    b"\0" * 100,
    b"\n" * 100 + b"x",
    b"-1\n",
    b"1e3\n",
    b" 5\nhello",
    b"5hello",
    b"3\n\xff\xff\xff",
    b"2\n\x08\x01",  # SUBSCRIBED without a body
    *(random.Random(seed).randbytes(64) for seed in range(8)),
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_in_the_stream_is_a_lost_master_and_no_event(garbage: bytes) -> None:
    script = pieces(STREAM, chunk(record(subscribed())), chunk(MESSAGES[0] + garbage)), subscribe()
    scheduler = run(*script, until_seen=2)
    assert scheduler.names == ["registered", "framework_message", "disconnected", "reregistered"]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 ", STREAM, STREAM + b"40\r\n"])
def test_garbage_for_a_subscription_says_so_or_is_tried_again(before: bytes, garbage: bytes) -> None:
    """What it is decides which; it is never taken for a subscription."""
    try:
        names = run(raw(before + garbage), subscribe()).names
    except mesos.MasterConnectionError as error:
        assert "127.0.0.1" in str(error)  # noqa: PT017
    else:
        assert names == ["registered"]


@pytest.mark.parametrize("length", [2**30 + 1, 2**31, 2**32, 2**63, 2**64, 10**40])
def test_giant_records_are_refused(length: int) -> None:
    with pytest.raises(mesos.MasterConnectionError, match=r"not RecordIO.*longer than"):
        run(pieces(STREAM, chunk(b"%d\n" % length)))
    giant = pieces(STREAM, chunk(record(subscribed()) + b"%d\n" % length))
    assert run(giant, subscribe(), until_seen=2).names == ["registered", "disconnected", "reregistered"]


def test_memory_is_not_taken_for_what_was_only_promised() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    promise = record(subscribed()) + b"%d\n" % 2**30
    run(*[cut(1000, then=b"%d\nx" % 2**30)] * 3, subscribe(), until_seen=4)
    run(pieces(STREAM, chunk(promise)), until_seen=1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


def test_a_master_that_reads_slowly_holds_up_nobody(start: Start) -> None:
    """It reads nothing for a while, and calls are far more than any socket's buffer."""
    reads = threading.Event()

    def answering(_: Request) -> None:
        assert reads.wait(PATIENCE)

    with ScriptedMaster(answering=answering) as master:
        driver, scheduler = start(master.address)
        until(scheduler, "registered")
        for number in range(40):
            driver.send_framework_message("executor-1", "agent-1", bytes([number]) * 2**20)
        master.push(message(1))
        until(scheduler, "registered", "framework_message")  # what comes is handled meanwhile
        assert driver.stats.calls_sent < 40
        reads.set()
        for number in range(40):
            call = v1.Call.FromString(master.calls.get(timeout=PATIENCE).body)
            assert call.message.data == bytes([number]) * 2**20
        driver.stop()
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
        assert (driver.stats.calls_dropped, driver.stats.reconnects) == (0, 0)


HALF = record(subscribed())[:-1]
RESETS = {
    "before anything was read": (reset(at_once=True), 1),
    "instead of an answer": (reset(), 1),
    "in the head": (reset(STREAM[:20]), 1),
    "after the head": (reset(STREAM), 1),
    "in a chunk": (reset(STREAM + chunk(HALF)[:-4]), 1),
    "in the first record": (reset(STREAM + chunk(HALF)), 1),
    "in the words of a refusal": (reset(b"HTTP/1.1 503 No\r\nContent-Length: 100\r\n\r\nhalf"), 1),
}


@pytest.mark.parametrize("when", RESETS)
def test_a_connection_may_be_reset_while_subscribing(when: str) -> None:
    behaviour, times = RESETS[when]
    assert run(*[behaviour] * 3, subscribe(), until_seen=times).names == ["registered"]


@pytest.mark.parametrize("then", [b"", MESSAGES[0][:-1]], ids=["between records", "in a record"])
def test_a_stream_may_be_reset(start: Start, then: bytes) -> None:
    with ScriptedMaster() as master:
        _, scheduler = start(master.address, framework=HASTY)
        until(scheduler, "registered")
        if then:
            master.push_raw(then)
        master._stream(PATIENCE).reset()
        until(scheduler, "registered", "disconnected", "reregistered")


ANSWERS = {
    "reset": b"",
    "half a head": b"HTTP/1.1 202 Acc",
    "half a body": b"HTTP/1.1 400 No\r\nContent-Length: 100\r\n\r\nhalf",
    "no HTTP": b"+PONG\r\n",
    "random bytes": random.Random(0).randbytes(200),
    "an endless head": b"HTTP/1.1 202 Accepted\r\n" + b"X: y\r\n" * 50_000,
    "a giant body": b"HTTP/1.1 202 Accepted\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "503": b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_whatever_answers_a_call_the_driver_subscribes_again_and_sends_it_no_second_time(
    start: Start, answer: str
) -> None:
    broken = iter([ANSWERS[answer]])
    with ScriptedMaster(answering=lambda _: next(broken, (202, ""))) as master:
        driver, scheduler = start(master.address, framework=HASTY)
        until(scheduler, "registered")
        driver.kill_task("t1")
        until(scheduler, "registered", "disconnected", "reregistered")
        driver.kill_task("t2")
        kills = [v1.Call.FromString(master.calls.get(timeout=PATIENCE).body).kill for _ in range(2)]
        assert [kill.task_id.value for kill in kills] == ["t1", "t2"]
        assert (driver.stats.calls_dropped, driver.status) == (1, mesos.DRIVER_RUNNING)
