"""TLS as a program meets it: scripted masters with certificates that are made here, good and bad ones."""

from __future__ import annotations

import datetime
import logging
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mesos
import pytest
import trustme
from recorder import PATIENCE, Recorder, until
from scripted import ScriptedMaster, banner, raw, redirect, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripted import Behaviour

    Start = Callable[..., tuple[mesos.SchedulerDriver, Recorder]]

FRAMEWORK = {"name": "test", "failover_timeout": 1}  # pauses are a tenth of it at most


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path


def context(cert: trustme.LeafCert, clients: trustme.CA | None = None) -> ssl.SSLContext:
    """Make a master's side of TLS; with `clients`, it wants certificates of theirs."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(made)
    if clients is not None:
        clients.configure_trust(made)
        made.verify_mode = ssl.CERT_REQUIRED
    return made


@pytest.fixture
def good(ca: trustme.CA) -> ssl.SSLContext:
    return context(ca.issue_cert("127.0.0.1", "localhost"))


@pytest.fixture
def framework() -> dict[str, Any]:
    return FRAMEWORK


def fails(master: str, **settings: Any) -> Exception:
    """Run a driver that does not get to a master; return why."""
    settings.setdefault("connect_timeout", PATIENCE)
    driver = mesos.SchedulerDriver(Recorder(), FRAMEWORK, master, **settings)
    with pytest.raises(mesos.MesosError) as raised:
        driver.run()
    return raised.value


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_events_and_calls_go_over_tls(
    start: Start, good: ssl.SSLContext, ca_file: Path, version: ssl.TLSVersion
) -> None:
    good.minimum_version = good.maximum_version = version
    with ScriptedMaster(tls=good) as master:
        driver, scheduler = start(f"https://{master.address}", tls=mesos.TLS(ca_file), credential=("me", "s"))
        until(scheduler, "registered")
        assert master.subscribes.get(timeout=PATIENCE).headers["host"] == master.address
        for number in range(200):
            driver.send_framework_message("executor", "agent", b"%d" % number * 1000)
        bodies = [master.calls.get(timeout=PATIENCE) for _ in range(200)]
        assert all(b"%d" % number * 1000 in call.body for number, call in enumerate(bodies))
        assert {call.headers["authorization"] for call in bodies} == {"Basic bWU6cw=="}
        master.cut()
        until(scheduler, "registered", "disconnected", "reregistered")
        driver.stop()
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED


def test_a_megabyte_is_taken_by_a_master_that_reads_slowly(
    start: Start, good: ssl.SSLContext, ca: trustme.CA
) -> None:
    with ScriptedMaster(tls=good) as master:
        driver, scheduler = start(f"https://{master.address}", tls=mesos.TLS(ca=ca.cert_pem.bytes()))
        until(scheduler, "registered")
        driver.send_framework_message("executor", "agent", bytes(8 << 20))
        assert len(master.calls.get(timeout=PATIENCE).body) > 8 << 20


def test_tls_is_what_a_bare_address_means_then(start: Start, good: ssl.SSLContext, ca_file: Path) -> None:
    with ScriptedMaster(tls=good) as master:
        _, scheduler = start(master.address, tls=mesos.TLS(ca=ca_file))
        until(scheduler, "registered")


def test_the_system_vouches_if_nobody_else_does(
    start: Start, good: ssl.SSLContext, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    with ScriptedMaster(tls=good) as master:
        _, scheduler = start(f"https://{master.address}")
        until(scheduler, "registered")


@pytest.mark.parametrize(
    ("name", "days", "words"),
    [("127.0.0.1", -1, "expired"), ("other.example", 1, "not valid for name.*server_name")],
)
def test_a_certificate_that_is_not_valid(
    ca: trustme.CA, ca_file: Path, name: str, days: int, words: str
) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    cert = ca.issue_cert(
        name, not_before=now - datetime.timedelta(days=9), not_after=now + datetime.timedelta(days=days)
    )
    with ScriptedMaster(tls=context(cert)) as master:
        error = fails(f"https://{master.address}", tls=mesos.TLS(ca=ca_file))
        assert isinstance(error, mesos.MasterConnectionError)
        assert master.address in str(error)
        assert_matches(error, words)
        assert master.subscribes.empty()


def assert_matches(error: Exception, words: str) -> None:
    with pytest.raises(type(error), match=words):
        raise error


def test_an_authority_that_is_not_trusted(good: ssl.SSLContext) -> None:
    with ScriptedMaster(tls=good) as master:
        other = trustme.CA().cert_pem.bytes()
        error = fails(f"https://{master.address}", tls=mesos.TLS(ca=other))
        assert isinstance(error, mesos.MasterConnectionError)
        assert_matches(error, r"certificate.*TLS\(ca=")


def test_another_name_can_be_expected(start: Start, ca: trustme.CA, ca_file: Path) -> None:
    with ScriptedMaster(tls=context(ca.issue_cert("masters.example"))) as master:
        tls = mesos.TLS(ca=ca_file, server_name="masters.example")
        _, scheduler = start(f"https://{master.address}", tls=tls)
        until(scheduler, "registered")
        assert_matches(fails(f"https://{master.address}", tls=mesos.TLS(ca=ca_file)), "not valid for name")


def test_anything_goes_if_it_is_not_verified(start: Start) -> None:
    with ScriptedMaster(tls=context(trustme.CA().issue_cert("other.example"))) as master:
        _, scheduler = start(f"https://{master.address}", tls=mesos.TLS(verify=False))
        until(scheduler, "registered")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_master_that_wants_a_certificate(
    start: Start, ca: trustme.CA, ca_file: Path, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    server = context(ca.issue_cert("127.0.0.1"), clients=ca)
    server.minimum_version = server.maximum_version = version
    ours = ca.issue_cert("me@example.org")
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "cert"))
    ours.private_key_pem.write_to_path(str(tmp_path / "key"))
    with ScriptedMaster(tls=server) as master:
        tls = mesos.TLS(ca=ca_file, cert=tmp_path / "cert", key=tmp_path / "key")
        _, scheduler = start(f"https://{master.address}", tls=tls)
        until(scheduler, "registered")


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_that_is_missing_or_of_a_stranger(
    ca: trustme.CA, ca_file: Path, version: ssl.TLSVersion, known: bool
) -> None:
    server = context(ca.issue_cert("127.0.0.1"), clients=ca)
    server.minimum_version = server.maximum_version = version
    stranger = trustme.CA().issue_cert("me@example.org")
    pair = {"cert": stranger.cert_chain_pems[0].bytes(), "key": stranger.private_key_pem.bytes()}
    with ScriptedMaster(tls=server) as master:
        error = fails(f"https://{master.address}", tls=mesos.TLS(ca=ca_file, **(pair if known else {})))
        assert_matches(error, "wants a certificate of ours")
        if version == ssl.TLSVersion.TLSv1_3:
            assert isinstance(error, mesos.AuthenticationError)


@pytest.mark.parametrize("behaviour", [banner(), banner(b"HTTP/1.1 400 Bad Request\r\n\r\n")])
def test_a_master_that_does_not_speak_tls(behaviour: Behaviour) -> None:
    with ScriptedMaster(behaviour) as master:
        error = fails(f"https://{master.address}", tls=mesos.TLS(verify=False))
        assert isinstance(error, mesos.MasterConnectionError)
        assert_matches(error, r"does not speak TLS.*http://")


def test_a_master_that_speaks_tls_when_asked_in_plain_text(good: ssl.SSLContext) -> None:
    # OpenSSL closes without a word, which a master that ends does as well; others send an alert
    with ScriptedMaster(tls=good) as master:
        error = fails(master.address, connect_timeout=1)
        assert_matches(error, r"if it speaks TLS, write .https://")
    with ScriptedMaster(raw(b"\x15\x03\x01\x00\x02\x02\x16")) as master:
        error = fails(master.address)
        assert isinstance(error, mesos.MasterConnectionError)
        assert_matches(error, r"speaks TLS; write .https://127")


def test_redirects_lead_to_tls_but_not_away_from_it(
    start: Start, good: ssl.SSLContext, ca_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedMaster(tls=good) as leader, ScriptedMaster() as plain:
        away = status(307, headers={"Location": f"http://{plain.address}/api/v1/scheduler"})
        with ScriptedMaster(away, redirect(leader.address), tls=good) as first:
            _, scheduler = start(f"https://{first.address}", tls=mesos.TLS(ca=ca_file), token="s3cret")
            until(scheduler, "registered")
            assert leader.subscribes.get(timeout=PATIENCE).headers["authorization"] == "Bearer s3cret"
            assert plain.subscribes.empty()
    assert "from https to http" in caplog.text


def test_a_new_certificate_may_become_a_good_one_again(
    start: Start, good: ssl.SSLContext, ca_file: Path, request: pytest.FixtureRequest
) -> None:
    """A master that was registered with is tried for ever, whatever its certificate is for a while."""
    warned = Warned("invalid peer certificate")
    logging.getLogger("mesos").addHandler(warned)
    request.addfinalizer(lambda: logging.getLogger("mesos").removeHandler(warned))
    with ScriptedMaster(tls=good) as master:
        driver, scheduler = start(f"https://{master.address}", tls=mesos.TLS(ca=ca_file))
        until(scheduler, "registered")
        master.tls = context(trustme.CA().issue_cert("127.0.0.1"))
        master.cut()
        assert warned.event.wait(PATIENCE)
        assert driver.status == mesos.DRIVER_RUNNING
        master.tls = good
        until(scheduler, "registered", "disconnected", "reregistered")


class Warned(logging.Handler):
    """Hears whether some words are logged."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words
        self.event = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self.words in record.getMessage():
            self.event.set()


