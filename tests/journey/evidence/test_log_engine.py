"""Raw blocks of log files become tallies: the same whatever the cut, bounded, and nothing lost in silence."""

import random
import string
from collections import defaultdict
from datetime import UTC, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from little_world import START, at, log_line, window

from steadyhand.journey.evidence.patterns.block import Block, tally_block
from steadyhand.journey.evidence.patterns.compare import Patterns, compare
from steadyhand.journey.evidence.patterns.fold import summary
from steadyhand.journey.evidence.patterns.formats.reader import Reader
from steadyhand.journey.evidence.patterns.formats.stamps import Clock
from steadyhand.journey.evidence.patterns.keys import keyed
from steadyhand.journey.evidence.patterns.lines import tally_lines
from steadyhand.journey.evidence.patterns.masks import WordMasks
from steadyhand.journey.evidence.patterns.mine import templates_of
from steadyhand.journey.evidence.patterns.tally import Tallies, total
from steadyhand.journey.evidence.patterns.template import shown, template_of

JAVA = """2026-01-31 02:01:{second:02d},000 [main] ERROR c.s.Api - checkout failed
java.lang.IllegalStateException: order {order} is open
\tat com.shop.Orders.close(Orders.java:{line})
\tat org.springframework.web.Dispatcher.run(Dispatcher.java:7)
Caused by: com.shop.PoolTimeout: none after 3000 ms
\tat com.shop.Pool.take(Pool.java:88)
\t... 12 more
"""
PYTHON = """Traceback (most recent call last):
  File "/srv/shop/api.py", line 10, in handle
    charge()
  File "/srv/shop/bank.py", line 22, in charge
    raise Refused("card")
  File "/usr/lib/python3.11/socket.py", line 1, in connect
shop.Refused: card"""


def block(raw: str, offset: int = 0, seconds: float = 120) -> Block:
    end = (START + timedelta(seconds=seconds)).timestamp()
    return Block(
        raw.encode(), offset, "shop.log", "till", Reader(), Clock(UTC, START), START.timestamp(), end
    )


def tallied(raw: str, most: int = 1000) -> Tallies:
    return tally_block(block(raw), WordMasks(), most)


def patterns(raw: str, calm: float = 60) -> Patterns:
    return compare(tallied(raw), window(0, 120), window(0, calm))


def stamped(second: float, text: str) -> str:
    return f"{at(second):%Y-%m-%d %H:%M:%S},{int(second * 1000) % 1000:03d} [main] INFO c.s.Api - {text}\n"


def told(found: Patterns) -> list[tuple[str, int, int]]:
    return [(one.template, one.before, one.now) for one in found.found]


def test_lines_are_counted_per_second_with_first_and_last_and_a_place_to_open() -> None:
    raw = "".join(stamped(second, f"order {second} paid") for second in (3, 3.5, 70, 71.25))
    (one,) = patterns(raw).found
    assert (one.template, one.before, one.now) == ("order <*> paid", 2, 2)
    assert (one.first, one.last) == (at(3).timestamp(), at(71).timestamp())
    assert one.exemplar.ref == f"shop.log:{2 * len(stamped(3, 'order 3 paid')) + 2}"
    assert list(one.seconds.values()) == [2, 1, 1]


def test_stack_traces_are_one_message_whatever_their_numbers_and_name_the_root_cause() -> None:
    raw = stamped(1, "ready") + "".join(JAVA.format(second=s, order=s * 7, line=s) for s in (2, 9, 30))
    ready, failed = patterns(raw).found
    assert ready.template == "ready"
    assert (failed.severity, failed.now) == ("ERROR", 3)
    assert "com.shop.PoolTimeout" in failed.exemplar.text
    assert "com.shop.Pool.take" in failed.exemplar.text
    assert "springframework" not in failed.exemplar.text


def test_two_traces_thrown_at_different_places_are_two_messages() -> None:
    other = JAVA.replace("com.shop.Pool.take", "com.shop.Bank.call")
    raw = JAVA.format(second=2, order=1, line=1) + other.format(second=3, order=1, line=1)
    assert len(patterns(raw).found) == 2


def test_a_python_trace_names_its_last_line_and_own_frames_innermost_first() -> None:
    assert summary(PYTHON.split("\n")) == "shop.Refused: card at bank.py:charge < api.py:handle"


