"""Zones as stamps write them: offsets, names of places, and abbreviations.

Source of the abbreviations: the IANA time zone database, as its zones call themselves in 2026.
"""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_UTC = ("Z", "UTC", "GMT", "UCT", "WET")
_HOURS = {  # each of one offset only
    "WEST": 1, "CET": 1, "MET": 1, "WAT": 1, "CEST": 2, "MEST": 2, "EET": 2, "CAT": 2, "SAST": 2, "EEST": 3,
    "MSK": 3, "EAT": 3, "IDT": 3, "PKT": 5, "WIB": 7, "AWST": 8, "HKT": 8, "WITA": 8, "JST": 9, "KST": 9,
    "WIT": 9, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "NDT": -2.5,
    "NST": -3.5, "ADT": -3, "EDT": -4, "EST": -5, "MDT": -6, "MST": -7, "PDT": -7, "AKDT": -8, "AKST": -9,
    "HDT": -9, "HST": -10,
}  # fmt: skip
_USUAL_HOURS = {  # each of several; this is the one of most people
    "CST": -6, "CDT": -5, "PST": -8, "AST": -4, "IST": 5.5, "BST": 1, "SST": -11,
}  # fmt: skip
_NAMES = "|".join(sorted((*_UTC[1:], *_HOURS, *_USUAL_HOURS), key=len, reverse=True))
PLACE = r"[A-Z][A-Za-z]+/[A-Z][A-Za-z_/-]+"
WRITTEN = rf"Z\b|(?:{_NAMES})\b|[+-]\d\d:?\d\d\b|[+-]\d\d\b"
AFTER_SPACE = rf"(?:Z|{_NAMES})\b|[+-]\d\d:?\d\d\b|[+-]\d\d(?=\s?[\[(<\]>|:])"
"""A zone apart from its stamp; a signed number of two digits is one only where no text follows."""


def zone_of(written: str, local: datetime, source: tzinfo) -> tuple[tzinfo | None, str]:
    """The zone of a stamp that writes it so, and what was assumed of it; None where it writes none.

    An abbreviation that the source's own zone has at that local time is that one. One that several zones
    of the world have is otherwise the usual one, which is told. Raises ValueError for no such place.
    """
    if not written:
        return None, "zone"
    if written[0] in "+-":
        return _offset(written), ""
    if "/" in written:
        return _place(written), ""
    return _named(written, local, source)


def _named(written: str, local: datetime, source: tzinfo) -> tuple[tzinfo, str]:
    if written in _UTC:
        return UTC, ""
    if (own := _own(written, local, source)) is not None:
        return own, ""
    hours = _HOURS.get(written)
    known = _USUAL_HOURS[written] if hours is None else hours
    return timezone(timedelta(hours=known)), written if hours is None else ""


def usual(abbreviation: str) -> tzinfo | None:
    """What an abbreviation of several zones is read as; None when it is none."""
    hours = _USUAL_HOURS.get(abbreviation)
    return None if hours is None else timezone(timedelta(hours=hours))


def _own(written: str, local: datetime, source: tzinfo) -> tzinfo | None:
    for fold in (0, 1):
        there = local.replace(tzinfo=source, fold=fold)
        offset = there.utcoffset()
        if there.tzname() == written and offset is not None:
            return timezone(offset)
    return None


def _place(written: str) -> tzinfo:
    try:
        return ZoneInfo(written)
    except (KeyError, OSError) as error:
        raise ValueError(f"no zone {written!r}") from error


def _offset(written: str) -> tzinfo:
    sign = -1 if written[0] == "-" else 1
    digits = written[1:].replace(":", "").ljust(4, "0")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
