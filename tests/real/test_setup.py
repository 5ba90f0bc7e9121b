"""What set-up installs, and how it fails."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

from . import setup
from .setup import RealMesos, SetupError, set_up


def test_mesosd_loads_libmesos(real_mesos: RealMesos) -> None:
    subprocess.run([real_mesos.mesosd, "version"], check=True)


def test_the_library_is_as_shipped(libmesos: Path) -> None:
    assert setup.sha256(libmesos) == "84d7ee9af27e912636b139de40257df1ee4f56c201de6bba834278aa1e8fd64c"


def test_a_second_run_does_nothing(real_mesos: RealMesos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "run", lambda *command: pytest.fail(f"ran {command}"))
    before = (real_mesos.root / "KEY").stat().st_mtime_ns
    assert set_up() == real_mesos
    assert (real_mesos.root / "KEY").stat().st_mtime_ns == before


def test_the_key_covers_every_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for part in ("setup.py", "mesosd/a.cc", "mesosd/a.h", "libexec/a.py"):
        (tmp_path / part).parent.mkdir(exist_ok=True)
        (tmp_path / part).write_text("before")
    monkeypatch.setattr(setup, "HERE", tmp_path)
    keys = {setup.content_key()}
    for path in tmp_path.rglob("*.*"):
        path.write_text("after")
        keys.add(setup.content_key())
    assert len(keys) == 5


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if setup.unsupported():
        pytest.skip("needs the platform of the binary")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"not installed: g\+\+, gcc, nm.*apt\.txt"):
        set_up(tmp_path / "cache")


def test_a_tarball_of_another_digest_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the cache is checked again, not trusted."""
    damaged = tmp_path / setup.TARBALL
    damaged.write_bytes(b"not it")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple/")  # nothing listens there
    with pytest.raises(SetupError, match=r"127\.0\.0\.1"):
        setup.download("mesos.scheduler", damaged, setup.SHA256)


def test_an_unsupported_machine_is_told_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(SetupError, match="Linux aarch64"):
        set_up(tmp_path)
