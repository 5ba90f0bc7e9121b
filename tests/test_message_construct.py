"""Constructors: keywords, nested dicts, bare values, enum names; what they refuse and how they say it."""

import enum

import mesos
import mesos.v1
import pytest
from google_messages import Odd, odd
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


class Text(str):
    """Text that is no exact str."""


class Number(enum.IntEnum):
    ONE = 1


def resource(**fields):
    return {"resources": [{"name": "x", **fields}]}


def selector(**members):
    return {"groups": [{"attribute_constraints": [{"selector": members}]}]}


#: A class, fields of it around a value, and values for there.
AROUND = [
    (
        mesos.TaskInfo,
        lambda value: resource(ranges={"range": [{"begin": value, "end": 1}]}),
        [0, 2**64 - 1, 2**64, -1, True, 1.5, "1", Number.ONE, None],
    ),
    (
        mesos.TaskInfo,
        lambda value: resource(scalar={"value": value}),
        [1, -0.0, 10**400, True, "1", float("nan"), None],
    ),
    (
        mesos.TaskInfo,
        lambda value: resource(type=value),
        ["SCALAR", "OFTEN", 1, 99, True, 1.0, Number.ONE, mesos.Value.SET, mesos.TASK_LOST, Text("SET")],
    ),
    (
        mesos.Offer,
        lambda value: {"url": {"address": {"port": value}}},
        [-1, 2**31 - 1, 2**31, -(2**31)],
    ),
    (
        scheduler.Event,
        lambda value: {"subscribed": {"master_info": {"port": value}}},
        [0, 2**32 - 1, 2**32, -1],
    ),
    (
        mesos.TaskInfo,
        lambda value: {"command": {"value": value}},
        ["ü𝄞", "\ud800", b"ok", b"\xff", Text("x"), 1],
    ),
    (mesos.TaskInfo, lambda value: {"command": {"shell": value}}, [True, 1, 0, None, "true"]),
    (
        mesos.TaskInfo,
        lambda value: {"labels": {"labels": value}},
        [[], [{}], [None], ["x"], "x", None, {}, ()],
    ),
    (
        mesos.TaskInfo,
        lambda value: {"labels": {}, "task_id": value},
        ["t", {"value": "t"}, None, 1, b"t", {}, mesos.TaskID(value="t"), mesos.AgentID(value="t")],
    ),
]
NESTED = [
    *((cls, around(value)) for cls, around, values in AROUND for value in values),
    (mesos.TaskInfo, {"command": {}, "executor": mesos.ExecutorInfo()}),
    (mesos.TaskInfo, {"command": {"arguments": ["a", b"b", "c"], "nonsense": 1}}),
    (mesos.TaskInfo, {"command": {"arguments": ["a", b"b", "c"]}}),
    (mesos.TaskInfo, {"command": {}, "resources": mesos.Resources("cpus:1;ports:[1-2]", mem=3)}),
    (mesos.TaskInfo, {"command": {}, "slave_id": "s"}),
    (mesos.TaskInfo, {"command": {}, "slave_id": "s", "agent_id": "a"}),
    (mesos.TaskInfo, {"command": {}, "limits": {"cpus": 1}}),
    (
        scheduler.OfferConstraints.RoleConstraints,
        selector(attribute_name="a", pseudoattribute_type="HOSTNAME"),
    ),
    (
        scheduler.OfferConstraints.RoleConstraints,
        selector(pseudoattribute_type="HOSTNAME", attribute_name="a"),
    ),
    (mesos.Credential, {"principal": "p", "secret": {"value": 1}}),
]


def outcome(make):
    try:
        made = make()
    except Exception as error:
        return type(error), str(error).replace(Odd.__name__, "dict")
    return made.SerializePartialToString(), repr(made)


@pytest.mark.parametrize(("cls", "fields"), NESTED)
def test_what_is_written_down_directly_is_what_the_long_way_makes(cls, fields):
    outcome(lambda: cls(**odd(fields)))  # the first makes classes, and so always goes the long way
    long = outcome(lambda: cls(**{name: odd(value) for name, value in fields.items()}))
    assert outcome(lambda: cls(**fields)) == long
