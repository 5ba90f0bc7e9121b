"""Bad input to a driver's constructor: each mistake an exception that names it, before anything is sent."""

from __future__ import annotations

import functools
import getpass
import json
import math
import os
import types
from pathlib import Path
from typing import Any

import mesos
import pytest
from mesos.dispatch import Dispatcher
from mesos.testing import ScriptedBackend
from recorder import AsyncRecorder, Recorder


class Unbuildable(Dispatcher):
    def __init__(self, loop: object) -> None:
        super().__init__()


class Camel(mesos.Scheduler):
    def resourceOffers(self, driver: Any, offers: Any) -> None:  # noqa: N802
        """Be named as in other bindings."""


class OldName(mesos.Scheduler):
    def slave_lost(self, driver: Any, agent: Any) -> None:
        """Be named as before Mesos 1.0."""


class Slip(mesos.Scheduler):
    def resource_offer(self, driver: Any, offers: Any) -> None:
        """Lack a letter."""


class Swap(mesos.Scheduler):
    def status_udpate(self, driver: Any, status: Any) -> None:
        """Have two letters swapped."""


class TooFew(mesos.Scheduler):
    def status_update(self, status: Any) -> None:  # type: ignore[override]
        """Lack the driver."""


class TooMany(mesos.Scheduler):
    def disconnected(self, driver: Any, more: Any) -> None:  # type: ignore[override]
        """Want more than there is."""


class NotCallable(mesos.Scheduler):
    registered = 3  # type: ignore[assignment]


class Generator(mesos.Scheduler):
    def status_update(self, driver: Any, status: Any) -> Any:
        yield


class AsyncGenerator(mesos.Scheduler):
    async def status_update(self, driver: Any, status: Any) -> Any:  # type: ignore[override]
        yield


class OldCoroutine(mesos.Scheduler):
    @types.coroutine
    def status_update(self, driver: Any, status: Any) -> Any:
        yield


class GeneratorObject:
    def __call__(self, driver: Any, status: Any) -> Any:
        yield


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [
        (Recorder, "Recorder()"),
        (Camel(), "'resource_offers'"),
        (OldName(), "'agent_lost'"),
        (Slip(), "'resource_offers'"),
        (Swap(), "'status_update'"),
        (TooFew(), "driver, status"),
        (TooMany(), "TooMany.disconnected"),
        (NotCallable(), "registered is not callable"),
        (object(), "none of the handlers"),
        (None, "none of the handlers"),
    ],
)
def test_a_scheduler_that_would_not_be_called(scheduler: object, words: str) -> None:
    with pytest.raises(mesos.ConfigurationError) as raised:
        mesos.SchedulerDriver(scheduler, "x", backend=ScriptedBackend())
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "scheduler",
    [
        Generator(),
        AsyncGenerator(),
        OldCoroutine(),
        types.SimpleNamespace(status_update=GeneratorObject()),
        types.SimpleNamespace(status_update=functools.partial(Generator().status_update)),
    ],
)
def test_a_handler_that_would_never_be_run(scheduler: object) -> None:
    with pytest.raises(TypeError, match=r"status_update has a `yield`: .*write"):
        mesos.SchedulerDriver(scheduler, "x", backend=ScriptedBackend())


def test_any_object_with_the_methods_will_do() -> None:
    class Duck:
        status_update = staticmethod(functools.partial(print, "update"))

        def registered(self, *args: Any) -> None:
            """Take what comes."""

        def resource_offers(self, driver: Any, offers: Any, extra: int = 0) -> None:
            """Take more than is needed."""

        def register(self) -> None:
            """Be something else altogether."""

    mesos.SchedulerDriver(Duck(), "x", backend=ScriptedBackend())


@pytest.mark.parametrize(
    ("master", "words"),
    [
        ("", "empty"),
        ("host", "port"),
        ("host:99999", "99999"),
        ("host:0", "port"),
        ("host:port", "port"),
        ("ftp://host:5050", "ftp"),
        ("http://host:5050,", "master"),
        ("zk://host:2181", "path"),
        ("zk://host:2181/", "path"),
        ("zk://user@host:2181/mesos", "user:password@"),
        ("zk://host:0/mesos", "port"),
        ("host\udcff:5050", "UTF-8"),
        (5050, "int"),
        (object(), "object"),
        (mesos.LocalCluster, "class LocalCluster"),
    ],
)
def test_a_master_that_is_none(master: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MESOS_MASTER", raising=False)
    with pytest.raises(mesos.ConfigurationError) as raised:
        mesos.SchedulerDriver(Recorder(), "x", master)
    assert "master" in str(raised.value)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "master", ["zk://me:hunter2@host:x/mesos", "zk://me:hunter/2@host/mesos", "zk://hunter2@host/mesos"]
)
def test_a_password_of_zookeeper_is_not_shown(master: str) -> None:
    with pytest.raises(mesos.ConfigurationError) as raised:
        mesos.SchedulerDriver(Recorder(), "x", master)
    assert "hunter" not in str(raised.value)


