"""Small servers that keep the same log lines each in its vendor's way, and refuse what the vendor refuses."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from servers import Reply, Request, reply_json

START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
SECRET = "hunter2-very-secret"
Answer = Callable[[Request], Reply]


@dataclass(frozen=True)
class Held:
    """One line: seconds after START, whose it is, its level and text, how much later it was taken in."""

    second: float
    service: str
    level: str
    text: str
    late_s: float | None = None

    @property
    def at(self) -> datetime:
        return START + timedelta(seconds=self.second)

    @property
    def received(self) -> datetime | None:
        return None if self.late_s is None else self.at + timedelta(seconds=self.late_s)


@dataclass
class LogWorld:
    """What every one of them has. `first` are replies given before any real one; `broken` names a service."""

    lines: list[Held] = field(default_factory=list)
    first: list[Reply] = field(default_factory=list)
    broken: str = ""
    most_page: int = 10_000
    calls: Counter[str] = field(default_factory=Counter)

    def answer(self, request: Request) -> Reply:
        if self.first:
            return self.first.pop(0)
        if not self.signed(request):
            return self.refused(401, f"you are not {SECRET}")
        return self.real(request)

    def signed(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {SECRET}"

    def refused(self, status: int, why: str) -> Reply:
        raise NotImplementedError

    def real(self, request: Request) -> Reply:
        raise NotImplementedError

    def of(self, service: str, start: float, end: float, holding: str = "") -> list[Held]:
        """Lines of a service in [start, end) unix seconds that match an expression, newest first."""
        found = [one for one in self.lines if one.service == service and start <= one.at.timestamp() < end]
        return sorted((one for one in found if re.search(holding, one.text)), key=lambda one: -one.second)


def has_phrase(text: str, phrase: str) -> bool:
    """Whether these words stand there in this order, as an index of words finds them."""
    words, wanted = (re.findall(r"\w+", one.lower()) for one in (text, phrase))
    places = range(len(words) - len(wanted) + 1)
    return any(words[at : at + len(wanted)] == wanted for at in places)


def few(lines: Sequence[Held], most: int = 5) -> list[tuple[str, int]]:
    """Kinds of messages, numbers left out, of which there are few."""
    kinds = Counter(re.sub(r"\d+", "<N>", one.text) for one in lines)
    return [(kind, count) for kind, count in kinds.items() if count <= most]


class FakeLoki(LogWorld):
    """query_range with its limits, and the patterns endpoint unless `old`."""

    old: bool = False
    most_page: int = 5_000

    def refused(self, status: int, why: str) -> Reply:
        return Reply(status, why.encode())

    def real(self, request: Request) -> Reply:
        kind = request.path.removeprefix("/loki/api/v1/")
        self.calls[kind] += 1
        allowed = {"query", "start", "end", "step", "limit", "direction"}
        if request.method != "GET" or not set(request.query) <= allowed:
            return self.refused(400, f"unknown parameters {set(request.query) - allowed}")
        query = request.query["query"]
        start, end = (int(request.query[name]) / 1e9 for name in ("start", "end"))
        counted = re.fullmatch(r"sum by \((\w+)\) \(count_over_time\((.*) \[(\d+)s\]\)\)", query, re.DOTALL)
        if counted:
            query = counted[2]
        found = re.match(r'\{app="(\w+)"\}', query)
        if not found or found[1] == self.broken:
            return self.refused(400, "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER")
        if kind == "patterns":
            return Reply(404) if self.old else self.patterns(found[1], start, end)
        if counted:
            return self.counts(found[1], start, end, int(counted[3]), query[found.end() :])
        return self.streams(request, found[1], query[found.end() :], start, end)

    def patterns(self, service: str, start: float, end: float) -> Reply:
        rows = few(self.of(service, start, end), 10**9)
        data = [
            {"pattern": kind.replace("<N>", "<_>"), "samples": [[int(start), count]]} for kind, count in rows
        ]
        return reply_json({"status": "success", "data": data})

    def counts(self, service: str, start: float, end: float, width: int, rest: str) -> Reply:
        (holding,) = _filters(rest) or ("",)
        by_level: dict[str, list[list[object]]] = {}
        points = int((end - start) / width) + 1
        if points > 11_000:
            return self.refused(400, "exceeded maximum resolution of 11,000 points per timeseries")
        for at in (start + number * width for number in range(points)):
            # a point counts what came in the time before it, its own moment included
            inside = Counter(one.level for one in self.of(service, at - width + 1e-9, at + 1e-9, holding))
            for level, count in inside.items():
                by_level.setdefault(level, []).append([at, str(count)])
        result = [
            {"metric": {"detected_level": one} if one else {}, "values": v} for one, v in by_level.items()
        ]
        return reply_json({"status": "success", "data": {"resultType": "matrix", "result": result}})

    def streams(self, request: Request, service: str, rest: str, start: float, end: float) -> Reply:
        limit = int(request.query.get("limit", 100))
        if limit > self.most_page:
            why = f"limit > max_entries_limit ({limit} > {self.most_page})"
            return self.refused(400, f"max entries limit per query exceeded, {why}")
        lines = self.of(service, start, end)
        level = re.search(r' \| detected_level=~"((?:[^"\\]|\\.)*)"', rest)
        texts = _filters(rest)
        if level:
            lines = [one for one in lines if re.fullmatch(json.loads(f'"{level[1]}"'), one.level)]
        lines = [one for one in lines if all(re.search(text, one.text) for text in texts)]
        if rest and not (level or texts):
            return self.refused(400, "parse error")
        streams: dict[str, list[list[str]]] = {}
        for one in lines[:limit]:
            stamp = round(one.at.timestamp() * 1e6) * 1000
            streams.setdefault(one.level, []).append([str(stamp), one.text])
        result = [
            {"stream": {"app": service, **({"detected_level": level} if level else {})}, "values": values}
            for level, values in streams.items()
        ]
        return reply_json({"status": "success", "data": {"resultType": "streams", "result": result}})


def _filters(rest: str) -> list[str]:
    """The expressions a line must match."""
    return [json.loads(one) for one in re.findall(r' \|~ ("(?:[^"\\]|\\.)*")', rest)]


class FakeVictoria(LogWorld):
    """The hits and query endpoints, form posts only. It reads the few pipes that are sent."""

    old: bool = False

    def refused(self, status: int, why: str) -> Reply:
        return Reply(status, why.encode())

    def real(self, request: Request) -> Reply:
        kind = request.path.removeprefix("/select/logsql/")
        self.calls[kind] += 1
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return self.refused(400, "missing query")
        asked = form(request)
        head = re.match(r"_time:\[(\S+), (\S+)\) \(app:=(\w+)\)(.*)", asked["query"], re.DOTALL)
        if not head or head[3] == self.broken:
            return self.refused(400, 'cannot parse query: unexpected token "("')
        start, end = (datetime.fromisoformat(head[at]).timestamp() for at in (1, 2))
        lines, rest = self.of(head[3], start, end), head[4]
        levels = re.match(r" level:in\(([^)]*)\)", rest)
        if levels:
            wanted = json.loads(f"[{levels[1]}]")
            lines, rest = [one for one in lines if one.level in wanted], rest[levels.end() :]
        if holding := re.match(r' _msg:~("(?:[^"\\]|\\.)*")', rest):
            text = json.loads(holding[1])
            lines, rest = [one for one in lines if re.search(text, one.text)], rest[holding.end() :]
        if kind == "hits":
            return self.hits(lines, int(asked["step"].removesuffix("s")))
        return self.query(lines, rest)

    def hits(self, lines: Sequence[Held], width: int) -> Reply:
        by_level: dict[str, Counter[float]] = {}
        for one in lines:
            by_level.setdefault(one.level, Counter())[one.at.timestamp() // width * width] += 1
        hits = [
            {
                "fields": {"level": level},
                "timestamps": [datetime.fromtimestamp(at, UTC).isoformat() for at in sorted(counts)],
                "values": [counts[at] for at in sorted(counts)],
                "total": counts.total(),
            }
            for level, counts in by_level.items()
        ]
        return reply_json({"hits": hits})

    def query(self, lines: Sequence[Held], rest: str) -> Reply:
        alike = " | collapse_nums at _msg prettify | stats by (_msg) count() as lines"
        if rest == f"{alike} | filter lines:<=5 | limit 40":
            if self.old:
                return self.refused(400, 'unexpected pipe "collapse_nums"')
            return rows_of([{"_msg": kind, "lines": str(count)} for kind, count in few(lines)])
        forms = [json.loads(one) for one in re.findall(r'pattern_match\(("(?:[^"\\]|\\.)*")\)', rest)]
        if forms:
            lines = [one for one in lines if re.sub(r"\d+", "<N>", one.text) in forms]
        page = re.search(r"\| sort by \(_time desc\) offset (\d+) limit (\d+)$", rest)
        if not page:
            return self.refused(400, f"cannot parse {rest}")
        offset, limit = int(page[1]), int(page[2])
        rows = [
            {
                "_time": f"{one.at:%Y-%m-%dT%H:%M:%S}.{one.at.microsecond:06}789Z",
                "_msg": one.text,
                "_stream": f'{{app="{one.service}"}}',
                "_stream_id": "0000",
                "app": one.service,
                **({"level": one.level} if one.level else {}),
            }
            for one in lines[offset : offset + limit]
        ]
        return rows_of(rows)


def rows_of(rows: Sequence[object]) -> Reply:
    return Reply(200, "".join(f"{json.dumps(one)}\n" for one in rows).encode())


def form(request: Request) -> dict[str, str]:

    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))
