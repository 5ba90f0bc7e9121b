"""Messages under attack: each attempt ends in an exception or a right result, never in a crash.

Arguments that change what is being changed, nesting without end, objects that only look like messages, an
interpreter that ends.
"""

import array
import collections
import copy
import functools
import operator
import subprocess
import sys
import threading

import mesos
import pytest

Quantities = mesos.OfferFilters.ResourceQuantities


class Index:
    """An index that does something when it is asked for."""

    def __init__(self, number, action):
        self.number, self.action = number, action

    def __index__(self):
        self.action()
        return self.number


class Raises:
    """Raises KeyboardInterrupt, as a real Ctrl-C may anywhere, whatever it is asked for."""

    def __index__(self):
        raise KeyboardInterrupt

    def __getattr__(self, name):
        raise KeyboardInterrupt


class Keeps:
    """Equal to everything, and keeps what it was compared with."""

    def __eq__(self, other):
        self.seen = other
        return True

    __hash__ = None


@pytest.fixture
def letters():
    owner = mesos.Value.Set(item=list("abcdefghij"))
    yield owner.item
    assert list(mesos.Value.Set.FromString(owner.SerializeToString()).item) == list(owner.item)


def test_slices_count_after_their_indices_ran(letters):
    letters[5 : Index(8, letters.clear)] = ["x"]
    assert letters == ["x"]
    letters.extend(list("yz"))
    del letters[1 : Index(3, letters.clear)]
    assert letters == []
    letters.extend(list("yz"))
    assert letters[0 : Index(2, letters.clear)] == []
    letters.extend(list("yz"))
    with pytest.raises(IndexError):
        letters[Index(1, letters.clear)] = "w"


def test_deleted_slices(letters):
    expected = list(letters)
    for part in (slice(1, 3), slice(None, None, 3), slice(-1, None, -2), slice(5, 2), slice(9, 0, -1)):
        del letters[part], expected[part]
        assert letters == expected
    for part in (slice(-99, None, -1), slice(None, 99, -1)):  # no items, from in front of the first
        del letters[part]
        assert letters == expected
    with pytest.raises(ValueError, match="2 values in the place of 1"):
        letters[::2] = ["a", "b"]


def test_a_refused_item_takes_those_before_it_along(letters):
    with pytest.raises(TypeError, match="expected a str, got int 1"):
        letters.extend(["x", "y", 1])
    assert letters == list("abcdefghij")

    def shrinking():
        yield "x"
        letters.clear()
        yield 1

    with pytest.raises(TypeError, match="got int 1"):
        letters.extend(shrinking())
    assert letters == []


def test_sorting_notices_changes(letters):
    with pytest.raises(RuntimeError, match="while it was sorted"):
        letters.sort(key=lambda item: (letters.clear(), item))
    assert letters == []


def test_exceptions_of_arguments_come_out():
    for make in (
        lambda: mesos.Value.Range(begin=Raises()),
        lambda: mesos.TaskStatus(state=Raises()),
        lambda: mesos.CommandInfo(shell=Raises()),
        lambda: mesos.TaskInfo(task_id=Raises()),
        lambda: mesos.TaskInfo(command=Raises()),
    ):
        with pytest.raises(KeyboardInterrupt):
            make()


def test_buffers_of_any_kind():
    data = mesos.TaskID(value="abc6789").SerializeToString()
    assert len(data) % 3 == 0
    shaped = memoryview(data).cast("B", (3, 3))
    for buffer in (bytearray(data), memoryview(data), shaped, array.array("B", data)):
        assert mesos.TaskID.FromString(buffer).value == "abc6789"
        assert mesos.TaskID().MergeFromString(buffer) == len(data), "in bytes, whatever len() says"
    view = memoryview(data)
    view.release()
    for refused in (view, None, 7, "abc", [1]):
        with pytest.raises((TypeError, ValueError), match=r"TaskID: expected bytes|released"):
            mesos.TaskID.FromString(refused)
    grown = bytearray(data)
    task_id = mesos.TaskID.FromString(memoryview(grown))
    grown[:] = b"x" * 100  # copied, and let go of: the array is free to change
    assert task_id.value == "abc6789"


