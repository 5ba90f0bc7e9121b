"""Tests the messages and drivers on every CPython of this machine: `make test-pythons`.

For each there is a wheel of its own, and the abi3 wheel for the oldest and the newest that it is for. What is
built and installed stays in .cache/pythons, so that a second run only builds what changed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "pythons"
OLDEST, OLDEST_ABI3 = (3, 10), (3, 11)
TESTS = [
    "tests/test_message*.py",
    "tests/test_driver*.py",
    "tests/test_dispatch*.py",
    "tests/dispatch/test_*.py",
    "tests/test_exits.py",
    "tests/test_notebook.py",
    "tests/test_scheduler.py",
    "tests/test_trace.py",
]
ASK = """
import ensurepip, json, sys, sysconfig
known = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
print(json.dumps([sys.version_info[:3] if known else [0], sys.executable]))
"""


@dataclasses.dataclass
class Python:
    """An interpreter."""

    version: tuple[int, ...]
    path: str

    @property
    def name(self) -> str:
        """Its version as its users say it."""
        return ".".join(map(str, self.version))


def pythons() -> list[Python]:
    """Find the newest CPython of each minor version, on the PATH and under pyenv."""
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv"))
    folders = [*pyenv.glob("versions/*/bin"), *map(pathlib.Path, os.get_exec_path())]
    found: dict[tuple[int, ...], Python] = {}
    for folder in folders:
        for path in sorted(folder.glob("python3*")):
            if not re.fullmatch(r"python3\.\d+", path.name):
                continue
            asked = subprocess.run([path, "-c", ASK], capture_output=True, text=True, check=False)
            if asked.returncode:  # a shim that stands for nothing, or a Python without ensurepip
                continue
            version, executable = json.loads(asked.stdout)
            python = Python(tuple(version), executable)
            known = found.get(python.version[:2])
            if python.version >= OLDEST and (known is None or python.version > known.version):
                found[python.version[:2]] = python
    return [found[minor] for minor in sorted(found)]


def run(*command: object, log: pathlib.Path, **environment: str) -> bool:
    """Run a command; its output goes to the end of `log`."""
    with log.open("a") as out:
        env = {**os.environ, **environment}
        words = [str(word) for word in command]
        return subprocess.run(words, cwd=ROOT, env=env, stdout=out, stderr=out, check=False).returncode == 0


def venv(python: Python, log: pathlib.Path) -> pathlib.Path:
    """Return the interpreter of a virtual environment that has what the tests need."""
    folder = CACHE / "venv" / python.name
    inside = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists() or ready.stat().st_mtime < (ROOT / "pyproject.toml").stat().st_mtime:
        pip = (inside, "-m", "pip", "install", "--quiet", "--upgrade")
        made = run(python.path, "-m", "venv", folder, log=log)
        if made and run(*pip, "pip>=25.1", log=log) and run(*pip, "--group", "test", log=log):
            ready.touch()
    return inside


def build(python: Python, log: pathlib.Path, *, abi3: bool) -> pathlib.Path | None:
    """Build the wheel, if anything changed."""
    out = CACHE / "wheels" / (f"{python.name}-abi3" if abi3 else python.name)
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.whl"):
        old.unlink()
    maturin = pathlib.Path(sys.executable).with_name("maturin")
    features = ("--features", "abi3") if abi3 else ()
    command = (
        maturin,
        "build",
        "--release",
        "--locked",
        "--interpreter",
        python.path,
        "--out",
        out,
        *features,
    )
    built = run(*command, log=log, CARGO_TARGET_DIR=str(CACHE / "target"))
    return next(out.glob("*.whl"), None) if built else None


def test(python: Python, *, wheel_of: Python, abi3: bool) -> tuple[str, str]:
    """Build, install, test: the outcome in a few words, and where the output is."""
    log = CACHE / f"{python.name}{'-abi3' if abi3 else ''}.log"
    log.write_text("")
    inside = venv(python, log)
    wheel = build(wheel_of, log, abi3=abi3)
    install = (inside, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps")
    if wheel is None or not run(*install, wheel, log=log):
        return "no wheel", str(log)
    tests = [path for pattern in TESTS for path in sorted(ROOT.glob(pattern))]
    # isolated, or the sources in the current directory would be imported instead
    run(inside, "-I", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, log=log)
    return log.read_text().strip().rpartition("\n")[2].strip("= "), str(log)


def main() -> None:
    """Test all of them and print a table."""
    CACHE.mkdir(parents=True, exist_ok=True)
    found = pythons()
    modern = [python for python in found if python.version >= OLDEST_ABI3]
    plan = [(python, python, False) for python in found]
    plan += [
        (python, modern[0], True)
        for python in {modern[0].name: modern[0], modern[-1].name: modern[-1]}.values()
    ]
    failed = False
    for python, wheel_of, abi3 in plan:
        start = time.monotonic()
        outcome, log = test(python, wheel_of=wheel_of, abi3=abi3)
        bad = "passed" not in outcome or "failed" in outcome or "error" in outcome
        failed |= bad
        kind = "abi3" if abi3 else "own"
        seconds = f"{time.monotonic() - start:.0f} s"
        print(f"{python.name:8} {kind:5} {seconds:>6}  {outcome}{f'  see {log}' if bad else ''}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