def test_no_master_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MESOS_MASTER", raising=False)
    with pytest.raises(mesos.ConfigurationError, match=r"MESOS_MASTER.*local"):
        mesos.SchedulerDriver(Recorder(), "x")
    monkeypatch.setenv("MESOS_MASTER", "nonsense")
    with pytest.raises(mesos.ConfigurationError, match="nonsense"):
        mesos.SchedulerDriver(Recorder(), "x")
    monkeypatch.setenv("MESOS_MASTER", "localhost:5050")
    mesos.SchedulerDriver(Recorder(), "x")


@pytest.mark.parametrize(
    ("framework", "kind", "words"),
    [
        ("", mesos.ConfigurationError, "framework.name"),
        ({}, mesos.ConfigurationError, "framework.name"),
        ({"nmae": "x"}, ValueError, "nmae"),
        ({"name": 3}, TypeError, "name"),
        ({"name": "x", "failover_timeout": "long"}, TypeError, "failover_timeout"),
        ({"name": "x", "failover_timeout": -1}, mesos.ConfigurationError, "failover_timeout: seconds from 0"),
        ({"name": "x", "failover_timeout": math.inf}, mesos.ConfigurationError, "failover_timeout"),
        ({"name": "x", "failover_timeout": math.nan}, mesos.ConfigurationError, "failover_timeout"),
        ({"name": "x", "failover_timeout": 1e10}, mesos.ConfigurationError, "failover_timeout"),
        (mesos.TaskInfo(name="x"), TypeError, "framework"),
        (mesos.FrameworkInfo, TypeError, "framework"),
        (3, TypeError, "framework"),
        (None, TypeError, "framework"),
    ],
)
def test_a_framework_that_is_none(framework: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as raised:
        mesos.SchedulerDriver(Recorder(), framework, backend=ScriptedBackend())
    assert words in str(raised.value)


def test_the_framework_is_copied_and_filled_in() -> None:
    given = mesos.FrameworkInfo(name="x")
    backend = ScriptedBackend()
    driver = mesos.SchedulerDriver(Recorder(), given, credential=("me", "secret"), backend=backend)
    assert not given.HasField("user")
    assert driver.framework.user == getpass.getuser()
    assert driver.framework.principal == "me"
    mine = {"name": "x", "user": "me", "hostname": "h", "principal": "p"}
    driver = mesos.SchedulerDriver(Recorder(), mine, credential=("me", "s"), backend=ScriptedBackend())
    found = driver.framework
    assert (found.user, found.hostname, found.principal) == ("me", "h", "p")


def test_a_user_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 987_654_321)  # as in a container that is given any number
    driver = mesos.SchedulerDriver(Recorder(), "test", backend=ScriptedBackend())
    assert driver.framework.user == "987654321"


SECRET = "pass-word-17"


@pytest.mark.parametrize(
    "credential",
    [
        ("me", SECRET),
        ["me", SECRET],
        {"principal": "me", "secret": SECRET},
        mesos.Credential(principal="me", secret=SECRET),
        ("me", None),
    ],
)
def test_forms_of_a_credential(credential: Any) -> None:
    driver = mesos.SchedulerDriver(Recorder(), "x", credential=credential, backend=ScriptedBackend())
    assert driver.framework.principal == "me"
    assert SECRET not in repr(driver)


@pytest.mark.parametrize(
    "text", [f"me {SECRET}\n", json.dumps({"principal": "me", "secret": SECRET}), f"me\t{SECRET}"]
)
def test_a_credential_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "credential"
    path.write_text(text)
    for given in (path, str(path)):
        driver = mesos.SchedulerDriver(Recorder(), "x", credential=given, backend=ScriptedBackend())
        assert driver.framework.principal == "me"


@pytest.mark.parametrize(
    "credential",
    [
        "/nowhere/credential",
        {"principal": "me", "secert": SECRET},
        {"secret": SECRET},
        ("", SECRET),
        (SECRET, "a", "b"),
        ("me", 3),
        (3, SECRET),
        ("me", SECRET.encode() + b"\xff"),
        ("me", SECRET + "\udcff"),
        (SECRET + "\udcff", SECRET),
        3,
        "FILE:" + SECRET,
        'FILE:{"principal": "me", "secret": "' + SECRET,
        f"FILE:me {SECRET} more",
    ],
)
def test_a_credential_that_is_none(credential: Any, tmp_path: Path) -> None:
    if isinstance(credential, str) and credential.startswith("FILE:"):
        path = tmp_path / "credential"
        path.write_text(credential.removeprefix("FILE:"))
        credential = path
    with pytest.raises(mesos.ConfigurationError, match="credential") as raised:
        mesos.SchedulerDriver(Recorder(), "x", credential=credential, backend=ScriptedBackend())
    assert SECRET not in repr(raised.value) + repr(raised.value.__context__)


