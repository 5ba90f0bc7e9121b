"""The stubs say what the compiled module has. Whether programs type-check is seen with typed.py."""

from __future__ import annotations

import ast
import pathlib
import subprocess
import sys

import pytest

from tools.stubs import schema
from tools.stubs.stub import write

ROOT = pathlib.Path(__file__).parents[1]

#: What stubtest cannot see or cannot be told, by regular expression.
ALLOWED = r"""
mesos\.v1\..*Like                  # names for annotations, which do not exist at run time
mesos\._calls\.(OneOrMany|Offers|InverseOffers)  # the same
mesos\.v1\..*\.\w*slave\w*         # v0 names of fields: messages have them, their classes do not list them
mesos\.v1\.CgroupInfo\.Blkio\.[A-Z]+  # stubtest takes their class, Blkio.Operation, for the message Operation
mesos\._mesos\.Message\.DESCRIPTOR  # the classes of the schema have it, the base has not
mesos\._mesos\.__all__             # made by pyo3; no list for people
mesos\._mesos\.Repeated\.add        # typed as the class of the message: a call takes what that takes
# "disjoint base", which older type checkers do not know: the classes themselves, not what is in them
mesos\._mesos\.(ExecutorHandle|Handle|Map|Message|Repeated|Resources|SchedulerHandle|ScriptedBackend|_LocalCluster)
mesos\._descriptors\.fields        # its signature is behind functools.cache
mesos\._reflection\.(_file|descriptor|enum_descriptor)  # the same
mesos\._mesos\.Resources\.__r(add|sub)__  # C has one slot for both sides; the other side is refused
"""


def test_stubs_agree_with_the_compiled_module(tmp_path: pathlib.Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.write_text(ALLOWED)
    command = [sys.executable, "-m", "mypy.stubtest", "mesos", "--concise", "--ignore-unused-allowlist"]
    done = subprocess.run(
        [*command, "--allowlist", str(allowed)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize("package", schema.PACKAGES)
def test_generated_stubs_are_up_to_date(package: str) -> None:
    written = write(package)
    assert written is None, f"{written} was not what the schema says; it is now: look at it and commit it"


def test_names_for_annotations_hide_no_names_of_the_schema() -> None:
    for package in schema.PACKAGES:
        name = package.removeprefix("mesos.v1").lstrip(".") or "__init__"
        module = ast.parse((ROOT / "python" / "mesos" / "v1" / f"{name}.pyi").read_text(encoding="utf-8"))
        defined = [node.name for node in module.body if isinstance(node, ast.ClassDef)]
        assert len(defined) == len(set(defined)), package
        assert not [own for own, _, _ in schema.members(package) if own.endswith(("Dict", "Like"))], package


def test_a_name_that_hides_a_type_is_refused() -> None:
    class Hides:
        Repeated = None

    with pytest.raises(ValueError, match=r"mesos\.v1\.Offer has names .*Repeated"):
        schema.check_names(Hides, "mesos.v1.Offer")  # type: ignore[arg-type]
