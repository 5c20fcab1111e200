"""What the placeholders of an incident stand for: numbered once, values sealed, gone with the incident."""

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import insert as plain_insert
from sqlalchemy import select, update

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.vault_key import VaultKey
from steadyhand.journey.evidence.masking import KEPT, Hidden, Known

_MOST = 2_000  # placeholders of one incident; what comes later is not counted
_ERASED = "erased"
_PUT = plain_insert(s.vault)


class SqlVault:
    """The vault inside one open transaction. Without a key nothing is numbered and nothing kept."""

    def __init__(self, db: Batch, key: VaultKey | None) -> None:
        self._db = db
        self._key = key

    def known(self, incident: str) -> Known:
        """Tells the placeholder this incident has for a value, from what is stored now."""
        key, rows = self._key, self._marks(incident) if self._key else {}

        def tell(one: Hidden) -> str | None:
            name = rows.get(key.mark(incident, one.value)) if key and rows else None
            return f"<{name}>" if name else None

        return tell

    def name(self, incident: str, found: Mapping[str, Hidden]) -> Mapping[str, str]:
        """A number for each of these in this incident, by the letters it has now.

        Nobody else writes meanwhile, so no two values get one number.
        """
        if not self._key:
            return {letters: f"<{one.kind}>" for letters, one in found.items()}
        rows = self._marks(incident)
        last = _last(rows.values())
        names = {}
        for letters, one in found.items():
            mark = self._key.mark(incident, one.value)
            if mark not in rows and len(rows) < _MOST:
                last[one.kind] += 1
                rows[mark] = f"{one.kind}-{last[one.kind]}"
                self._keep(incident, rows[mark], mark, one)
            names[letters] = f"<{rows.get(mark, one.kind)}>"
        return names

    def originals(self, incident: str) -> Mapping[str, str]:
        """What this incident's placeholders stand for, of the kinds that are kept and this key can open."""
        if not self._key:
            return {}
        row = s.vault.c
        query = select(row.name, row.sealed).where(row.incident == incident, row.sealed != "")
        opened = {name: self._key.unseal(incident, name, sealed) for name, sealed in self._db.execute(query)}
        return {f"<{name}>": value for name, value in opened.items() if value is not None}

    def erase(self, value: str) -> int:
        """Forget a value in every incident; returns in how many. Its placeholders stay and mean nobody."""
        key, row = self._key, s.vault.c
        if not key:
            return 0
        erased = 0
        for incident in self._db.execute(select(row.incident).distinct()).scalars().all():
            mine = (row.incident == incident) & (row.mark == key.mark(incident, value))
            name = self._db.execute(select(row.name).where(mine)).scalar()
            if name is not None:
                self._db.execute(update(s.vault).where(mine).values(mark=f"{_ERASED} {name}", sealed=""))
                erased += 1
        return erased

    def _marks(self, incident: str) -> dict[str, str]:
        rows = self._db.execute(select(s.vault.c.mark, s.vault.c.name).where(s.vault.c.incident == incident))
        return {one.mark: one.name for one in rows}

    def _keep(self, incident: str, name: str, mark: str, one: Hidden) -> None:
        assert self._key is not None, "only asked where there is a key"
        sealed = self._key.seal(incident, name, one.value) if one.kind in KEPT else ""
        self._db.execute(_PUT, {"incident": incident, "name": name, "mark": mark, "sealed": sealed})


def _last(names: Iterable[str]) -> Counter[str]:
    """The highest number given so far, of each kind."""
    last: Counter[str] = Counter()
    for name in names:
        kind, _, number = name.rpartition("-")
        last[kind] = max(last[kind], int(number))
    return last
