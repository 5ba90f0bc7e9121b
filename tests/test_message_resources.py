"""`mesos.Resources`: what makes them, what they refuse, reading and filtering, and where they are accepted.

Arithmetic is in test_message_arithmetic.py.
"""

import copy
import json
import pickle
from collections.abc import Sequence
from decimal import Decimal

import mesos
import pytest
from google_messages import google_class

OFFER = mesos.Offer(
    id="o",
    framework_id="f",
    agent_id="a",
    hostname="h",
    resources=[
        {"name": name, "type": "SCALAR", "scalar": amount, "allocation_info": {"role": "web"}}
        for name, amount in {"cpus": 4, "mem": 512}.items()
    ],
)
VOLUME = {
    "name": "disk",
    "type": "SCALAR",
    "scalar": 10,
    "reservations": [{"type": "DYNAMIC", "role": "web", "principal": "p"}],
    "disk": {"persistence": {"id": "v"}, "volume": {"container_path": "data", "mode": "RW"}},
}


def test_text_and_keywords_agree():
    text = mesos.Resources("cpus:0.1;mem:32; ports:[31000-31005, 31010-31010];racks:{b,a}")
    named = mesos.Resources(cpus=0.1, mem=32, ports=[(31000, 31005), range(31010, 31011)], racks={"a", "b"})
    assert (
        text
        == named
        == mesos.Resources(cpus="0.1", mem=Decimal(32), ports="[31000-31005,31010-31010]", racks="{a,b}")
    )
    assert [resource.name for resource in text] == ["cpus", "mem", "ports", "racks"]
    assert text[0].scalar.value == 0.1
    assert text[2].ranges.range[1].begin == 31010
    assert list(text[3].set.item) == ["a", "b"]
    assert all(resource.IsInitialized() for resource in text)
    assert mesos.Resources("cpus:1", mem=2) == mesos.Resources(cpus=1, mem=2)


def test_they_are_a_sequence():
    resources = mesos.Resources(cpus=1, mem=2)
    assert isinstance(resources, Sequence)
    assert (len(resources), bool(resources)) == (2, True)
    assert (len(mesos.Resources()), bool(mesos.Resources())) == (0, False)
    assert resources[-1].name == resources[1].name == "mem"
    assert isinstance(resources[:1], mesos.Resources)
    assert resources[:1] == mesos.Resources(cpus=1)
    assert resources[::-1][0].name == "mem"
    assert [resource.name for resource in reversed(resources)] == ["mem", "cpus"]
    assert resources.index(resources[1]) == 1
    assert resources.count(resources[1]) == 1
    match resources:
        case [first, second]:
            assert (first.name, second.name) == ("cpus", "mem")
        case _:
            pytest.fail("no sequence")
    with pytest.raises(IndexError, match="out of range"):
        resources[2]
    with pytest.raises(IndexError, match="out of range"):
        resources[-3]
    with pytest.raises(TypeError, match=r"not str 'cpus'; \.scalars\(\)"):
        resources["cpus"]
    with pytest.raises(TypeError, match="unhashable"):
        hash(resources)


def test_they_do_not_change():
    resources = mesos.Resources(cpus=1)
    resources[0].scalar.value = 5
    next(iter(resources)).name = "gpus"
    assert str(resources) == "cpus:1"
    with pytest.raises(AttributeError):
        resources.cpus = 5
    assert copy.copy(resources) is resources
    assert copy.deepcopy(resources) is resources


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(protocol):
    shared = mesos.Resources([{**VOLUME, "shared": {}}])
    for resources in (mesos.Resources(), mesos.Resources(OFFER.resources), shared + shared):
        again = pickle.loads(pickle.dumps(resources, protocol))
        assert type(again) is mesos.Resources
        assert again == resources
        assert [item.SerializeToString() for item in again] == [
            item.SerializeToString() for item in resources
        ]


