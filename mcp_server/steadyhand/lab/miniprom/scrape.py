"""Scraping: one target's text into the store, on time, with a deadline."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

import httpx2

from steadyhand.lab.miniprom.labels import NAME, Labels, labels_from
from steadyhand.lab.miniprom.samples import Store
from steadyhand.lab.miniprom.settings import ScrapeJob
from steadyhand.lab.miniprom.text import MalformedText, lines, tags_of

log = logging.getLogger("mini-prom.scrape")

ACCEPT = {"Accept": "text/plain;version=0.0.4"}


class Target:
    """One scraped endpoint, the series it showed last time, and whether that scrape failed."""

    def __init__(self, url: str, labels: Labels) -> None:
        self.url = url
        self.labels = labels
        self.down = False
        self._up = labels_from({NAME: "up", **dict(labels)})
        self._seen: dict[str, Labels] = {}

    def accept(self, store: Store, body: str, at: int) -> None:
        """Store a successful scrape; series that are no longer there end at once.

        Raises MalformedText with nothing stored.
        """
        samples = list(lines(body))
        seen = {series: self._seen.get(series) or self._labels_of(series) for series, _ in samples}
        for series, value in samples:
            store.append(seen[series], at, value)
        self._end(store, set(self._seen.values()) - set(seen.values()), at)
        self._seen = seen
        self.down = False
        store.append(self._up, at, 1.0)

    def fail(self, store: Store, at: int) -> None:
        """Store a failed scrape: `up` is 0 and all series of the target end at once."""
        self._end(store, set(self._seen.values()), at)
        self._seen = {}
        self.down = True
        store.append(self._up, at, 0.0)

    def _labels_of(self, series: str) -> Labels:
        own = dict(self.labels)
        shown = {
            f"exported_{name}" if name in own else name: value for name, value in tags_of(series).items()
        }
        return labels_from(shown | own)

    @staticmethod
    def _end(store: Store, gone: set[Labels], at: int) -> None:
        for labels in gone:
            store.end(labels, at)


def targets_of(jobs: Sequence[ScrapeJob]) -> list[Target]:
    """Return the targets of all jobs, labelled job, instance and as their group says."""
    return [
        Target(_url(job, address), labels_from({"job": job.job_name, "instance": address} | group.labels))
        for job in jobs
        for group in job.static_configs
        for address in group.targets
    ]


async def scrape(
    target: Target, http: httpx2.AsyncClient, store: Store, at: int, deadline: timedelta
) -> None:
    """Scrape a target once, at unix ms `at`; a failure is stored, none is raised.

    Only the first of several failures in a row is logged.
    """
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            answer = await http.get(target.url, headers=ACCEPT)
        answer.raise_for_status()
        target.accept(store, answer.text, at)
    except (httpx2.HTTPError, TimeoutError, MalformedText) as error:
        if not target.down:
            log.warning("%s is down: %s %s", target.url, type(error).__name__, error)
        target.fail(store, at)


def _url(job: ScrapeJob, address: str) -> str:
    query = httpx2.QueryParams([(name, value) for name, values in job.params.items() for value in values])
    return f"http://{address}{job.metrics_path}" + (f"?{query}" if job.params else "")
