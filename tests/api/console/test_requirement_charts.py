from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from api.console.charts import certificate as certificate_charts
from api.console.charts import requirement as charts
from api.console.charts.requirement import CostPoint
from wfm.frames import BINDING, interval_index

START = datetime(2026, 3, 2, tzinfo=UTC)
INDEX = interval_index(START, START + timedelta(days=1))
UTC_ZONE = ZoneInfo("UTC")
QUARTER = timedelta(minutes=15)
REACHED = [CostPoint(0.8, 900.0), CostPoint(0.9, 1000.0)]


@pytest.fixture
def needed() -> pd.DataFrame:
    """Five agents a quarter, by turns for first replies and for the cap."""
    turns = np.arange(len(INDEX)) % 2 == 0
    loads = {"workload": 3.0, "first_workload": 1.5, "planned": 3.3}
    agents = dict.fromkeys(BINDING, 0.0)
    table = pd.DataFrame({**loads, **agents}, index=INDEX)
    table["first"] = np.where(turns, 5.0, 0.0)
    table["occupancy"] = np.where(turns, 0.0, 5.0)
    return table


def trace(figure, name):
    return next(t for t in figure.data if t.name == name)


def texts(figure):
    return [a.text for a in figure.layout.annotations]


def test_a_bar_covers_its_interval_and_tells_its_start(needed):
    figure = charts.requirement_chart(needed, step=QUARTER, zone=UTC_ZONE)

    first, cap = trace(figure, "First replies"), trace(figure, "Occupancy cap")
    assert (first.offset, first.width) == (0, 900_000)
    assert first.customdata[4][0] == "2026-03-02T01:00:00Z"
    assert np.array_equal(np.isnan(first.y), ~np.isnan(cap.y))


def test_what_binds_nowhere_has_no_place_in_the_legend(needed):
    names = [t.name for t in charts.requirement_chart(needed, step=QUARTER, zone=UTC_ZONE).data]

    assert "Follow-ups" not in names
    assert "Minimum staff" not in names


def test_the_chosen_interval_has_a_stripe_and_one_elsewhere_has_none(needed):
    here, elsewhere = (
        charts.requirement_chart(needed, step=QUARTER, zone=UTC_ZONE, chosen=at).layout.shapes
        for at in (START + timedelta(hours=3), START - timedelta(hours=3))
    )

    assert pd.Timestamp(here[0].x0) == pd.Timestamp("2026-03-02 03:00")
    assert not elsewhere


def test_no_requirement_is_told(needed):
    figure = charts.requirement_chart(needed.iloc[:0], step=QUARTER, zone=UTC_ZONE)

    assert texts(figure) == ["No requirement in this range."]


def test_the_need_that_binds_stands_out_and_the_agents_are_marked():
    figure = charts.needs_chart({"first": 4.2, "minimum": 1.0}, binding="first", agents=5)

    assert list(figure.data[0].marker.opacity) == [1.0, charts.FAINT]
    assert texts(figure) == ["5 needed"]


def test_no_figure_of_a_need_is_struck_out_by_the_line_across():
    figure = charts.needs_chart(
        {"first": 4.1, "occupancy": 7.7, "minimum": 8.0}, binding="occupancy", agents=8
    )

    assert list(figure.data[0].textposition) == ["outside", "inside", "inside"]


def test_the_cost_is_drawn_as_far_as_it_can_be_reached():
    points = [*REACHED, CostPoint(0.98, None)]

    figure = charts.cost_chart(points, chosen=points[2], own=points[1])

    assert list(figure.data[0].x) == [80, 90]
    assert [t.name for t in figure.data[1:]] == ["the plan's promise"]
    assert "out of reach" in texts(figure)


def test_a_promise_out_of_all_reach_draws_nothing():
    lost = CostPoint(0.9, None)

    figure = charts.cost_chart([lost], chosen=lost, own=None)

    assert texts(figure) == ["No number of agents keeps this promise."]


def test_equal_costs_leave_room_on_the_axis():
    flat = [CostPoint(0.8, 1000.0), CostPoint(0.9, 1000.0)]

    low, high = charts.cost_chart(flat, chosen=flat[1], own=None).layout.yaxis.range

    assert low < 1000 < high


def test_a_day_outside_its_band_is_seen_apart_and_the_axis_holds_it():
    days = pd.DataFrame(
        {
            "start": pd.DatetimeIndex([START, START + timedelta(days=1)]),
            "promised": [0.95, 0.95],
            "p10": [0.93, 0.93],
            "p90": [0.97, 0.97],
            "attained": [0.94, 0.70],
            "cases": [800, 900],
            "inside": [True, False],
        }
    )

    figure = certificate_charts.calibration_chart(days, zone=UTC_ZONE, goal=None)

    assert list(trace(figure, "Came, outside").y) == [70.0]
    assert figure.layout.yaxis.range[0] < 70
    assert not figure.layout.shapes