def test_text_says_it_all():
    for text in [
        "",
        "cpus:1;mem:2",
        "cpus(web):0.001;mem(allocated: db):2;disk(allocated: db)(web/a):4096.5",
        "ports:[1-2,4-4];racks:{a b,ü}",
    ]:
        resources = mesos.Resources(text)
        assert str(resources) == text
        assert repr(resources) == f"Resources({text!r})"
        assert eval(repr(resources), {"Resources": mesos.Resources}) == resources
    for other in [
        [VOLUME],
        [{"name": "cpus", "type": "SCALAR", "scalar": 1, "revocable": {}}],
        [{"name": "a;b", "type": "SCALAR", "scalar": 1}],
        [{"name": "racks", "type": "SET", "set": {"item": ["a,b"]}}],
    ]:
        resources = mesos.Resources(other)
        assert json.loads(str(resources))[0]["name"] == other[0]["name"]
        assert mesos.Resources(str(resources)) == resources
        assert eval(repr(resources), {"Resources": mesos.Resources}) == resources


def test_messages_dicts_and_other_libraries_messages():
    message = mesos.Resource(name="cpus", type=mesos.Value.SCALAR, scalar=1)
    fields = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}
    google = google_class("mesos.v1.Resource")(name="cpus", type=0)
    google.scalar.value = 1
    task = google_class("mesos.v1.TaskInfo")(resources=[google])
    task_ours = mesos.TaskInfo(resources=[message])
    for spec in (
        message,
        fields,
        google,
        [message],
        (fields,),
        iter([google]),
        task.resources,
        task_ours.resources,
    ):
        assert mesos.Resources(spec) == mesos.Resources(cpus=1), spec
    assert mesos.Resources(mesos.Resources(cpus=1)) == mesos.Resources(cpus=1)


def test_changed_and_unread_fields_are_read_alike():
    task = mesos.TaskInfo(resources=mesos.Resources("cpus:1;mem:2"))
    parsed = mesos.TaskInfo.FromString(task.SerializePartialToString())
    assert mesos.Resources(parsed.resources) == mesos.Resources("cpus:1;mem:2")
    parsed.resources[0].scalar.value = 3
    del parsed.resources[1]
    parsed.resources.add(name="disk", type="SCALAR", scalar=5)
    assert mesos.Resources(parsed.resources) == mesos.Resources("cpus:3;disk:5")


def test_roles():
    resources = mesos.Resources("cpus:1;mem(db):2;disk(*):3", role="web")
    assert str(resources) == "cpus(web):1;mem(db):2;disk:3"
    (reservation,) = resources[0].reservations
    assert (reservation.type, reservation.role) == (mesos.Resource.ReservationInfo.STATIC, "web")
    assert not resources[0].HasField("role"), "which is deprecated"
    assert mesos.Resources(cpus=1, role="web") == mesos.Resources("cpus(web):1")
    assert mesos.Resources(cpus=1, role="*") == mesos.Resources(cpus=1)
    assert mesos.Resources(mesos.Resources("cpus:1;mem(db):2"), role="web") == mesos.Resources(
        "cpus(web):1;mem(db):2"
    )
    given = [
        mesos.Resource(name="cpus", type="SCALAR", scalar=1),
        mesos.Resource(name="mem", type="SCALAR", scalar=2, role="db"),
    ]
    assert str(mesos.Resources(given, role="web")) == "cpus(web):1;mem(db):2"
    assert not given[0].reservations


def test_amounts_by_name():
    resources = mesos.Resources(
        "cpus:1;cpus(web):0.5;mem:32;disk:9;gpus:2;ports:[5-6,1-2];ports(web):[3-3];racks:{a,b}"
    )
    assert resources.scalars() == {"cpus": 1.5, "mem": 32.0, "disk": 9.0, "gpus": 2.0}
    assert (resources.cpus, resources.mem, resources.disk, resources.gpus) == (1.5, 32.0, 9.0, 2.0)
    assert resources.ports == [(1, 3), (5, 6)]
    assert resources.ranges("ports") == resources.ports
    assert resources.members("racks") == {"a", "b"}
    nothing = mesos.Resources()
    assert (nothing.scalars(), nothing.cpus, nothing.ports, nothing.members("racks")) == ({}, 0.0, [], set())
    assert (resources.ranges("cpus"), resources.members("ports")) == ([], set())


