"""Messages as JSON and as dicts, in Mesos' dialect.

Invariants:
* Text and dicts say the same: `json.loads(m.to_json()) == m.to_dict()`, and both lead back to `m`.
"""

from __future__ import annotations

import base64
import collections
import json
import math
import random
import threading
import types
from typing import Any

import mesos
import pytest
from google_messages import Field, fill, google_class, is_map, our_class
from mesos.v1 import scheduler

ROOTS = [
    "mesos.v1.Offer",
    "mesos.v1.TaskInfo",
    "mesos.v1.FrameworkInfo",
    "mesos.v1.AgentInfo",
    "mesos.v1.TaskStatus",
    "mesos.v1.scheduler.Event",
    "mesos.v1.scheduler.Call",
    "mesos.v1.master.Response",
    "mesos.v1.agent.Call",
]


@pytest.fixture
def task() -> Any:
    return mesos.TaskInfo(
        name="n",
        task_id="t",
        agent_id="a",
        data=b"\0\xff",
        resources=mesos.Resources(cpus=1, ports=[(1, 2)]),
        limits={"cpus": 2},
        kill_policy={"grace_period": {"nanoseconds": 2**63 - 1}},
    )


def complete(message: Any) -> None:
    """Set what one of google.protobuf's messages must have."""
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if is_map(field):
            for item in value.values():
                if hasattr(item, "DESCRIPTOR"):
                    complete(item)
        elif field.is_repeated:
            for item in value:
                if hasattr(item, "DESCRIPTOR"):
                    complete(item)
        elif field.is_required or message.HasField(field.name):
            if field.message_type is not None:
                value.SetInParent()
                complete(value)
            elif not message.HasField(field.name):
                setattr(message, field.name, value)


def expected(message: Any) -> dict[str, Any]:
    """Write one of google.protobuf's messages in Mesos' dialect."""

    def plain(field: Any, value: Any) -> Any:
        if field.message_type is not None:
            return expected(value)
        if field.type == Field.TYPE_ENUM:
            return field.enum_type.values_by_number[value].name
        if field.type == Field.TYPE_BYTES:
            return base64.b64encode(value).decode()
        if field.type == Field.TYPE_DOUBLE and not math.isfinite(value):
            return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
        return value

    result: dict[str, Any] = {}
    for field, value in message.ListFields():
        if is_map(field):
            held = field.message_type.fields_by_name["value"]
            result[field.name] = {key: plain(held, item) for key, item in value.items()}
        elif field.is_repeated:
            result[field.name] = [plain(field, item) for item in value]
        else:
            result[field.name] = plain(field, value)
    return result


@pytest.mark.parametrize("name", ROOTS)
def test_text_and_dicts_agree_and_come_back(name: str) -> None:
    rng = random.Random(name)
    for _ in range(40):
        google = google_class(name)()
        fill(rng, google)
        complete(google)
        ours = our_class(name).FromString(google.SerializeToString())
        made = ours.to_dict()
        assert made == expected(google)
        assert list(made) == [field.name for field, _ in google.ListFields()], "by number"
        assert json.loads(ours.to_json()) == made
        for back in (
            type(ours).from_dict(made),
            type(ours).from_dict(made, ignore_unknown=False),
            type(ours).from_json(ours.to_json(indent=2)),
            type(ours).from_json(ours.to_json().encode(), ignore_unknown=False),
        ):
            assert back == ours


def test_dicts_are_plain(task: Any) -> None:
    def walk(value: Any) -> None:
        assert type(value) in {dict, list, str, int, float, bool}
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(item)

    walk(task.to_dict())
    assert task.to_dict()["resources"][0]["type"] == "SCALAR"
    assert task.to_dict()["data"] == "AP8="
    assert mesos.TaskInfo().to_dict() == {}
    assert mesos.TaskInfo(command={}).to_dict() == {"command": {}}
    assert mesos.Value.Scalar(value=math.nan).to_dict() == {"value": "NaN"}
    assert math.isnan(mesos.Value.Scalar.from_dict({"value": "NaN"}).value)


def test_changed_messages_are_written_as_they_are(task: Any) -> None:
    parsed = mesos.TaskInfo.FromString(task.SerializeToString())
    parsed.resources[0].scalar.value = 7
    parsed.limits["mem"].value = 1
    del parsed.resources[1]
    assert parsed.to_dict()["resources"] == [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 7.0}}]
    assert parsed.to_dict()["limits"] == {"cpus": {"value": 2.0}, "mem": {"value": 1.0}}


