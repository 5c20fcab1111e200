"""Scraping and settings, without a network."""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from steadyhand.lab.miniprom.labels import NAME, Labels, labels_from
from steadyhand.lab.miniprom.samples import RETENTION_MS, Store
from steadyhand.lab.miniprom.scrape import Target, scrape, targets_of
from steadyhand.lab.miniprom.settings import SettingsError, read_prometheus, read_rules, read_token
from steadyhand.lab.miniprom.text import MalformedText, lines, tags_of

OWN = labels_from({"job": "shop", "instance": "s1"})


def now(store: Store, name: str, at: int) -> list[float]:
    return [value for series in store.named(name) if (value := series.latest(at)) is not None]


def labelled(name: str, **tags: str) -> Labels:
    return labels_from({NAME: name, "job": "shop", "instance": "s1", **tags})


def test_the_text_format_is_read_with_escapes_comments_and_odd_numbers() -> None:
    body = '# HELP a b\n\na{x="say \\"hi\\"\\n\\\\", y="{ }"} 1.5e3\nb +Inf\nc{} NaN\n'
    series = list(lines(body))
    assert [text for text, _ in series] == ['a{x="say \\"hi\\"\\n\\\\", y="{ }"}', "b", "c{}"]
    assert series[0][1] == 1500.0
    assert tags_of(series[0][0]) == {NAME: "a", "x": 'say "hi"\n\\', "y": "{ }"}


@pytest.mark.parametrize("line", ["a", "a one", 'a{x="1} 2', "a{x=1} 2", "a 1 1700000000000", "1a 2"])
def test_a_malformed_line_is_named(line: str) -> None:
    with pytest.raises(MalformedText):
        [tags_of(series) for series, _ in lines(line)]


def test_a_scrape_labels_its_samples_and_moves_colliding_labels_aside() -> None:
    store = Store()
    Target("", OWN).accept(store, 'a{job="mine",x=""} 1\n', at=1)
    assert {series.labels for series in store.every()} == {
        labelled("a", exported_job="mine"),
        labelled("up"),
    }


def test_a_series_that_vanishes_ends_at_once_and_the_others_go_on() -> None:
    store, target = Store(), Target("", OWN)
    target.accept(store, "a 1\nb 1\n", at=1000)
    target.accept(store, "b 2\n", at=2000)
    assert (now(store, "a", 2000), now(store, "b", 2000), now(store, "up", 2000)) == ([], [2.0], [1.0])


def test_a_failed_scrape_ends_all_series_of_the_target() -> None:
    store, target = Store(), Target("", OWN)
    target.accept(store, "a 1\n", at=1000)
    target.fail(store, at=2000)
    assert (now(store, "a", 2000), now(store, "up", 2000)) == ([], [0.0])
    target.accept(store, "a 5\n", at=3000)
    assert (now(store, "a", 3000), now(store, "up", 3000)) == ([5.0], [1.0])


def answered_with(answer: httpx2.Response | Exception) -> Store:
    def handle(request: httpx2.Request) -> httpx2.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def once() -> Store:
        store = Store()
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(handle)) as http:
            await scrape(Target("http://s1/metrics", OWN), http, store, 1000, timedelta(seconds=1))
        return store

    return asyncio.run(once())


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(503, text="a 1\n"),
        httpx2.Response(200, text="a 1\nbroken\n"),
        httpx2.ConnectError("refused"),
        TimeoutError(),
    ],
)
def test_every_kind_of_failure_is_a_target_that_is_down(answer: httpx2.Response | Exception) -> None:
    store = answered_with(answer)
    assert (now(store, "up", 1000), now(store, "a", 1000)) == ([0.0], [])


def test_a_good_answer_is_a_target_that_is_up() -> None:
    store = answered_with(httpx2.Response(200, text="a 1\n"))
    assert (now(store, "up", 1000), now(store, "a", 1000)) == ([1.0], [1.0])


def test_samples_older_than_the_retention_are_forgotten() -> None:
    store = Store()
    store.append(labels_from({NAME: "old"}), 0, 1.0)
    for at in range(0, RETENTION_MS + 60_000, 60_000):
        store.append(labels_from({NAME: "young"}), at, 1.0)
    store.forget(before=60_000)
    assert [series.tags[NAME] for series in store.every()] == ["young"]
    assert next(store.named("young")).times[0] == 60_000


PROMETHEUS = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
alerting: {alertmanagers: []}
scrape_configs:
- job_name: shop
  metrics_path: /stats
  params: {usedonly: [""]}
  static_configs:
  - {targets: ["127.0.0.1:1", "127.0.0.1:2"], labels: {service: shop}}
"""


def test_the_file_of_the_real_prometheus_is_read(tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(PROMETHEUS)
    settings = read_prometheus(file)
    assert settings.global_.scrape_interval == timedelta(seconds=1)
    first, _ = targets_of(settings.scrape_configs)
    assert first.url == "http://127.0.0.1:1/stats?usedonly="
    assert first.labels == labels_from({"job": "shop", "instance": "127.0.0.1:1", "service": "shop"})


@pytest.mark.parametrize(
    ("written", "wrong", "place"),
    [
        ("job_name: shop", "job_name: shop\n  honor_labels: true", "scrape_configs.0.honor_labels"),
        ("scrape_interval: 1s", "scrape_interval: soon", "global.scrape_interval"),
        ("scrape_interval: 1s", "scrape_interval: 0s", "global.scrape_interval"),
        ("rule_files:", "remote_write:", "remote_write"),
        ("global:", "global: [", "prometheus.yml"),
    ],
)
def test_a_key_that_is_not_implemented_is_refused_by_its_path(
    tmp_path: Path, written: str, wrong: str, place: str
) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(PROMETHEUS.replace(written, wrong))
    with pytest.raises(SettingsError, match=place):
        read_prometheus(file)


def test_a_recording_rule_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text("groups: [{name: g, rules: [{record: a, expr: b}]}]")
    with pytest.raises(SettingsError, match=r"groups\.0\.rules\.0\.record"):
        read_rules(file)
    with pytest.raises(SettingsError, match="absent"):
        read_token(tmp_path / "absent")
