"""What `help()` shows: everything public has a docstring, every public list of names is right.

Invariants:
* The walk starts at `mesos` and takes in all that a user can reach by public names; nothing is listed here.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import itertools
import pkgutil
import pydoc
import rlcompleter
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import mesos
import pytest
from mesos import _descriptors


def modules() -> list[ModuleType]:
    """Every public module of the package."""
    names = [info.name for info in pkgutil.walk_packages(mesos.__path__, "mesos.") if "._" not in info.name]
    return [mesos, *map(importlib.import_module, names)]


MODULES = modules()


def public(module: ModuleType) -> list[str]:
    """The names that a module offers: those it lists, or those of its own that have no underscore."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return list(listed)
    own = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and callable(value)
    ]
    return [name for name in own if not name.startswith("_")]


def messages_and_enums() -> dict[str, type]:
    """Every class of the schema, nested ones too, by the name it has in Python."""
    found: dict[str, type] = {}

    def take(value: type) -> None:
        name = f"{value.__module__}.{value.__qualname__}"
        if name in found:
            return
        found[name] = value
        if issubclass(value, enum.Enum):
            return
        for inner in dir(value):
            nested = getattr(value, inner) if not inner.startswith("_") else None
            if isinstance(nested, type):
                take(nested)

    for module in MODULES:
        for name in dir(module):
            value = None if name.startswith("_") else getattr(module, name)
            bases = enum.IntEnum | mesos.Message
            if isinstance(value, type) and issubclass(value, bases) and value is not mesos.Message:
                take(value)
    return found


SCHEMA = messages_and_enums()


def full_name(name: str) -> str:
    """The name that the schema has for a class of ours."""
    if name == "mesos.Duration":
        return "google.protobuf.Duration"
    return name if name.startswith("mesos.v1.") else name.replace("mesos.", "mesos.v1.", 1)


def undocumented(value: type, name: str) -> list[str]:
    """The public methods and properties of a class that say nothing about themselves, and the class."""
    missing = [] if (inspect.getdoc(value) or "").strip() else [name]
    for attribute, member in vars(value).items():
        if attribute.startswith("_"):
            continue
        if isinstance(member, classmethod | staticmethod):
            member = member.__func__  # noqa: PLW2901 - what it wraps
        if (callable(member) or isinstance(member, property) or inspect.isdatadescriptor(member)) and not (
            inspect.getdoc(getattr(value, attribute)) or ""
        ).strip():
            missing.append(f"{name}.{attribute}")
    return missing


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_public_names_have_docstrings(module: ModuleType) -> None:
    assert (module.__doc__ or "").strip()
    missing = []
    for name in public(module):
        value = getattr(module, name)
        if isinstance(value, type) and not issubclass(value, mesos.Message | enum.Enum):
            missing += undocumented(value, f"{module.__name__}.{name}")
        elif callable(value) and not (inspect.getdoc(value) or "").strip():
            missing.append(f"{module.__name__}.{name}")
    assert missing == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_lists_of_names_are_right(module: ModuleType) -> None:
    listed: list[str] = getattr(module, "__all__", [])
    assert [name for name in listed if not hasattr(module, name)] == []
    assert listed == sorted(set(listed), key=lambda name: (not name.isupper(), name))
    assert set(listed) <= set(dir(module)), "completion in a shell finds them"


def test_the_walk_of_the_schema_finds_it_all() -> None:
    kinds = [issubclass(value, enum.Enum) for value in SCHEMA.values()]
    assert (kinds.count(False), kinds.count(True)) == (350, 53)  # 349 of Mesos, Duration; no map entries


def test_messages_fields_and_enum_values_have_docstrings() -> None:
    missing = []
    for name, value in SCHEMA.items():
        if not (value.__doc__ or "").strip():
            missing.append(name)
        if issubclass(value, enum.Enum):
            told = (value.__doc__ or "").splitlines()
            for member in value:
                start = f"* `{member.name}` = {int(member)}: "
                if not any(line.startswith(start) and line.removeprefix(start).strip() for line in told):
                    missing.append(f"{name}.{member.name}")
                if member.__doc__ == value.__doc__ or len(member.__doc__ or "") < len("Reads."):
                    missing.append(f"{name}.{member.name}.__doc__")
            continue
        for field in _descriptors.fields(full_name(name)).values():
            shown = inspect.getdoc(getattr(value, field.name)) or ""
            if not field.doc.strip() or field.doc.strip()[:20] not in shown:
                missing.append(f"{name}.{field.name}")
    assert missing == []


