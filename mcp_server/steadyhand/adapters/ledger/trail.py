"""The audit trail as rows: chained, joined, sealed, and with people's names kept apart from them.

Every append happens in a transaction of the store's one writer, so no two can take the same place.
"""

import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, String, bindparam, case, cast, delete, func, literal_column, select
from sqlalchemy import insert as plain_insert

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import from_ms, insert, to_ms
from steadyhand.adapters.ledger.vault import SqlVault
from steadyhand.journey.audit.entry import Entry, object_of
from steadyhand.journey.audit.proof import (
    FIRST,
    JOINED,
    SEALED,
    SERVICE,
    START,
    Head,
    head_said,
    person_token,
    row_hash,
    said_of,
)
from steadyhand.journey.audit.redact import people, redacted, tokens_in, with_names, without_names
from steadyhand.journey.audit.rule import WEIGHTY, Unsealed
from steadyhand.journey.commands import Record
from steadyhand.journey.evidence import masking
from steadyhand.journey.evidence.masking import Masker

_SALT_BYTES = 16
_BATCH = 1000

# Made once: building a statement costs more than running it.
_NEWEST = select(func.max(s.audit.c.seq))
_IN_CHAIN = s.audit.c.n > literal_column("0")  # a literal, or the index of the chains is not used
_HEAD = (
    select(s.audit.c.n, s.audit.c.hash)
    .where(s.audit.c.incident == bindparam("chain"), _IN_CHAIN)
    .order_by(s.audit.c.n.desc())
    .limit(1)
)
# Of many incidents, each looked up for itself: to join the newest PostgreSQL would read all of the trail.
_END = (
    select(cast(s.audit.c.n, String) + ":" + s.audit.c.hash)
    .where(s.audit.c.incident == s.incident.c.id, _IN_CHAIN)
    .order_by(s.audit.c.n.desc())
    .limit(1)
)
_ENDS = select(s.incident.c.id, _END.scalar_subquery()).where(
    s.incident.c.id.in_(bindparam("chains", expanding=True))
)
_APPEND = plain_insert(s.audit)
_ACCOUNTS = select(s.person.c.name)
_TOKEN = select(s.audit_person.c.token).where(s.audit_person.c.name == bindparam("whose"))


