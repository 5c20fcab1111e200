"""What is hidden in an incident has one placeholder there, wherever it is told, numbered by its vault."""

from collections.abc import Mapping

from steadyhand.journey.commands import Record
from steadyhand.journey.evidence.masking import Masker, Told, named, renamed
from steadyhand.responder.outside import Outside
from steadyhand.store import Transaction


def masker_of(outside: Outside, incident: str) -> Masker:
    """A masker that knows what this incident has hidden so far; for "" one that knows nothing.

    Raises LedgerError.
    """
    if not incident:
        return Masker()
    with outside.ledger.read() as tx:
        return Masker(tx.vault.known(incident))


def numbering(outside: Outside, incident: str, masker: Masker) -> dict[str, str]:
    """The incident's placeholders for what the masker found first, by its letters. Raises LedgerError."""
    if not (incident and masker.found):
        return {}
    with outside.ledger.write() as tx:
        return dict(tx.vault.name(incident, masker.found))


def settled(outside: Outside, incident: str, masker: Masker, told: Told) -> Told:
    """The value with the incident's placeholders where letters stood. Raises LedgerError."""
    return named(told, numbering(outside, incident, masker))


def hidden(tx: Transaction, incident: str, raw: str, most: int) -> str:
    """Words somebody gave, on one line, as they may stand in this incident."""
    masker = Masker()
    text = masker.text(raw, most)
    return renamed(text, tx.vault.name(incident, masker.found)) if masker.found else text


def given_words(outside: Outside, incident: str, raw: str, most: int) -> str:
    """Words a model gave about an incident, before they reach phones and reports. Raises LedgerError."""
    with outside.ledger.write() as tx:
        known = tx.incident(incident) is not None
        return hidden(tx, incident, raw, most) if known else Masker().text(raw, most)


def show_originals(outside: Outside, incident: str, by: str, via: str) -> Mapping[str, str]:
    """What this incident's placeholders stand for, for a person who is signed in; it is recorded.

    Raises LedgerError: what cannot be recorded is not shown.
    """
    with outside.ledger.write() as tx:
        found = tx.vault.originals(incident)
        body = {"placeholders": str(len(found))}
        record = Record(action="originals.shown", actor=by, actor_kind="human", via=via, body=body)
        tx.record(incident, record, outside.clock.now())
    return found
