from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from api.console.charts import plan as charts
from api.console.charts.look import Event
from wfm.frames import interval_index

START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(days=1)
INDEX = interval_index(START, END)
BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")


def trace(figure, name):
    return next(t for t in figure.data if t.name == name)


def names(figure):
    return [a.text for a in figure.layout.annotations]


@pytest.fixture
def staffing() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    required = rng.integers(2, 12, len(INDEX)).astype(float)
    scheduled = rng.integers(2, 14, len(INDEX)).astype(float)
    return pd.DataFrame(
        {"required": required, "scheduled": scheduled, "effective": scheduled * 0.9}, index=INDEX
    )


@pytest.fixture
def forecast() -> pd.DataFrame:
    mean = np.linspace(1, 9, len(INDEX))
    return pd.DataFrame(
        {
            "mean": mean,
            "q025": mean * 0.5,
            "q10": mean * 0.7,
            "q90": mean * 1.3,
            "q975": mean * 1.6,
        },
        index=INDEX,
    )


def test_the_shaded_shortfall_is_what_is_required_beyond_what_is_there(staffing):
    figure = charts.coverage_chart(staffing, zone=UTC_ZONE)

    upper, lower = trace(figure, "Shortfall").y, trace(figure, "Effective").y
    missing = [
        max(0.0, r - e) for r, e in zip(staffing["required"], staffing["effective"], strict=True)
    ]
    assert np.allclose(np.subtract(upper, lower), missing, atol=0.011)
    assert trace(figure, "Shortfall").fill == "tonexty"


def test_the_shortfall_is_filled_down_to_the_effective_line(staffing):
    shown = [t.name for t in charts.coverage_chart(staffing, zone=UTC_ZONE).data]

    assert shown.index("Shortfall") == shown.index("Effective") + 1


def test_no_shortfall_where_enough_are_there(staffing):
    staffing["effective"] = staffing["required"] + 1

    assert charts.shortfall(staffing).max() == 0


def test_lines_are_drawn_in_the_sites_time(staffing):
    figure = charts.coverage_chart(staffing, zone=BERLIN)

    assert pd.Timestamp(trace(figure, "Required").x[0]) == pd.Timestamp("2026-03-02 01:00")


def test_the_bands_hold_the_quantiles(forecast):
    figure = charts.forecast_chart(pd.DataFrame(), forecast, zone=UTC_ZONE)

    traces = list(figure.data)
    for name, low, high in (("95 % band", "q025", "q975"), ("80 % band", "q10", "q90")):
        at = [t.name for t in traces].index(name)
        assert np.allclose(traces[at].y, forecast[high], atol=1e-3)
        assert np.allclose(traces[at - 1].y, forecast[low], atol=1e-3)


def test_history_breaks_where_it_is_missing(forecast):
    history = pd.DataFrame({"contacts": 5.0}, index=INDEX)
    history.iloc[10] = np.nan

    figure = charts.forecast_chart(history, forecast, zone=UTC_ZONE)

    assert np.isnan(trace(figure, "History").y[10])
    assert not trace(figure, "History").connectgaps


def test_marks_inside_the_range_are_named_and_others_left_out(forecast):
    events = [
        Event("campaign", "Spring sale", START + timedelta(hours=2), START + timedelta(hours=5)),
        Event("holiday", "Long ago", START - timedelta(days=9), START - timedelta(days=8)),
    ]

    figure = charts.forecast_chart(pd.DataFrame(), forecast, zone=UTC_ZONE, events=events)

    assert names(figure) == ["Spring sale"]


def test_neighbouring_marks_are_named_on_different_levels(forecast):
    events = [
        Event("campaign", name, START + timedelta(hours=h), START + timedelta(hours=h + 2))
        for name, h in (("one", 2), ("two", 3))
    ]

    figure = charts.forecast_chart(pd.DataFrame(), forecast, zone=UTC_ZONE, events=events)

    heights = [a.y for a in figure.layout.annotations]
    assert len(set(heights)) == 2


def test_what_binds_is_a_lane_a_queue(staffing):
    binding = pd.DataFrame({"x": "first", "mail": "minimum"}, index=INDEX)
    binding.iloc[4, 0] = "occupancy"

    figure = charts.staffing_chart(
        staffing, binding, zone=UTC_ZONE, labels={"x": "X", "mail": "Email"}
    )

    lanes = next(t for t in figure.data if t.type == "heatmap")
    assert list(lanes.y) == ["X", "Email"]
    assert lanes.z[0][3] == 0
    assert lanes.z[0][4] == 2
    assert lanes.z[1][4] == 3
    assert lanes.text[0][4] == "occupancy cap"


def test_the_heat_map_turns_from_warm_to_green_at_the_goal():
    heat = pd.DataFrame({date(2026, 3, 2): np.linspace(0.6, 1.0, 24)}, index=range(24))

    figure = charts.attainment_heat(heat, goal=0.9)

    cells = figure.data[0]
    share_of_scale = [at for at, colour in cells.colorscale if colour == "#d5ebe0"]
    assert share_of_scale == [pytest.approx((90 - cells.zmin) / (cells.zmax - cells.zmin))]
    assert cells.z[0][0] == 60.0


def test_a_heat_map_of_nothing_says_so():
    empty = pd.DataFrame({date(2026, 3, 2): [np.nan] * 24})

    assert names(charts.attainment_heat(empty, goal=0.9)) == ["No cases in this range."]


@pytest.mark.parametrize("chart", [charts.coverage_chart])
def test_a_range_without_staffing_says_so(chart, staffing):
    assert names(chart(staffing.iloc[:0], zone=UTC_ZONE)) == ["No staffing in this range."]


def test_a_week_of_figures_stays_light(staffing, forecast):
    week = interval_index(START, START + timedelta(days=7))
    long = pd.concat([staffing] * 7).set_axis(week)
    binding = pd.DataFrame(dict.fromkeys("abcde", "first"), index=week)

    figure = charts.staffing_chart(long, binding, zone=UTC_ZONE, labels={})

    assert len(figure.to_json()) < 400_000
