"""What messages look like in rich and in notebooks."""

from __future__ import annotations

import html.parser
import math
from types import SimpleNamespace
from typing import Any

import mesos
import pytest
import rich.console
import rich.pretty
from mesos.v1 import scheduler

EVIL = "<script>alert(1)</script>\"'&"


@pytest.fixture
def offer() -> Any:
    return mesos.Offer(
        id="o-1",
        framework_id="f-1",
        agent_id="a-1",
        hostname="host-1",
        resources=[
            *mesos.Resources(cpus=1.5, mem=14336, ports=[(31000, 31999), (32100, 32100)]),
            *mesos.Resources(cpus=0.25, role="web"),
            *mesos.Resources(cpus=1),
            {
                "name": "disk",
                "type": "SCALAR",
                "scalar": 512,
                "role": "web",
                "disk": {"persistence": {"id": "volume-7"}},
            },
        ],
        attributes=[{"name": "rack", "type": "TEXT", "text": "r7"}],
    )


class Text(html.parser.HTMLParser):
    """The cells of a table as text; counts what must not be there, and what was not closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.lines: list[list[str]] = []
        self.open: list[str] = []
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"table", "tr", "th", "td", "span", "code", "b", "div"}, tag
        assert {name for name, _ in attrs} <= {"style", "colspan"}
        self.open.append(tag)
        if tag == "tr":
            self.lines.append([])
        elif tag in {"td", "th"}:
            self.lines[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.lines[-1][-1] += data.replace("\xa0", " ")


def cells(value: Any) -> dict[str, str]:
    """The table of one message."""
    return dict(Text(value._repr_html_()).lines)


def test_an_offer_at_a_glance(offer: Any) -> None:
    assert cells(offer) == {
        "host": "host-1",
        "resources": "* cpus 2.5 · mem 14 GB · ports 31000–31999, 32100"
        "web cpus 0.25 · volumes volume-7 512 MB",
        "attributes": "rack=r7",
        "agent": "a-1",
        "offer": "o-1",
    }
    offer.resources[0].allocation_info.role = "db"
    assert "db cpus 1.5" in cells(offer)["resources"]


def test_a_task_at_a_glance() -> None:
    task = mesos.TaskInfo(
        task_id="t",
        name="n",
        agent_id="a",
        command={"value": "run", "arguments": ["-x"], "shell": False},
        container={"type": "DOCKER", "docker": {"image": "image:1"}},
        labels={"labels": [{"key": "team", "value": "x"}, {"key": "canary"}]},
    )
    assert cells(task) == {
        "task": "t",
        "name": "n",
        "command": "run -x",
        "image": "image:1",
        "labels": "team=x canary",
        "agent": "a",
    }


def test_a_status_at_a_glance() -> None:
    status = mesos.TaskStatus(
        task_id="t",
        state="TASK_FAILED",
        reason="REASON_AGENT_REMOVED",
        source="SOURCE_MASTER",
        message="gone",
        healthy=False,
        timestamp=0.0,
    )
    assert cells(status) == {
        "task": "t",
        "state": "FAILED",
        "reason": "AGENT_REMOVED",
        "message": "gone",
        "health": "unhealthy",
        "source": "MASTER",
        "time": "1970-01-01 00:00:00 UTC",
    }
    assert "background:#c62828" in status._repr_html_()
    status.state = "TASK_RUNNING"
    assert "background:#2e7d32" in status._repr_html_()
    for strange in (math.nan, math.inf, 1e300, -1e300):
        status.timestamp = strange
        assert cells(status)["time"] == str(strange)


def test_agents_and_frameworks_at_a_glance() -> None:
    agent = mesos.AgentInfo(hostname="h", port=5051, resources=mesos.Resources(cpus=4))
    assert cells(agent) == {"host": "h:5051", "resources": "* cpus 4"}
    framework = mesos.FrameworkInfo(
        name="f", user="u", roles=["a", "b"], failover_timeout=60, capabilities=[{"type": "GPU_RESOURCES"}]
    )
    assert cells(framework) == {
        "name": "f",
        "user": "u",
        "roles": "a b",
        "failover timeout": "60 s",
        "capabilities": "GPU_RESOURCES",
    }
    assert cells(mesos.FrameworkInfo(name="f"))["roles"] == "*"


def test_empty_messages_have_a_table() -> None:
    for name in ("Offer", "TaskInfo", "TaskStatus", "AgentInfo", "FrameworkInfo"):
        assert Text(getattr(mesos, name)()._repr_html_())


def test_several_are_one_table(offer: Any) -> None:
    event = scheduler.Event(offers={"offers": [offer, mesos.Offer(hostname="host-2")]})
    lines = Text(event.offers.offers._repr_html_()).lines
    assert lines[0] == ["host", "resources", "attributes", "agent", "offer"]
    assert [line[0] for line in lines[1:]] == ["host-1", "host-2"]
    many = scheduler.Event(offers={"offers": [offer] * 123})
    lines = Text(many.offers.offers._repr_html_()).lines
    assert len(lines) == 102
    assert lines[-1] == ["… and 23 more"]


def test_other_messages_are_text(offer: Any) -> None:
    assert mesos.TaskID(value="t")._repr_html_() is None
    assert offer.resources._repr_html_() is None
    assert offer.executor_ids._repr_html_() is None
    assert mesos.CommandInfo(arguments=["a"]).arguments._repr_html_() is None


def test_plain_lists_are_tables_where_the_extension_is_loaded(offer: Any) -> None:
    formatters: dict[type, Any] = {}
    formatter = SimpleNamespace(for_type=formatters.__setitem__)
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"text/html": formatter}))
    mesos.load_ipython_extension(shell)
    shown = formatters[list]
    assert len(Text(shown([offer, offer])).lines) == 3
    for other in ([], [1, 2], [offer, mesos.TaskInfo()], [offer, 5], [offer, "x"]):
        assert shown(other) is None


def evil(value: Any) -> None:
    """Put hostile text into every text of a message."""
    for field in value.DESCRIPTOR.fields:
        if field.is_repeated and not field.message_type:
            if field.type == field.TYPE_STRING:
                getattr(value, field.name).append(EVIL)
        elif field.is_repeated:
            if not field.message_type.GetOptions().map_entry:
                evil(getattr(value, field.name).add())
        elif field.message_type and field.message_type.name not in {
            "ContainerID",
            "CheckInfo",
            "HealthCheck",
        }:
            evil(getattr(value, field.name))
        elif field.type == field.TYPE_STRING:
            setattr(value, field.name, EVIL)
        elif field.type == field.TYPE_BYTES:
            setattr(value, field.name, b"secret")


@pytest.mark.parametrize("name", ["Offer", "TaskInfo", "TaskStatus", "AgentInfo", "FrameworkInfo"])
def test_text_of_messages_is_escaped(name: str) -> None:
    message = getattr(mesos, name)()
    evil(message)
    source = message._repr_html_()
    assert "&lt;script&gt;" in source
    assert "<script" not in source
    assert Text(source), "no other tags, no other attributes"


def shown(value: Any) -> str:
    console = rich.console.Console(width=80, color_system=None, file=None)
    with console.capture() as captured:
        console.print(rich.pretty.Pretty(value))
    return captured.get()


def test_rich_shows_what_is_set(offer: Any) -> None:
    del offer.resources[1:]
    assert shown(mesos.TaskID(value="t")) == "TaskID(value='t')\n"
    assert shown(offer).splitlines() == [
        "Offer(",
        "    id=OfferID(value='o-1'),",
        "    framework_id=FrameworkID(value='f-1'),",
        "    agent_id=AgentID(value='a-1'),",
        "    hostname='host-1',",
        "    resources=[",
        "        Resource(name='cpus', type=<Type.SCALAR: 0>, scalar=Scalar(value=1.5))",
        "    ],",
        "    attributes=[",
        "        Attribute(name='rack', type=<Type.TEXT: 3>, text=Text(value='r7'))",
        "    ]",
        ")",
    ]
    task = mesos.TaskInfo(limits={"cpus": 1})
    assert shown(task) == "TaskInfo(limits={'cpus': Scalar(value=1.0)})\n"


def test_rich_hides_secrets() -> None:
    assert shown(mesos.Credential(principal="p", secret="hush")).strip() == (
        "Credential(principal='p', secret=<hidden>)"
    )
    secret = mesos.Secret(type="VALUE", value={"data": b"hush"})
    assert "data=<hidden>" in shown(secret)
    assert "hush" not in shown(secret)