def test_status_codes_are_kept_apart_in_raw_lines_too() -> None:
    raw = "".join(
        f'10.0.0.{s} - - [31/Jan/2026:02:00:{s:02d} +0000] "GET /a HTTP/1.1" {status} 17\n'
        for s, status in enumerate([200, 200, 503, 200, 404])
    )
    found = {(one.codes, one.severity): one.before + one.now for one in patterns(raw).found}
    assert found == {("status=200", "INFO"): 3, ("status=503", "ERROR"): 1, ("status=404", "WARNING"): 1}


def test_several_formats_in_one_file_are_all_counted() -> None:
    raw = (
        stamped(1, "job 1 done")
        + '{"ts": "2026-01-31T02:00:02Z", "level": "INFO", "msg": "job 2 done"}\n'
        + "Jan 31 02:00:03 web1 shop[7]: job 3 done\n"
        + "2026-01-31 04:00:04+02:00 ERROR job 4 failed\n"
    )
    found = patterns(raw)
    assert found.lines == 4
    assert [one.first - START.timestamp() for one in found.found] == [1.0, 3.0, 4.0]


def test_lines_outside_the_window_are_not_counted() -> None:
    raw = stamped(-1, "early") + stamped(0, "inside") + stamped(119.9, "inside") + stamped(120, "late")
    assert told(patterns(raw)) == [("inside", 1, 1)]


def test_what_a_stamp_leaves_out_is_told() -> None:
    assert tallied("2026-01-31 02:00:01 checkpoint\n").assumptions == {
        "stamps of till that name no zone read as UTC"
    }
    assert tallied("2026-01-31T02:00:01Z checkpoint\n").assumptions == set()


def test_blocks_may_be_cut_at_any_record() -> None:
    luck = random.Random(4)  # noqa: S311 - made-up lines
    lines = [
        stamped(
            second / 20, luck.choice(["paid {}", "cart {} of {} closed", "slow call {} ms"]).format(second, 7)
        )
        for second in range(2000)
    ]
    whole = total([tallied("".join(lines))], 100)
    parts, offset = [], 0
    for start in range(0, 2000, 300):
        raw = "".join(lines[start : start + 300])
        parts.append(tally_block(block(raw, offset), WordMasks(), 100))
        offset += len(raw)
    one, many = (compare(each, window(0, 120), window(0, 60)) for each in (whole, total(parts, 100)))
    assert told(one) == told(many)
    assert [each.seconds for each in one.found] == [each.seconds for each in many.found]


def test_raw_lines_and_parsed_lines_give_the_same_counts() -> None:
    texts = [f"order {n} paid by card" if n % 3 else f"order {n} refused: code {n % 5}" for n in range(200)]
    raw = patterns("".join(stamped(n / 2, text) for n, text in enumerate(texts)))
    lines = [log_line(n / 2, text) for n, text in enumerate(texts)]
    parsed = compare(tally_lines(lines, window(0, 120), 1000), window(0, 120), window(0, 60))
    assert told(raw) == told(parsed)


def test_memory_follows_the_kinds_and_seconds_and_not_the_lines() -> None:
    def kept(count: int) -> int:
        tallies = tallied("".join(stamped(n % 100, f"order {n} paid") for n in range(count)))
        return sum(len(one.seconds) + len(one.samples) for one in tallies.kinds.values())

    assert kept(20_000) == kept(2_000)


def test_lines_of_hundreds_of_random_words_become_one_message_and_a_rare_one_stays() -> None:
    luck = random.Random(9)  # noqa: S311 - made-up words
    word = ["".join(luck.choices("abcdefghijklmnop", k=9)) for _ in range(12_000)]
    raw = "".join(
        stamped(n / 100, f"user {word[n]} opened basket {word[n + 6000]} again") for n in range(6000)
    ) + stamped(70, "certificate expires today")
    found = patterns(raw)
    assert told(found) == [("user <*> opened basket <*> again", 6000, 0), ("certificate expires today", 0, 1)]
    assert found.unclustered == 0


