"""Finding and loading libmesos: the real one, and what is not one.

The real library is loaded in child processes: it needs the stubs in LD_LIBRARY_PATH, and cannot be unloaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mesos
import pytest

from .setup import RealMesos

VARIABLES = ("MESOS_NATIVE_LIBRARY", "MESOS_NATIVE_JAVA_LIBRARY")


def run(mesos_: RealMesos, code: str, **variables: str) -> str:
    """Return what a Python with libmesos' stubs at hand prints; an exception's text if it ends with one."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment |= {"LD_LIBRARY_PATH": str(mesos_.stubs)} | variables
    done = subprocess.run(
        [sys.executable, "-c", f"import mesos\n{code}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout or done.stderr.splitlines()[-1]).strip()


def test_the_version_of_the_real_one(real_mesos: RealMesos, libmesos: Path) -> None:
    assert run(real_mesos, f"print(mesos.libmesos_version({str(libmesos)!r}))") == "1.11.0"


def test_a_path_object_and_two_loads(real_mesos: RealMesos, libmesos: Path) -> None:
    code = (
        f"import pathlib\nfor _ in range(2): print(mesos.libmesos_version(pathlib.Path({str(libmesos)!r})))"
    )
    assert run(real_mesos, code) == "1.11.0\n1.11.0"


def test_many_threads_load_it_at_once(real_mesos: RealMesos, libmesos: Path) -> None:
    code = f"""
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    print(set(pool.map(mesos.libmesos_version, [{str(libmesos)!r}] * 8)))
"""
    assert run(real_mesos, code) == "{'1.11.0'}"


@pytest.mark.parametrize("variable", VARIABLES)
def test_the_environment_names_it(real_mesos: RealMesos, libmesos: Path, variable: str) -> None:
    assert run(real_mesos, "print(mesos.libmesos_version())", **{variable: str(libmesos)}) == "1.11.0"


def test_the_variable_of_the_c_library_comes_first(real_mesos: RealMesos, libmesos: Path) -> None:
    variables = dict(zip(VARIABLES, (str(libmesos), "/missing"), strict=True))
    assert run(real_mesos, "print(mesos.libmesos_version())", **variables) == "1.11.0"


def test_the_loader_finds_it(real_mesos: RealMesos, libmesos: Path) -> None:
    path = f"{real_mesos.stubs}:{libmesos.parent}"
    assert run(real_mesos, "print(mesos.libmesos_version())", LD_LIBRARY_PATH=path) == "1.11.0"


def test_a_missing_dependency_is_named(real_mesos: RealMesos, libmesos: Path, tmp_path: Path) -> None:
    """Without the stubs: the loader's words say which library libmesos itself lacks."""
    said = run(real_mesos, f"mesos.libmesos_version({str(libmesos)!r})", LD_LIBRARY_PATH=str(tmp_path))
    assert said.startswith(
        f"mesos.errors.ConfigurationError: {libmesos} (given as library=) cannot be loaded: lib"
    )
    assert "cannot open shared object file" in said


def test_the_real_one_was_linked_without_an_executors_driver(
    real_mesos: RealMesos, libmesos: Path, tmp_path: Path
) -> None:
    """Neither is it in any other release that PyPI ships (releases.py)."""
    variables = dict.fromkeys(("MESOS_FRAMEWORK_ID", "MESOS_EXECUTOR_ID", "MESOS_SLAVE_ID"), "x")
    variables |= {"MESOS_SLAVE_PID": "slave(1)@127.0.0.1:1", "MESOS_DIRECTORY": str(tmp_path)}
    code = f"mesos.ExecutorDriver(mesos.Executor(), backend='libmesos', library={str(libmesos)!r}).run()"
    said = run(real_mesos, code, **variables)
    assert said.startswith(f"mesos.errors.ConfigurationError: {libmesos} (given as library=) has no ")
    assert "mesos::MesosExecutorDriver: it was linked for schedulers only" in said


def test_what_was_asked_for_is_not_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = tmp_path / "libmesos.so"
    monkeypatch.setenv("MESOS_NATIVE_LIBRARY", "libz.so.1")
    with pytest.raises(
        mesos.ConfigurationError, match=rf"^{missing} \(given as library=\) cannot be loaded: "
    ):
        mesos.libmesos_version(missing)


def test_the_variable_that_named_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESOS_NATIVE_LIBRARY", "/missing.so")
    with pytest.raises(
        mesos.ConfigurationError, match=r"^/missing\.so \(named by MESOS_NATIVE_LIBRARY\) cannot"
    ):
        mesos.libmesos_version()


def test_none_at_all_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "")
    with pytest.raises(
        mesos.ConfigurationError, match=r"libmesos\.so \(looked for by .*MESOS_NATIVE_LIBRARY"
    ):
        mesos.libmesos_version()


def test_another_library_is_refused() -> None:
    with pytest.raises(
        mesos.ConfigurationError, match=r"libc\.so\.6 .* it lacks google::protobuf.* and \d+ more"
    ):
        mesos.libmesos_version("libc.so.6")


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.so"
    text.write_text("not ELF" * 100)
    with pytest.raises(mesos.ConfigurationError, match="invalid ELF header"):
        mesos.libmesos_version(text)


def test_the_old_string_abi_is_recognised(tmp_path: Path) -> None:
    source, library = tmp_path / "old.c", tmp_path / "libold.so"
    source.write_text("void _ZNK6google8protobuf11MessageLite17SerializeToStringEPSs(void) {}\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    with pytest.raises(mesos.ConfigurationError, match="_GLIBCXX_USE_CXX11_ABI=0"):
        mesos.libmesos_version(library)


def test_a_wrong_type_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        mesos.libmesos_version(5)  # type: ignore[arg-type]
