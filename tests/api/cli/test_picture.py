"""The plan's screen: a week in characters that fits the narrowest terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from api.cli import picture, shell

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def staffing() -> pd.DataFrame:
    """A week of one queue: 8 heads, one too few on Tuesday from 06:00 to 07:00."""
    start = pd.date_range(MONDAY, periods=7 * 96, freq="15min").as_unit("us")
    table = pd.DataFrame({"start": start, "queue": "x", "scheduled": 8.0, "required": 7.0})
    table["effective"] = 7.5
    dip = (start >= "2026-03-03 06:00+00:00") & (start < "2026-03-03 07:00+00:00")
    return table.assign(effective=table["effective"].where(~dip, 6.0))


def test_a_day_is_a_line_of_at_most_eighty_columns_with_marks_where_it_is_short(staffing):
    lines = picture.week_picture(staffing, ZoneInfo("UTC"), MONDAY, attainment=[1.0] * 7)

    head, monday, tuesday, marks, *_ = lines
    assert len(lines) == 9
    assert max(map(len, lines)) == shell.NARROWEST
    assert head.index("04") == monday.index("█") + 8
    assert monday == "Mon 02 Mar " + "█" * 48 + "      8     7  100.0%"
    assert tuesday.startswith("Tue 03 Mar ")
    assert marks == " " * (11 + 12) + "!!" + "  short"


@pytest.mark.parametrize(
    ("columns", "is_terminal", "width"),
    [(200, True, 108), (100, True, 100), (60, True, 80), (60, False, 108)],
)
def test_the_screen_is_as_wide_as_the_terminal_within_limits(
    monkeypatch: pytest.MonkeyPatch, columns: int, is_terminal: bool, width: int
):
    monkeypatch.setattr(shell.out, "_width", columns)
    monkeypatch.setattr(shell.out, "_force_terminal", is_terminal)

    assert shell.screen_width() == width
