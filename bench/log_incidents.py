"""Made-up logs of a shop: a quiet stretch, and root causes put into it, by class."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

_NOUNS = "cart order payment stock mail search price login session image review coupon invoice refund "
_WORDS = (
    _NOUNS
    + "shipping address basket catalog audit export import webhook quota token queue worker cache index "
    + "backup report"
).split()
STRAYS = 2e-5  # the share of lines that are of some rare message
_VERBS = "accepted rejected loaded stored sent received merged expired refreshed scheduled skipped"


@dataclass(frozen=True, slots=True)
class Cause:
    """Lines that tell a root cause: seconds from the start, severity and text, and how one knows them."""

    name: str
    lines: tuple[tuple[float, str, str], ...]
    onset: float
    tells: str  # text of the template that must be in the digest
    value: str = ""  # the value that must be told with it


class Background:
    """The quiet traffic: forty usual messages at Zipf rates, and a tail of rare ones that come by chance."""

    def __init__(self, seed: int) -> None:
        self._luck = random.Random(seed)  # noqa: S311 - made-up traffic
        words = random.Random(7)  # noqa: S311 - the same messages in every run
        self._usual = [self._message(words, n) for n in range(40)]
        self._rare = [self._message(words, n) for n in range(40, 400)]
        self._weights = [1 / (n + 1) for n in range(40)]

    def _message(self, words: random.Random, number: int) -> tuple[str, str]:
        what = " ".join([*words.sample(_WORDS, 2), words.choice(_VERBS.split())])
        tail = words.choice(
            ("in {ms} ms", "for user {n}", "by {host}", "id={hex}", "from {ip}", "key={n}:{hex}")
        )
        level = "ERROR" if number % 13 == 9 else "WARN" if number % 7 == 5 else "INFO"
        return level, f"{what} step {_letters(number)} {tail}"

    def lines(self, count: int, seconds: float) -> Iterator[tuple[float, str, str]]:
        """`count` lines over so many seconds, in order: when, severity, text."""
        luck = self._luck
        kinds = luck.choices(self._usual, self._weights, k=count)
        strays = set(luck.sample(range(count), max(1, round(count * STRAYS))))
        for at, usual in enumerate(kinds):
            level, text = luck.choice(self._rare) if at in strays else usual
            yield (at + luck.random()) * seconds / count, level, self._filled(text)

    def _filled(self, text: str) -> str:
        luck = self._luck
        if "{ms}" in text:
            return text.replace("{ms}", str(luck.randrange(2, 400)))
        if "{host}" in text:
            return text.replace("{host}", f"node-{luck.randrange(6)}")
        if "{ip}" in text:
            return text.replace(
                "{ip}", f"10.0.{luck.randrange(256)}.{luck.randrange(256)}:{luck.randrange(1024, 65535)}"
            )
        return text.replace("{n}", str(luck.randrange(100_000))).replace(
            "{hex}", f"{luck.getrandbits(64):016x}"
        )


def _letters(number: int) -> str:
    """A name without digits."""
    return "".join("abcdefghij"[int(one)] for one in f"{number:03d}")


def _burst(luck: random.Random, onset: float, end: float, count: int) -> list[float]:
    return sorted([onset, *(luck.uniform(onset, end) for _ in range(count - 1))])


def _one_of(name: str, count: int, level: str, text: str) -> Callable[[random.Random, float, float], Cause]:
    """A message never seen before, `count` times; its last word is a value that must be told."""

    def cause(luck: random.Random, onset: float, end: float) -> Cause:
        value = f"node-{luck.randrange(100)}"
        times = _burst(luck, onset, end, count)
        return Cause(name, tuple((at, level, f"{text} {value}") for at in times), onset, text, value)

    return cause


def _value_only(luck: random.Random, onset: float, end: float) -> Cause:
    """A usual message of six hosts, more than half of which one host writes from the onset on."""
    host = f"replica-{luck.randrange(6)}"
    lines = [(luck.uniform(0, end), f"replica-{luck.randrange(6)}") for _ in range(int(end) * 3)]
    lines += [(luck.uniform(onset, end), host) for _ in range(int(end - onset) * 4)]
    told = tuple((at, "WARN", f"call retried on {one} once") for at, one in sorted(lines))
    return Cause("value only", told, onset, "call retried on", host)


def _code_only(luck: random.Random, onset: float, end: float) -> Cause:
    """A usual message whose status becomes 503 for some."""
    lines = [(luck.uniform(0, end), "status=200") for _ in range(int(end) * 5)]
    lines += [(at, "status=503") for at in _burst(luck, onset, end, 60)]
    told = tuple((at, "INFO", f"checkout answered {one} to client") for at, one in sorted(lines))
    return Cause("code only", told, onset, "checkout answered", "503")


def _trace(luck: random.Random, onset: float, end: float) -> Cause:
    """A stack trace, a dozen times."""
    pool = f"pool-{luck.randrange(100)}"
    text = (
        "checkout failed\njava.lang.IllegalStateException: no\n\tat org.web.Dispatcher.run(D.java:7)"
        f"\nCaused by: com.shop.PoolTimeout: none left in {pool}\n\tat com.shop.Pool.take(Pool.java:88)"
    )
    return Cause(
        "stack trace",
        tuple((at, "ERROR", text) for at in _burst(luck, onset, end, 12)),
        onset,
        "com.shop.PoolTimeout",
        pool,
    )


def _ramp(luck: random.Random, onset: float, end: float) -> Cause:
    """A usual message that climbs from one in two seconds to ten a second."""
    lines = [luck.uniform(0, end) for _ in range(int(end / 2))]
    rise = end - onset
    lines += [onset + rise * luck.random() ** 0.5 for _ in range(int(rise * 5))]
    told = tuple((at, "WARN", f"pool wait of {luck.randrange(900)} ms") for at in sorted(lines))
    return Cause("slow ramp", told, onset, "pool wait of")


def _louder(luck: random.Random, onset: float, end: float) -> Cause:
    """Three warnings, then tens of thousands of errors of a dozen kinds that only follow."""
    value = f"shard-{luck.randrange(100)}"
    cause = [(at, "WARN", f"primary lost, failing over {value}") for at in _burst(luck, onset, onset + 5, 3)]
    names = luck.sample(_WORDS, 12)
    noise = [
        (
            luck.uniform(onset + 4, end),
            "ERROR",
            f"{luck.choice(names)} request failed: upstream gone after {luck.randrange(900)} ms",
        )
        for _ in range(20_000)
    ]
    return Cause("louder symptom", tuple(sorted((*cause, *noise))), onset, "primary lost", value)


def _vanished(luck: random.Random, onset: float, end: float) -> Cause:  # noqa: ARG001 - it ends at the onset
    """A heartbeat that stops."""
    told = tuple(
        (at + luck.random() / 10, "INFO", "heartbeat of scheduler written") for at in range(int(onset))
    )
    return Cause("vanished", told, onset, "heartbeat of scheduler")


CLASSES: dict[str, Callable[[random.Random, float, float], Cause]] = {
    "one line in a million": _one_of("one line in a million", 1, "ERROR", "certificate no longer valid on"),
    "five lines": _one_of("five lines", 5, "ERROR", "disk quota exceeded on"),
    "a thousand lines": _one_of("a thousand lines", 1000, "ERROR", "no connection left on"),
    "INFO only": _one_of("INFO only", 1, "INFO", "settings reloaded, pool resized on"),
    "value only": _value_only,
    "code only": _code_only,
    "stack trace": _trace,
    "slow ramp": _ramp,
    "louder symptom": _louder,
    "vanished": _vanished,
}


def written(lines: Iterable[tuple[float, str, str]], start: datetime) -> str:
    """The lines as a log file has them."""
    return "".join(
        [
            f"{start + timedelta(milliseconds=int(at * 1000)):%Y-%m-%dT%H:%M:%S.%f}"[:23]
            + f"Z {level} [main] shop.Api - {text}\n"
            for at, level, text in lines
        ]
    )
