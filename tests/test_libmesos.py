"""backend="libmesos" over a stand-in for libmesos: every callback, every call, every end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mesos
import pytest
from fake_libmesos import Script, build, master_at, registered, text
from recorder import PATIENCE

MASTER = "127.0.0.1:5050"
AGENT, EXECUTOR, OFFER = mesos.AgentID(value="a"), mesos.ExecutorID(value="e"), mesos.OfferID(value="o")
INFO = master_at(1)
UPDATE = mesos.TaskStatus(task_id="t", state="TASK_RUNNING", agent_id="a", uuid=bytes(range(16)))


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Build stand-ins for several releases, each once."""
    directory, built = tmp_path_factory.mktemp("fake"), dict[int, Path]()

    def library(release: int = 111) -> Path:
        if release not in built:
            built[release] = build(directory, release)
        return built[release]

    return library


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path / "script")


class Notes(mesos.Scheduler):
    """Notes every call as (name, *arguments), and reacts to some of them."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.react: dict[str, Callable[[mesos.SchedulerDriver], object]] = {}

    def __getattribute__(self, name: str) -> Any:
        if name not in dir(mesos.Scheduler) or name.startswith("_"):
            return super().__getattribute__(name)

        def handle(driver: mesos.SchedulerDriver, *arguments: Any) -> None:
            self.heard.append((name, *arguments))
            self.react.get(name, lambda driver: None)(driver)

        return handle


Make = Callable[..., mesos.SchedulerDriver]


@pytest.fixture
def make(libraries: Callable[[int], Path], script: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make drivers over the stand-in; they have ended when the test ends."""
    made = []
    # the name of the machine that tests run on may have no address
    monkeypatch.setenv("LIBPROCESS_IP", "127.0.0.1")

    def make(scheduler: object, release: int = 111, **settings: Any) -> mesos.SchedulerDriver:
        settings = {"framework": script.framework, "master": MASTER, "dispatcher": "poll"} | settings
        driver = mesos.SchedulerDriver(scheduler, backend="libmesos", library=libraries(release), **settings)
        made.append(driver)
        return driver

    yield make
    for driver in made:
        driver.abort()
        assert driver.status == mesos.DRIVER_NOT_STARTED or driver._native.settle(PATIENCE)


def hear(driver: mesos.SchedulerDriver, notes: Notes, count: int) -> list[tuple[Any, ...]]:
    """Dispatch until so many handlers were called."""
    while len(notes.heard) < count:
        assert driver.run_once(PATIENCE), f"only {notes.heard}"
    return notes.heard


def end(driver: mesos.SchedulerDriver) -> None:
    driver.stop()
    driver.join(PATIENCE)


# -- what libmesos says ------------------------------------------------------------------------------------


def test_every_callback_is_an_event(make: Make, script: Script) -> None:
    identity = registered(script)
    offers = [
        mesos.Offer(id=f"o{n}", framework_id=identity, agent_id="a", hostname="h" * n) for n in range(40)
    ]
    script.say("resourceOffers", *offers)
    script.say("offerRescinded", OFFER)
    script.say("statusUpdate", UPDATE)
    script.say("frameworkMessage", EXECUTOR, AGENT, b"\0\xff")
    script.say("slaveLost", AGENT)
    script.say("executorLost", EXECUTOR, AGENT, -9)
    script.say("disconnected")
    script.say("reregistered", INFO)
    script.say("disconnected")
    script.say("registered", identity, INFO)  # as libmesos does after ZooKeeper named another master
    notes = Notes()
    driver = make(notes)
    driver.start()
    assert hear(driver, notes, 11)[0][:2] == ("registered", identity)
    assert driver.framework_id == identity
    assert driver.connected
    assert notes.heard[1:] == [
        ("resource_offers", offers),
        ("offer_rescinded", OFFER),
        ("status_update", UPDATE),
        ("framework_message", EXECUTOR, AGENT, b"\0\xff"),
        ("agent_lost", AGENT),
        ("executor_lost", EXECUTOR, AGENT, -9),
        ("disconnected",),
        ("reregistered", INFO),
        ("disconnected",),
        ("reregistered", INFO),
    ]
    assert driver.stats.reconnects == 2
    assert driver.stats.seconds_since_traffic is not None