def test_the_environment_says_what_libprocess_does(
    start: Start, ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "authorities").mkdir()
    ca.cert_pem.write_to_path(str(tmp_path / "authorities" / "one.pem"))
    ours = ca.issue_cert("me@example.org")
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "cert"))
    ours.private_key_pem.write_to_path(str(tmp_path / "key"))
    for name, value in {
        "ENABLED": "true",
        "CA_DIR": str(tmp_path / "authorities"),
        "CERT_FILE": f"file://{tmp_path}/cert",
        "KEY_FILE": str(tmp_path / "key"),
    }.items():
        monkeypatch.setenv(f"LIBPROCESS_SSL_{name}", value)
    with ScriptedMaster(tls=context(ca.issue_cert("127.0.0.1"), clients=ca)) as master:
        _, scheduler = start(master.address)
        until(scheduler, "registered")
    with ScriptedMaster() as plain:  # what is said stays said
        _, scheduler = start(f"http://{plain.address}")
        until(scheduler, "registered")
    monkeypatch.setenv("LIBPROCESS_SSL_VERIFY_SERVER_CERT", "0")
    with ScriptedMaster(tls=context(trustme.CA().issue_cert("other.example"))) as master:
        _, scheduler = start(master.address)
        until(scheduler, "registered")
    monkeypatch.setenv("LIBPROCESS_SSL_ENABLED", "maybe")
    with pytest.raises(mesos.ConfigurationError, match=r"LIBPROCESS_SSL_ENABLED.*maybe"):
        mesos.SchedulerDriver(Recorder(), FRAMEWORK, "localhost:5050")


