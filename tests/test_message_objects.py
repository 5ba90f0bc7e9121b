"""Messages as Python objects: equality, copies, pickles, text, documentation, and their end."""

import copy
import math
import pickle
import subprocess
import sys
import threading

import mesos
import pytest
from mesos.v1 import scheduler


@pytest.fixture
def task():
    return mesos.TaskInfo(
        name="n",
        task_id="t",
        agent_id="a",
        resources=mesos.Resources(cpus=1, ports=[(1, 2)]),
        limits={"cpus": 2},
    )


def test_equality(task):
    parsed = mesos.TaskInfo.FromString(task.SerializeToString())
    assert parsed == task
    parsed.resources[1].ranges.range[0].end = 3
    assert parsed != task
    assert task != "x"
    assert mesos.TaskID(value="x") != mesos.AgentID(value="x")
    assert mesos.Filters(refuse_seconds=5) != mesos.Filters()
    assert mesos.Filters(refuse_seconds=math.nan) == mesos.Filters(refuse_seconds=math.nan)
    assert mesos.Filters(refuse_seconds=0.0) != mesos.Filters(refuse_seconds=-0.0)
    with pytest.raises(TypeError):
        _ = task < parsed


def test_no_hash(task):
    with pytest.raises(TypeError, match=r"unhashable type: 'TaskID'.*\.value"):
        hash(task.task_id)
    with pytest.raises(TypeError, match="unhashable type: 'TaskInfo'"):
        hash(task)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(task, protocol):
    messages = [
        task,
        mesos.TaskInfo(),
        mesos.TaskInfo.FromString(task.SerializeToString()),
        mesos.Offer.Operation.Launch(task_infos=[task]),
        scheduler.Call.Accept(offer_ids=["o"]),
        mesos.Duration(seconds=5),
        mesos.TASK_RUNNING,
        mesos.Value.SCALAR,
    ]
    for message in messages:
        again = pickle.loads(pickle.dumps(message, protocol))
        assert again == message
        assert type(again) is type(message)


def test_pickles_name_the_public_modules(task):
    data = pickle.dumps(mesos.Offer.Operation.Launch(), 4)
    assert b"\x8c\x05mesos\x94" in data
    assert b"Offer.Operation.Launch" in data


def test_copies(task):
    for copied in [copy.copy(task), copy.deepcopy(task), mesos.TaskInfo(**{"name": "n"})]:
        copied.name = "other"
    for copied in [copy.copy(task), copy.deepcopy(task)]:
        assert copied == task
        copied.resources[0].scalar.value = 7
        copied.limits["cpus"].value = 7
        assert copied != task
    assert task.resources[0].scalar.value == 1
    assert task.limits["cpus"].value == 2
    target = mesos.TaskInfo(name="gone", data=b"gone")
    child = target.task_id
    target.CopyFrom(task)
    assert target == task
    child.value = "on its own"
    assert target == task
    target.CopyFrom(target)
    assert target == task
    target.MergeFrom({"name": "merged", "resources": [{"name": "mem"}]})
    assert target.name == "merged"
    assert len(target.resources) == 3
    with pytest.raises(TypeError, match="TaskInfo: expected TaskInfo, got Offer"):
        target.CopyFrom(mesos.Offer())
    executor = mesos.TaskInfo(executor={"executor_id": "e"})
    executor.executor.MergeFrom(mesos.ExecutorInfo())
    assert executor == mesos.TaskInfo(executor={"executor_id": "e"})


def test_text(task):
    assert repr(mesos.TaskID(value='a"b\n')) == 'value: "a\\"b\\n"\n'
    assert str(task) == repr(task)
    credential = mesos.Credential(principal="p", secret="hush")
    assert "hush" not in repr(credential)
    assert "secret: <hidden>" in str(credential)
    assert credential.secret == "hush"
    with pytest.raises(TypeError) as caught:
        mesos.Credential(principal="p", secret=12345)
    assert "12345" not in str(caught.value)
    with pytest.raises(TypeError):
        mesos.Credential({"secret": "hush"})


def test_documentation():
    assert "TaskInfo" in mesos.TaskInfo.__name__
    assert mesos.TaskInfo.__doc__
    assert "required TaskID" in mesos.TaskInfo.task_id.__doc__
    assert "repeated Resource" in mesos.TaskInfo.resources.__doc__
    assert {"task_id", "HasField", "resources"} <= set(dir(mesos.TaskInfo()))
    assert {"Operation", "id"} <= set(dir(mesos.Offer))
    assert "TaskInfo" in dir(mesos)
    assert "Call" in dir(scheduler)
    assert "name" in mesos.TaskInfo.HasField.__text_signature__
    for name in ["TaskInfo", "NoSuch", "__path_hooks__"]:
        assert hasattr(mesos, name) == (name == "TaskInfo")


def test_classes_are_final():
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Mine", (mesos.TaskInfo,), {})
    mine = type("Mine", (mesos.Message,), {})
    with pytest.raises(TypeError):
        mine()
    with pytest.raises(TypeError):
        object.__new__(mine)
    with pytest.raises(TypeError):
        object.__setattr__(mesos.TaskID(), "__class__", mesos.OfferID)
    with pytest.raises(AttributeError):
        mesos.TaskID().__class__ = mesos.OfferID
    assert isinstance(mesos.TaskID(), mesos.Message)


def test_importing_makes_nothing():
    code = (
        "import sys, mesos; "
        "assert 'mesos._enums' not in sys.modules; assert 'mesos.v1' not in sys.modules; "
        "assert 'TaskInfo' not in vars(mesos); mesos.TaskInfo; assert 'TaskInfo' in vars(mesos)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_reference_counts(task):
    data = task.SerializeToString()
    text = "a name long enough not to be shared"
    before = sys.getrefcount(data), sys.getrefcount(text), sys.getrefcount(mesos.TaskInfo)
    for _ in range(100):
        parsed = mesos.TaskInfo.FromString(data)
        parsed.name = text
        resource, agent_id = parsed.resources[0], parsed.agent_id
        executor = parsed.executor
        del parsed
        assert resource.name == "cpus"
        agent_id.value = text
        executor.name = text
        del resource, agent_id, executor
    assert (sys.getrefcount(data), sys.getrefcount(text), sys.getrefcount(mesos.TaskInfo)) == before


def test_threads_may_share_a_message(task):
    data = scheduler.Call(
        accept={"operations": [{"launch": {"task_infos": [task] * 50}}]}
    ).SerializePartialToString()
    shared = scheduler.Call.FromString(data)
    failures = []

    def work():
        try:
            for info in shared.accept.operations[0].launch.task_infos:
                assert info.resources[0].scalar.value == 1
                info.name = "n"
            shared.SerializePartialToString()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert shared == scheduler.Call.FromString(data)
