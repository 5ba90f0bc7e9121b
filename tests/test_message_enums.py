"""Enums: IntEnums with google.protobuf's methods, and constants of their scopes."""

import enum

import mesos
import mesos.v1
import pytest
from protoc import compile_schema


def test_members_are_constants_of_their_scope():
    assert mesos.TASK_RUNNING is mesos.TaskState.TASK_RUNNING
    assert mesos.Value.SCALAR is mesos.Value.Type.SCALAR
    assert mesos.Offer.Operation.LAUNCH is mesos.Offer.Operation.Type.LAUNCH
    assert mesos.Offer.Operation().LAUNCH is mesos.Offer.Operation.LAUNCH
    assert mesos.v1.TASK_RUNNING is mesos.TASK_RUNNING


def test_members_are_ints_that_print_as_names():
    state = mesos.TASK_FINISHED
    assert isinstance(state, enum.IntEnum)
    assert state == 2
    assert str(state) == f"{state}" == format(state) == "TASK_FINISHED"
    assert f"{state:d}" == "2"
    assert f"{state:03d}" == "002"
    assert state.name == "TASK_FINISHED"
    assert mesos.TaskState(2) is state
    assert mesos.TaskState.__module__ == "mesos"
    assert mesos.Value.Type.__qualname__ == "Value.Type"
    assert mesos.TaskState.__doc__


def test_google_methods():
    assert mesos.TaskState.Name(2) == "TASK_FINISHED"
    assert mesos.TaskState.Value("TASK_FINISHED") is mesos.TASK_FINISHED
    assert mesos.TaskState.keys()[0] == "TASK_STAGING"
    assert mesos.TaskState.values()[0] is mesos.TASK_STAGING
    assert mesos.TaskState.items()[1] == ("TASK_STARTING", 0)
    assert len(mesos.TaskState.keys()) == 14
    with pytest.raises(ValueError, match="99"):
        mesos.TaskState.Name(99)
    with pytest.raises(ValueError, match="TaskState has no value 'TASK_FOO'"):
        mesos.TaskState.Value("TASK_FOO")


def test_v0_names():
    reason = mesos.TaskStatus.Reason
    assert reason.REASON_SLAVE_REMOVED is reason.REASON_AGENT_REMOVED is mesos.TaskStatus.REASON_SLAVE_REMOVED
    assert mesos.TaskStatus.Source.Value("SOURCE_SLAVE") is mesos.TaskStatus.SOURCE_AGENT
    assert "SOURCE_SLAVE" not in list(mesos.TaskStatus.Source.keys())


def test_terminal_states():
    terminal = {state.name for state in mesos.TaskState if state.is_terminal}
    assert terminal == {
        "TASK_FINISHED",
        "TASK_FAILED",
        "TASK_KILLED",
        "TASK_ERROR",
        "TASK_LOST",
        "TASK_DROPPED",
        "TASK_GONE",
        "TASK_GONE_BY_OPERATOR",
    }
    with pytest.raises(AttributeError):
        _ = mesos.Value.SCALAR.is_terminal


def test_fields_take_members_names_and_numbers():
    for value in [mesos.TASK_RUNNING, "TASK_RUNNING", 1]:
        status = mesos.TaskStatus(state=value)
        assert status.state is mesos.TASK_RUNNING
    status = mesos.TaskStatus()
    status.state = "TASK_FAILED"
    assert status.state is mesos.TASK_FAILED
    assert mesos.TaskStatus.FromString(status.SerializePartialToString()).state is mesos.TASK_FAILED


def test_every_enum_is_there():
    def walk(scope, file):
        for item in file.enum_type:
            yield f"{scope}.{item.name}", item
        for message in getattr(file, "message_type", None) or getattr(file, "nested_type", ()):
            yield from walk(f"{scope}.{message.name}", message)

    found = [
        pair
        for file in compile_schema().file
        if file.package.startswith("mesos")
        for pair in walk(file.package, file)
    ]
    assert len(found) == 53
    for name, item in found:
        ours = mesos.v1
        for part in name.removeprefix("mesos.v1.").split("."):
            ours = getattr(ours, part)
        assert ours.items() == [(value.name, value.number) for value in item.value]