def test_what_is_wrong_is_known_beforehand(ca: trustme.CA, ca_file: Path, tmp_path: Path) -> None:
    one, other = ca.issue_cert("a.example"), ca.issue_cert("b.example")
    cert, key, another = (
        one.cert_chain_pems[0].bytes(),
        one.private_key_pem.bytes(),
        other.private_key_pem.bytes(),
    )
    (tmp_path / "empty").touch()
    for settings, words in [
        ({"ca": "/nowhere"}, r"tls\.ca: '/nowhere' cannot be read"),
        ({"ca": tmp_path / "empty"}, r"tls\.ca: there is no certificate in it"),
        ({"ca": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, r"tls\.ca"),
        ({"ca": ca_file, "cert": cert}, r"tls\.key: it is missing"),
        ({"ca": ca_file, "key": key}, r"tls\.cert: it is missing"),
        ({"ca": ca_file, "cert": key, "key": key}, r"tls\.cert: there is no certificate"),
        ({"ca": ca_file, "cert": cert, "key": cert}, r"tls\.key: there is no private key"),
        ({"ca": ca_file, "cert": cert, "key": another}, "do not belong together"),
        ({"ca": ca_file, "server_name": "no name"}, r"tls\.server_name: 'no name'|\"no name\""),
    ]:
        with pytest.raises(mesos.ConfigurationError, match=words) as raised:
            mesos.SchedulerDriver(Recorder(), FRAMEWORK, "https://localhost:1", tls=mesos.TLS(**settings))
        assert "PRIVATE KEY-----\n" not in str(raised.value)
    for settings in [{"verify": "no"}, {"ca": 3}, {"server_name": b"x"}]:
        with pytest.raises(TypeError, match=f"tls.{next(iter(settings))}"):
            mesos.SchedulerDriver(Recorder(), FRAMEWORK, "https://localhost:1", tls=mesos.TLS(**settings))
    with pytest.raises(TypeError, match=r"tls: a mesos\.TLS"):
        mesos.SchedulerDriver(Recorder(), FRAMEWORK, "https://localhost:1", tls=True)  # type: ignore[arg-type]
    assert "PRIVATE" not in repr(mesos.TLS(key=key))


@pytest.mark.parametrize("master", ["local", "http://localhost:5050", "a:1,http://b:2"])
def test_what_cannot_be_secured_is_refused(master: str) -> None:
    with pytest.raises(mesos.ConfigurationError, match="speaks plain HTTP"):
        mesos.SchedulerDriver(Recorder(), FRAMEWORK, master, tls=mesos.TLS(verify=False))
