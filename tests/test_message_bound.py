"""Methods of messages: bound as CPython binds them, and what a user puts in their place is used at once."""

import copy
import sys

import mesos
import pytest


@pytest.fixture
def task_id():
    return mesos.TaskID(value="t")


def test_bound_as_by_cpython(task_id):
    for name in dir(mesos.Message):
        ordinary = object.__getattribute__(task_id, name)
        found = getattr(task_id, name)
        assert type(found) is type(ordinary), name
        if type(found) is type([].append):
            assert found == ordinary
            assert found.__self__ is ordinary.__self__
            assert (found.__name__, found.__doc__) == (ordinary.__name__, ordinary.__doc__)
    assert getattr(task_id, "".join(["Has", "Field"]))("value"), "a name that is not interned"


def test_holds_its_message(task_id):
    before = sys.getrefcount(task_id)
    method = task_id.SerializeToString
    assert sys.getrefcount(task_id) == before + 1
    del method
    assert sys.getrefcount(task_id) == before
    assert mesos.TaskID(value="gone").SerializeToString() == b"\n\x04gone"


def test_patched_class(task_id, monkeypatch):
    other = mesos.AgentID(value="a")
    for _ in range(3):
        assert task_id.HasField("value") is True
        with monkeypatch.context() as patch:
            patch.setattr(mesos.TaskID, "HasField", lambda self, name: (self.value, name), raising=False)
            assert task_id.HasField("x") == ("t", "x")
            assert task_id.WhichOneof.__name__ == "WhichOneof"
            assert other.HasField("value") is True, "another class"
            assert copy.copy(task_id).HasField("y") == ("t", "y")
        assert task_id.HasField("value") is True


def test_patched_base(task_id, monkeypatch):
    assert task_id.HasField("value") is True
    with monkeypatch.context() as patch:
        patch.setattr(mesos.Message, "HasField", lambda _self, name: name)
        assert task_id.HasField("x") == "x"
        assert mesos.AgentID().HasField("x") == "x"
    assert task_id.HasField("value") is True


def test_class_changed_otherwise(task_id, monkeypatch):
    monkeypatch.setattr(mesos.TaskID, "extra", property(lambda self: self.value * 2), raising=False)
    assert (task_id.extra, task_id.HasField("value")) == ("tt", True)


def test_removed_method(task_id, monkeypatch):
    assert task_id.HasField("value") is True
    with monkeypatch.context() as patch:
        patch.delattr(mesos.Message, "HasField")
        with pytest.raises(AttributeError, match="HasField"):
            _ = task_id.HasField
        assert task_id.ByteSize() == 3
    assert task_id.HasField("value") is True
