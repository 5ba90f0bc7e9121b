"""Map fields: dicts that convert and check what is put into them."""

import collections.abc
import copy

import mesos
import pytest


@pytest.fixture(params=["built", "parsed"])
def limits(request):
    made = mesos.TaskInfo(limits={"cpus": 1, "mem": {"value": 2}})
    task = made if request.param == "built" else mesos.TaskInfo.FromString(made.SerializePartialToString())
    request.task = task
    yield task.limits
    assert mesos.TaskInfo.FromString(task.SerializePartialToString()).limits == task.limits


@pytest.fixture
def context():
    volume = mesos.Volume.Source.CSIVolume.StaticProvisioning(volume_context={"a": "1"})
    yield volume.volume_context
    parsed = type(volume).FromString(volume.SerializePartialToString())
    assert parsed == volume
    assert parsed.volume_context == volume.volume_context


def test_reading(limits):
    assert len(limits) == 2
    assert set(limits) == {"cpus", "mem"} == set(limits.keys())
    assert limits["mem"].value == 2
    assert limits["mem"] is limits["mem"] is dict(limits.items())["mem"]
    assert "cpus" in limits
    assert "disk" not in limits
    assert limits.get("disk") is None
    assert limits.get("disk", 5) == 5
    assert len(limits) == 2, "get does not make"
    assert isinstance(limits, collections.abc.MutableMapping)
    assert limits == {"cpus": mesos.Value.Scalar(value=1), "mem": mesos.Value.Scalar(value=2)}
    assert "mem" in repr(limits)


def test_a_missing_message_is_made(limits):
    limits["disk"].value = 3
    assert limits.get_or_create("gpus").value == 0
    assert len(limits) == 4


def test_changing_and_taking_out(limits):
    value = limits["cpus"]
    value.value = 9
    assert limits["cpus"].value == 9
    del limits["cpus"]
    value.value = 10
    assert "cpus" not in limits
    limits.update({"a": 1}, b=2)
    assert limits.pop("a").value == 1
    assert limits.pop("a", None) is None
    with pytest.raises(KeyError):
        limits.pop("a")
    with pytest.raises(KeyError):
        del limits["a"]
    limits.MergeFrom({"c": 3})
    assert set(limits) == {"mem", "b", "c"}
    limits.clear()
    assert limits == {}


def test_plain_values(context):
    context["b"] = "2"
    assert context.setdefault("c", "3") == "3"
    assert context.setdefault("c", "4") == "3"
    with pytest.raises(KeyError):
        context["nothing"]
    assert dict(context) == {"a": "1", "b": "2", "c": "3"}
    assert copy.deepcopy(context) == {"a": "1", "b": "2", "c": "3"}
    assert copy.copy(context) == context


def test_a_map_sets_its_parent():
    task = mesos.TaskInfo()
    assert task.limits == {}
    assert "cpus" not in task.limits
    assert task.SerializePartialToString() == b""
    limits = task.limits
    limits["cpus"].value = 1
    assert len(task.limits) == 1
    task.ClearField("limits")
    limits["mem"].value = 1
    assert task.limits == {}
    assert set(limits) == {"cpus", "mem"}


def test_refusals(limits, context):
    with pytest.raises(ValueError, match=r"TaskInfo.limits: messages in a map cannot be assigned.*CopyFrom"):
        limits["cpus"] = mesos.Value.Scalar(value=1)
    with pytest.raises(TypeError, match="expected a str, got int 5"):
        context["x"] = 5
    with pytest.raises(TypeError, match="expected a str, got int 5"):
        context[5] = "x"
    with pytest.raises(TypeError, match=r"TaskInfo.limits: expected a dict"):
        mesos.TaskInfo(limits=[("cpus", 1)])
    with pytest.raises(TypeError, match=r"expected Value.Scalar, a dict or a number"):
        mesos.TaskInfo(limits={"cpus": "1"})
    with pytest.raises(TypeError, match="unhashable"):
        hash(limits)
    with pytest.raises(TypeError, match="cannot create"):
        type(limits)()


def test_entries_on_the_wire():
    entry = b"\x0a\x01k\x12\x09\x09" + b"\0" * 6 + b"\xf0\x3f"
    field = b"\x7a" + bytes([len(entry)]) + entry
    task = mesos.TaskInfo.FromString(field + field + b"\x7a\x03\x0a\x01e" + b"\x7a\x00")
    assert task.limits == {
        "k": mesos.Value.Scalar(value=1),
        "e": mesos.Value.Scalar(),
        "": mesos.Value.Scalar(),
    }
    task.name = "n"
    assert mesos.TaskInfo.FromString(task.SerializePartialToString()) == task