def test_filters():
    revocable = {"name": "cpus", "type": "SCALAR", "scalar": 1, "revocable": {}}
    resources = mesos.Resources("cpus:1;mem(web):2;mem(db):3;ports:[1-2]") + revocable + VOLUME
    assert resources.unreserved() == mesos.Resources("cpus:1;ports:[1-2]") + revocable
    assert resources.reserved() == mesos.Resources("mem(web):2;mem(db):3") + VOLUME
    assert resources.reserved("web") == mesos.Resources("mem(web):2") + VOLUME
    assert resources.reserved(role="nobody") == mesos.Resources()
    assert resources.named("mem") == mesos.Resources("mem(web):2;mem(db):3")
    assert resources.named("mem", "ports").scalars() == {"mem": 5.0}
    assert resources.revocable() == mesos.Resources(revocable)
    assert resources.nonrevocable() + revocable == resources
    assert resources.persistent_volumes() == mesos.Resources([VOLUME])
    assert resources.reserved() + resources.unreserved() == resources


def test_accepted_where_a_repeated_resource_is():
    resources = mesos.Resources(cpus=1, mem=2)
    task = mesos.TaskInfo(resources=resources)
    assert task.resources == list(resources)
    assert resources == task.resources
    task.resources.extend(mesos.Resources("disk:5"))
    task.resources += mesos.Resources(gpus=1)
    assert [resource.name for resource in task.resources] == ["cpus", "mem", "disk", "gpus"]
    task.resources[0].name = "gpus"
    assert resources[0].name == "cpus"
    launch = {"task_infos": [{"resources": resources}]}
    operation = mesos.Offer.Operation(type="LAUNCH", launch=launch)
    assert operation.launch.task_infos[0].resources == resources
    assert mesos.TaskInfo.FromString(task.SerializePartialToString()) == task
    plain = []
    plain += resources
    assert type(plain) is list
    with pytest.raises(TypeError, match=r"TaskInfo\.labels|Label"):
        mesos.Labels(labels=resources)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: mesos.Resources("cpus"), ValueError, "'cpus' is not name:value"),
        (lambda: mesos.Resources("cpus:x"), ValueError, "'cpus': 'x' is neither a number"),
        (lambda: mesos.Resources("cpus:1_0"), ValueError, "'cpus': '1_0' is neither a number"),
        (lambda: mesos.Resources("cpus(:1"), ValueError, "not name:value"),
        (lambda: mesos.Resources("cpus():1"), ValueError, "not name:value"),
        (lambda: mesos.Resources("cpus(a)(b):1"), ValueError, "not name:value"),
        (lambda: mesos.Resources("cpus(a)b:1"), ValueError, "not name:value"),
        (lambda: mesos.Resources(":1"), ValueError, "not name:value"),
        (lambda: mesos.Resources("cpus(a b):1"), ValueError, "Role component 'a b' is invalid"),
        (lambda: mesos.Resources("cpus:inf"), ValueError, "'cpus': inf is no amount"),
        (lambda: mesos.Resources("ports:[1-]"), ValueError, "'ports': '1-' is no range"),
        (lambda: mesos.Resources("ports:[5-1]"), ValueError, "'ports': the range 5-1"),
        (
            lambda: mesos.Resources(f"ports:[1-{1 << 64}]"),
            ValueError,
            "'ports': the range 1-18446744073709551616",
        ),
        (lambda: mesos.Resources("[{]"), ValueError, "key must be a string"),
        (lambda: mesos.Resources('[{"name": "cpus"}], "x": []'), ValueError, "trailing"),
        (lambda: mesos.Resources('[{"name": "cpus"}]'), ValueError, r"resources\[0\]"),
        (lambda: mesos.Resources(None), TypeError, "expected text, messages or dicts, got None"),
        (lambda: mesos.Resources(cpus=10**400), ValueError, "'cpus': 1000"),
        (lambda: mesos.Resources(cpus=10**5000), ValueError, "'cpus': int is no amount"),
        (lambda: mesos.Resources(cpus=1e13), ValueError, "too large"),
        (lambda: mesos.Resources(cpus=-1), ValueError, "'cpus': -1 is no amount"),
        (
            lambda: mesos.Resources(cpus=0.0004),
            ValueError,
            "'cpus': 0.0004 is no amount: Mesos counts in thousandths",
        ),
        (lambda: mesos.Resources(cpus=float("nan")), ValueError, "'cpus': nan is no amount"),
        (lambda: mesos.Resources(cpus=True), TypeError, "'cpus': expected a number"),
        (lambda: mesos.Resources(cpus=None), TypeError, "'cpus'.*None"),
        (lambda: mesos.Resources(cpus=object()), TypeError, "'cpus': expected a number.*object"),
        (lambda: mesos.Resources(**{"": 1}), ValueError, "Empty resource name"),
        (lambda: mesos.Resources(cpus=1, role=5), TypeError, "role: expected a str, got 5"),
        (lambda: mesos.Resources(cpus=1, role="a//b"), ValueError, "role: Role 'a//b' cannot"),
        (lambda: mesos.Resources(ports=[1]), TypeError, "'ports': a range is a pair"),
        (lambda: mesos.Resources(ports=[(1, 2, 3)]), TypeError, "'ports': a range is a pair"),
        (lambda: mesos.Resources(ports=[range(1, 9, 2)]), TypeError, "'ports': a range is a pair"),
        (lambda: mesos.Resources(ports=[(1, 2.0)]), TypeError, "'ports': a range is a pair of ints"),
        (lambda: mesos.Resources(ports=[(1, True)]), TypeError, "'ports': a range is a pair of ints"),
        (lambda: mesos.Resources(ports=[(-1, 2)]), ValueError, "'ports': the range -1-2"),
        (lambda: mesos.Resources(ports=[range(0)]), ValueError, "'ports': the range 0--1"),
        (
            lambda: mesos.Resources(ports=[(3, 8), (1, 3)]),
            ValueError,
            "'ports': the ranges 1-3 and 3-8 overlap",
        ),
        (lambda: mesos.Resources(racks={1}), TypeError, "'racks': the items of a set are str"),
        (lambda: mesos.Resources([1]), TypeError, "expected Resource or a dict, got int 1"),
        (lambda: mesos.Resources(["cpus:1"]), TypeError, "expected Resource or a dict, got str 'cpus:1'"),
        (lambda: mesos.Resources(mesos.TaskInfo()), TypeError, "expected Resource, got TaskInfo"),
        (lambda: mesos.Resources(mesos.TaskInfo().labels.labels), TypeError, "expected text, messages"),
        (lambda: mesos.Resources(5), TypeError, r"got 5; .* Resources\(cpus=1, mem=32\)"),
        (lambda: mesos.Resources({"cpus": 1}), ValueError, r"\{'cpus': 1\}.*Resources\(\*\*amounts\)"),
        (lambda: mesos.Resources("cpus:1", "mem:2"), TypeError, "expected one argument"),
        (lambda: mesos.Resources([{"name": "cpus", "nme": 1}]), ValueError, "no field .nme."),
        (lambda: mesos.Resources([{"name": "cpus"}]), ValueError, "missing required fields: type"),
        (lambda: mesos.Resources([{"name": "", "type": 0}]), ValueError, "Empty resource name"),
        (
            lambda: mesos.Resources([{"name": "cpus", "type": "SCALAR", "scalar": -1}]),
            ValueError,
            "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0",
        ),
        (
            lambda: mesos.Resources(
                [{"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 2, "end": 1}]}}]
            ),
            ValueError,
            r"Resource 'ports:\[2-1\]' is invalid: Invalid ranges resource: begin > end",
        ),
    ],
)
def test_refusals_name_the_resource(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_what_an_iterable_raises_comes_out():
    class Broken:
        def __iter__(self):
            raise KeyError("mine")

    class Number:
        def __float__(self):
            raise KeyError("mine")

    for spec in (Broken(), (1 / 0 for _ in range(1))):
        with pytest.raises((KeyError, ZeroDivisionError)):
            mesos.Resources(spec)
    with pytest.raises(KeyError, match="mine"):
        mesos.Resources(cpus=Number())