def test_an_error_aborts_first(make: Make, script: Script) -> None:
    registered(script)
    script.say("error", b"why not")
    seen = []

    class Errors(mesos.Scheduler):
        def error(self, driver: mesos.SchedulerDriver, message: str) -> None:
            seen.append((driver.status, message))
            super().error(driver, message)

    driver = make(Errors())
    with pytest.raises(mesos.DriverAbortedError, match=r"^why not$"):
        driver.run()
    assert seen == [(mesos.DRIVER_ABORTED, "why not")]
    # it had aborted by itself; another abort does nothing
    assert [name for name in script.names if name != "abort"] == ["construct", "destroy"]


def test_a_refused_authentication_is_of_its_own_type(make: Make, script: Script) -> None:
    script.say("error", b"Master refused authentication")
    with pytest.raises(mesos.AuthenticationError, match="Master refused authentication"):
        make(mesos.Scheduler()).run()


def test_what_cannot_be_read_ends_the_driver(make: Make, script: Script) -> None:
    registered(script)
    script.say("statusUpdate", b"\xff\xff")
    script.say("statusUpdate", UPDATE)
    notes = Notes()
    driver = make(notes)
    driver.run()
    assert [heard[0] for heard in notes.heard] == ["registered", "error"]
    assert "cannot be read" in notes.heard[1][1]


# -- what it is told ---------------------------------------------------------------------------------------

FILTERS = {"refuse_seconds": 7.0}
RESERVED = mesos.Resource(
    name="cpus", type="SCALAR", scalar={"value": 1}, reservations=[{"type": "DYNAMIC", "role": "r"}]
)
RESERVE = mesos.Offer.Operation(type="RESERVE", reserve={"resources": [RESERVED]})
TASK = mesos.TaskInfo(name="n", task_id="t", agent_id="a", resources=mesos.Resources(cpus=1))
REQUEST = mesos.Request(agent_id="a", resources=mesos.Resources(cpus=1))
LAUNCH = mesos.Offer.Operation(type="LAUNCH", launch={"task_infos": [TASK] * 3})


def state(**fields: Any) -> mesos.TaskStatus:
    return mesos.TaskStatus(state="TASK_RUNNING", **fields)