def test_maps_keep_their_dict_to_themselves():
    limits = mesos.TaskInfo(limits={"cpus": 1}).limits
    keeper = Keeps()
    assert limits == keeper
    assert type(keeper.seen) is type(limits)
    assert limits.keys() == {"cpus"}
    assert [value.value for value in limits.values()] == [1]
    assert dict(limits.items()) == limits
    for view in (limits.keys(), limits.values(), limits.items()):
        assert len(view) == 1
        assert not hasattr(view, "mapping"), "a dict's own view would lead to the dict"
    assert limits != {"cpus": 1}, "1 is not the message it stands for"
    assert limits != [("cpus", 1)]


def test_a_value_that_an_entry_leaves_out_can_be_written_to():
    quantities = Quantities.FromString(b"\x0a\x03\x0a\x01a")
    merged = Quantities()
    merged.MergeFrom(quantities)
    for lacking in (quantities, merged):
        with pytest.raises(mesos.EncodeError, match=r'quantities\["a"\]\.value'):
            lacking.SerializeToString()
    quantities.quantities["a"].value = 5.0
    assert Quantities.FromString(quantities.SerializeToString()).quantities["a"].value == 5.0


def test_keys_that_are_not_utf8():
    quantities = Quantities.FromString(b"\x0a\x03\x0a\x01\xff\x0a\x03\x0a\x01a")
    assert quantities.FindInitializationErrors() == ['quantities["�"].value', 'quantities["a"].value']
    assert 'key: "\\377"' in repr(quantities)
    assert quantities.SerializePartialToString() == b"\x0a\x03\x0a\x01\xff\x0a\x03\x0a\x01a"
    merged = Quantities()
    merged.MergeFrom(quantities)
    merged.quantities["b"].value = 1.0
    assert set(copy.copy(merged).quantities) == {b"\xff", "a", "b"}


def test_merging_a_message_with_a_part_of_itself():
    chain = mesos.ContainerID(value="x")
    chain.parent.MergeFrom(chain)
    assert chain == mesos.ContainerID(value="x", parent=mesos.ContainerID(value="x"))
    chain = mesos.ContainerID(
        value="x", parent=mesos.ContainerID(value="y", parent=mesos.ContainerID(value="z"))
    )
    chain.MergeFrom(chain.parent)
    assert [chain.value, chain.parent.value, chain.parent.parent.value] == ["y", "z", "z"]
    assert not chain.parent.parent.HasField("parent")


def test_append_copies_also_what_only_the_call_holds():
    task = mesos.TaskInfo()
    append = functools.partial(task.resources.append, mesos.Resource(name="cpus"))
    append()
    task.resources[0].name = "mem"
    append()
    arguments = (mesos.Resource(name="disk"),)
    task.resources.append(*arguments)
    arguments[0].name = "gpus"
    assert [resource.name for resource in task.resources] == ["mem", "cpus", "disk"]


def test_arguments_that_a_caller_keeps_are_copied():
    make = operator.methodcaller(
        "TaskInfo", task_id=mesos.TaskID(value="x"), labels={"labels": [{"key": "k"}]}
    )
    first = make(mesos)
    first.task_id.value = "y"
    first.labels.labels[0].key = "z"
    again = make(mesos)
    assert (again.task_id.value, again.labels.labels[0].key) == ("x", "k")


def test_calls_out_of_c_without_arguments():
    made = collections.defaultdict(mesos.TaskInfo)  # its call has no array of arguments at all
    assert made["x"] == mesos.TaskInfo()


def test_only_members_of_an_enum_are_members():
    impostor = int.__new__(mesos.TaskState, 77)
    with pytest.raises(ValueError, match=r"TaskStatus\.state: TaskState 77 is no value of TaskState"):
        mesos.TaskStatus(state=impostor)


def test_objects_that_pretend_to_be_messages():
    class Descriptor:
        DESCRIPTOR = None

    class Named:
        DESCRIPTOR = type("Descriptor", (), {"full_name": 7})

    for impostor in (Descriptor(), Named(), Named):
        with pytest.raises(TypeError, match=r"TaskInfo\.task_id: expected TaskID"):
            mesos.TaskInfo(task_id=impostor)