class SqlTrail:
    """The trail inside one open transaction.

    Nobody else writes meanwhile, so what was read of its ends is known from then on.
    """

    def __init__(self, db: Batch, vault: SqlVault) -> None:
        self._db = db
        self._vault = vault
        self._newest: int | None = None
        self._heads: dict[str, Head] = {}
        self._known_tokens: dict[str, str] = {}
        self._accounts: Sequence[str] | None = None

    def foresee(self, chains: Collection[str]) -> None:
        """Read at once where the chains of these incidents end: each will get a line."""
        for chain, said in self._db.execute(_ENDS, {"chains": sorted(set(chains))}):
            self._heads[chain] = head_said(said) if said else START

    def forget_accounts(self) -> None:
        """Somebody else can sign in from now on."""
        self._accounts = None

    def record(self, incident: str, record: Record, now: datetime) -> None:
        """Append a line: secrets masked, people by their tokens."""
        safe = self._masked(incident, record)
        named = without_names(safe, self._tokens(safe))
        about = named.object or object_of(named, incident)
        self._append(incident, named.model_copy(update={"object": about}), now)

    def _masked(self, incident: str, record: Record) -> Record:
        """The record as it may stand for good; what is hidden in an incident's has the incident's number.

        Who knocked from which address is what a trail is for: addresses stay.
        """
        masker = Masker(addresses=False)
        safe = redacted(record, masker)
        if incident == SERVICE or not masker.found:
            return safe
        return masking.named(safe, self._vault.name(incident, masker.found))

    def entries(self, incident: str = "") -> Sequence[Entry]:
        """All lines, or those of one incident, oldest first, with the names of people who were not erased."""
        query = select(s.audit).order_by(s.audit.c.seq)
        rows = self._db.execute(query.where(s.audit.c.incident == incident) if incident else query)
        found = [_entry(one) for one in rows.mappings()]
        names = {token: name for token, (_, name) in self.people(tokens_in(found)).items()}
        return [with_names(one, names) for one in found]

    def rows(self, chain: str | None = None, after: int | None = None) -> Iterator[dict[str, Any]]:
        """Rows as they were hashed, in their order: all of them or one chain, those after a number."""
        query = select(s.audit).order_by(s.audit.c.seq)
        if after is not None:
            query = query.where(s.audit.c.seq > after)
        if chain is not None:
            query = query.where(s.audit.c.incident == chain)
        with self._db.execute(query.execution_options(yield_per=_BATCH)) as found:
            yield from map(_row, found.mappings())

    def people(self, tokens: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """The salt and the name behind each of these tokens; none for a person who was erased."""
        known = s.audit_person.c
        wanted = sorted(tokens)
        found: dict[str, tuple[str, str]] = {}
        for start in range(0, len(wanted), _BATCH):
            query = select(known.token, known.salt, known.name)
            some = query.where(known.token.in_(wanted[start : start + _BATCH]))
            found |= {one.token: (one.salt, one.name) for one in self._db.execute(some)}
        return found

    def erase(self, name: str, record: Record, now: datetime) -> bool:
        """Forget whose token is whose; False for a name that no row holds. The chain stays as it is."""
        token = self._token(name)
        if not token:
            return False
        self.record(SERVICE, record.model_copy(update={"body": {**record.body, "person": token}}), now)
        self._db.execute(delete(s.audit_person).where(s.audit_person.c.name == name))
        self._known_tokens.pop(name, None)
        return True

    def unsealed(self) -> Unsealed:
        """What was written since the last joint."""
        weighty = func.max(case((s.audit.c.action.in_(WEIGHTY), 1), else_=0))
        query = select(func.count(), func.min(s.audit.c.ts), weighty)
        newest = self.joint()
        since = query.where(s.audit.c.seq > (newest["seq"] if newest else 0))
        rows, oldest, heavy = tuple(self._db.execute(since).one())
        return Unsealed(rows=rows, oldest=from_ms(oldest) if rows else None, weighty=bool(heavy))

    def joint(self) -> dict[str, Any] | None:
        """The newest joint."""
        joints = select(s.audit).where(s.audit.c.incident == SERVICE, s.audit.c.action == JOINED)
        row = self._first(joints.order_by(s.audit.c.seq.desc()))
        return _row(row) if row else None

    def join(self, now: datetime, *also: str) -> dict[str, Any]:
        """Name the head of every chain that grew since the last joint, and of these; the joint."""
        newest = self.joint()
        grown = select(s.audit.c.incident).distinct().where(s.audit.c.incident != SERVICE, _IN_CHAIN)
        since = grown.where(s.audit.c.seq > (newest["seq"] if newest else 0))
        chains = {*self._db.execute(since).scalars(), *also}
        body = {one: said_of(self._head(one)) for one in sorted(chains)}
        return self._append(SERVICE, Record(action=JOINED, body=body), now)

    def _append(self, incident: str, record: Record, now: datetime) -> dict[str, Any]:
        head = self._head(incident)
        old = self._first_format() if incident == SERVICE and head == START else START
        if old != START and record.action != SEALED:
            self._append(SERVICE, Record(action=SEALED, body={FIRST: said_of(old)}), now)
            head = self._head(SERVICE)
        place = {"seq": self._next_number(), "n": head.place + 1, "ts": to_ms(now)}
        row = {**place, "incident": incident, "prev": head.hash, **record.model_dump()}
        row["hash"] = row_hash(row)
        self._db.later(_APPEND, {**row, "body": _text(record.body)})
        self._newest, self._heads[incident] = row["seq"], Head(row["n"], row["hash"])
        return row

    def _next_number(self) -> int:
        newest = self._newest if self._newest is not None else self._db.execute(_NEWEST).scalar()
        return (newest or 0) + 1

    def _head(self, chain: str) -> Head:
        if chain not in self._heads:
            row = self._db.execute(_HEAD, {"chain": chain}).one_or_none()
            self._heads[chain] = Head(*row) if row else START
        return self._heads[chain]

    def _first_format(self) -> Head:
        """Where the rows of the first release end."""
        query = select(s.audit.c.seq, s.audit.c.hash).where(s.audit.c.n == 0).order_by(s.audit.c.seq.desc())
        row = self._first(query)
        return Head(row["seq"], row["hash"]) if row else START

    def _first(self, query: Select[Any]) -> RowMapping | None:
        return self._db.execute(query.limit(1)).mappings().one_or_none()

    def _tokens(self, record: Record) -> dict[str, str]:
        """A token for whom the record names: in fields of their own, or, for people with a PIN, in words."""
        text = "\n".join(record.body.values())
        if self._accounts is None:
            self._accounts = self._db.execute(_ACCOUNTS).scalars().all()
        named = (*people(record), *(one for one in self._accounts if one in text))
        return {one: self._token(one) or self._new_token(one) for one in named}

    def _token(self, name: str) -> str:
        if name not in self._known_tokens:
            found = self._db.execute(_TOKEN, {"whose": name}).scalar()
            if not found:
                return ""
            self._known_tokens[name] = found
        return self._known_tokens[name]

    def _new_token(self, name: str) -> str:
        salt = secrets.token_hex(_SALT_BYTES)
        token = person_token(salt, name)
        self._db.execute(insert(self._db.dialect, s.audit_person).values(name=name, salt=salt, token=token))
        return token


def _row(row: RowMapping) -> dict[str, Any]:
    """The fields that are hashed; a body that is not written as we write stays text, and its hash tells."""
    return {**row, "body": _body(row["body"])}


def _entry(row: RowMapping) -> Entry:
    """The line in a row. One that nobody can read is still shown; verifying names it."""
    body = _body(row["body"])
    if isinstance(body, dict):
        try:
            return Entry.model_validate({**row, "body": body})
        except ValueError:
            pass  # tampering is named where it is verified; whoever only reads is shown what there is
    shown: dict[str, Any] = {name: str(row[name]) for name in ("incident", "prev", "hash")}
    shown |= {"action": "unreadable", "body": {"row": str(dict(row))}, "actor": "", "actor_kind": "system"}
    return Entry.model_construct(seq=row["seq"], n=0, ts=0, via="", **shown)


def _body(text: str) -> object:
    try:
        body = json.loads(text)
    except ValueError:
        return text
    return body if _text(body) == text else text


def _text(body: object) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