def test_indent(task: Any) -> None:
    text = mesos.TaskID(value="t").to_json(indent=4)
    assert text == '{\n    "value": "t"\n}'
    assert task.to_json(indent=2) == json.dumps(task.to_dict(), indent=2)
    assert task.to_json(indent=None) == task.to_json() == json.dumps(task.to_dict(), separators=(",", ":"))
    for wrong in (-1, 17, "  ", 1.5):
        with pytest.raises(ValueError, match="indent"):
            task.to_json(indent=wrong)


class Mapped(collections.abc.Mapping):
    def __init__(self, items: dict[str, Any]) -> None:
        self.items_ = items

    def __getitem__(self, key: str) -> Any:
        return self.items_[key]

    def __iter__(self) -> Any:
        return iter(self.items_)

    def __len__(self) -> int:
        return len(self.items_)


class Index:
    def __index__(self) -> int:
        return 7


def test_dicts_may_hold_objects(task: Any) -> None:
    read = mesos.TaskInfo.from_dict
    dict_ = task.to_dict()
    same = [
        {**dict_, "task_id": mesos.TaskID(value="t")},
        {**dict_, "data": b"\0\xff"},
        {**dict_, "data": bytearray(b"\0\xff")},
        {**dict_, "data": memoryview(b"\0\xff")},
        {**dict_, "resources": task.resources},
        {**dict_, "resources": mesos.Resources(cpus=1, ports=[(1, 2)])},
        {**dict_, "resources": tuple(dict_["resources"])},
        {**dict_, "resources": (resource for resource in dict_["resources"])},
        {**dict_, "resources": [task.resources[0], dict_["resources"][1]]},
        {**dict_, "limits": task.limits},
        {**dict_, "limits": {"cpus": mesos.Value.Scalar(value=2)}},
        {**dict_, "executor": None, "labels": None},
        {**dict_, "agent_id": None, "slave_id": {"value": "a"}},
        Mapped(dict_),
        types.MappingProxyType(dict_),
        collections.OrderedDict(dict_),
        {**dict_, "task_id": google_class("mesos.v1.TaskID")(value="t")},
    ]
    for given in same:
        assert read(given) == task
    status = mesos.TaskStatus.from_dict(
        {"task_id": {"value": "t"}, "state": mesos.TASK_LOST, "timestamp": "1.5", "healthy": "true"}
    )
    assert status == mesos.TaskStatus(task_id="t", state="TASK_LOST", timestamp=1.5, healthy=True)
    assert mesos.Value.Range.from_dict({"begin": Index(), "end": "8"}) == mesos.Value.Range(begin=7, end=8)


def test_messages_in_dicts_keep_what_json_cannot_say(task: Any) -> None:
    task_id = mesos.TaskID.FromString(b"\x0a\x01t\xfa\x3f\x03xyz")
    made = mesos.TaskInfo.from_dict({**task.to_dict(), "task_id": task_id})
    assert made.task_id.SerializeToString() == task_id.SerializeToString()


HOPELESS = [
    (mesos.TaskID, {"value": 5}, "value: invalid value: integer `5`, expected text"),
    (mesos.TaskID, {"value": b"x"}, "value: invalid value: byte array, expected text"),
    (mesos.TaskID, {"value": "\ud800"}, "value: invalid value: text with a lone surrogate, expected text"),
    (mesos.TaskID, {}, "mesos.v1.TaskID lacks what it must have: value"),
    (mesos.TaskID, [], "expected an object, the fields of mesos.v1.TaskID"),
    (mesos.TaskID, "t", "expected an object, the fields of mesos.v1.TaskID"),
    (mesos.TaskID, None, "expected an object, the fields of mesos.v1.TaskID"),
    (mesos.TaskID, mesos.TaskID(value="t"), "invalid type: TaskID, expected an object"),
    (mesos.TaskID, {5: "x"}, "integer `5`, expected the name of a field"),
    (mesos.TaskID, {"value": object()}, "value: invalid type: object, expected text"),
    (mesos.DurationInfo, {"nanoseconds": 2**63}, "nanoseconds: invalid value: integer"),
    (mesos.DurationInfo, {"nanoseconds": 2**64}, "nanoseconds: invalid value: an int of more than 64 bits"),
    (mesos.DurationInfo, {"nanoseconds": 1.5}, "nanoseconds: invalid value: floating point `1.5`"),
    (mesos.TaskInfo, {"task_id": mesos.AgentID(value="a")}, "task_id: TaskID: expected TaskID, got AgentID"),
    (mesos.TaskInfo, {"task_id": mesos.TaskID()}, "task_id: mesos.v1.TaskID lacks what it must have: value"),
    (mesos.TaskInfo, {"task_id": b"\x0a\x01t"}, "task_id: invalid type: bytes, expected an object"),
    (
        mesos.TaskInfo,
        {"resources": [{"name": "a", "type": 0}, 5]},
        "resources[1]: invalid value: integer `5`",
    ),
    (mesos.TaskInfo, {"limits": {"cpus": {"value": []}}}, 'limits["cpus"].value: invalid value: sequence'),
    (mesos.TaskInfo, {"limits": {5: {"value": 1}}}, "limits: invalid type: integer `5`"),
    (mesos.TaskStatus, {"state": "TASK_DANCING"}, "state: invalid value: string"),
]