def test_signatures_of_messages_show_their_keywords() -> None:
    for name, value in SCHEMA.items():
        if issubclass(value, mesos.Message):
            fields = _descriptors.fields(full_name(name)).values()
            known = [field.name for field in fields] + [field.old_name for field in fields if field.old_name]
            assert list(inspect.signature(value).parameters) == known, name
            value(**dict.fromkeys(known))
    assert str(inspect.signature(mesos.Value.Range)) == "(*, begin=None, end=None)"


def test_help_says_type_label_default_and_unit() -> None:
    shown = pydoc.plain(pydoc.render_doc(mesos.Filters))
    assert "Filters(*, refuse_seconds=None)" in shown
    assert "double, 5.0 if unset.\n" in shown
    assert "Seconds before" in shown
    assert "required TaskID." in pydoc.plain(pydoc.render_doc(mesos.TaskInfo.task_id))
    assert "HasField(self, name, /)" in shown


#: An enum's value, and google.protobuf's constant for the field of the same name.
NAMED = ("", "_FIELD_NUMBER")


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("mesos.TaskI", {"mesos.TaskID(", "mesos.TaskInfo("}),
        ("mesos.v1.sched", {"mesos.v1.scheduler"}),
        ("mesos.TASK_RUN", {"mesos.TASK_RUNNING"}),
        ("mesos.TaskInfo.task", {"mesos.TaskInfo.task_id"}),
        ("made.resou", {"made.resources"}),
        ("made.task_id.val", {"made.task_id.value"}),
        ("made.resources.app", {"made.resources.append("}),
        ("mesos.Offer.Operation.UNRESERVE", {f"mesos.Offer.Operation.UNRESERVE{end}" for end in NAMED}),
    ],
)
def test_a_shell_completes_names(text: str, known: set[str]) -> None:
    completer = rlcompleter.Completer({"mesos": mesos, "made": mesos.TaskInfo()})
    found = {found.rstrip(")") for found in iter(_counted(completer, text), None)}
    assert found == known


def _counted(completer: rlcompleter.Completer, text: str) -> Callable[[], str | None]:
    """Ask for one completion after the other, as readline does."""
    numbers = itertools.count()
    return lambda: completer.complete(text, next(numbers))


def test_methods_of_messages_have_docstrings() -> None:
    missing: list[str] = []
    for owner in (mesos.Message, mesos._mesos.Repeated, mesos._mesos.Map):
        missing += undocumented(owner, owner.__name__)
    assert missing == []


IMPORT = """
import logging, signal, sys, threading, warnings, gc
before = [signal.getsignal(number) for number in signal.valid_signals()]
filters, hooks = list(warnings.filters), (sys.excepthook, threading.excepthook, sys.unraisablehook)
import mesos, mesos.local, mesos.testing, mesos.dispatch, mesos.v1.scheduler
mesos.dispatch.AsyncioDispatcher, mesos.TaskInfo, mesos.TASK_RUNNING
assert [signal.getsignal(number) for number in signal.valid_signals()] == before
assert warnings.filters == filters
assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == hooks
assert threading.active_count() == 1
assert not logging.root.handlers
loggers = [one for name, one in logging.root.manager.loggerDict.items() if name.startswith("mesos")]
assert not [one for one in loggers if getattr(one, "handlers", ()) or getattr(one, "level", 0)]
try:
    from os import listdir
    tasks = len(listdir("/proc/self/task"))
except OSError:
    tasks = 1
assert tasks == 1, tasks
"""


def test_importing_has_no_side_effects() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT], capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_drawn_in_a_docstring_stays_drawn() -> None:
    tree = (importlib.import_module("mesos.errors").__doc__ or "").splitlines()
    for name in mesos.errors.__all__:
        if name != "MesosError":
            assert sum(line.lstrip().startswith(("├── " + name, "└── " + name)) for line in tree) == 1
