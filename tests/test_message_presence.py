"""Which fields are set, what unset ones read as, and how children and parents know of each other."""

import mesos
import pytest
from mesos.v1 import scheduler


def test_unset_scalars_read_as_the_schema_says():
    assert mesos.Filters().refuse_seconds == 5.0
    assert mesos.CommandInfo().shell is True
    assert mesos.FrameworkInfo().role == "*"
    assert mesos.TaskStatus().state is mesos.TASK_STAGING
    assert mesos.TaskStatus().data == b""
    assert mesos.TaskInfo().name == ""
    assert not mesos.Filters().HasField("refuse_seconds")


def test_setting_to_the_default_counts():
    filters = mesos.Filters(refuse_seconds=5.0)
    assert filters.HasField("refuse_seconds")
    assert len(filters.SerializeToString()) == 9


def test_reading_an_unset_message_does_not_set_it():
    offer = mesos.Offer()
    agent_id = offer.agent_id
    assert agent_id is offer.agent_id
    assert agent_id.value == ""
    assert not offer.HasField("agent_id")
    assert offer.SerializePartialToString() == b""


def test_writing_to_it_sets_it_all_the_way_up():
    task = mesos.TaskInfo()
    ports = task.executor.container.docker
    ports.image = "x"
    for message, name in [
        (task, "executor"),
        (task.executor, "container"),
        (task.executor.container, "docker"),
    ]:
        assert message.HasField(name)
    task = mesos.TaskInfo()
    task.executor.command.uris.add(value="u")
    assert task.HasField("executor")
    assert task.executor.HasField("command")
    task = mesos.TaskInfo()
    task.limits["cpus"].value = 1
    task.container.docker.SetInParent()
    assert task.HasField("container")
    assert (
        task.SerializePartialToString()
        == mesos.TaskInfo(container={"docker": {}}, limits={"cpus": 1}).SerializePartialToString()
    )


def test_a_change_below_a_parsed_message_is_written():
    data = mesos.TaskInfo(
        name="n", task_id="t", agent_id="a", resources=mesos.Resources(cpus=1)
    ).SerializeToString()
    task = mesos.TaskInfo.FromString(data)
    task.resources[0].scalar.value = 2
    assert mesos.TaskInfo.FromString(task.SerializeToString()).resources[0].scalar.value == 2
    assert task.SerializeToString() != data
    task.resources[0].scalar.value = 1
    assert task.SerializeToString() == data


def test_clearing():
    task = mesos.TaskInfo(name="n", task_id="t", resources=mesos.Resources(cpus=1))
    task_id, resources = task.task_id, task.resources
    for name in ["name", "task_id", "resources"]:
        task.ClearField(name)
    assert task == mesos.TaskInfo()
    task_id.value = "other"
    resources.add(name="mem")
    assert task == mesos.TaskInfo(), "what was cleared is on its own"
    assert task_id.value == "other"
    assert len(resources) == 2
    task.name = "again"
    task.Clear()
    assert task.SerializePartialToString() == b""


def test_errors_of_presence():
    task = mesos.TaskInfo()
    with pytest.raises(ValueError, match=r"TaskInfo.resources is repeated"):
        task.HasField("resources")
    with pytest.raises(ValueError, match=r"no field \"taskid\" \(did you mean task_id\?\)"):
        task.HasField("taskid")
    with pytest.raises(ValueError, match="no field"):
        task.ClearField("nothing")
    with pytest.raises(
        AttributeError, match=r"TaskInfo.task_id is a message and cannot be assigned.*CopyFrom"
    ):
        task.task_id = mesos.TaskID(value="x")
    with pytest.raises(AttributeError, match=r"TaskInfo.resources is a repeated field.*append"):
        task.resources = []
    with pytest.raises(AttributeError, match=r"TaskInfo.limits is a map"):
        task.limits = {}
    with pytest.raises(AttributeError, match="ClearField"):
        del task.name
    with pytest.raises(AttributeError, match="did you mean name"):
        task.nam = "x"
    with pytest.raises(AttributeError):
        _ = task.nothing
    with pytest.raises(TypeError, match=r"TaskInfo.name: expected a str, got None"):
        task.name = None


def test_required_fields():
    offer = mesos.Offer(id="o", resources=[{"name": "cpus"}])
    assert not offer.IsInitialized()
    lacking = ["framework_id", "agent_id", "hostname", "resources[0].type"]
    assert offer.FindInitializationErrors() == lacking
    with pytest.raises(
        mesos.EncodeError, match=r"mesos.v1.Offer is missing required fields: framework_id,.*\[0\].type"
    ):
        offer.SerializeToString()
    parsed = mesos.Offer.FromString(offer.SerializePartialToString())
    assert parsed.FindInitializationErrors() == lacking
    with pytest.raises(mesos.EncodeError):
        parsed.SerializeToString()
    outer = scheduler.Event(type="OFFERS", offers={"offers": [parsed]})
    with pytest.raises(mesos.EncodeError, match=r"offers.offers\[0\].framework_id"):
        outer.SerializeToString()


def test_oneofs():
    selector = scheduler.AttributeConstraint.Selector(attribute_name="rack")
    assert selector.WhichOneof("selector") == "attribute_name"
    assert selector.HasField("selector")
    selector.pseudoattribute_type = "HOSTNAME"
    assert selector.WhichOneof("selector") == "pseudoattribute_type"
    assert not selector.HasField("attribute_name")
    assert selector.attribute_name == ""
    selector.ClearField("selector")
    assert selector.WhichOneof("selector") is None
    with pytest.raises(ValueError, match="has no oneof 'nothing': it has selector"):
        selector.WhichOneof("nothing")
    both = scheduler.AttributeConstraint.Selector(attribute_name="a").SerializeToString()
    both += scheduler.AttributeConstraint.Selector(pseudoattribute_type="ZONE").SerializeToString()
    parsed = scheduler.AttributeConstraint.Selector.FromString(both)
    assert parsed.WhichOneof("selector") == "pseudoattribute_type"
    predicate = scheduler.AttributeConstraint.Predicate(exists={})
    stub = predicate.text_equals
    assert predicate.WhichOneof("predicate") == "exists"
    stub.value = "x"
    assert predicate.WhichOneof("predicate") == "text_equals"
    assert not predicate.HasField("exists")


def test_list_fields():
    task = mesos.TaskInfo(name="n", agent_id="a", resources=[])
    assert [(field.name, field.number, value) for field, value in task.ListFields()] == [
        ("name", 1, "n"),
        ("agent_id", 3, mesos.AgentID(value="a")),
    ]
