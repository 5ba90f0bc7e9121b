"""Arithmetic with `mesos.Resources`: its laws, a slow model, what a scheduler does with it, and a cluster."""

from __future__ import annotations

import operator
import threading
from collections import defaultdict
from fractions import Fraction

import mesos
import pytest
from hypothesis import given
from hypothesis import strategies as st

NAMES = ("cpus", "mem", "ports", "racks")
AMOUNTS = st.integers(0, 5000)  # thousandths
RANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=3)
MARKS = st.tuples(*(st.sampled_from(("", "web", "db")) for _ in range(2)))  # allocated to, reserved for


def message(name, value, marks=("", "")):
    """A `Resource` as somebody else would write it, in parts and with decimals to be rounded."""
    allocated, role = marks
    made = mesos.Resource(name=name)
    if isinstance(value, int):
        made.type = mesos.Value.SCALAR
        made.scalar.value = value / 1000
    elif isinstance(value, list):
        made.type = mesos.Value.RANGES
        made.ranges.SetInParent()
        for begin, end in value:
            made.ranges.range.add(begin=begin, end=end)
    else:
        made.type = mesos.Value.SET
        made.set.SetInParent()
        made.set.item.extend(sorted(value))
    if allocated:
        made.allocation_info.role = allocated
    if role:
        made.reservations.add(type="STATIC", role=role)
    return made


def disjoint(ranges):
    """The numbers in ranges as ranges that do not overlap, as Mesos wants them."""
    numbers = sorted({number for begin, size in ranges for number in range(begin, begin + size + 1)})
    return [(number, number) for number in numbers]


VALUES = st.one_of(
    st.tuples(st.sampled_from(("cpus", "mem")), AMOUNTS),
    st.tuples(st.just("ports"), RANGES.map(disjoint)),
    st.tuples(st.just("racks"), st.frozensets(st.sampled_from("abcd"))),
)
MESSAGES = st.lists(st.builds(lambda pair, marks: message(*pair, marks), VALUES, MARKS), max_size=8)
PLAIN = st.lists(st.builds(lambda pair: message(*pair), VALUES), max_size=8)


class Model:
    """The same by sets of numbers: whatever is of one kind is one, and each thousandth is a thing."""

    def __init__(self, messages):
        self.held = defaultdict(lambda: 0)
        for one in messages:
            role = one.reservations[0].role if one.reservations else ""
            kind = (one.name, one.allocation_info.role, role)
            if one.type == mesos.Value.SCALAR:
                self.held[kind] += round(Fraction(one.scalar.value) * 1000)
            elif one.type == mesos.Value.RANGES:
                own = {n for part in one.ranges.range for n in range(part.begin, part.end + 1)}
                self.held[kind] = (self.held[kind] or frozenset()) | own
            else:
                self.held[kind] = (self.held[kind] or frozenset()) | set(one.set.item)

    def compact(self):
        return {kind: value for kind, value in self.held.items() if value}

    def minus(self, other):
        left = dict(self.held)
        for kind, value in other.compact().items():
            have = left.get(kind, 0)
            if have:
                left[kind] = max(have - value, 0) if isinstance(value, int) else have - value
        return {kind: value for kind, value in left.items() if value}

    def contains(self, other):
        return all(
            kind in self.compact() and (self.held[kind] >= value) for kind, value in other.compact().items()
        )


def model(resources):
    return Model(resources).compact()


@given(MESSAGES, MESSAGES)
def test_it_agrees_with_the_model(one, other):
    first, second = mesos.Resources(one), mesos.Resources(other)
    assert model(first) == Model(one).compact()
    assert model(first + second) == Model(one + other).compact()
    assert (first == second) == (Model(one).compact() == Model(other).compact())
    if all(item.HasField("allocation_info") for item in other):  # the others may be taken from any
        assert model(first - second) == Model(one).minus(Model(other))
        assert (second in first) == Model(one).contains(Model(other))


