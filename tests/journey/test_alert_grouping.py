"""What belongs together, and what keeps an alert quiet."""

from datetime import timedelta

import pytest
from journey.incident_case import NOW, Case, alert
from pydantic import ValidationError

from steadyhand.journey.alert.enrichment import Enrichment, Level, measured, words
from steadyhand.journey.alert.grouping import home, neighbours
from steadyhand.journey.alert.rule import AlertRule
from steadyhand.journey.alert.silence import Matcher, Silence, covering, matcher
from steadyhand.journey.incident.state import ClosedByHuman, Incident
from steadyhand.journey.topology import Service, Topology

RULE = AlertRule(group_within=timedelta(minutes=10))
TOPOLOGY = Topology(
    services=(
        Service(name="web", depends_on=("shop",)),
        Service(name="shop", depends_on=("postgres",)),
        Service(name="postgres", kind="database"),
        Service(name="mail"),
    )
)


def incident(service: str = "shop", wanted: str = "inc-1", **changes: object) -> Incident:
    return Case().incident.model_copy(update={"id": wanted, "service": service, **changes})


def joins(service: str, *known: Incident, **later: float) -> str:
    found = home(alert(service=service), known, TOPOLOGY, RULE, NOW + timedelta(**later))
    return found.id if found else ""


def test_one_step_up_or_down_is_a_neighbour_and_two_steps_are_not() -> None:
    assert neighbours("shop", TOPOLOGY) == ("postgres", "web")
    assert joins("web", incident()) == joins("postgres", incident()) == "inc-1"
    assert joins("web", incident("postgres")) == ""
    assert joins("mail", incident()) == ""


def test_a_service_that_joined_brings_its_own_neighbours() -> None:
    assert joins("web", incident("postgres", joined=("shop",))) == "inc-1"


def test_the_own_service_is_nearer_than_a_neighbour_and_the_later_nearer_than_the_earlier() -> None:
    later = NOW + timedelta(minutes=5)
    own, near = incident(), incident("postgres", "inc-2", grown_at=later)
    assert joins("shop", near, own, minutes=6) == "inc-1"
    assert joins("shop", own, incident(wanted="inc-3", grown_at=later), minutes=6) == "inc-3"


@pytest.mark.parametrize("service", ["shop", "postgres"])
def test_what_has_not_grown_for_a_while_takes_nobody_in(service: str) -> None:
    """A new trouble of a day-old incident's service is somebody's page, not a line in its list."""
    assert joins(service, incident(), minutes=10) == "inc-1"
    assert joins(service, incident(), minutes=11) == ""


def test_a_resolved_incident_takes_back_only_its_own_service_and_only_for_a_while() -> None:
    over = Case().after(ClosedByHuman(by="ana", via="test", why="done")).incident
    assert joins("shop", over, minutes=9) == "inc-1"
    assert joins("postgres", over, minutes=1) == ""
    assert joins("shop", over, minutes=11) == ""


# silences


def silence(*texts: str, **changes: object) -> Silence:
    given = {
        "id": "sil-1",
        "matchers": tuple(matcher(one) for one in texts),
        "starts_at": NOW,
        "ends_at": NOW + timedelta(hours=1),
        "author": "ana",
        "reason": "a migration",
    }
    return Silence.model_validate(given | changes)


@pytest.mark.parametrize(
    "texts",
    [
        ("service=shop",),
        ("service=sh*",),
        ("service!=postgres",),
        ("service=shop", "region=eu"),
        ("region!=us",),
        ("zone=",),
        ("name=High*Rate",),
    ],
)
def test_a_silence_covers_what_matches_all_of_it(texts: tuple[str, ...]) -> None:
    assert silence(*texts).covers(alert(labels={"region": "eu"}), NOW)


@pytest.mark.parametrize(
    "texts",
    [
        ("service=postgres",),
        ("service=shop", "region=us"),
        ("name=High?rrorRate",),
        ("name=[H]ighErrorRate",),
        ("service=SHOP",),
    ],
)
def test_a_silence_covers_nothing_else(texts: tuple[str, ...]) -> None:
    assert not silence(*texts).covers(alert(labels={"region": "eu"}), NOW)


def test_it_begins_at_its_start_and_is_over_at_its_end() -> None:
    planned = silence("service=shop", starts_at=NOW + timedelta(minutes=1))
    assert not planned.covers(alert(), NOW)
    assert planned.covers(alert(), NOW + timedelta(minutes=1))
    assert not planned.covers(alert(), NOW + timedelta(hours=1))


def test_of_two_the_one_that_ends_last_counts() -> None:
    short, long = silence("service=shop"), silence("name=*", id="sil-2", ends_at=NOW + timedelta(hours=2))
    found = covering([short, long], alert(), NOW)
    assert found is not None
    assert found.id == "sil-2"
    assert covering([short, long], alert(), NOW + timedelta(hours=3)) is None


@pytest.mark.parametrize("text", ["", "shop", "=shop", "a b=c", "x" * 200 + "=1"])
def test_what_is_no_matcher_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(ValueError, match="write service=shop"):
        matcher(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"ends_at": NOW - timedelta(seconds=1)},
        {"ends_at": NOW + timedelta(days=40)},
        {"author": ""},
        {"reason": ""},
        {"matchers": ()},
    ],
)
def test_a_silence_ends_and_says_whose_and_why(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        silence("service=shop", **changes)


def test_a_pattern_takes_no_time_however_it_is_written() -> None:
    """No pattern of a person may hold up the alerts of everybody else."""
    assert not Matcher(name="summary", value="*a" * 60 + "b").matches(alert(summary="a" * 1000))


# what a page says


@pytest.mark.parametrize(
    ("expression", "series"),
    [
        ("sum(rate(x[5m])) > 0.05", "sum(rate(x[5m]))"),
        ('up{job="a"} == 0', 'up{job="a"}'),
        ("histogram_quantile(0.95, x) >= 1.5e-3", "histogram_quantile(0.95, x)"),
        ("x > bool 3", "x"),
        ("x", "x"),
        ("a > 1 and b > 2", "a > 1 and b > 2"),
        ("x > y", "x > y"),
        ("sum(x > 3)", "sum(x > 3)"),
    ],
)
def test_the_series_of_a_rule_is_what_its_limit_is_compared_with(expression: str, series: str) -> None:
    assert measured(expression) == series


def test_a_page_says_what_is_now_what_is_normal_and_by_how_much() -> None:
    found = Enrichment(
        at=NOW,
        levels=(
            Level(when="now", samples=(0.31,)),
            Level(when="calm", samples=(0.01, 0.01, 0.02)),
            Level(when="yesterday"),
            Level(when="last_week", samples=(0.02,)),
        ),
        gaps=("users: not reachable",),
    )
    assert words(found).splitlines() == [
        "Now 0.31; normal: 0.01 calm minutes before, 0.02 same hour last week (31 times that).",
        "Not known: users: not reachable.",
    ]


def test_nothing_known_is_nothing_said() -> None:
    assert words(Enrichment(at=NOW)) == ""
