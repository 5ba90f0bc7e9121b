"""Repeated fields: lists that convert and check what is put into them."""

import collections.abc
import copy

import mesos
import pytest
from mesos.v1 import scheduler


def names(task):
    return [resource.name for resource in task.resources]


@pytest.fixture(params=["built", "parsed"])
def task(request):
    made = mesos.TaskInfo(resources=[{"name": name} for name in "abcd"])
    return made if request.param == "built" else mesos.TaskInfo.FromString(made.SerializePartialToString())


@pytest.fixture(params=["built", "parsed"])
def roles(request):
    made = mesos.FrameworkInfo(roles=["a", "b", "c", "d"])
    return (
        made if request.param == "built" else mesos.FrameworkInfo.FromString(made.SerializePartialToString())
    ).roles


def test_reading(task):
    resources = task.resources
    assert resources is task.resources
    assert resources[0] is resources[0] is next(iter(resources))
    assert len(resources) == 4
    assert resources[-1].name == "d"
    assert [resource.name for resource in resources[1:3]] == ["b", "c"]
    assert [resource.name for resource in resources[::-2]] == ["d", "b"]
    assert resources[1] in resources
    assert mesos.Resource(name="c") in resources
    assert mesos.Resource(name="z") not in resources
    assert [resource.name for resource in reversed(resources)] == ["d", "c", "b", "a"]
    assert isinstance(resources, collections.abc.MutableSequence)
    for index in [4, -5]:
        with pytest.raises(IndexError):
            resources[index]
    with pytest.raises(TypeError, match="indices must be integers or slices, not str"):
        resources["0"]


def test_messages_go_in_as_messages_dicts_and_keywords(task):
    resource = mesos.Resource(name="e")
    task.resources.append(resource)
    resource.name = "changed"
    task.resources.append({"name": "f"})
    assert task.resources.add(name="g") is task.resources[-1]
    task.resources.extend([mesos.Resource(name="h"), {"name": "i"}])
    task.resources += [{"name": "j"}]
    task.resources.insert(0, {"name": "0"})
    task.resources.insert(-1, {"name": "x"})
    assert names(task) == ["0", *"abcdefghi", "x", "j"]
    assert mesos.TaskInfo.FromString(task.SerializePartialToString()) == task


def test_ids_go_in_as_text():
    call = scheduler.Call(accept={"offer_ids": ["a"]})
    call.accept.offer_ids.append("b")
    call.accept.offer_ids.extend(["c", mesos.OfferID(value="d")])
    assert [offer_id.value for offer_id in call.accept.offer_ids] == list("abcd")
    call.decline.offer_ids.extend(call.accept.offer_ids)
    assert call.decline.offer_ids == call.accept.offer_ids


def test_taking_out(task):
    last = task.resources[-1]
    assert task.resources.pop() is last
    assert last.name == "d", "it lives on"
    del task.resources[0]
    assert names(task) == ["b", "c"]
    task.resources.remove(mesos.Resource(name="b"))
    assert names(task) == ["c"]
    with pytest.raises(ValueError, match="not in"):
        task.resources.remove(mesos.Resource(name="b"))
    del task.resources[:]
    with pytest.raises(IndexError):
        task.resources.pop()
    assert task.SerializePartialToString() == b""


def test_changing_an_element_changes_the_message(task):
    before = task.SerializePartialToString()
    task.resources[1].name = "B"
    assert names(mesos.TaskInfo.FromString(task.SerializePartialToString())) == ["a", "B", "c", "d"]
    gone = task.resources.pop(1)
    gone.name = "gone"
    task.resources.insert(1, {"name": "b"})
    assert task.SerializePartialToString() == before