@given(PLAIN, PLAIN)
def test_it_agrees_with_the_model_without_allocations(one, other):
    first, second = mesos.Resources(one), mesos.Resources(other)
    assert model(first - second) == Model(one).minus(Model(other))
    assert (second in first) == Model(one).contains(Model(other))


@given(MESSAGES, MESSAGES, MESSAGES)
def test_laws(one, other, third):
    a, b, c = map(mesos.Resources, (one, other, third))
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a in a + b
    assert b in a + b
    assert b.unallocated() in a + b.unallocated()
    assert a - b <= a <= a + b
    assert not a - a
    assert a - mesos.Resources() == a
    assert mesos.Resources(str(a)) == a
    assert mesos.Resources(list(a)) == a
    if not (a.ports or a.members("racks")):
        assert (a + b) - b == a
    assert all(amount == round(amount, 3) for amount in (a + b).scalars().values())


def test_operators_take_what_the_constructor_takes():
    cpus = mesos.Resources(cpus=1)
    task = mesos.TaskInfo(resources=cpus)
    fields = {"name": "cpus", "type": "SCALAR", "scalar": 1}
    for other in (cpus, task.resources, list(cpus), tuple(cpus), cpus[0], fields, [fields], "cpus:1"):
        assert cpus + other == mesos.Resources(cpus=2)
        assert mesos.Resources(cpus=3) - other == mesos.Resources(cpus=2)
        assert other in cpus
        assert cpus.contains(other)
        assert cpus <= other
        assert cpus >= other
        assert not cpus < other
        assert not cpus > other
    assert sum([cpus, task.resources], mesos.Resources()) == mesos.Resources(cpus=2)
    total = cpus
    total += cpus
    assert (total, cpus) == (mesos.Resources(cpus=2), mesos.Resources(cpus=1))
    assert cpus < total
    assert mesos.Resources(mem=1) not in total
    assert not mesos.Resources(mem=1) <= total


def test_operators_refuse_the_rest():
    cpus = mesos.Resources(cpus=1)
    with pytest.raises(TypeError, match=r"unsupported operand type.*Resources.*int"):
        cpus + 1
    with pytest.raises(TypeError, match="can only concatenate list"):
        operator.add([], cpus)
    with pytest.raises(TypeError, match="expected text, messages or dicts, got 5"):
        assert 5 in cpus
    with pytest.raises(ValueError, match="'cpus' is not name:value"):
        assert "cpus" in cpus
    with pytest.raises(TypeError, match="not supported between"):
        assert cpus < 5


def test_equality():
    both = mesos.Resources("cpus:1;mem:2")
    assert both == mesos.Resources("mem:2;cpus:0.5;cpus:0.5")
    assert both == list(both)[::-1]
    assert both == tuple(both)
    assert both != mesos.Resources("cpus:1")
    assert both != [1]
    assert both != [mesos.Resource(name="cpus")]
    assert both != "cpus:1;mem:2", "text is text"
    assert both != {"name": "cpus"}
    assert both != mesos.Resources("cpus:1;mem(web):2")
    assert both.allocated("web") != both
    assert both.allocated("web").unallocated() == both
    with pytest.raises(ValueError, match="Role names cannot be the empty string"):
        both.allocated("")


def test_tenths_never_drift():
    left, tenth, count = mesos.Resources(cpus=1), mesos.Resources(cpus=0.1), 0
    while tenth in left:
        left -= tenth
        count += 1
    assert (count, bool(left)) == (10, False)
    assert sum([tenth] * 10, mesos.Resources()) == mesos.Resources(cpus=1)


def test_ports_are_split():
    left = mesos.Resources("ports:[31000-31005]")
    for ports, rest in [
        ([(31000, 31000)], [(31001, 31005)]),
        ([(31003, 31003)], [(31001, 31002), (31004, 31005)]),
        ([(31002, 31004)], [(31001, 31002), (31004, 31005)]),  # 31003 is taken
        ([(31001, 31002), (31005, 31005)], [(31004, 31004)]),
    ]:
        need = mesos.Resources(ports=ports)
        if need in left:
            left -= need
        assert left.ports == rest
    assert mesos.Resources(ports=[(0, (1 << 64) - 1)]) - mesos.Resources(ports=[(5, 5)]) == mesos.Resources(
        ports=[(0, 4), (6, (1 << 64) - 1)]
    )


