"""Finalizers that change what is being worked on, in the middle of it.

Classes are made when they are first needed, which allocates, which collects garbage, whose finalizers may run
anything. Here each of them changes the message that the step works on. A program of its own for each seed:
classes are made only once.
"""

import json
import subprocess
import sys

import pytest
from samples import ROOTS, WEIGHTY, Sample

PROGRAM = """
import faulthandler, functools, gc, json, random, sys
faulthandler.enable()
import mesos
import mesos.v1

rng = random.Random(int(sys.argv[1]))
TAKEN = (ValueError, TypeError, AttributeError, RuntimeError, LookupError)
ran = 0

class Garbage:
    def __init__(self, action):
        self.me, self.action = self, action
    def __del__(self):
        global ran
        ran += 1
        try:
            self.action()
        except TAKEN:
            pass

def names(message):
    found = vars(type(message)).items()
    return [name for name, value in found if type(value).__name__ == "getset_descriptor"]

def changes(message, data):
    for name in names(message):
        yield functools.partial(message.ClearField, name)
    yield message.Clear
    yield functools.partial(message.ParseFromString, b"")
    yield functools.partial(message.ParseFromString, data)
    yield functools.partial(message.MergeFromString, data)
    for name in names(message):
        def empty(name=name):
            value = getattr(message, name)
            value.clear() if hasattr(value, "clear") else value.Clear()
        yield empty

def walk(message):
    for name in names(message):
        value = getattr(message, name)
        if isinstance(value, mesos.Message) and message.HasField(name):
            walk(value)
        elif hasattr(value, "append"):
            for item in value:
                if isinstance(item, mesos.Message):
                    walk(item)
        elif hasattr(value, "items"):
            for item in value.values():
                if isinstance(item, mesos.Message):
                    walk(item)

STEPS = [
    repr, walk, walk, walk,
    lambda it: it.SerializePartialToString(),
    lambda it: it.FindInitializationErrors(),
    lambda it: it.DiscardUnknownFields(),
    lambda it: it.__deepcopy__(None),
    lambda it: it.to_json(),
    lambda it: it == type(it).FromString(it.SerializePartialToString()),
    lambda it: type(it)().MergeFrom(it),
    lambda it: type(it)().CopyFrom(it),
    lambda it: type(it)(**{name: getattr(it, name) for name in names(it) if getattr(it, name)}),
]
for name, data in json.load(sys.stdin):
    found = mesos.v1
    for part in name.removeprefix("mesos.v1.").split("."):
        found = getattr(found, part)
    data = bytes.fromhex(data)
    message = found.FromString(data)
    actions = list(changes(message, data))
    garbage = [Garbage(rng.choice(actions)) for _ in range(5)]
    gc.set_threshold(1)
    del garbage
    try:
        rng.choice(STEPS)(message)
    except TAKEN:
        pass
    gc.set_threshold(700)
    again = found.FromString(message.SerializePartialToString())
    assert again == message and repr(again) == repr(message)
gc.collect()
print(ran)
"""


@pytest.mark.parametrize("seed", range(5))
def test_finalizers_change_what_is_worked_on(seed):
    samples = [Sample(name, seed * 1000 + at, 4, 0.8) for at, name in enumerate([*WEIGHTY, *ROOTS[seed::5]])]
    data = [(sample.name, sample.make()[1].SerializePartialToString().hex()) for sample in samples]
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(seed)],
        input=json.dumps(data),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert int(ended.stdout) == 5 * len(samples)