def test_a_rare_message_of_the_shape_of_a_flood_of_random_words_stays_apart() -> None:
    luck = random.Random(10)  # noqa: S311 - made-up words
    word = ["".join(luck.choices("abcdefghijklmnop", k=5 + n % 6)) for n in range(6_000)]
    flood = [
        stamped(n / 100, f"user {word[n]} opened basket {word[n + 3000]}, all is well") for n in range(3000)
    ]
    raw = "".join(flood) + stamped(70, f"user {word[7]} opened basket {word[8]}, all is lost")
    found = patterns(raw)
    assert [(one.before, one.now) for one in found.found] == [(3000, 0), (0, 1)]
    assert found.found[1].exemplar.text.endswith("all is lost")


def test_a_time_behind_words_of_any_length_is_read_on_every_line() -> None:
    luck = random.Random(11)  # noqa: S311 - made-up hosts
    hosts = ["".join(luck.choices("abcdefghijklmnop", k=4 + n % 9)) for n in range(900)]
    raw = "".join(
        f'{host}.example - - [{at(n // 10):%d/%b/%Y:%H:%M:%S} +0000] "GET /cart HTTP/1.1" 200 12\n'
        for n, host in enumerate(hosts)
    )
    (found,) = patterns(raw).found
    assert found.seconds == {int(at(second).timestamp()): 10 for second in range(90)}


def test_lines_with_nothing_in_common_are_counted_as_unclustered_beyond_the_budget() -> None:
    luck = random.Random(8)  # noqa: S311 - made-up words
    words = ["".join(luck.choices("abcdefghijklmnop", k=9)) for _ in range(27_000)]
    raw = "".join(stamped(n / 100, " ".join(words[3 * n : 3 * n + 3])) for n in range(9_000))
    found = compare(tallied(raw, most=10_000), window(0, 120), window(0, 60))
    assert found.lines == 9_000
    assert found.unclustered == 3_000


def test_a_message_that_grows_with_all_traffic_is_no_surge() -> None:
    lines = [
        log_line(second + one / 50, f"{name} step done")
        for name in (
            "cart: closed",
            "order was",
            "bank",
            "mail has been sent: all",
            "stock (all)",
            "audit = no",
        )
        for second in range(120)
        for one in range(1 if second < 60 else 6)
    ]
    found = compare(tally_lines(lines, window(0, 120), 1000), window(0, 120), window(0, 60))
    assert [one.change for one in found.found] == [None] * 6


def test_a_value_that_is_now_over_represented_is_named_with_both_shares() -> None:
    lines = [log_line(second, f"query on db-{second % 4} was slow") for second in range(60)]
    lines += [log_line(60 + n / 4, f"query on db-{3 if n % 10 else 1} was slow") for n in range(200)]
    (one,) = compare(tally_lines(lines, window(0, 120), 1000), window(0, 120), window(0, 60)).found
    assert one.change == "shifted"
    assert str(one.skew) == "on=db-3 90 % (was 25 %)"
    assert one.skew is not None
    assert abs(one.skew.at - at(60).timestamp()) <= 1


def test_a_value_that_took_over_late_in_the_window_is_named_since_when_it_did() -> None:
    lines = [log_line(n / 3, f"call retried on replica-{n % 6} once") for n in range(2_700)]
    lines += [log_line(860 + n / 4, "call retried on replica-4 once") for n in range(160)]
    (one,) = compare(tally_lines(lines, window(0, 900), 1000), window(0, 900), window(0, 360)).found
    assert one.change == "shifted"
    assert one.skew is not None
    assert (one.skew.name, one.skew.value) == ("on", "replica-4")
    assert one.skew.lo - 1 <= at(860).timestamp() <= one.skew.hi + 1


def test_a_few_lines_in_a_row_of_one_user_are_no_shift() -> None:
    lines = [log_line(second, f"login of user-{second % 20} done") for second in range(114)]
    lines += [log_line(114 + second, "login of user-7 done") for second in range(6)]
    (one,) = compare(tally_lines(lines, window(0, 120), 1000), window(0, 120), window(0, 60)).found
    assert one.change is None


def test_columns_of_a_new_message_are_compared_with_all_lines_before() -> None:
    lines = [log_line(second, "request done", replica=f"till-{second % 3}") for second in range(60)]
    lines += [log_line(60 + second, "out of memory", "ERROR", replica="till-2") for second in range(20)]
    found = compare(tally_lines(lines, window(0, 120), 1000), window(0, 120), window(0, 60)).found
    (new,) = (one for one in found if one.change == "new")
    assert str(new.skew) == "replica=till-2 100 % (was 33 %)"


