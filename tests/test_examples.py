"""Every example runs, on the embedded cluster, as a user would run it; so do the snippets of the docs."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
SNIPPETS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


PAGES = sorted((ROOT / "docs").glob("*.md"))


def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], text=True, capture_output=True, timeout=50, check=False
    )
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    return done


def test_hello_shows_states_and_outputs_on_readable_lines() -> None:
    lines = run(ROOT / "examples" / "hello.py").stdout.splitlines()
    assert lines[0].startswith("registered as ")
    assert lines[-1] == "5 of 5 tasks finished; DRIVER_STOPPED"
    for task, output in (("greet", "Hello, Mesos!"), ("count", "1 2 3 done"), ("think", "the answer is 42")):
        states = [line.split()[1] for line in lines if line.startswith(task) and "|" not in line]
        assert states == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]
        assert f"{task:<8}| {output}" in lines


def test_hello_says_what_is_wrong_with_a_bad_master() -> None:
    done = run(ROOT / "examples" / "hello.py", "ftp://nowhere", code=1)
    assert "ConfigurationError" in done.stderr
    assert "ftp" in done.stderr


@pytest.mark.parametrize("number", range(2))
def test_readme_snippets_run_to_their_end(number: int, tmp_path: pathlib.Path) -> None:
    script = tmp_path / "snippet.py"
    script.write_text(SNIPPETS[number])
    assert "TASK_FINISHED" in run(script).stdout


def test_readme_notebook_cell_registers_on_a_running_loop(tmp_path: pathlib.Path) -> None:
    cell = "".join(f"    {line}\n" for line in SNIPPETS[2].splitlines())
    script = tmp_path / "cell.py"
    script.write_text(
        "import asyncio\nasync def main():\n" + cell + "    while not hasattr(watch, 'offers'):\n"
        "        await asyncio.sleep(0.01)\n    print(len(watch.offers), 'offers')\n    driver.stop()\n"
        "    await driver.wait()\nasyncio.run(main())\n"
    )
    assert run(script).stdout == "2 offers\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_snippets_of_a_page_run_one_after_the_other(page: pathlib.Path) -> None:
    names: dict[str, object] = {}
    for snippet in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        exec(compile(snippet, page.name, "exec"), names)
