"""The scoreboard as text for a terminal, and as JSON for another program."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass

from steadyhand.evaluation.figures import SURE, Share
from steadyhand.evaluation.score import Row, Scored

_WIDE = "{:38} {:>6} {:>9} {:>16} {:>16} {:>5} {:>17} {:>4} {:>5} {:>5} {:>5} {:>8} {:>7} {:>5} {:>8} {:>7}"
HEADS = (
    "system / family",
    "n",
    "chance",
    "AC@1",
    "AC@3",
    "Avg@5",
    "n-sig/BARO/graph",
    "fail",
    "abst.",
    "spec.",
    "pairs",
    "conf.wrong",
    f">={SURE}",
    "ECE",
    "onset s",
    "s/case",
)
FAMILY = " / "
MEANS: dict[str, str] = {
    "n": "cases with a fault, + fault-free windows; AC and chance speak of the former, spec. of the latter",
    "chance": "AC@1/AC@3 of a blind draw among all that could be named",
    "AC@1": "the true cause is named first; brackets hold the 95 % interval (Wilson)",
    "AC@3": "the true cause is among the first three",
    "Avg@5": "mean of AC@1 to AC@5",
    "n-sig/BARO/graph": "AC@1 of plain methods on the same cases",
    "fail": "cases without an answer: late, unreadable, broken off; never counted as right",
    "abst.": "nobody was blamed though something was wrong",
    "spec.": "fault-free windows in which nobody was blamed",
    "pairs": "twins, alike in all but the cause, of which both sides are right and told apart",
    "conf.wrong": f"answers of at least {SURE} that were wrong, of all cases",
    f">={SURE}": "right, of the answers at least that sure",
    "ECE": "mean distance of confidence from being right, in five bins; abstentions are no claims",
    "onset s": "median distance of the onset from the true one",
    "s/case": "median seconds for an answer",
}


def shown(share: Share) -> str:
    """A share with its 95 % interval."""
    if share.value is None:
        return "-"
    low, high = share.interval
    return f"{share.value:.2f} [{low:.2f},{high:.2f}]"


def short(value: float | None) -> str:
    """Two digits, or a dash."""
    return "-" if value is None else f"{value:.2f}"


def cells(row: Row) -> tuple[str, ...]:
    """The columns of one row."""
    chance = "-" if row.chance is None else f"{short(row.chance)}/{short(row.chance_three)}"
    return (
        row.name,
        _numbers(row),
        chance,
        shown(row.first),
        shown(row.three),
        short(row.average),
        "/".join(short(one.value) for one in row.baselines.values()),
        str(row.failed.hits),
        short(row.abstained.value),
        short(row.specificity.value),
        f"{row.pairs.hits}/{row.pairs.of}" if row.pairs.of else "-",
        f"{row.confident_wrong.hits}/{row.confident_wrong.of}",
        "-" if row.sure_right.value is None else f"{row.sure_right.hits}/{row.sure_right.of}",
        short(row.calibration_error),
        "-" if row.onset_error is None else f"{row.onset_error:.0f}",
        f"{row.seconds:.2f}",
    )


def _numbers(row: Row) -> str:
    healthy = row.specificity.of
    return f"{row.n - healthy}+{healthy}" if healthy and row.n > healthy else str(row.n)


def as_text(found: Sequence[Row]) -> str:
    """The table for a terminal, the pooled row last."""
    asked = [f"  {row.name}: {', '.join(told)}" for row in found if (told := extras(row))]
    sure = [f"  {row.name}: {kept}" for row in found if (kept := reliability(row)) and FAMILY not in row.name]
    lines = [_WIDE.format(*HEADS), *(_WIDE.format(*cells(row)) for row in found), *asked]
    if sure:
        lines += ["said and right, the least sure fifth first:", *sure]
    return "\n".join(line.rstrip() for line in lines)


def reliability(row: Row) -> str:
    """How sure the answers were and how many of them were right, by about equal counts."""
    return ", ".join(f"{one.confidence:.2f} {one.right.hits}/{one.right.of}" for one in row.bins)


def extras(row: Row) -> tuple[str, ...]:
    """What only some cases ask for: fault class, change, decoys; and tokens spent."""
    parts = (
        ("fault class", row.fault_class),
        ("change", row.change),
        ("decoy blamed", row.decoys if row.change.of else Share(0, 0)),
    )
    told = [f"{name} {one.hits}/{one.of}" for name, one in parts if one.of]
    spent = [f"{row.tokens} tokens"] if row.tokens else []
    paid = [f"${row.cost:.2f}"] if row.cost is not None else []
    return (*told, *spent, *paid)


def as_json(found: Sequence[Row], scored: Sequence[Scored], about: Mapping[str, str]) -> str:
    """Everything, case by case, for another program; a share with its value and its 95 % interval."""
    board = {
        "about": about,
        "rows": [_plain(row) for row in found],
        "cases": [_plain(one) for one in scored],
    }
    return json.dumps(board, indent=1)


def _plain(value: object) -> object:
    if isinstance(value, Share):
        low, high = value.interval
        return {"hits": value.hits, "of": value.of, "value": value.value, "low": low, "high": high}
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(str(one) for one in value)
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value