@pytest.mark.parametrize(("message", "given", "text"), HOPELESS)
def test_refusals_name_the_path_and_the_value(message: Any, given: Any, text: str) -> None:
    with pytest.raises(mesos.DecodeError) as caught:
        message.from_dict(given)
    assert text in str(caught.value)


def test_unknown_fields_are_ignored_or_reported() -> None:
    given = {"task_id": {"value": "t", "valeu": "x"}, "state": "TASK_LOST", "reason": "REASON_OF_2030"}
    status = mesos.TaskStatus(task_id="t", state="TASK_LOST")
    text = json.dumps(given)
    assert mesos.TaskStatus.from_dict(given) == mesos.TaskStatus.from_json(text) == status
    for read, form in ((mesos.TaskStatus.from_dict, given), (mesos.TaskStatus.from_json, text)):
        with pytest.raises(
            mesos.DecodeError, match=r'^task_id: .*TaskID has no field "valeu" \(did you mean value\?\)'
        ):
            read(form, ignore_unknown=False)
    del given["task_id"]["valeu"]
    with pytest.raises(mesos.DecodeError, match=r'^reason: .*"REASON_OF_2030", expected a name of'):
        mesos.TaskStatus.from_dict(given, ignore_unknown=False)
    # what is ignored is not looked at, however strange
    loop: list[Any] = []
    loop.append(loop)
    assert mesos.TaskID.from_dict({"value": "t", "nothing": loop}) == mesos.TaskID(value="t")


def test_secrets_are_not_shown() -> None:
    for given in ({"principal": "p", "secret": 8675309}, {"principal": "p", "secret": b"8675309"}):
        with pytest.raises(mesos.DecodeError) as caught:
            mesos.Credential.from_dict(given)
        assert str(caught.value).startswith("secret: ")
        assert "8675309" not in str(caught.value)


def test_dicts_without_end_are_refused() -> None:
    loop: dict[str, Any] = {"value": "v"}
    loop["parent"] = loop
    with pytest.raises(mesos.DecodeError, match="100 levels"):
        mesos.ContainerID.from_dict(loop)
    items: list[Any] = []
    items.append(items)
    with pytest.raises(mesos.DecodeError, match=r"arguments\[0\]: invalid value: sequence"):
        mesos.CommandInfo.from_dict({"arguments": items})


class Raises(Mapped):
    def __getitem__(self, key: str) -> Any:
        raise ZeroDivisionError(key)


def test_exceptions_of_objects_come_out() -> None:
    with pytest.raises(ZeroDivisionError, match="value"):
        mesos.TaskInfo.from_dict({"task_id": Raises({"value": "t"})})
    changing = {"task_id": {"value": "t"}}

    class Changes(Mapped):
        def __iter__(self) -> Any:
            changing["name"] = "n"
            return super().__iter__()

    changing["agent_id"] = Changes({"value": "a"})
    with pytest.raises(RuntimeError, match="changed size"):
        mesos.TaskInfo.from_dict(changing)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (mesos.TaskID.from_json, r"from_json\(\) takes 1 argument"),
        (lambda: mesos.TaskID.from_dict({}, {}), r"from_dict\(\) takes 1 argument"),
        (lambda: mesos.TaskID.from_json("{}", strict=True), "unexpected keyword argument 'strict'"),
        (lambda: mesos.TaskID().to_json(2), r"to_json\(\) takes 0 arguments"),
        (lambda: mesos.TaskID.from_json(5), "from_json: expected str or bytes, got int"),
        (lambda: mesos.Message.from_dict({}), "message class"),
    ],
)
def test_wrong_calls_are_type_errors(call: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        call()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{} {}", '{"value":\ud800}', b"\xff", b'{"value":"\xff"}', "5"]
)
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(mesos.DecodeError):
        mesos.TaskID.from_json(text)


def test_large_messages_are_read_and_written_without_the_gil(task: Any) -> None:
    event = scheduler.Call(accept={"operations": [{"launch": {"task_infos": [task] * 500}}]})
    text = event.to_json()
    assert len(text) > 100_000
    results: list[bool] = []

    def work() -> None:
        results.extend(scheduler.Call.from_json(text) == event for _ in range(5))
        results.extend(event.to_json() == text for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 30
