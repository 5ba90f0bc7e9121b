"""Nothing is left behind: memory and reference counts are the same after much work as after some.

Python counts the blocks it gave away, which shows a single object left by every twentieth step; what Rust
allocates itself shows in the resident size of the process.
"""

import collections
import contextlib
import copy
import gc
import itertools
import os
import pathlib
import pickle
import sys

import mesos
import pytest
from mesos.v1 import scheduler

pytestmark = pytest.mark.skipif(
    sys.getallocatedblocks() == 0, reason="PYTHONMALLOC=malloc: nobody counts the blocks"
)

STATM = pathlib.Path("/proc/self/statm")
MIB = 1 << 20


def resident():
    """Return the size of the process in memory, in bytes; 0 where nothing tells it."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if STATM.exists() else 0


@contextlib.contextmanager
def flat(*, blocks=1000, size=MIB):
    """Fail if what is done inside leaves more than so many blocks, or bytes, behind.

    Noise is some 100 blocks and 100 KiB: Python's own caches.
    """
    gc.collect()
    before = sys.getallocatedblocks(), resident()
    yield
    gc.collect()
    after = sys.getallocatedblocks(), resident()
    assert after[0] - before[0] < blocks, "objects are left"
    assert after[1] - before[1] < size, "memory is left"


TASK = mesos.TaskInfo(
    name="web",
    task_id="t-1",
    agent_id="a-1",
    resources=mesos.Resources(cpus=0.5, mem=64, ports=[(31000, 31005)]),
    command={"value": "true", "environment": {"variables": [{"name": "A", "value": "b"}]}},
    labels={"labels": [{"key": "k", "value": "v"}]},
    limits={"cpus": 1, "mem": 2},
)
DATA = TASK.SerializeToString()
EVENT = scheduler.Event(
    type="OFFERS",
    offers={
        "offers": [
            {
                "id": str(number),
                "framework_id": "f",
                "agent_id": "a",
                "hostname": "h",
                "resources": mesos.Resources(cpus=4, mem=1024),
            }
            for number in range(20)
        ]
    },
).SerializeToString()


def test_a_million_messages():
    data = mesos.TaskStatus(task_id="t", state="TASK_RUNNING", message="m" * 40).SerializeToString()

    def use(count):
        for _ in range(count):
            status = mesos.TaskStatus.FromString(data)
            status.task_id.value, status.state, status.message  # noqa: B018 - made by being read

    use(1000)
    with flat():
        use(1_000_000)


def touch(message):
    """Make an object of every part."""
    for field, value in message.ListFields():
        if isinstance(value, mesos.Message):
            touch(value)
        elif field.message_type is not None:
            for item in value.values() if hasattr(value, "values") else value:
                touch(item)
        elif not isinstance(value, str | bytes | int | float):
            list(value)


def test_children_outlive_their_parents_and_go():
    def use(count):
        kept = collections.deque(maxlen=50)
        for _ in range(count):
            event = scheduler.Event.FromString(EVENT)
            kept.append(event.offers.offers[3].resources[0].scalar)
            kept.append(event.offers.offers)
            kept.append(mesos.TaskInfo.FromString(DATA).limits["cpus"])
        assert {type(child) for child in kept} == {type(event.offers.offers), mesos.Value.Scalar}
        assert kept[0].value in (1, 4) if isinstance(kept[0], mesos.Value.Scalar) else len(kept[0]) == 20

    use(200)
    with flat():
        use(20_000)


def test_parents_outlive_their_children():
    event, task = scheduler.Event.FromString(EVENT), mesos.TaskInfo.FromString(DATA)

    def use(count):
        for _ in range(count):
            for offer in event.offers.offers:
                offer.resources[0].scalar.value  # noqa: B018
            child = task.command
            task.ClearField("command")
            task.command.CopyFrom(child)
            task.limits.pop("mem").value = 3
            task.limits["mem"].value = 2
            task.resources.append(task.resources.pop(0))

    use(200)
    with flat():
        use(20_000)
    assert task == TASK or len(task.resources) == len(TASK.resources)


def test_bytes_are_held_as_long_as_they_are_needed():
    data = bytes(bytearray(DATA))
    alone = sys.getrefcount(data)
    task = mesos.TaskInfo.FromString(data)
    child, items, limits = task.command, task.resources, task.limits
    assert sys.getrefcount(data) > alone
    del task
    assert child.value == "true"
    assert sys.getrefcount(data) > alone
    del child, items, limits
    assert sys.getrefcount(data) == alone
    task = mesos.TaskInfo.FromString(data)
    copies = [copy.copy(task), copy.deepcopy(task)]
    task.ParseFromString(b"")
    del copies
    assert sys.getrefcount(data) == alone


class Bad:
    def __index__(self):
        raise KeyError

    def __getattr__(self, name):
        raise KeyError


def failing(values):
    yield from values
    raise KeyError


def refused(action, *args, **kwargs):
    try:
        action(*args, **kwargs)
    except (LookupError, TypeError, ValueError, AttributeError):
        return
    raise AssertionError("it was taken")


def refused_constructions():
    refused(mesos.TaskInfo, name="n", task_id="t", resources=[{"name": "cpus"}, {"nope": 1}])
    refused(mesos.TaskInfo, name="n", task_id=mesos.AgentID(value="a"))
    refused(mesos.TaskInfo, labels={"labels": [{"key": "k"}, Bad()]}, command={"value": "x"})
    refused(mesos.TaskInfo, limits={"cpus": 1, "mem": "x"})
    refused(mesos.TaskInfo, name="n", nope=1)
    refused(mesos.TaskInfo, "n")
    refused(mesos.Value.Range, begin=1, end=Bad())
    refused(mesos.TaskStatus, state="TASK_NOPE")
    refused(mesos.TaskID, value="a\ud800")


def refused_changes():
    task = mesos.TaskInfo.FromString(DATA)
    refused(setattr, task, "command", 1)
    refused(setattr, task, "name", 1)
    refused(setattr, task, "nope", 1)
    refused(getattr, task, "nope")
    refused(task.resources.extend, failing([{"name": "x"}]))
    refused(task.resources.sort, key=lambda resource: resource.nope)
    refused(task.resources.append, 1)
    refused(task.resources.add, nope=1)
    refused(task.resources.pop, 99)
    refused(task.limits.update, {"cpus": 1, "mem": "x"})
    refused(task.limits.pop, "nope")
    refused(task.HasField, "resources")
    refused(hash, task)


def refused_bytes():
    refused(mesos.TaskInfo.FromString, DATA[:-1])
    refused(mesos.TaskInfo.FromString, 7)
    refused(mesos.TaskInfo().ParseFromString, b"\xff")
    refused(mesos.TaskInfo().MergeFromString, b"\xff")
    refused(mesos.TaskInfo.from_json, '{"name": ')
    refused(mesos.TaskInfo.from_json, '{"name": {}}')
    refused(mesos.TaskInfo(name="x").SerializeToString)


def iterators():
    task = mesos.TaskInfo.FromString(DATA)
    half = iter(task.resources)
    next(half)
    half = iter(task.limits)
    next(half)
    for view in (task.limits.keys(), task.limits.values(), task.limits.items()):
        next(iter(view))
    list(itertools.islice(task.resources, 2))
    sorted(task.limits), reversed(task.resources)


def repeated_fields():
    owner = mesos.Value.Set(item=["a", "b", "c"])
    items = owner.item
    items.append("d")
    items.insert(1, "e")
    items.extend(["f", "g" * 100])
    items[1:3] = ["h", "i", "j"]
    items[::2] = ["k"] * len(items[::2])
    items.sort(key=len, reverse=True)
    items.reverse()
    del items[2], items[::2]
    items.pop(), items.remove(items[0]), items.count("x")
    items.clear()


def messages_in_repeated_fields():
    task = mesos.TaskInfo.FromString(DATA)
    task.resources.extend(task.resources)
    task.resources.add(name="gpus").scalar.value = 1
    task.resources.sort(key=lambda resource: resource.name)
    task.resources.insert(0, {"name": "x"})
    del task.resources[1:3]
    task.resources.reverse()
    task.resources.pop(), repr(task.resources), task.resources == list(task.resources)


def maps():
    task = mesos.TaskInfo.FromString(DATA)
    limits = task.limits
    limits["disk"].value = 1
    limits["cpus"].CopyFrom(limits["disk"])
    limits.update({"a": 1, "b": {"value": 2}}), limits.MergeFrom(limits)
    limits.setdefault("c", 3), limits.get("d"), limits.pop("a")
    del limits["b"]
    repr(limits), limits == dict(limits), copy.copy(limits), "x" in limits
    limits.clear()


def copies_and_merges():
    task = mesos.TaskInfo.FromString(DATA)
    touch(task)
    copied = copy.deepcopy(task)
    copied.MergeFrom(task), copied.CopyFrom(task), copied.MergeFromString(DATA)
    copied == task, repr(copied)
    pickle.loads(pickle.dumps(copied))
    copied.ParseFromString(DATA), copied.Clear(), copied.DiscardUnknownFields()


def json_and_dicts():
    text = mesos.TaskInfo.FromString(DATA).to_json()
    mesos.TaskInfo.from_json(text)
    mesos.TaskInfo(
        **{"name": "n", "command": {"value": "x"}, "limits": {"cpus": 1}}
    ).SerializePartialToString()


def stubs_and_oneofs():
    volume = mesos.Volume.Source.CSIVolume.VolumeCapability()
    volume.block.SetInParent(), volume.mount.SetInParent()
    volume.WhichOneof("access_type"), volume.ClearField("access_type")
    mesos.TaskInfo().container.docker.image  # noqa: B018
    mesos.TaskInfo().container.docker.image = "x"


WORK = [
    refused_constructions,
    refused_changes,
    refused_bytes,
    iterators,
    repeated_fields,
    messages_in_repeated_fields,
    maps,
    copies_and_merges,
    json_and_dicts,
    stubs_and_oneofs,
]


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_work_leaves_nothing(work):
    for _ in range(2000):
        work()
    with flat():
        for _ in range(20_000):
            work()


def test_shared_objects_are_counted_right():
    shared = [None, True, False, 0, 1, "", b"", mesos.TASK_RUNNING, mesos.Value.SCALAR, mesos.TaskState]
    shared += [mesos.TaskInfo, mesos.Value.Scalar, type(TASK.resources), type(TASK.limits), mesos.Message]

    def use(count):
        for _ in range(count):
            for work in WORK:
                work()
            status = mesos.TaskStatus(state=mesos.TASK_RUNNING, task_id="")
            again = mesos.TaskStatus.FromString(status.SerializePartialToString())
            again.state, again.reason, again.healthy, again.data, mesos.Resource().type

    use(100)
    before = [sys.getrefcount(it) for it in shared]
    use(2000)
    after = [sys.getrefcount(it) for it in shared]
    for it, one, two in zip(shared, before, after, strict=True):
        assert abs(two - one) < 200, f"{it!r}: {one} references, then {two}"


def test_strings_are_kept_up_to_a_number():
    def use(numbers):
        for number in numbers:
            mesos.TaskID.FromString(b"\x0a\x08%08d" % number).value  # noqa: B018

    use(range(20_000))  # fills the cache
    with flat():
        use(range(20_000, 300_000))


def test_memory_of_the_dead_is_kept_up_to_a_size():
    with flat(blocks=60_000, size=16 * MIB):  # 4 MiB are kept; what else remains is Python's
        messages = [mesos.Resource() for _ in range(200_000)]
        messages += [mesos.TaskID() for _ in range(200_000)]
        del messages