def test_plain_values(roles):
    roles.append("e")
    roles[0] = "A"
    roles[1:3] = ["x"]
    assert roles == ["A", "x", "d", "e"]
    roles[::2] = ["1", "2"]
    assert list(roles) == ["1", "x", "2", "e"]
    del roles[::2]
    assert roles == ["x", "e"]
    roles.reverse()
    roles.extend(iter("ba"))
    roles.sort()
    assert roles == ["a", "b", "e", "x"]
    roles.sort(key=lambda role: -ord(role))
    assert roles == ["x", "e", "b", "a"]
    assert roles.index("b") == 2
    assert roles.count("b") == 1
    assert roles.pop(0) == "x"
    assert roles != ["e", "b"]
    with pytest.raises(ValueError, match="cannot put 1 values in the place of 2"):
        roles[::2] = ["1"]
    roles.clear()
    assert roles == []


def test_sorting_messages_keeps_them(task):
    objects = list(task.resources)
    task.resources.sort(key=lambda resource: resource.name, reverse=True)
    assert names(task) == ["d", "c", "b", "a"]
    assert [id(resource) for resource in task.resources] == [id(resource) for resource in reversed(objects)]
    task.resources[0].name = "z"
    assert names(mesos.TaskInfo.FromString(task.SerializePartialToString()))[0] == "z"
    with pytest.raises(RuntimeError, match="changed while it was sorted"):
        task.resources.sort(key=lambda resource: task.resources.add() and 1)


def test_refusals(task, roles):
    with pytest.raises(TypeError, match=r"FrameworkInfo.roles: expected a str, got int 5"):
        roles.append(5)
    with pytest.raises(TypeError, match="expected several values in a list, got str 'abc'"):
        roles.extend("abc")
    with pytest.raises(TypeError, match=r"add.. is for messages: use append"):
        roles.add()
    with pytest.raises(TypeError, match=r"TaskInfo.resources: expected Resource, got OfferID"):
        task.resources.append(mesos.OfferID(value="x"))
    with pytest.raises(TypeError, match=r"cannot be assigned: use \[i\].CopyFrom"):
        task.resources[0] = mesos.Resource()
    with pytest.raises(TypeError, match="unhashable"):
        hash(roles)
    with pytest.raises(TypeError, match="cannot create"):
        type(roles)()
    with pytest.raises(TypeError):
        object.__new__(type(roles))
    assert roles == ["a", "b", "c", "d"]
    assert names(task) == list("abcd")


def test_values_of_a_generator_that_fails_half_way(roles):
    def values():
        yield "e"
        raise KeyError("stop")

    with pytest.raises(KeyError):
        roles.extend(values())
    assert roles == ["a", "b", "c", "d"]


def test_code_that_runs_during_a_change_cannot_break_it(task):
    ranges = mesos.Value.Ranges(range=[{"begin": 1, "end": 2}]).range
    numbers = mesos.NetworkInfo.PortMapping()

    class Evil:
        def __index__(self):
            task.resources.clear()
            ranges.clear()
            numbers.Clear()
            return 7

    ranges.append({"begin": Evil(), "end": Evil()})
    assert [(part.begin, part.end) for part in ranges] == [(7, 7)]
    numbers.host_port = Evil()
    assert numbers.host_port == 7
    assert task.resources == []


def test_copies(task, roles):
    assert copy.copy(roles) == ["a", "b", "c", "d"]
    copied = copy.deepcopy(task.resources)
    assert copied == list(task.resources)
    assert copied[0] is not task.resources[0]
    assert repr(roles) == "['a', 'b', 'c', 'd']"


def test_a_field_extended_by_itself(task, roles):
    task.resources.extend(task.resources)
    roles.extend(roles)
    assert names(task) == list("abcdabcd")
    assert roles == list("abcdabcd")


def test_a_message_put_below_itself_is_copied():
    info = mesos.ContainerInfo()
    info.docker.image = "x"
    holder = [mesos.TaskGroupInfo(tasks=[{"name": "one"}])]
    tasks = holder[0].tasks
    tasks.extend(iter(tasks[:]))
    assert [task.name for task in tasks] == ["one", "one"]
    nested = mesos.ContainerID(value="a")
    nested.parent.CopyFrom(nested)
    assert nested == mesos.ContainerID(value="a", parent={"value": "a"})
