"""Every common log format is recognised, its head read, its stamp put into UTC."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from steadyhand.journey.evidence.patterns.block import Block, tally_block
from steadyhand.journey.evidence.patterns.formats.reader import Reader, detected
from steadyhand.journey.evidence.patterns.formats.stamps import Clock, assumption, moment
from steadyhand.journey.evidence.patterns.formats.structured import FieldNames
from steadyhand.journey.evidence.patterns.masks import WordMasks

AT = datetime(2026, 1, 31, 2, 0, 1, tzinfo=UTC)
CLOCK = Clock(UTC, AT + timedelta(hours=1))

# format, line, severity, message, some columns
LINES = [
    ("JSON", '{"ts": "2026-01-31T02:00:01Z", "level": "error", "msg": "pool is empty", "host": "db-3"}',
     "error", "pool is empty", {"host": "db-3"}),
    ("JSON", '{"time": 1769824801.0, "level": 50, "message": "pool is empty"}', "ERROR", "pool is empty", {}),
    ("logfmt", 'ts=2026-01-31T02:00:01Z level=warn msg="pool is empty" host=db-3',
     "warn", "pool is empty", {"host": "db-3"}),
    ("syslog (RFC 3164)", "<27>Jan 31 02:00:01 web1 shop[812]: pool is empty",
     "ERR", "pool is empty", {"host": "web1", "app": "shop", "pid": "812"}),
    ("syslog (RFC 3164)", "Jan 31 02:00:01 web1 kernel: pool is empty", "", "pool is empty", {}),
    ("syslog (RFC 3164)", "2026-01-31T03:00:01.000+01:00 web1 shop[812]: pool is empty",
     "", "pool is empty", {"app": "shop"}),
    ("syslog (RFC 5424)", '<165>1 2026-01-31T02:00:01.000Z web1 shop 812 ID47 [a@1 b="c"] pool is empty',
     "NOTICE", "pool is empty", {"host": "web1", "msgid": "ID47"}),
    ("klog", "E0131 02:00:01.000000    1234 pool.go:77] pool is empty",
     "ERROR", "pool is empty", {"place": "pool.go:77"}),
    ("access log", '10.0.0.3 - a [31/Jan/2026:03:00:01 +0100] "GET /cart?id=7 HTTP/1.1" 503 17 "-" "c"',
     "ERROR", '"GET /cart?id=7 HTTP/1.1" 503 17 "-" "c"', {"status": "503", "path": "/cart", "user": "a"}),
    ("nginx error log", "2026/01/31 02:00:01 [error] 31#31: *7 upstream timed out",
     "ERROR", "upstream timed out", {"pid": "31"}),
    ("Apache error log", "[Sat Jan 31 02:00:01.000000 2026] [core:error] [pid 7] [client 10.0.0.3:5] no file",
     "ERROR", "no file", {"client": "10.0.0.3:5"}),
    ("PostgreSQL", "2026-01-31 02:00:01.000 UTC [812] shop@orders FATAL:  too many clients",
     "FATAL", "too many clients", {"user": "shop", "database": "orders"}),
    ("Java", "2026-01-31 02:00:01,000 [main] ERROR c.s.Pool - pool is empty",
     "ERROR", "pool is empty", {"thread": "main", "logger": "c.s.Pool"}),
    ("Java", "2026-01-31T02:00:01.000Z  WARN 7 --- [nio-8080-exec-1] c.s.Pool    : pool is empty",
     "WARN", "pool is empty", {"thread": "nio-8080-exec-1"}),
    ("Java", "02:00:01.000 [main] INFO  c.s.Pool - pool is empty", "INFO", "pool is empty", {}),
    ("Python", "2026-01-31 02:00:01,000 - shop.pool - ERROR - pool is empty",
     "ERROR", "pool is empty", {"logger": "shop.pool"}),
    ("Python", "2026-01-31 02:00:01,000 ERROR:shop.pool:pool is empty", "ERROR", "pool is empty", {}),
    ("text after a time", "2026-01-31 02:00:01 ERROR pool is empty", "ERROR", "ERROR pool is empty", {}),
    ("JSON", '{"log":"ERROR pool is empty\\n","stream":"stderr","time":"2026-01-31T02:00:01.123456789Z"}',
     "ERROR", "ERROR pool is empty", {"stream": "stderr"}),
    ("JSON", r'{"log":"{\"level\":\"error\",\"msg\":\"pool is empty\"}\n","time":"2026-01-31T02:00:01Z"}',
     "error", "pool is empty", {}),
    ("JSON", '{"textPayload": "ERROR pool is empty", "timestamp": "2026-01-31T02:00:01Z"}',
     "ERROR", "ERROR pool is empty", {}),
    ("JSON", '{"jsonPayload":{"message":"pool is empty"},"severity":"ERROR","time":"2026-01-31T02:00:01Z"}',
     "ERROR", "pool is empty", {}),
    ("JSON", '{"@timestamp": "2026-01-31T02:00:01Z", "log.level": "WARN", "message": "pool is empty"}',
     "WARN", "pool is empty", {}),
    ("JSON", '{"@timestamp": "2026-01-31T02:00:01Z", "log": {"level": "WARN"}, "message": "pool is empty"}',
     "WARN", "pool is empty", {}),
    ("JSON", '{"t": {"$date": "2026-01-31T03:00:01.000+01:00"}, "s": "E", "c":"NET", "msg":"pool is empty"}',
     "ERROR", "pool is empty", {"c": "NET"}),
    ("CRI", "2026-01-31T02:00:01.123456789Z stderr F ERROR pool is empty",
     "ERROR", "ERROR pool is empty", {"stream": "stderr"}),
    ("CRI", '2026-01-31T02:00:01.1Z stdout F {"level":"error","msg":"pool is empty","host":"a"}',
     "error", "pool is empty", {"host": "a"}),
    ("text after a time", "31-Jan-2026 02:00:01.250 SEVERE [main] pool is empty",
     "SEVERE", "SEVERE [main] pool is empty", {}),
    ("text after a time", "[31-Jan-2026 03:00:01 Europe/Berlin] PHP Fatal error:  no memory",
     "FATAL", "PHP Fatal error:  no memory", {}),
    ("text after a time", "01/31/2026 2:00:01 AM ERROR pool is empty", "ERROR", "ERROR pool is empty", {}),
    ("text after a time", "31/01/2026 02:00:01,250 ERROR pool is empty", "ERROR", "ERROR pool is empty", {}),
    ("text after a time", "1769824801.123 ERROR pool is empty", "ERROR", "ERROR pool is empty", {}),
    ("text after a time", "[1769824801] ERROR pool is empty", "ERROR", "ERROR pool is empty", {}),
    ("text after a time", "Sat Jan 31 03:00:01 CET 2026 ERROR pool is empty",
     "ERROR", "ERROR pool is empty", {}),
    ("logfmt", 'ts=2026-01-31T02:00:01Z msg="pool is empty"', "", "pool is empty", {}),
    ("PostgreSQL", "2026-01-31 03:00:01.123 CET [99] LOG:  pool is empty",
     "LOG", "pool is empty", {"pid": "99"}),
    ("PostgreSQL", "2026-01-31 03:00:01.123+01 [99] LOG:  pool is empty",
     "LOG", "pool is empty", {"pid": "99"}),
    ("PostgreSQL", "2026-01-31 07:30:01.123 +0530 [99] LOG:  pool is empty",
     "LOG", "pool is empty", {"pid": "99"}),
    ("PostgreSQL", "2026-01-30 21:00:01 EST [99] app@shop ERROR:  pool is empty",
     "ERROR", "pool is empty", {}),
    ("PostgreSQL", "2026-01-30 23:00:01.123 -03 [99] LOG:  pool is empty",
     "LOG", "pool is empty", {"pid": "99"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "line", "severity", "message", "columns"), LINES)
def test_a_line_gives_its_time_severity_message_and_columns(
    name: str, line: str, severity: str, message: str, columns: dict[str, str]
) -> None:
    reader = Reader()
    found = reader.parse(line)
    assert found is not None
    assert reader.format_of(line) == name
    assert (found.severity, found.message) == (severity, message)
    assert columns.items() <= found.fields.items()
    when = moment(found.stamp, CLOCK)
    assert when is not None
    assert when.at.replace(microsecond=0) == AT


@pytest.mark.parametrize("line", [one[1] for one in LINES])
def test_a_line_is_counted_in_the_second_it_is_read_in(line: str) -> None:
    raw, start = f"{line}\n".encode(), AT.timestamp()
    block = Block(raw, 0, "shop.log", "shop", Reader(), CLOCK, start, start + 1)
    assert tally_block(block, WordMasks(), 9).lines == 1


@pytest.mark.parametrize("name", sorted({one[0] for one in LINES}))
def test_a_source_is_recognised_by_its_first_lines(name: str) -> None:
    lines = [one[1] for one in LINES if one[0] == name]
    _, found = detected(lines * 50, FieldNames())
    assert found == name


def test_a_file_of_several_formats_says_so_and_every_line_is_read() -> None:
    lines = [one[1] for one in LINES]
    reader, found = detected(lines, FieldNames())
    assert found.startswith("mixed: ")
    assert all(reader.parse(one) is not None for one in lines)


@pytest.mark.parametrize(
    "line", ["    at shop.Pool.take(Pool.java:3)", "Traceback (most recent call last):", "", "{"]
)
def test_a_line_without_a_time_begins_no_record(line: str) -> None:
    assert Reader().parse(line) is None


def test_a_stamp_without_a_zone_is_read_in_the_sources_zone_and_that_is_told() -> None:
    berlin = Clock(ZoneInfo("Europe/Berlin"), AT)
    found = moment("2026-01-31 03:00:01", berlin)
    assert found is not None
    assert (found.at, found.assumed) == (AT, "zone")
    known = moment("2026-01-31 03:00:01 +0100", berlin)
    assert known is not None
    assert (known.at, known.assumed) == (AT, "")


def test_an_abbreviation_of_one_zone_is_known_and_one_of_several_is_told() -> None:
    known = moment("2026-01-31 03:00:01 CET", CLOCK)
    assert known is not None
    assert (known.at, known.assumed) == (AT, "")
    usual = moment("2026-01-30 20:00:01 CST", CLOCK)
    assert usual is not None
    assert usual.at == AT
    told = "stamps of shop in CST, a name of several zones, read as UTC-06:00"
    assert assumption(usual.assumed, "shop", CLOCK) == told
    shanghai = moment("2026-01-31 10:00:01 CST", Clock(ZoneInfo("Asia/Shanghai"), AT))
    assert shanghai is not None
    assert (shanghai.at, shanghai.assumed) == (AT, "")


def test_a_number_after_a_stamp_is_a_zone_only_where_no_text_follows() -> None:
    found = Reader().parse("2026-01-31 02:00:01 -12 items were left")
    assert found is not None
    assert (found.stamp, found.message) == ("2026-01-31 02:00:01", "12 items were left")


def test_a_date_of_two_readings_is_the_nearer_one_and_that_is_told() -> None:
    march = Clock(UTC, datetime(2026, 4, 3, 9, tzinfo=UTC))
    for written in ("04/03/2026 08:00:00", "03/04/2026 08:00:00"):
        found = moment(written, march)
        assert found is not None
        assert found.at == datetime(2026, 4, 3, 8, tzinfo=UTC)
        assert assumption(found.assumed, "shop", march).startswith("dates of shop like 3/4 read as")


def test_a_line_inside_an_envelope_that_continues_one_begins_no_record() -> None:
    reader = Reader()
    for line in (
        r'{"log":"\tat shop.Pool.take(Pool.java:3)\n","stream":"stderr","time":"2026-01-31T02:00:01Z"}',
        "2026-01-31T02:00:01Z stderr F \tat shop.Pool.take(Pool.java:3)",
    ):
        assert reader.parse(line) is None
        assert reader.text(line) == "\tat shop.Pool.take(Pool.java:3)"


def test_summer_time_is_kept_to() -> None:
    found = moment("2026-07-01 04:00:00", Clock(ZoneInfo("Europe/Berlin"), AT))
    assert found is not None
    assert found.at == datetime(2026, 7, 1, 2, tzinfo=UTC)


def test_a_stamp_without_a_year_is_the_nearest_one() -> None:
    new_year = Clock(UTC, datetime(2026, 1, 1, 0, 5, tzinfo=UTC))
    found = moment("Dec 31 23:59:59", new_year)
    assert found is not None
    assert found.at == datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_a_stamp_without_a_date_is_the_nearest_day() -> None:
    midnight = Clock(UTC, datetime(2026, 1, 31, 0, 5, tzinfo=UTC))
    found = moment("23:59:59.500", midnight)
    assert found is not None
    assert found.at == datetime(2026, 1, 30, 23, 59, 59, 500_000, tzinfo=UTC)
