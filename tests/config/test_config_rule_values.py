"""Durations, instants and the graph of services, as the configuration spells them."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from steadyhand.journey.rule import Duration, Instant, Value, parse_duration, show_duration
from steadyhand.journey.topology import Service, Topology


class Sample(Value):
    span: Duration = timedelta()
    at: Instant | None = None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("0.5s", 0.5), ("1h0m1s", 3601), (" 2m ", 120), ("0s", 0)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert Sample.model_validate({"span": text}).span == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", " ", "5", "5 min", "m5", "5m5h", "-5m", "1e3s", "999999999999h"])
def test_what_is_no_duration_is_refused_with_the_accepted_form(text: str) -> None:
    with pytest.raises(ValidationError, match="30s, 5m or 1h30m"):
        Sample.model_validate({"span": text})


def test_a_negative_duration_is_refused_however_it_is_spelled() -> None:
    with pytest.raises(ValidationError, match="negative"):
        Sample.model_validate({"span": -5})


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=10_000)))
def test_what_is_shown_is_read_back(span: timedelta) -> None:
    assert parse_duration(show_duration(span)) == span


def test_other_values_are_left_to_the_model() -> None:
    assert parse_duration(30) == 30
    assert Sample.model_validate({"span": 30}).span == timedelta(seconds=30)


def test_an_instant_needs_its_zone_and_is_kept_in_utc() -> None:
    with pytest.raises(ValidationError, match="needs its zone"):
        Sample.model_validate({"at": datetime(2026, 1, 31, 2, 0)})  # noqa: DTZ001 - the very thing to be refused
    kept = Sample.model_validate({"at": "2026-03-29T03:30:00+02:00"}).at
    assert kept is not None
    assert kept.isoformat() == "2026-03-29T01:30:00+00:00"


def graph(**arrows: tuple[str, ...]) -> Topology:
    return Topology(services=tuple(Service(name=name, depends_on=on) for name, on in arrows.items()))


SHOP = graph(web=("shop",), shop=("db", "cache"), batch=("db",), db=(), cache=("db",), alone=())


def test_neighbours_are_what_it_needs_near_ones_first_then_who_calls_it() -> None:
    assert SHOP.neighbourhood("shop") == ("shop", "db", "cache", "web")
    assert SHOP.neighbourhood("unknown") == ("unknown",)
    assert SHOP.callers("db") == ("shop", "batch", "cache")


def test_the_shortest_way_from_a_cause_to_a_symptom() -> None:
    assert SHOP.path("db", "web") == ("db", "shop", "web")
    assert SHOP.path("web", "db") == ()
    assert SHOP.path("alone", "web") == ()
    assert SHOP.path("db", "db") == ("db",)


def test_a_circle_ends_too() -> None:
    circle = graph(a=("b",), b=("a",))
    assert circle.neighbourhood("a") == ("a", "b")
    assert circle.path("a", "nowhere") == ()


def test_an_arrow_into_nothing_and_a_name_given_twice_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"services\.shop.depends_on names 'nowhere'"):
        graph(shop=("nowhere",))
    with pytest.raises(ValidationError, match="two services are named 'shop'"):
        Topology(services=(Service(name="shop"), Service(name="shop")))