_LUCK = random.Random(11)  # noqa: S311 - made-up values
_ENDS = ("changed its firmware", "was taken out")


def test_hexadecimal_digits_and_single_letters_of_a_flood_need_no_look_at_each_line() -> None:
    letters = [(_LUCK.choice(string.ascii_uppercase), _LUCK.getrandbits(24)) for _ in range(3000)]
    lines = [
        f"node {letter} at {number % 256:02x}:{number >> 8:04x} {_ENDS[number % 2]}"
        for letter, number in letters
    ]
    found = keyed("\n".join(lines).encode())
    assert len(found.of) > 1000
    assert len(found.keys) < 100


def test_levels_of_one_letter_stay_apart_in_a_flood_of_random_words() -> None:
    words = ["".join(_LUCK.choices("ghijklmnop", k=9)) for _ in range(4000)]
    lines = [
        f"{_LUCK.choice('IIIIWWEF')}0131 02:00:05.0 7 a.go:5] user {word} {_LUCK.choice(_ENDS)}"
        for word in words
    ]
    found = keyed("\n".join(lines).encode())
    levels: dict[bytes, set[str]] = defaultdict(set)
    for key, line in zip(found.each(found.keys), lines, strict=True):
        levels[key].add(line[0])
    assert len(levels) < 100
    assert all(len(one) == 1 for one in levels.values())


@settings(max_examples=8, deadline=None)
@given(st.sets(st.integers(1, 2999), max_size=6), st.integers(0, 1000))
def test_the_counts_do_not_depend_on_where_a_file_is_cut(cuts: set[int], seed: int) -> None:
    luck = random.Random(seed)  # noqa: S311 - made-up lines
    texts = ["paid {n}", "cart {n} of {n} closed", "user {word} left", "slow call: {n} ms, code {code}"]
    lines = [
        stamped(
            n / 25,
            luck.choice(texts).format(n=n, word=luck.choice(["ann", "bob"]), code=luck.choice([200, 500])),
        )
        for n in range(3000)
    ]
    places = [0, *sorted(cuts), len(lines)]
    parts, offset = [], 0
    for start, end in pairwise(places):
        raw = "".join(lines[start:end])
        parts.append(tally_block(block(raw, offset), WordMasks(), 100))
        offset += len(raw)
    one, many = (
        compare(each, window(0, 120), window(0, 60)) for each in (tallied("".join(lines)), total(parts, 100))
    )
    assert told(one) == told(many)
    assert [each.seconds for each in one.found] == [each.seconds for each in many.found]


def test_templates_show_words_and_hide_values() -> None:
    shown_as = {
        "Connection from 10.0.0.7:5120 (web-7.example.com) closed": "Connection from <*> closed",
        'GET "/cart?id=7" took 12.5 ms': 'GET"<*>"took <*>',
        "user=ann id=0x7f state=": "user=<*> id=<*> state=<*>",
        "wrote /var/lib/shop/a.db at 12:30:45": "wrote <*> at <*>",
        "com.shop.Pool.take failed: true": "com.shop.Pool.take failed: <*>",
        "tokens 1, 2, 3 are gone": "tokens <*> are gone",
        "don't stop 'the music'": "don't stop'<*>'",
    }
    assert {line: shown(template_of(line)) for line in shown_as} == shown_as


def test_merging_many_random_rows_takes_little_work_and_loses_none() -> None:
    luck = random.Random(2)  # noqa: S311 - made-up words
    rows = {
        tuple("".join(luck.choices("abcdef", k=6)) for _ in range(luck.randrange(1, 9))) for _ in range(9000)
    }
    assert templates_of(rows).keys() == rows


def test_too_many_seconds_are_counted_in_wider_steps_and_none_is_lost() -> None:
    tallies = tallied("".join(stamped(second, "tick") for second in range(100)))
    before = sum(one.seconds.total() for one in tallies.kinds.values())
    tallies.widen(8)
    (tick,) = tallies.kinds.values()
    assert tick.seconds.total() == before
    assert {second % 8 for second in tick.seconds} == {0}
