"""Who is offered what on the embedded cluster, as its arguments have it: attributes, time limits."""

from __future__ import annotations

from typing import Any

import pytest
from client import Client
from mesos.errors import ConfigurationError
from mesos.local import LocalCluster


def constraint(predicate: dict[str, Any]) -> dict[str, Any]:
    conditions = [{"selector": {"attribute_name": "rack"}, "predicate": predicate}]
    return {"role_constraints": {"web": {"groups": [{"attribute_constraints": conditions}]}}}


def test_offers_have_the_agents_attributes_and_constraints_choose_by_them() -> None:
    with LocalCluster(2, attributes=["rack:a;level:10", "rack:b"]) as cluster:
        matches = constraint({"text_matches": {"regex": "[a-z]"}})
        both = Client(cluster, {"role": "web"}, offer_constraints=matches)
        offers = both.expect("OFFERS")["offers"]["offers"]
        found = {offer["agent_id"]["value"]: offer["attributes"] for offer in offers}
        assert list(found) == [agent.id for agent in cluster.agents]
        rack = {"name": "rack", "type": "TEXT", "text": {"value": "a"}}
        assert found[cluster.agents[0].id] == [
            rack,
            {"name": "level", "type": "SCALAR", "scalar": {"value": 10.0}},
        ]
        both.close()
        equals = constraint({"text_equals": {"value": "b"}})
        one = Client(cluster, {"role": "web"}, offer_constraints=equals)
        offers = one.expect("OFFERS")["offers"]["offers"]
        assert [offer["agent_id"]["value"] for offer in offers] == [cluster.agents[1].id]


def test_one_text_of_attributes_is_for_all_agents() -> None:
    with LocalCluster(2, attributes="rack:a") as cluster:
        offers = Client(cluster).expect("OFFERS")["offers"]["offers"]
        assert [offer["attributes"][0]["text"]["value"] for offer in offers] == ["a", "a"]


def test_a_framework_that_keeps_its_offers_does_not_starve_others() -> None:
    with LocalCluster(offer_timeout=0.1) as cluster:
        keeper = Client(cluster)
        offer = keeper.offer()
        other = Client(cluster)
        assert keeper.expect("RESCIND")["rescind"]["offer_id"] == offer["id"]
        assert other.offer()["agent_id"] == offer["agent_id"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"attributes": "rack"}, "attributes=\"rack\": 'rack' is not name:value"),
        ({"attributes": ["rack:a", "rack:b"]}, "attributes: 2 texts are more than the agents=1"),
        ({"attributes": [1]}, "attributes: texts like"),
        ({"attributes": 1}, "attributes: texts like"),
        ({"offer_timeout": 0}, "offer_timeout: a number of seconds above 0"),
        ({"offer_timeout": float("inf")}, "offer_timeout"),
        ({"offer_timeout": "1"}, "offer_timeout"),
        ({"offer_timeout": 1e300}, "offer_timeout"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        LocalCluster(**arguments)
    assert words in str(caught.value)