@pytest.mark.parametrize("seconds", [float("inf"), 1e300, 10**400, 1e18])
def test_a_connect_timeout_that_is_for_ever(seconds: float) -> None:
    mesos.SchedulerDriver(Recorder(), "x", backend=ScriptedBackend(), connect_timeout=seconds)


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        (
            {"dispatcher": "threads"},
            mesos.ConfigurationError,
            "'asyncio', 'interrupt', 'poll', 'thread'",
        ),
        ({"dispatcher": "mesos.dispatch:Nothing"}, mesos.ConfigurationError, "Nothing"),
        ({"dispatcher": "no.module.here:Nothing"}, mesos.ConfigurationError, "no.module.here"),
        ({"dispatcher": "builtins:int"}, mesos.ConfigurationError, "not a subclass"),
        ({"dispatcher": f"{__name__}:Unbuildable"}, mesos.ConfigurationError, "give an instance"),
        ({"dispatcher": Unbuildable}, mesos.ConfigurationError, "give an instance"),
        ({"dispatcher": 3}, mesos.ConfigurationError, "dispatcher"),
        ({"backend": "grpc"}, mesos.ConfigurationError, '"libmesos"'),
        ({"backend": ScriptedBackend}, mesos.ConfigurationError, '"http"'),
        ({"token": ""}, mesos.ConfigurationError, "token"),
        ({"token": b"t"}, mesos.ConfigurationError, "token"),
        ({"connect_timeout": -1}, mesos.ConfigurationError, "connect_timeout"),
        ({"connect_timeout": float("nan")}, mesos.ConfigurationError, "connect_timeout"),
        ({"connect_timeout": "5"}, TypeError, "connect_timeout"),
        ({"connect_timeout": -(10**400)}, mesos.ConfigurationError, "connect_timeout"),
        ({"implicit_acknowledgements": 1}, TypeError, "implicit_acknowledgements"),
        ({"implicit_acknowledgements": None}, TypeError, "implicit_acknowledgements"),
        ({"token": "t\udcff"}, mesos.ConfigurationError, "token"),
        ({"suppressed_roles": ["a", "a"]}, mesos.ConfigurationError, "'a'"),
        ({"suppressed_roles": [3]}, TypeError, "suppressed_roles"),
        ({"suppressed_roles": 3}, TypeError, "suppressed_roles"),
        ({"offer_constraints": {"nothing": 1}}, ValueError, "nothing"),
        ({"offer_constraints": 3}, TypeError, "OfferConstraints"),
        ({"tls": True}, TypeError, "tls"),
    ],
)
def test_settings_that_are_wrong(settings: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as raised:
        mesos.SchedulerDriver(Recorder(), "x", **{"backend": ScriptedBackend(), **settings})
    assert words.replace('"', "'") in str(raised.value).replace('"', "'")


@pytest.mark.parametrize("name", ["mesos.dispatch:PollDispatcher", "+mesos.dispatch.PollDispatcher"])
def test_a_dispatcher_by_its_full_name(name: str) -> None:
    driver = mesos.SchedulerDriver(Recorder(), "x", backend=ScriptedBackend(), dispatcher=name)
    assert type(driver.dispatcher).__name__ == "PollDispatcher"


def test_async_handlers_need_somebody_to_await_them() -> None:
    with pytest.raises(mesos.ConfigurationError, match="AsyncRecorder"):
        mesos.SchedulerDriver(AsyncRecorder(), "x", backend=ScriptedBackend(), dispatcher="poll")
    with pytest.raises(mesos.ConfigurationError, match="asyncio"):
        mesos.SchedulerDriver(AsyncRecorder(), "x", backend=ScriptedBackend()).run_once(0)


def test_a_backend_serves_one_driver() -> None:
    backend = ScriptedBackend()
    with mesos.SchedulerDriver(Recorder(), "x", backend=backend):
        pass
    with pytest.raises(mesos.ConfigurationError, match="another driver"):
        mesos.SchedulerDriver(Recorder(), "x", backend=backend).start()
    with pytest.raises(RuntimeError, match="not started"):
        ScriptedBackend().play([])
