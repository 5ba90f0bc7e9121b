"""Random sessions with messages, ours and google.protobuf's side by side.

A session holds on to messages, children, items and containers while their parents are cleared, parsed anew,
merged, copied and dropped. After each step every held pair must hold the same, with or without a parent.
"""

import copy
import gc
import pickle
import random

from google_messages import (
    assert_same,
    clears_only,
    delete_slice,
    fill,
    google_class,
    is_map,
    merge,
    our_class,
    scalar,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from samples import CASES, EXAMPLES

ROOTS = [
    "mesos.v1.TaskInfo",
    "mesos.v1.ContainerInfo",
    "mesos.v1.ContainerID",
    "mesos.v1.OfferFilters",
    "mesos.v1.Resource",
    "mesos.v1.Environment.Variable",
    "mesos.v1.Volume.Source.CSIVolume",
    "mesos.v1.scheduler.OfferConstraints",
    "mesos.v1.scheduler.AttributeConstraint",
    "mesos.v1.scheduler.Call",
    "mesos.v1.quota.QuotaConfig",
]
MOST = 12

choices = st.integers(0, 2**32)
seeds = st.integers(0, 2**64)


def fields(google, wanted):
    return [field for field in google.DESCRIPTOR.fields if wanted(field)]


def is_message(field):
    return field.message_type is not None and not field.is_repeated


def is_items(field):
    return field.is_repeated and not is_map(field)


def clear(google):
    """Clear one of google.protobuf's messages, letting go of all that was read from it.

    Its own Clear (upb, 7.36) passes over some of the children that were read but not set, its CopyFrom over
    all of those.
    """
    for field in google.DESCRIPTOR.fields:
        google.ClearField(field.name)
    google.Clear()


def size_or_text(item):
    """Sort items of any type alike, ours and google.protobuf's."""
    if hasattr(item, "SerializePartialToString"):
        return len(item.SerializePartialToString())
    return f"{item:d}" if isinstance(item, int) else repr(item)


class Sessions(RuleBasedStateMachine):
    """The pairs that are held: (ours, google)."""

    def __init__(self):
        super().__init__()
        self.messages = []
        self.containers = []  # with the field

    def hold(self, ours, google):
        self.messages.append((ours, google))
        del self.messages[:-MOST]  # drops the oldest: parents may go before their children

    def message(self, choice):
        return self.messages[choice % len(self.messages)]

    def field(self, google, choice, wanted):
        found = fields(google, wanted)
        return found[choice % len(found)] if found else None

    @rule(name=st.sampled_from(ROOTS), seed=seeds, parsed=st.booleans())
    def make(self, name, seed, parsed):
        google = google_class(name)()
        fill(random.Random(seed), google, depth=3, density=0.4)
        data = google.SerializePartialToString()
        ours = our_class(name).FromString(data)
        if not parsed:
            ours.MergeFrom(our_class(name)())
        self.hold(ours, google)

    @precondition(lambda self: self.messages)
    @rule(one=choices, two=choices)
    def read_child(self, one, two):
        ours, google = self.message(one)
        if field := self.field(google, two, is_message):
            child = getattr(ours, field.name)
            assert child is getattr(ours, field.name)
            self.hold(child, getattr(google, field.name))

    @precondition(lambda self: self.messages)
    @rule(one=choices, two=choices)
    def read_container(self, one, two):
        ours, google = self.message(one)
        if field := self.field(google, two, lambda field: field.is_repeated):
            container = getattr(ours, field.name)
            assert container is getattr(ours, field.name)
            self.containers.append((field, container, getattr(google, field.name)))
            del self.containers[:-MOST]

    @precondition(lambda self: self.containers)
    @rule(one=choices, two=choices)
    def read_item(self, one, two):
        field, ours, google = self.containers[one % len(self.containers)]
        if is_map(field):
            if field.message_type.fields[1].message_type is not None:
                key = ["a", "b", *sorted(google)][two % (2 + len(google))]
                self.hold(ours[key], google[key])
        elif field.message_type is not None and len(google):
            at = two % len(google)
            assert ours[at] is ours[at - len(google)]
            self.hold(ours[at], google[at])

    @precondition(lambda self: self.messages)
    @rule(one=choices, two=choices, seed=seeds)
    def set_scalar(self, one, two, seed):
        ours, google = self.message(one)
        plain = self.field(google, two, lambda field: field.message_type is None and not field.is_repeated)
        if plain:
            value = scalar(random.Random(seed), plain)
            setattr(ours, plain.name, value)
            setattr(google, plain.name, value)

    @precondition(lambda self: self.messages)
    @rule(one=choices, two=choices)
    def clear_field(self, one, two):
        ours, google = self.message(one)
        field = self.field(google, two, lambda _: True)
        if field and clears_only(google, field):
            ours.ClearField(field.name)
            google.ClearField(field.name)

    @precondition(lambda self: self.messages)
    @rule(one=choices)
    def set_in_parent(self, one):
        ours, google = self.message(one)
        ours.SetInParent()
        google.SetInParent()

    @precondition(lambda self: self.messages)
    @rule(one=choices)
    def clear(self, one):
        ours, google = self.message(one)
        ours.Clear()
        clear(google)

    @precondition(lambda self: self.messages)
    @rule(one=choices, seed=seeds, how=st.sampled_from(["Parse", "Merge", "MergeFrom", "CopyFrom"]))
    def take_over(self, one, seed, how):
        ours, google = self.message(one)
        other = type(google)()
        fill(random.Random(seed), other, depth=2, density=0.3)
        data = other.SerializePartialToString()
        if how in ("Parse", "CopyFrom"):
            clear(google)
        merge(google, other)
        if how in ("Parse", "Merge"):
            getattr(ours, f"{how}FromString")(data)
        else:
            getattr(ours, how)(type(ours).FromString(data))

    @precondition(lambda self: self.messages)
    @rule(one=choices, two=choices, how=st.sampled_from(["MergeFrom", "CopyFrom"]))
    def take_over_a_held_one(self, one, two, how):
        ours, google = self.message(one)
        same = [pair for pair in self.messages if type(pair[1]) is type(google)]
        other, other_google = same[two % len(same)]
        # google.protobuf reads the source while it changes, should it be related: it gets a copy
        if other is not ours:
            source = copy.deepcopy(other_google)
            if how == "CopyFrom":
                clear(google)
            merge(google, source)
            getattr(ours, how)(other)

    @precondition(lambda self: self.messages)
    @rule(
        one=choices, how=st.sampled_from([copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
    )
    def duplicate(self, one, how):
        ours, google = self.message(one)
        again = how(ours)
        assert again == ours
        assert again is not ours
        self.hold(again, copy.deepcopy(google))

    @precondition(lambda self: self.containers)
    @rule(
        one=choices,
        two=choices,
        seed=seeds,
        how=st.sampled_from(["add", "pop", "delete", "reverse", "clear", "set", "insert", "extend", "sort"]),
    )
    def change_container(self, one, two, seed, how):
        field, ours, google = self.containers[one % len(self.containers)]
        rng = random.Random(seed)
        if is_map(field):
            self.change_map(field.message_type.fields[1], ours, google, rng, how)
            return
        size, part = len(google), slice(two % 4, two % 7, 1 + two % 2)
        value = None if field.message_type else scalar(rng, field)
        if how == "pop" and size:
            ours.pop(two % size)
            google.pop(two % size)
        elif how == "delete":
            del ours[part]
            delete_slice(google, part)
        elif how in ("reverse", "clear"):
            getattr(ours, how)()
            getattr(google, how)()
        elif how == "extend":
            ours.extend(list(ours[part]))
            google.extend(list(google[part]))
        elif how == "sort":
            ours.sort(key=size_or_text)
            google.sort(key=size_or_text)
        elif field.message_type is not None:
            self.hold(ours.add(), google.add())
        elif how == "insert":
            ours.insert(two % 5, value)
            google.insert(two % 5, value)
        elif how == "set" and size:
            ours[two % size] = google[two % size] = value
        else:
            ours.append(value)
            google.append(value)

    def change_map(self, value_field, ours, google, rng, how):
        key = rng.choice(["a", "b", *sorted(google)])
        if how in ("pop", "delete") and key in google:
            del ours[key], google[key]
        elif how == "clear":
            ours.clear()
            google.clear()
        elif value_field.message_type is None:
            ours[key] = google[key] = scalar(rng, value_field)
        else:
            self.hold(ours[key], google[key])

    @rule(choice=choices)
    def drop(self, choice):
        if self.messages:
            del self.messages[choice % len(self.messages)]
        if self.containers:
            del self.containers[choice % len(self.containers)]
        gc.collect(0)

    @invariant()
    def all_held_are_the_same(self):
        for ours, google in self.messages:
            data = ours.SerializePartialToString()
            assert type(google).FromString(data) == google, google.DESCRIPTOR.full_name
            assert ours.ByteSize() == len(data)
            assert type(ours).FromString(data) == ours
            assert [field.name for field, _ in ours.ListFields()] == [
                field.name for field, _ in google.ListFields()
            ]
            for oneof in google.DESCRIPTOR.oneofs:
                assert ours.WhichOneof(oneof.name) == google.WhichOneof(oneof.name)
        for field, ours, google in self.containers:
            assert len(ours) == len(google), field.full_name
            if field.message_type is None:
                assert list(ours) == list(google)

    def teardown(self):
        for ours, google in self.messages:
            assert_same(ours, google)


TestSessions = Sessions.TestCase
TestSessions.settings = settings(CASES, max_examples=EXAMPLES // 4, stateful_step_count=40)