CALLS: dict[str, tuple[Callable[[mesos.SchedulerDriver], object], list[tuple[Any, ...]]]] = {
    "accept_offers": (
        lambda driver: driver.accept_offers(["o", "p"], [RESERVE, LAUNCH], FILTERS),
        [("acceptOffers", OFFER, mesos.OfferID(value="p"), RESERVE, LAUNCH, mesos.Filters(**FILTERS))],
    ),
    "launch_tasks": (
        lambda driver: driver.launch_tasks("o", [TASK] * 3),
        [("acceptOffers", OFFER, LAUNCH, b"")],
    ),
    "decline_offer": (
        lambda driver: driver.decline_offer(["o", "p"], FILTERS),
        [("declineOffer", mesos.OfferID(value=one), mesos.Filters(**FILTERS)) for one in "op"],
    ),
    "revive_offers": (lambda driver: driver.revive_offers(), [("reviveOffers",)]),
    "revive_offers of roles": (
        lambda driver: driver.revive_offers(["r", "s"]),
        [("reviveOffers", b"r", b"s")],
    ),
    "suppress_offers": (lambda driver: driver.suppress_offers(), [("suppressOffers",)]),
    "suppress_offers of roles": (lambda driver: driver.suppress_offers(["r"]), [("suppressOffers", b"r")]),
    "kill_task": (lambda driver: driver.kill_task("t", "a"), [("killTask", mesos.TaskID(value="t"))]),
    "reconcile_tasks": (
        lambda driver: driver.reconcile_tasks([{"task_id": "t", "agent_id": "a"}, "u"]),
        [("reconcileTasks", state(task_id="t", agent_id="a"), state(task_id="u"))],
    ),
    "reconcile all tasks": (lambda driver: driver.reconcile_tasks([]), [("reconcileTasks",)]),
    "send_framework_message": (
        lambda driver: driver.send_framework_message("e", "a", b"\0\xff"),
        [("sendFrameworkMessage", EXECUTOR, AGENT, b"\0\xff")],
    ),
    "request_resources": (
        lambda driver: driver.request_resources([REQUEST] * 3),
        [("requestResources", REQUEST, REQUEST, REQUEST)],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_arrives(make: Make, script: Script, name: str) -> None:
    registered(script)
    call, expected = CALLS[name]
    notes = Notes()
    driver = make(notes)
    driver.start()
    hear(driver, notes, 1)
    assert call(driver) == mesos.DRIVER_RUNNING
    assert driver.stats.calls_sent == 1
    end(driver)
    made = [(first, *map(text, rest)) for first, *rest in expected]
    assert [one for one in script.calls if one[0] not in ("construct", "stop", "destroy")] == made


def test_update_framework(make: Make, script: Script) -> None:
    identity = registered(script)
    notes = Notes()
    driver = make(notes)
    driver.start()
    hear(driver, notes, 1)
    info = script.framework | {"user": "u", "hostname": "h"}
    constraints = {"role_constraints": {"r": {"groups": [{}]}}}
    driver.update_framework(info, suppressed_roles=["r"], offer_constraints=constraints)
    assert driver.framework == mesos.FrameworkInfo(**info, id=identity)
    end(driver)
    _, framework, said, *roles = next(call for call in script.calls if call[0] == "updateFramework")
    assert mesos.FrameworkInfo.FromString(bytes.fromhex(framework)) == driver.framework
    assert said == text(mesos.v1.scheduler.OfferConstraints(**constraints))
    assert roles == [text(b"r")]


@pytest.mark.parametrize("implicit", [True, False])
def test_acknowledgements_are_explicit_whoever_makes_them(make: Make, script: Script, implicit: bool) -> None:
    registered(script)
    script.say("statusUpdate", UPDATE)
    script.wait_for("acknowledgeStatusUpdate")
    script.say("disconnected")
    notes = Notes()
    driver = make(notes, implicit_acknowledgements=implicit)
    if not implicit:
        notes.react["status_update"] = lambda driver: driver.acknowledge_status_update(UPDATE)
    driver.start()
    hear(driver, notes, 3)
    end(driver)
    assert script.calls[0][-1] == text(b"explicit")
    acknowledged = [call[1] for call in script.calls if call[0] == "acknowledgeStatusUpdate"]
    assert acknowledged == [text(UPDATE)]
    assert driver.stats.acknowledgements == 1


def test_an_update_whose_handler_raises_is_not_acknowledged(make: Make, script: Script) -> None:
    registered(script)
    script.say("statusUpdate", UPDATE)
    notes = Notes()
    notes.react["status_update"] = lambda driver: 1 / 0
    driver = make(notes)
    with pytest.raises(ZeroDivisionError):
        driver.run()
    assert script.names == ["construct", "abort", "destroy"]


def test_who_the_driver_is(make: Make, script: Script) -> None:
    registered(script)
    notes = Notes()
    framework = script.framework | {"id": "f", "roles": ["r", "s"]}
    driver = make(notes, framework=framework, credential=("me", "s3cret"), suppressed_roles=["r", "s"])
    driver.start()
    hear(driver, notes, 1)
    end(driver)
    (_, info, master, _), suppressed, credential = script.calls[:3]
    said = mesos.FrameworkInfo.FromString(bytes.fromhex(info))
    assert (said.id.value, said.principal, list(said.roles)) == ("f", "me", ["r", "s"])
    assert bytes.fromhex(master).decode() == MASTER
    assert suppressed == ("suppressed", text(b"r"), text(b"s"))
    assert credential == ("credential", text(mesos.Credential(principal="me", secret="s3cret")))


# -- what does not exist -----------------------------------------------------------------------------------

ABSENT: dict[str, Callable[[mesos.SchedulerDriver], object]] = {
    "accept_inverse_offers": lambda driver: driver.accept_inverse_offers("o"),
    "decline_inverse_offers": lambda driver: driver.decline_inverse_offers("o"),
    "shutdown_executor": lambda driver: driver.shutdown_executor("e", "a"),
    "reconcile_operations": lambda driver: driver.reconcile_operations([]),
    "kill_policy": lambda driver: driver.kill_task("t", kill_policy={}),
    "an operation with an id": lambda driver: driver.accept_offers("o", [{"type": "RESERVE", "id": "x"}]),
}


@pytest.mark.parametrize("name", ABSENT)
def test_what_libmesos_has_no_call_for_raises(make: Make, script: Script, name: str) -> None:
    registered(script)
    notes = Notes()
    driver = make(notes)
    driver.start()
    hear(driver, notes, 1)
    with pytest.raises(mesos.ConfigurationError, match=r'libmesos.*use backend="http"'):
        ABSENT[name](driver)
    assert driver.status == mesos.DRIVER_RUNNING
    end(driver)
    assert script.names == ["construct", "stop", "destroy"]


NEWER: dict[str, tuple[int, str, Callable[[mesos.SchedulerDriver], object]]] = {
    "revive": (108, "1.9.0", lambda driver: driver.revive_offers(["r"])),
    "suppress": (108, "1.9.0", lambda driver: driver.suppress_offers(["r"])),
    "update": (108, "1.9.0", lambda driver: driver.update_framework("x")),
    "constraints": (109, "1.11.0", lambda driver: driver.update_framework("x", offer_constraints={})),
}


@pytest.mark.parametrize("name", NEWER)
def test_what_came_later_names_the_release(make: Make, script: Script, name: str) -> None:
    release, brought_by, call = NEWER[name]
    registered(script)
    notes = Notes()
    driver = make(notes, release)
    driver.start()
    hear(driver, notes, 1)
    before = driver.framework
    if name == "constraints":
        call = lambda driver: driver.update_framework(  # noqa: E731 - one that says something
            script.framework, offer_constraints={"role_constraints": {"r": {}}}
        )
    with pytest.raises(mesos.ConfigurationError, match=f"it came with Mesos {brought_by}"):
        call(driver)
    assert driver.framework == before
    driver.revive_offers()
    end(driver)
    assert script.names == ["construct", "reviveOffers", "stop", "destroy"]


def test_updates_of_the_framework_as_1_9_takes_them(make: Make, script: Script) -> None:
    registered(script)
    notes = Notes()
    driver = make(notes, 109)
    driver.start()
    hear(driver, notes, 1)
    driver.update_framework(script.framework, suppressed_roles=["r"])
    end(driver)
    name, _, role = script.calls[1]
    assert (name, role) == ("updateFramework", text(b"r"))


def test_roles_suppressed_from_the_start_need_1_9(make: Make, script: Script) -> None:
    driver = make(mesos.Scheduler(), 108, suppressed_roles=["r"])
    with pytest.raises(mesos.ConfigurationError, match=r"libmesos-108.so .* it came with Mesos 1\.9\.0"):
        driver.start()
    assert driver.status == mesos.DRIVER_ABORTED


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "local": ({"master": "local"}, 'embedded cluster.*use backend="http"'),
    "a URL": ({"master": "http://h:1"}, "does not speak HTTP"),
    "several masters": ({"master": "h:1,i:1"}, 'takes one "host:port"'),
    "tls": ({"tls": mesos.TLS()}, "LIBPROCESS_SSL"),
    "token": ({"token": "t"}, "token: libmesos does not speak HTTP"),
    "http and a library": ({"backend": "http", "library": "x.so"}, 'only with backend="libmesos"'),
    "another backend": ({"backend": "grpc"}, '"http", "libmesos" or'),
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_that_libmesos_does_not_have(name: str) -> None:
    settings, words = WRONG[name]
    settings = {"master": MASTER, "backend": "libmesos"} | settings
    with pytest.raises(mesos.ConfigurationError, match=words):
        mesos.SchedulerDriver(mesos.Scheduler(), "x", **settings)


def test_constraints_are_not_for_the_start(make: Make, script: Script) -> None:
    with pytest.raises(mesos.ConfigurationError, match=r"offer_constraints.*update_framework"):
        make(mesos.Scheduler(), offer_constraints={}).start()


def test_a_library_that_is_missing_is_named_by_start(tmp_path: Path) -> None:
    missing = tmp_path / "libmesos.so"
    driver = mesos.SchedulerDriver(mesos.Scheduler(), "x", MASTER, backend="libmesos", library=missing)
    with pytest.raises(mesos.ConfigurationError, match=rf"^{missing} \(given as library=\) cannot be loaded"):
        driver.start()


# -- ends --------------------------------------------------------------------------------------------------

ENDS: dict[str, tuple[Callable[[mesos.SchedulerDriver], object], str]] = {
    "stop": (lambda driver: driver.stop(), "stop"),
    "failover": (lambda driver: driver.stop(failover=True), "stop failover"),
    "abort": (lambda driver: driver.abort(), "abort"),
}


@pytest.mark.parametrize("dispatcher", ["thread", "poll", "asyncio"])
@pytest.mark.parametrize("how", ENDS)
def test_it_ends_in_a_handler(make: Make, script: Script, how: str, dispatcher: str) -> None:
    """Meanwhile libmesos goes on talking: nothing waits for it while it waits for us."""
    registered(script)
    script.say("statusUpdate", UPDATE, times=10_000)
    call, name = ENDS[how]
    notes = Notes()
    notes.react["status_update"] = call
    driver = make(notes, dispatcher=dispatcher)
    driver.run() if dispatcher != "thread" else (driver.start(), driver.join(PATIENCE))
    assert [heard[0] for heard in notes.heard] == ["registered", "status_update"]
    assert [" ".join(call) for call in script.calls[1:]] == [name, "destroy"]


@pytest.mark.parametrize("how", ENDS)
def test_it_ends_from_another_thread(make: Make, script: Script, how: str) -> None:
    registered(script)
    script.say("statusUpdate", UPDATE, times=1_000_000)
    notes, began = Notes(), threading.Event()
    notes.react["registered"] = lambda driver: began.set()
    driver = make(notes, dispatcher="thread")
    driver.start()
    assert began.wait(PATIENCE)
    threads = [threading.Thread(target=ENDS[how][0], args=[driver]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    driver.join(PATIENCE)
    assert script.names[-1] == "destroy"
    assert script.names.count("construct") == 1


def test_a_teardown_is_seen_through(make: Make, script: Script) -> None:
    """A master that sees our connections close first refuses it: the end waits until it has answered."""
    with socket.create_server(("127.0.0.1", 0)) as master:
        registered(script, master.getsockname()[1])
        notes = Notes()
        driver = make(notes)
        driver.start()
        hear(driver, notes, 1)
        driver.stop()
        asking, _ = master.accept()
        with asking:
            assert asking.recv(1000).startswith(b"GET /master/health ")
            assert not driver._native.settle(0)
            asking.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
        assert driver._native.ended
    assert script.names == ["construct", "stop", "destroy"]


def test_a_stop_after_an_abort_tears_nothing_down(make: Make, script: Script) -> None:
    registered(script)
    notes = Notes()
    driver = make(notes)
    driver.start()
    hear(driver, notes, 1)
    driver.abort()
    assert driver.stop() == mesos.DRIVER_ABORTED
    driver.join(PATIENCE)
    assert script.names == ["construct", "abort", "destroy"]


def test_one_that_is_stopped_at_once_never_hangs(make: Make, script: Script) -> None:
    """The end may come before the construction, between it and the start, or after."""
    for _ in range(50):
        driver = make(Notes())
        driver.start()
        driver.stop()
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
        assert driver._native.ended


def test_a_lost_driver_keeps_the_tasks(make: Make, script: Script, libraries: Any) -> None:
    registered(script)

    def lose() -> None:
        driver = mesos.SchedulerDriver(
            Notes(), script.framework, MASTER, backend="libmesos", library=libraries(), dispatcher="poll"
        )
        driver.run_once(PATIENCE)

    with pytest.warns(ResourceWarning, match="nobody could reach it"):
        lose()
    while not script.names or script.names[-1] != "destroy":  # its thread sees it through
        pass
    assert script.calls[1] == ("stop", "failover")


def test_no_master_in_time(make: Make, script: Script) -> None:
    driver = make(mesos.Scheduler(), connect_timeout=0.05)
    with pytest.raises(mesos.MasterConnectionError, match=r"in 0\.05 s"):
        driver.run()
    assert script.names == ["construct", "abort", "destroy"]


def test_a_registration_in_time(make: Make, script: Script) -> None:
    registered(script)
    notes = Notes()
    driver = make(notes, connect_timeout=0.2)
    driver.start()
    hear(driver, notes, 1)
    assert not driver.run_once(0.3)
    assert driver.status == mesos.DRIVER_RUNNING


def test_a_hundred_thousand_updates_are_each_acknowledged(make: Make, script: Script) -> None:
    count = 100_000
    registered(script)
    script.say("statusUpdate", UPDATE, times=count)
    script.wait_for("acknowledgeStatusUpdate", count)
    script.say("disconnected")
    driver = make(type("Quiet", (mesos.Scheduler,), {"disconnected": lambda self, driver: driver.stop()})())
    assert driver.run() == mesos.DRIVER_STOPPED
    assert script.names.count("acknowledgeStatusUpdate") == count
    assert driver.stats.events_handled == count + 2


def test_two_drivers_in_one_process(make: Make, tmp_path: Path) -> None:
    scripts = [Script(tmp_path / name) for name in ("one", "two")]
    notes = [Notes(), Notes()]
    for one in scripts:
        registered(one)
    drivers = [make(note, framework=one.framework) for note, one in zip(notes, scripts, strict=True)]
    for driver in drivers:
        driver.start()
    for driver, note in zip(drivers, notes, strict=True):
        hear(driver, note, 1)
    end(drivers[0])
    assert drivers[1].kill_task("t") == mesos.DRIVER_RUNNING
    end(drivers[1])
    assert [one.names[1:] for one in scripts] == [["stop", "destroy"], ["killTask", "stop", "destroy"]]


# -- the process -------------------------------------------------------------------------------------------

CODE = """
import os, signal, sys, mesos
driver = mesos.SchedulerDriver(mesos.Scheduler(), {{"name": {name!r}}}, "127.0.0.1:5050",
                               backend="libmesos", library={library!r}, dispatcher="poll")
"""


def test_signals_are_blocked_in_threads_of_libmesos(child: Any, script: Script, libraries: Any) -> None:
    registered(script)
    script.wait_for("killTask")  # libmesos' thread stays
    code = CODE.format(name=str(script.path), library=str(libraries()))
    code += """
driver.start()
driver.run_once(10)
for task in os.listdir("/proc/self/task"):
    with open(f"/proc/self/task/{task}/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    if int(task) != os.getpid():
        print(bool(int(lines["SigBlk"], 16) & 1 << signal.SIGINT - 1))
driver.abort()
"""
    status, out, _ = child(code, LIBPROCESS_IP="127.0.0.1").end()
    assert status == 0
    assert set(out.split()) == {"True"}
    assert len(out.split()) >= 4  # two of ours, the driver's, and the one that libmesos made


def test_a_child_forked_after_the_load_is_told(child: Any, script: Script, libraries: Any) -> None:
    code = CODE.format(name=str(script.path), library=str(libraries()))
    code += f"""
driver.start()
if os.fork() == 0:
    for use in (driver.stop, lambda: mesos.libmesos_version({str(libraries())!r}),
                mesos.SchedulerDriver(mesos.Scheduler(), {{"name": "x"}}, "h:1", backend="libmesos",
                                      library={str(libraries())!r}).start):
        try:
            use()
        except mesos.ForkedDriverError as error:
            print("use backend" in str(error), flush=True)
    os._exit(0)
os.wait()
driver.stop()
driver.join()
"""
    status, out, _ = child(code, LIBPROCESS_IP="127.0.0.1").end()
    assert (status, out.split()) == (0, ["False", "True", "True"])
    assert script.names[-2:] == ["stop", "destroy"]


def test_the_environment_is_looked_at_before_libmesos_ends_the_process(
    child: Any, script: Script, libraries: Any
) -> None:
    code = CODE.format(name=str(script.path), library=str(libraries())) + "driver.run()"
    status, _, err = child(code, LIBPROCESS_IP="localhost").end()
    assert status == 1
    assert err.splitlines()[-1].startswith(
        "mesos.errors.MasterConnectionError: LIBPROCESS_IP: an IPv4 address is expected"
    )


def test_interpreter_exit_waits_and_keeps_the_tasks(child: Any, script: Script, libraries: Any) -> None:
    registered(script)
    code = CODE.format(name=str(script.path), library=str(libraries())) + "driver.run_once(10)"
    status, _, _ = child(code, LIBPROCESS_IP="127.0.0.1").end()
    assert status == 0
    assert script.calls[1:] == [("stop", "failover"), ("destroy",)]
