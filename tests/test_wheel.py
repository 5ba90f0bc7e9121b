"""What a user does first: install the wheel or the checkout into an empty environment, run the example."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import venv
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
pytestmark = pytest.mark.timeout(900)  # a build may be among it


def run(*command: object) -> str:
    """Runs to success, or fails with all that was printed."""
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def python(tmp_path: pathlib.Path) -> pathlib.Path:
    """The interpreter of a new, empty virtual environment."""
    venv.create(tmp_path / "venv", with_pip=True)
    return tmp_path / "venv" / "bin" / "python"


def shows_hello(python: pathlib.Path) -> None:
    out = run(python, "-I", ROOT / "examples" / "hello.py")
    assert out.count("TASK_FINISHED") == 5
    assert "| Hello, Mesos!" in out


def test_the_wheel_in_an_empty_environment_runs_the_example(python: pathlib.Path) -> None:
    run("make", "wheel", f"PYTHON={sys.executable}")
    (wheel,) = (ROOT / "dist").glob("*.whl")
    run(python, "-m", "pip", "install", "--no-index", wheel)  # no index: nothing else may be needed
    listed = run(python, "-m", "pip", "list", "--format=freeze")
    assert {line.split("==")[0].split(" ")[0] for line in listed.split("\n") if line} <= {
        "mesos",
        "pip",
        "setuptools",
    }
    shows_hello(python)
    assert wheel.stat().st_size <= 12_000_000
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    folder = ROOT / "python" / "mesos"
    stubs = {f"mesos/{stub.relative_to(folder)}" for stub in folder.rglob("*.pyi")}
    assert len(stubs) > 9
    assert stubs | {"mesos/py.typed"} <= names


def test_pip_install_of_the_checkout(python: pathlib.Path) -> None:
    run(python, "-m", "pip", "install", ".")
    shows_hello(python)
