"""Bytes: what is accepted and refused, unknown fields, closed enums, sizes, and who keeps the bytes alive."""

import mesos
import pytest
from google_messages import google_class
from mesos.v1 import scheduler


def test_inputs():
    data = mesos.AgentID(value="a").SerializeToString()
    for kind in [bytes, bytearray, memoryview]:
        assert mesos.AgentID.FromString(kind(data)).value == "a"
    agent_id = mesos.AgentID(value="old")
    assert agent_id.ParseFromString(data) == 3
    assert agent_id.value == "a"
    assert agent_id.MergeFromString(b"") == 0
    assert agent_id.ByteSize() == 3
    source = bytearray(data)
    agent_id = mesos.AgentID.FromString(source)
    source[:] = b"\0\0\0"
    assert agent_id.value == "a", "what can change is copied"
    for wrong in ["text", None, 5, [10, 1, 97]]:
        with pytest.raises(TypeError, match="AgentID: expected bytes, got"):
            mesos.AgentID.FromString(wrong)


def test_bytes_of_unchanged_messages_are_not_copied():
    task = mesos.TaskInfo(name="n", task_id="t", agent_id="a")
    data = task.SerializeToString()
    parsed = mesos.TaskInfo.FromString(data)
    assert parsed.SerializeToString() is data
    assert parsed.task_id.SerializeToString() == b"\n\x01t", "a part of them is"
    assert parsed.SerializePartialToString() is data, "also once it was read"
    parsed.task_id.value = "u"
    assert parsed.SerializeToString() == data.replace(b"t", b"u")
    assert mesos.TaskInfo.FromString(data).SerializeToString() is data, "nobody else's change"
    incomplete = mesos.TaskInfo.FromString(b"\n\x01n")
    with pytest.raises(mesos.EncodeError, match="missing required fields: task_id,agent_id"):
        incomplete.SerializeToString()
    assert incomplete.SerializePartialToString() == b"\n\x01n"


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a",
        b"\x0a\x05a",
        b"\x00\x01",
        b"\x0f",
        b"\x0e",
        b"\x0c",
        b"\x08" + b"\xff" * 10 + b"\x01",
        b"\xff" * 5,
    ],
)
def test_damaged_bytes(data):
    with pytest.raises(mesos.DecodeError, match=r"not a mesos.v1.AgentID: .*at byte"):
        mesos.AgentID.FromString(data)
    agent_id = mesos.AgentID(value="a")
    with pytest.raises(mesos.DecodeError):
        agent_id.ParseFromString(data)
    assert agent_id.value == "a"


def test_depth():
    # 100 000 messages, one inside the other, are freed at the end
    def nested(levels):
        container = b""
        for _ in range(levels):
            container = b"\x12" + mesos_varint(len(container)) + container
        return container

    deep = mesos.ContainerID.FromString(nested(100))
    deep.parent.value = "x"
    assert mesos.ContainerID.FromString(deep.SerializePartialToString()) == deep
    with pytest.raises(mesos.DecodeError, match="100 levels"):
        mesos.ContainerID.FromString(nested(101))
    root = mesos.ContainerID()
    container = root
    for _ in range(100_000):
        container = container.parent
    container.value = "deep"
    for operation in [
        root.SerializePartialToString,
        lambda: mesos.ContainerID(parent=root),
    ]:
        with pytest.raises((mesos.EncodeError, RuntimeError), match="100 levels"):
            operation()


def mesos_varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def test_unknown_fields_are_kept():
    data = b"\x0a\x01a" + b"\xfa\x3f\x03xyz" + b"\x23\x08\x01\x24"
    agent_id = mesos.AgentID.FromString(data)
    assert agent_id != mesos.AgentID(value="a")
    agent_id.value = "b"
    assert agent_id.SerializeToString() == b"\x0a\x01b" + data[3:]
    task = mesos.TaskInfo(agent_id=agent_id)
    copied = mesos.TaskInfo.FromString(task.SerializePartialToString())
    copied.agent_id.value = "c"
    assert copied.agent_id.SerializeToString() == b"\x0a\x01c" + data[3:]
    copied.DiscardUnknownFields()
    assert copied == mesos.TaskInfo(agent_id="c")


def test_a_known_field_in_another_wire_type_is_unknown():
    agent_id = mesos.AgentID.FromString(b"\x08\x05")
    assert not agent_id.HasField("value")
    assert agent_id.SerializePartialToString() == b"\x08\x05"


def test_enums_are_closed():
    resource = mesos.Resource.FromString(b"\x0a\x01a\x10\x63")
    assert not resource.HasField("type")
    assert resource.type is mesos.Value.SCALAR
    assert resource.FindInitializationErrors() == ["type"]
    resource.name = "b"
    assert resource.SerializePartialToString() == b"\x0a\x01b\x10\x63"


def test_odd_but_valid_bytes():
    assert mesos.AgentID.FromString(b"\x0a\x01a\x0a\x01b").value == "b"
    status = mesos.TaskStatus.FromString(b"\x0a\x00\x10\x01\x0a\x03\x0a\x01t")
    assert status.task_id.value == "t", "a message in two parts is one"
    assert status.state is mesos.TASK_RUNNING
    assert mesos.AgentID.FromString(b"\x8a\x80\x00\x01a").value == "a"
    assert mesos.AgentID.FromString(b"\x0a\x01\xff").value == b"\xff"
    assert mesos.MasterInfo.FromString(b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").port == 2**32 - 1
    assert mesos.CommandInfo.FromString(b"\x30\x02").shell is True
    negative = mesos.CommandInfo.FromString(b"\x30\x00")
    assert negative.shell is False


def test_untouched_parts_are_copied_as_they_are():
    overlong = b"\x0a\x81\x00a"
    agent_id = mesos.AgentID.FromString(overlong)
    assert agent_id.SerializeToString() == overlong
    assert agent_id.value == "a"
    assert agent_id.SerializeToString() == overlong
    assert agent_id == mesos.AgentID(value="a")


def test_children_outlive_parents_and_bytes():
    event = scheduler.Event(type="OFFERS", offers={"offers": [offer(index) for index in range(3)]})
    data = event.SerializeToString()
    event = scheduler.Event.FromString(data)
    del data
    one = event.offers.offers[1]
    resources = one.resources
    del event
    assert one.id.value == "o1"
    scalar = resources[0].scalar
    del one, resources
    scalar.value += 1
    assert scalar.value == 2.5


def offer(index):
    return mesos.Offer(
        id=f"o{index}",
        framework_id="f",
        agent_id="a",
        hostname="h",
        resources=mesos.Resources(cpus=1.5, mem=32),
    )


def test_json():
    one = offer(1)
    assert mesos.Offer.from_json(one.to_json()) == one
    assert mesos.Offer.from_json(one.to_json().encode()) == one
    with pytest.raises(mesos.DecodeError):
        mesos.Offer.from_json("{")


def test_interoperation_with_google():
    google = google_class("mesos.v1.TaskInfo")(name="n")
    google.agent_id.value = "a"
    task = mesos.TaskInfo()
    task.CopyFrom(google)
    assert task == mesos.TaskInfo(name="n", agent_id="a")
    assert mesos.TaskInfo(agent_id=google.agent_id).agent_id.value == "a"
    with pytest.raises(TypeError, match=r"TaskInfo.task_id: expected TaskID, got a mesos.v1.AgentID"):
        mesos.TaskInfo(task_id=google.agent_id)