def test_taking_more_than_there_is_leaves_nothing():
    left = mesos.Resources("cpus:1;ports:[1-5];racks:{a,b}") - "cpus:2;mem:1;ports:[4-9];racks:{b,c}"
    assert left == mesos.Resources("ports:[1-3];racks:{a}")


def test_what_an_offer_says_of_allocation_need_not_be_said():
    offer = mesos.Resources("cpus:4;mem:512;mem(web):64").allocated("web")
    need = mesos.Resources("cpus:1;mem:32")
    assert need in offer
    assert offer - need == mesos.Resources("cpus:3;mem:480;mem(web):64").allocated("web")
    assert need.allocated("web") in offer
    assert need.allocated("db") not in offer
    assert offer.allocated("db") not in offer
    assert offer not in offer.unallocated(), "what is not offered to anybody"
    assert mesos.Resources(mem=600) not in offer, "reserved memory must be asked for"


def test_find_looks_among_the_reserved_too():
    offer = mesos.Resources("cpus:1;cpus(web):2;cpus(db):4;ports:[1-3];ports(web):[5-9]").allocated("web")
    assert offer.find("cpus:0.5") == mesos.Resources("cpus:0.5").allocated("web")
    assert offer.find("cpus(web):2.5") == mesos.Resources("cpus(web):2;cpus:0.5").allocated("web")
    assert offer.find("cpus:6") == mesos.Resources("cpus:1;cpus(web):2;cpus(db):3").allocated("web")
    assert offer.find("cpus:1;ports:[2-3,5-5]").ports == [(2, 3), (5, 5)]
    assert offer.find("cpus:8") is None
    assert offer.find("cpus:1;mem:1") is None
    assert offer.find("cpus:4;cpus(web):4") is None, "nothing is found twice"
    assert offer.find("ports:[3-5]") is None
    found = offer.find("cpus:6")
    assert found in offer
    assert (offer - found).scalars() == {"cpus": 1.0}
    with pytest.raises(TypeError, match="got 5"):
        offer.find(5)


def test_tasks_fill_an_offer_of_the_embedded_cluster():
    need = mesos.Resources(cpus=1, mem=64, ports=[])
    done = threading.Event()

    class Filler(mesos.Scheduler):
        def __init__(self):
            self.sizes, self.states = [], {}

        def resource_offers(self, driver, offers):
            for offer in offers:
                if self.sizes:
                    driver.decline_offer(offer)
                    continue
                assert offer.resources[0].allocation_info.role == "web"
                left, tasks = mesos.Resources(offer.resources), []
                while need in left:
                    port = left.ports[0][0]
                    own = need + mesos.Resources(ports=[(port, port)])
                    tasks.append(self.task(len(tasks), own))
                    left -= own
                tasks.append(self.task(len(tasks), left))  # what is left, allocated as it was offered
                self.sizes.append(len(tasks))
                driver.launch_tasks(offer, tasks)

        def task(self, number, resources):
            name = f"t{number}"
            return mesos.TaskInfo(task_id=name, name=name, command={"value": "true"}, resources=resources)

        def status_update(self, driver, status):
            self.states[status.task_id.value] = status
            if len(self.states) == 5 and all(each.state.is_terminal for each in self.states.values()):
                done.set()

    filler = Filler()
    framework = {"name": "fill", "roles": ["web"], "capabilities": [{"type": "MULTI_ROLE"}]}
    resources = "cpus:4.1;mem:1024;ports:[31000-31009]"
    with (
        mesos.LocalCluster(resources=resources) as cluster,
        mesos.SchedulerDriver(filler, framework, cluster, dispatcher="thread"),
    ):
        assert done.wait(20)
    assert filler.sizes == [5]
    assert {str(each.state) for each in filler.states.values()} == {"TASK_FINISHED"}
