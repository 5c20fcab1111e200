"""`steadyhand memory` and `steadyhand judge`: what closed incidents teach, from the terminal."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from steadyhand.adapters.channels.terminal import plain
from steadyhand.adapters.machine import SystemClock
from steadyhand.commands.answers import Door
from steadyhand.commands.store import the_store
from steadyhand.config import default_path, load
from steadyhand.journey.commands import Record
from steadyhand.journey.diagnosis.playbook import Shelf, split
from steadyhand.journey.memory.case import Case
from steadyhand.journey.memory.post_mortem import from_mapping, from_markdown
from steadyhand.ports import ConfigError
from steadyhand.wiring import playbooks

_MOST = 100_000
_AHEAD = timedelta(days=1)  # whatever zone it was written in
_LARGEST = 1_000_000  # bytes: a post-mortem is a page, not a dump


def bring_in(paths: Sequence[Path], config: Path | None) -> int:
    """Import post-mortems (Markdown) and exports (JSON), all or none. Raises ConfigError, LedgerError."""
    shelf = playbooks(load(config or default_path()).playbooks)
    found = [case for path in paths for case in _read(path, shelf)]
    _apart(found)
    with the_store(config, new=True).write() as tx:
        for case in found:
            _spared(tx.case(case.id), case)
            tx.keep_case(case)
            body = {"case": case.id, "from": case.source}
            tx.record(
                "", Record(action="memory.imported", actor_kind="human", via="terminal", body=body), _now()
            )
    for case in found:
        sys.stdout.write(f"{_line(case)}\n")
    sys.stdout.write(f"{len(found)} case(s) imported.\n")
    return 0


def _apart(found: Sequence[Case]) -> None:
    """Two entries of one id would leave only the later one. Raises ConfigError."""
    seen: dict[str, str] = {}
    for one in found:
        if one.id in seen:
            raise ConfigError(
                f"{one.source}: id: {one.id!r} is that of {seen[one.id]} too; give each its own"
            )
        if one.at > _now() + _AHEAD:
            raise ConfigError(f"{one.source}: date: {one.at:%Y-%m-%d} is still to come; it would never age")
        seen[one.id] = one.source


def _spared(known: Case | None, fresh: Case) -> None:
    """What people here judged is never replaced by a file. Raises ConfigError."""
    if known is not None and known.incident:
        raise ConfigError(f"{fresh.source}: id: {fresh.id!r} is an incident of yours; give it another id")


def show(config: Path | None, texts: Sequence[str] = ()) -> int:
    """List what is remembered, newest first; with texts, only cases that hold all of them anywhere."""
    with the_store(config).read() as tx:
        for case in tx.cases(_MOST):
            held = case.model_dump_json().lower()
            if all(json.dumps(text.lower(), ensure_ascii=False)[1:-1] in held for text in texts):
                sys.stdout.write(f"{_line(case)}\n")
    return 0


def forget(wanted: str, config: Path | None) -> int:
    """Delete one case. Raises ConfigError for an unknown one."""
    with the_store(config).write() as tx:
        if not tx.forget_case(wanted):
            raise ConfigError(f"no case {wanted!r} is remembered; `steadyhand memory list` shows them")
        body = {"case": wanted}
        tx.record(
            "", Record(action="memory.forgotten", actor_kind="human", via="terminal", body=body), _now()
        )
    sys.stdout.write(f"forgotten: {wanted}\n")
    return 0


def judge(incident: str, name: str, given: Mapping[str, str]) -> int:
    """Say what a closed incident was, under a name and PIN."""
    case = Door(name).post(f"/api/incidents/{incident}/judgement", {k: v for k, v in given.items() if v})
    sys.stdout.write(f"{plain(_line(Case.model_validate(case)))}\n")
    return 0


def _now() -> datetime:
    return SystemClock().now()


def _line(one: Case) -> str:
    what = f"{one.verdict} {one.fault_class} {one.cause[:80]!r}" if one.counts else one.verdict
    return plain(
        f"{one.id} {one.at:%Y-%m-%d} {one.service}: {one.title[:60]!r} {what}, fix worked: {one.worked}"
    )


def _read(path: Path, shelf: Shelf) -> Iterator[Case]:
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError(f"{path}: larger than {_LARGEST} bytes; a post-mortem is a page")
        text = path.read_text(encoding="utf-8-sig")
        yield from _cases(text, path, shelf)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deep to be a post-mortem") from error
    except (ValueError, yaml.YAMLError) as error:
        raise ConfigError(str(error) if str(path) in str(error) else f"{path}: {error}") from error


def _cases(text: str, path: Path, shelf: Shelf) -> Iterator[Case]:
    if path.suffix == ".json":
        loaded = json.loads(text)
        for index, one in enumerate(loaded if isinstance(loaded, list) else [loaded]):
            if not isinstance(one, dict):
                raise ConfigError(f"{path}: entry {index} is no object with keys such as title and cause")
            yield from_mapping(one, f"{path}[{index}]", shelf)
        return
    front, body = split(text) if text.startswith("---\n") else ("", text)
    loaded = yaml.safe_load(front) if front else None
    if loaded is not None and not isinstance(loaded, dict):
        raise ConfigError(f"{path}: the front matter must hold keys such as `date:` and `service:`")
    yield from_markdown(loaded, body, str(path), shelf)
