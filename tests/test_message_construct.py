"""Constructors: keywords, nested dicts, bare values, enum names; what they refuse and how they say it."""

import mesos
import mesos.v1
import pytest
from mesos.v1 import scheduler


def test_keywords_dicts_and_bare_values_say_the_same():
    bare = mesos.TaskInfo(
        name="n", task_id="t", agent_id="a", resources=[{"name": "cpus", "type": "SCALAR", "scalar": 2}]
    )
    full = mesos.TaskInfo(
        name="n",
        task_id=mesos.TaskID(value="t"),
        agent_id={"value": "a"},
        resources=[
            mesos.Resource(name="cpus", type=mesos.Value.SCALAR, scalar=mesos.Value.Scalar(value=2.0))
        ],
    )
    assert bare == full
    assert bare.resources[0].scalar.value == 2.0
    assert bare.SerializeToString() == full.SerializeToString()


def test_none_is_unset():
    task = mesos.TaskInfo(name=None, task_id=None, resources=None)
    assert task == mesos.TaskInfo()
    assert not task.HasField("name")


def test_v0_names_are_aliases():
    assert mesos.SlaveID is mesos.AgentID
    assert mesos.SlaveInfo is mesos.AgentInfo
    task = mesos.TaskInfo(slave_id="s")
    assert task.agent_id.value == task.slave_id.value == "s"
    status = mesos.TaskStatus(source="SOURCE_SLAVE", reason=mesos.TaskStatus.REASON_SLAVE_REMOVED)
    assert status.source is mesos.TaskStatus.SOURCE_AGENT
    assert status.reason is mesos.TaskStatus.REASON_AGENT_REMOVED
    with pytest.raises(AttributeError, match="cannot be assigned"):
        task.slave_id = mesos.SlaveID(value="x")
    assert "slave_id" not in dir(task)


def test_arguments_are_copied():
    task_id = mesos.TaskID(value="one")
    task = mesos.TaskInfo(task_id=task_id)
    task_id.value = "two"
    assert task.task_id.value == "one"
    resources = [mesos.Resource(name="cpus")]
    task = mesos.TaskInfo(resources=resources)
    resources[0].name = "mem"
    assert task.resources[0].name == "cpus"


def test_packages():
    assert mesos.v1.TaskInfo is mesos.TaskInfo
    assert not hasattr(mesos, "Call")
    assert scheduler.Call.Type.SUBSCRIBE is scheduler.Call.SUBSCRIBE
    assert scheduler.Call.__module__ == "mesos.v1.scheduler"
    assert mesos.Offer.Operation.Launch.__qualname__ == "Offer.Operation.Launch"
    assert mesos.Offer.Operation.Launch.__module__ == "mesos"
    assert mesos.Duration(seconds=1).seconds == 1


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: mesos.TaskInfo("x"), TypeError, "by keyword"),
        (lambda: mesos.TaskInfo(nme="x"), ValueError, "did you mean name"),
        (
            lambda: mesos.TaskInfo(task_id={"valeu": "x"}),
            ValueError,
            "TaskID has no field .*did you mean value",
        ),
        (lambda: mesos.CommandInfo(environment={"A": "1"}), ValueError, 'no field "A": it has variables'),
        (lambda: mesos.TaskInfo(command="echo"), TypeError, r"'echo'; write CommandInfo\(value=…\)"),
        (
            lambda: mesos.TaskInfo(command=["echo"]),
            TypeError,
            "command: expected CommandInfo or a dict, got list$",
        ),
        (lambda: mesos.TaskInfo(resources={"cpus": 1}), TypeError, r"got dict; mesos.Resources\(cpus=…"),
        (lambda: mesos.TaskInfo(name=5), TypeError, "TaskInfo.name: expected a str, got int 5"),
        (lambda: mesos.TaskInfo(task_id=5), TypeError, "TaskInfo.task_id: expected TaskID.*got int 5"),
        (lambda: mesos.TaskInfo(task_id=mesos.OfferID(value="x")), TypeError, "expected TaskID, got OfferID"),
        (
            lambda: mesos.TaskInfo(resources={"name": "cpus"}),
            TypeError,
            "TaskInfo.resources: expected several",
        ),
        (lambda: mesos.TaskInfo(resources="cpus:1"), TypeError, "TaskInfo.resources: expected several"),
        (lambda: mesos.TaskInfo(resources=[None]), TypeError, "TaskInfo.resources: expected Resource.*None"),
        (lambda: mesos.TaskInfo(resources=7), TypeError, "TaskInfo.resources: expected an iterable"),
        (
            lambda: mesos.TaskStatus(state="TASK_FOO"),
            ValueError,
            "TaskStatus.state: .*TASK_FOO.*TASK_RUNNING",
        ),
        (lambda: mesos.TaskStatus(state=99), ValueError, "int 99 is no value of TaskState"),
        (lambda: mesos.TaskStatus(state=1.0), TypeError, "TaskStatus.state"),
        (lambda: mesos.Value.Range(begin=True), TypeError, "Value.Range.begin: expected an int, got bool"),
        (
            lambda: mesos.Value.Range(begin=-1),
            ValueError,
            "Value.Range.begin: int -1 is out of range for uint64",
        ),
        (lambda: mesos.Value.Scalar(value="1"), TypeError, "Value.Scalar.value: expected a number"),
        (lambda: mesos.TaskStatus(data="text"), TypeError, "TaskStatus.data: expected bytes"),
        (mesos.Message, TypeError, "base of the message classes"),
    ],
)
def test_refusals_name_field_and_value(make, error, words):
    with pytest.raises(error, match=words):
        make()
