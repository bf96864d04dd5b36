from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from api.console.charts import roster as charts
from api.console.pages.rostercell import time_bar
from api.console.shiftgrid import Segment, Shift
from wfm.frames import INSTANT
from wfm.timegrid import local_midnight

BERLIN = ZoneInfo("Europe/Berlin")


def make_shift(start: datetime, agent_id: str = "a1") -> Shift:
    """Eight hours on queue with a meal after four."""
    edges = [start + timedelta(hours=h) for h in (0, 4, 4.5, 8.5)]
    kinds = ("on_queue", "meal", "on_queue")
    segments = [
        Segment(a, b, kind, "") for kind, a, b in zip(kinds, edges, edges[1:], strict=False)
    ]
    return Shift(agent_id, "full", False, tuple(segments))


@pytest.mark.parametrize(
    ("day", "shown_h"),
    [(date(2026, 3, 2), 8.5), (date(2026, 3, 29), 9.5), (date(2026, 10, 25), 7.5)],
)
def test_a_bar_reaches_from_local_start_to_local_end_on_clock_change_days(day, shown_h):
    shift = make_shift(local_midnight(day, BERLIN))

    figure = charts.day_chart([shift], {"a1": "Ann"}, day=day, zone=BERLIN)

    on_queue, meal = figure.data
    starts = [pd.Timestamp(b) for b in on_queue.base]
    ends = [b + pd.Timedelta(x, "ms") for b, x in zip(starts, on_queue.x, strict=True)]
    assert (max(ends) - min(starts)) == pd.Timedelta(hours=shown_h)
    assert meal.x == (1_800_000,)
    assert figure.layout.yaxis.ticktext == ("Ann",)


def test_a_row_is_as_high_however_many_there_are():
    def height(count: int) -> int:
        shifts = [make_shift(datetime(2026, 3, 2, 8, tzinfo=UTC), f"a{n}") for n in range(count)]
        return charts.day_chart(shifts, {}, day=date(2026, 3, 2), zone=BERLIN).layout.height

    assert height(150) - height(50) == 100 * charts.ROW_HEIGHT


def test_a_day_without_shifts_and_an_edit_without_effect_say_so():
    empty = pd.DataFrame({"start": pd.Series(dtype=INSTANT), "before": [], "after": []})

    day = charts.day_chart([], {}, day=date(2026, 3, 2), zone=BERLIN)
    effect = charts.effect_chart(empty, zone=BERLIN)

    assert day.layout.annotations[0].text == "Nobody works on this day."
    assert "nobody's time on queue" in effect.layout.annotations[0].text


def test_the_effect_is_summed_over_queues_and_left_out_where_nothing_changes():
    start = pd.Timestamp("2026-03-02 08:00", tz="UTC")
    at = [start, start, start + pd.Timedelta("45min"), start + pd.Timedelta("60min")]
    coverage = pd.DataFrame(
        {
            "start": at,
            "queue": ["x", "y", "x", "x"],
            "before": [1.0, 0.5, 2.0, 2.0],
            "after": [0.0, 0.5, 3.0, 1.0],
        }
    )

    before, after = charts.effect_chart(coverage, zone=BERLIN).data

    drawn = [(f"{pd.Timestamp(x):%H:%M}", y) for x, y in zip(after.x, after.y, strict=True)]
    assert drawn[:2] == [("09:00", 0.5), ("09:15", 0.5)]
    assert drawn[2][0] == "09:15"
    assert math.isnan(drawn[2][1])
    assert drawn[3:] == [("09:45", 3.0), ("10:00", 1.0), ("10:15", 1.0)]
    assert [y for y in before.y if not math.isnan(y)] == [1.5, 1.5, 2.0, 2.0, 2.0]


def test_the_bar_of_time_is_filled_by_its_parts():
    parts = time_bar(make_shift(datetime(2026, 3, 2, 8, tzinfo=UTC)), BERLIN).children[0].children

    widths = [float(part.style["width"].rstrip("%")) for part in parts]
    assert [part.className for part in parts] == [
        "activity-on_queue", "activity-meal", "activity-on_queue",
    ]  # fmt: skip
    assert sum(widths) == pytest.approx(100, abs=0.01)
    assert parts[1].title == "13:00–13:30 meal"
