import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.adapters.channels.wording import cut, mark, markdown, one_line, slack, visible

TEXT = st.text(max_size=400) | st.text(alphabet="<>&@#*_`\n ax", max_size=400)


@given(TEXT, st.integers(min_value=10, max_value=200))
def test_no_text_is_longer_than_its_channel_takes(text: str, most: int) -> None:
    for form in (cut, one_line, slack, markdown):
        assert len(form(text, most)) <= most


@given(TEXT)
def test_slack_s_own_characters_are_always_entities(text: str) -> None:
    shown = slack(text, 300)
    assert "<" not in shown
    assert ">" not in shown
    for part in shown.split("&")[1:]:
        assert part.startswith(("amp;", "lt;", "gt;"))


def test_a_cut_keeps_the_head_and_the_end() -> None:
    trace = "ValueError\n" + "  at frame\n" * 500 + "id inc-1"
    short = cut(trace, 200)
    assert short.startswith("ValueError")
    assert short.endswith("id inc-1")
    assert "[…]" in short


@pytest.mark.parametrize("text", ["@ann", "see #17", "x@y.z", "(@org/team)", "##a"])
def test_markdown_calls_nobody(text: str) -> None:
    shown = markdown(text, 200)
    assert "@a" not in shown
    assert "#1" not in shown


def test_control_characters_go_and_lines_stay() -> None:
    assert visible("a\x1b[2J\u202eb\nc\td") == "a[2Jb\nc\td"


@given(st.text())
def test_a_mark_is_one_short_word_and_always_the_same(key: str) -> None:
    assert mark(key) == mark(key)
    assert mark(key).isalnum()
    assert len(mark(key)) == 32
