"""`mesos.Resources`: text, keywords, what they refuse, and where they are accepted."""

import mesos
import pytest


def test_text_and_keywords_agree():
    text = mesos.Resources("cpus:0.1;mem:32; ports:[31000-31005, 31010-31010];racks:{b,a}")
    named = mesos.Resources(cpus=0.1, mem=32, ports=[(31000, 31005), (31010, 31010)], racks={"a", "b"})
    assert text == named
    assert [resource.name for resource in text] == ["cpus", "mem", "ports", "racks"]
    assert text[0].scalar.value == 0.1
    assert text[2].ranges.range[1].begin == 31010
    assert list(text[3].set.item) == ["a", "b"]
    assert all(resource.IsInitialized() for resource in text)


def test_they_are_a_sequence():
    resources = mesos.Resources(cpus=1, mem=2)
    assert len(resources) == 2
    assert resources[-1].name == "mem"
    assert isinstance(resources[:1], mesos.Resources)
    assert len(resources[:1]) == 1
    assert resources == list(resources)
    assert repr(resources) == "Resources('cpus:1;mem:2')"
    assert mesos.Resources("cpus:1;mem:2") == resources
    assert mesos.Resources(resources) == resources
    assert mesos.Resources(resources[0]) == resources[:1]
    with pytest.raises(TypeError, match="unhashable"):
        hash(resources)


def test_roles():
    resources = mesos.Resources("cpus:1;mem(db):2", role="web")
    assert [resource.role for resource in resources] == ["web", "db"]
    assert mesos.Resources(cpus=1, role="web")[0].role == "web"
    assert not mesos.Resources(cpus=1)[0].HasField("role")
    assert repr(resources) == "Resources('cpus(web):1;mem(db):2')"
    given = [mesos.Resource(name="cpus"), mesos.Resource(name="mem", role="db")]
    assert [resource.role for resource in mesos.Resources(given, role="web")] == ["web", "db"]
    assert not given[0].HasField("role")


def test_accepted_where_a_repeated_resource_is():
    resources = mesos.Resources(cpus=1, mem=2)
    task = mesos.TaskInfo(resources=resources)
    assert task.resources == list(resources)
    task.resources.extend(mesos.Resources("disk:5"))
    assert [resource.name for resource in task.resources] == ["cpus", "mem", "disk"]
    task.resources[0].name = "gpus"
    assert resources[0].name == "cpus"


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: mesos.Resources("cpus"), ValueError, "'cpus' is not name:value"),
        (lambda: mesos.Resources("cpus:x"), ValueError, "'cpus': 'x' is neither a number"),
        (lambda: mesos.Resources("cpus:1_0"), ValueError, "'cpus': '1_0' is neither a number"),
        (lambda: mesos.Resources("cpus(:1"), ValueError, "not name:value"),
        (lambda: mesos.Resources("ports:[1-]"), ValueError, "'ports': '1-' is no range"),
        (lambda: mesos.Resources("ports:[5-1]"), ValueError, "'ports': the range 5-1"),
        (lambda: mesos.Resources(None), TypeError, "expected text, messages or dicts, got None"),
        (lambda: mesos.Resources(cpus=10**400), ValueError, "'cpus': 1000"),
        (lambda: mesos.Resources(cpus=-1), ValueError, "'cpus': -1 is no amount"),
        (lambda: mesos.Resources(cpus=float("nan")), ValueError, "'cpus': nan is no amount"),
        (lambda: mesos.Resources(cpus=True), TypeError, "'cpus': expected a number"),
        (lambda: mesos.Resources(cpus=None), TypeError, "'cpus'.*None"),
        (lambda: mesos.Resources(ports=[1]), TypeError, "'ports': a range is a pair"),
        (lambda: mesos.Resources(ports=[(1, 2.0)]), TypeError, "'ports': a range is a pair of ints"),
        (lambda: mesos.Resources(racks={1}), TypeError, "'racks': the items of a set are str"),
        (lambda: mesos.Resources([1]), TypeError, "expected Resource or a dict, got int 1"),
        (lambda: mesos.Resources(5), TypeError, r"got 5; .* Resources\(cpus=1, mem=32\)"),
        (lambda: mesos.Resources({"cpus": 1}), ValueError, r"\{'cpus': 1\}.*Resources\(\*\*amounts\)"),
    ],
)
def test_refusals_name_the_resource(make, error, words):
    with pytest.raises(error, match=words):
        make()
