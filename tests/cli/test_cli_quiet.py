"""`steadyhand silence` and `maintenance` say what is missing before they ask for a PIN."""

import pytest

from steadyhand.cli import main


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["silence", "add"], "say what is to be quiet, and why"),
        (["silence", "add", "service=shop"], "--reason"),
        (["maintenance", "add", "shop", "--reason", "x", "--for", "soon"], "--for"),
        (["maintenance", "add", "shop", "--reason", "x", "--from", "tonight"], "--from"),
        (["silence", "add", "service=shop", "--reason", "x", "--from", "2026-12-01T02:00"], "zone"),
        (["silence", "end"], "say which one"),
        (
            ["silence", "add", "a=b", "--reason", "x", "--for", "99999h"],
            "--for: it lasts longer than 31 days",
        ),
        (["snooze", "banana"], "SPAN: 'banana' is no duration; write it like"),
    ],
)
def test_what_is_missing_is_said_with_the_way_out(
    given: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given) == 1
    assert told in capsys.readouterr().err
