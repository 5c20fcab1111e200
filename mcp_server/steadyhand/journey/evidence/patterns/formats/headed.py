"""Formats with a fixed head before the message: syslog, klog, web servers, PostgreSQL, Java, Python."""

import re
from dataclasses import dataclass

from steadyhand.journey.evidence.patterns.formats import stamps
from steadyhand.journey.evidence.patterns.formats.parsed import LONGEST_MESSAGE, Parsed, severity_in

_SYSLOG_SEVERITIES = ("EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG")
_LETTERS = {"I": "INFO", "W": "WARNING", "E": "ERROR", "F": "FATAL", "D": "DEBUG", "V": "DEBUG"}
_LEVEL = r"TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRIT(?:ICAL)?|ALERT|EMERG|FATAL|SEVERE|PANIC"
_CODES_OF_SERVERS = ((500, "ERROR"), (400, "WARNING"))
_PG_LEVEL = r"DEBUG\d?|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC|DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT"


@dataclass(frozen=True, slots=True)
class Headed:
    """A format as a pattern with groups: `stamp`, `message`, perhaps `level`, all others are columns."""

    name: str
    pattern: re.Pattern[str]

    def parse(self, line: str) -> Parsed | None:
        """The record this line is, None when it is written otherwise."""
        match = self.pattern.match(line)
        if match is None:
            return None
        groups = {name.rstrip("23"): value for name, value in match.groupdict().items() if value}
        stamp, message = groups.pop("stamp"), groups.pop("message", "")
        level = groups.pop("level", "")
        return Parsed(
            stamp=stamp,
            message=message.strip()[:LONGEST_MESSAGE],
            severity=_severity(level, groups) or severity_in(message),
            fields=groups,
        )


def _severity(level: str, groups: dict[str, str]) -> str:
    if level:
        return _LETTERS.get(level, level.upper())
    if priority := groups.pop("priority", ""):
        return _SYSLOG_SEVERITIES[int(priority) % 8]
    if status := groups.get("status", ""):
        return next((name for least, name in _CODES_OF_SERVERS if int(status) >= least), "INFO")
    return ""


def _headed(name: str, pattern: str) -> Headed:
    return Headed(name, re.compile(pattern, re.VERBOSE | re.DOTALL))


def _literal(pattern: str) -> str:
    """A pattern whose spaces count, inside one where they do not."""
    return pattern.replace(" ", r"\x20")


HEADED: tuple[Headed, ...] = (
    _headed(
        "syslog (RFC 5424)",
        rf"""<(?P<priority>\d{{1,3}})>1\s(?P<stamp>{_literal(stamps.ISO)})\s(?P<host>\S+)\s(?P<app>\S+)\s(?P<pid>\S+)
        \s(?P<msgid>\S+)\s(?:-|(?P<data>(?:\[(?:[^\]\\]|\\.)*\])+))\s?\ufeff?(?P<message>.*)""",
    ),
    _headed(
        "syslog (RFC 3164)",
        rf"""(?:<(?P<priority>\d{{1,3}})>)?(?P<stamp>{_literal(stamps.SYSLOG)}|{_literal(stamps.ISO)})
        \s(?P<host>[\w.:-]+)\s(?P<app>[\w./()@+-]+?)(?:\[(?P<pid>\d+)\])?:\s(?P<message>.*)""",
    ),
    _headed(
        "klog",
        rf"""(?P<level>[IWEF])(?P<stamp>{_literal(stamps.KLOG)})\s+(?P<pid>\d+)\s(?P<place>[\w.-]+:\d+)\]\s(?P<message>.*)""",
    ),
    _headed(
        "access log",
        rf"""(?P<client>\S+)\s\S+\s(?P<user>\S+)\s\[(?P<stamp>{_literal(stamps.CLF)})\]
        \s(?P<message>"(?:(?P<method>[A-Z]+)\s)?(?P<path>[^\s"?]*)[^"]*"\s(?P<status>\d{{3}})\s(?P<bytes>\d+|-).*)""",
    ),
    _headed(
        "nginx error log",
        rf"""(?P<stamp>{_literal(stamps.ISO)})\s\[(?P<level>\w+)\]\s(?P<pid>\d+)\#\d+:\s(?:\*\d+\s)?(?P<message>.*)""",
    ),
    _headed(
        "Apache error log",
        rf"""\[(?P<stamp>{_literal(stamps.APACHE)})\]\s\[(?:\w+:)?(?P<level>\w+)\]\s
        (?:\[pid[ ](?P<pid>\d+)[^\]]*\]\s)?
        (?:\[client[ ](?P<client>[^\]]+)\]\s)?(?P<message>.*)""",
    ),
    _headed(
        "PostgreSQL",
        rf"""(?P<stamp>{_literal(stamps.ISO)}(?:[ ][A-Z]{{3,4}})?)\s(?:\[(?P<pid>\d+)(?:-\d+)?\]:?\s)?
        (?:(?P<user>[\w.-]+)@(?P<database>[\w.-]+)\s)?(?P<level>{_PG_LEVEL}):\s+(?P<message>.*)""",
    ),
    _headed(
        "Python",
        rf"""(?P<stamp>{_literal(stamps.ISO)})\s(?:-\s(?P<logger>[\w.]+)\s-\s(?P<level>{_LEVEL})\s-\s
        |(?P<level2>{_LEVEL}):(?P<logger2>[\w.]+):\s?|\[(?P<level3>{_LEVEL})\]\s(?P<logger3>[\w.]+):\s)(?P<message>.*)""",
    ),
    _headed(
        "Java",
        rf"""(?P<stamp>{_literal(stamps.ISO)}|{stamps.DAYTIME})\s+(?:
        \[(?P<thread>[^\]]+)\]\s+(?P<level>{_LEVEL})
        |(?P<level2>{_LEVEL})\s+(?:\d+\s---\s)?\[\s*(?P<thread2>[^\]]+)\])
        \s+(?P<logger>[\w.$\[\]/-]+)\s*(?:-|:)\s(?P<message>.*)""",
    ),
)

_PLAIN = re.compile(
    rf"\W{{0,2}}(?P<stamp>{stamps.ISO}|{stamps.SYSLOG}|{stamps.APACHE}|{stamps.DASHED}|{stamps.SLASHED}"
    rf"|{stamps.EPOCH}|{stamps.DAYTIME})\b\W*"
)


def plain_line(line: str) -> Parsed | None:
    """Text that begins with a time."""
    match = _PLAIN.match(line)
    if match is None:
        return None
    rest = line[match.end() :].strip()
    return Parsed(match["stamp"], rest[:LONGEST_MESSAGE], severity_in(rest))