def test_lone_surrogates_are_refused_by_name():
    for make in (
        lambda: mesos.TaskID(value="a\ud800"),
        lambda: mesos.Value.Set(item=["a\ud800"]),
        lambda: mesos.TaskInfo(task_id="a\ud800"),
    ):
        with pytest.raises(
            ValueError, match=r"(TaskID\.value|Set\.item): str 'a\\ud800' has a lone surrogate"
        ):
            make()
    assert getattr(mesos.TaskID(), "\ud800", None) is None
    with pytest.raises(ValueError, match="no field"):
        mesos.TaskID().HasField("\ud800")


def test_dicts_without_end_are_refused():
    endless = {"value": "x"}
    endless["parent"] = endless
    with pytest.raises(ValueError, match=r"ContainerID\.parent: dicts in dicts"):
        mesos.ContainerID(**endless)
    with pytest.raises(ValueError, match=r"ContainerID\.parent: dicts in dicts"):
        mesos.ContainerID().CopyFrom(endless)
    deep = {"value": "x"}
    for _ in range(98):
        deep = {"value": "x", "parent": deep}
    assert mesos.ContainerID.FromString(mesos.ContainerID(**deep).SerializeToString()) == mesos.ContainerID(
        **deep
    )


def test_messages_of_any_depth_live_and_die():
    root = inner = mesos.ContainerID(value="x")
    for _ in range(100_000):
        inner = inner.parent
    inner.value = "y"
    for refused in (copy.copy, mesos.ContainerID.SerializeToString, mesos.ContainerID.IsInitialized):
        with pytest.raises((RuntimeError, mesos.EncodeError), match="more than 100 levels"):
            refused(root)
    assert repr(root).count("parent {") == 101
    middle = root.parent
    root.ClearField("parent")
    assert middle.HasField("parent")
    del inner, middle


def test_a_class_cannot_be_given_to_a_message():
    # also those without fields, which look alike
    one, other = mesos.Resource.SharedInfo, mesos.Resource.RevocableInfo
    for assign in (
        lambda: setattr(one(), "__class__", other),
        lambda: object.__dict__["__class__"].__set__(one(), other),
        lambda: object.__dict__["__class__"].__set__(mesos.TaskID(), mesos.AgentID),
    ):
        with pytest.raises((TypeError, AttributeError)):
            assign()


AT_EXIT = """
import builtins, sys, mesos

class Last:
    def __del__(self, mesos=mesos, write=sys.__stderr__.write):
        for step in (
            lambda: mesos.TaskID(nope=1),
            lambda: mesos.TaskID.FromString(b"\\xff"),
            lambda: mesos.Offer().SerializeToString(),
            lambda: mesos.Offer.Operation(),
        ):
            try:
                write(f"{type(step()).__name__}\\n")
            except Exception as error:
                write(f"{type(error).__name__}\\n")

builtins.last = Last()
"""


def test_errors_while_the_interpreter_ends():
    ended = subprocess.run(
        [sys.executable, "-c", AT_EXIT], check=False, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.split() == ["ValueError", "DecodeError", "EncodeError", "Operation"]


SUBINTERPRETER = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import mesos
other = interpreters.create()
try:
    failed = interpreters.run_string(other, "import mesos")
except Exception as error:
    failed = error
text = str(getattr(failed, "formatted", failed))
assert "ImportError" in text and ("subinterpreter" in text), text
assert mesos.TaskID(value="x").value == "x"
"""


def test_subinterpreters_are_refused():
    ended = subprocess.run(
        [sys.executable, "-c", SUBINTERPRETER], check=False, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr


def test_threads_share_a_message():
    task = mesos.TaskInfo(name="n", task_id="t", agent_id="a", resources=mesos.Resources(cpus=1))
    data = task.SerializeToString()
    shared = mesos.TaskInfo.FromString(data)
    failures = []

    def work(number):
        try:
            for turn in range(300):
                shared.resources.append({"name": str(number)})
                shared.limits[str(number)].value = turn
                assert shared.limits[str(number)].value == turn
                if turn % 7 == number:
                    shared.ParseFromString(data)
                elif turn % 7 == 5:
                    shared.resources.sort(key=lambda resource: resource.name)
                mesos.TaskInfo.FromString(shared.SerializePartialToString())
                repr(shared), copy.deepcopy(shared), shared == task
        except (AssertionError, RuntimeError):
            pass  # another thread changed it in between, and it was noticed
        except BaseException as error:
            failures.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not failures
    shared.ParseFromString(data)
    assert shared == task
