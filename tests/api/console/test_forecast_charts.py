from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from api.console.charts import accuracy as accuracy_charts
from api.console.charts import forecast as charts
from api.console.charts.forecast import Curve, Happenings, Lines, Window
from api.console.charts.look import Event
from wfm.adjustments import Adjustment
from wfm.frames import interval_index
from wfm.marks import Mark
from wfm.timegrid import local_midnight

BERLIN = ZoneInfo("Europe/Berlin")
START = local_midnight(date(2026, 3, 1), BERLIN)
TODAY = START + timedelta(days=1)
END = START + timedelta(days=2)
WINDOW = Window(START, END, "15min", BERLIN)
LATER = TODAY + timedelta(hours=6)


def lines(start: datetime = START, middle: datetime = TODAY, end: datetime = END) -> Lines:
    past, ahead = interval_index(start, middle), interval_index(middle, end)
    mean = np.linspace(1, 9, len(ahead))
    factors = {"mean": 1, "q50": 0.98, "q025": 0.5, "q10": 0.7, "q90": 1.3, "q975": 1.6}
    return Lines(
        history=pd.DataFrame({"contacts": 5.0}, index=past),
        forecast=pd.DataFrame({n: mean * f for n, f in factors.items()}, index=ahead),
        naive=pd.DataFrame({"mean": 4.0}, index=past.append(ahead)),
        kept=pd.DataFrame({"mean": 4.5}, index=past),
    )


def draw(happenings: Happenings | None = None, **more):
    return charts.forecast_chart(lines(), happenings or Happenings(), WINDOW, **more)


def trace(figure, name):
    return next(t for t in figure.data if t.name == name)


def texts(figure) -> list[str]:
    return [a.text for a in figure.layout.annotations]


def test_the_legend_names_each_line_once_in_the_order_of_time():
    figure = draw()

    named = [t for t in figure.data if t.showlegend is not False]
    assert {t.name for t in named} == {
        "History",
        "Was forecast",
        "Forecast",
        "Median",
        "Week before",
        "80 % band",
        "95 % band",
    }
    ranks = {t.name: t.legendrank for t in named if t.legendrank}
    assert ranks["History"] < ranks["Was forecast"] < ranks["Forecast"] < ranks["Week before"]


def test_no_point_is_left_out_or_merged():
    figure = draw()

    assert len(trace(figure, "History").x) == 96
    assert len(trace(figure, "Forecast").x) == 96
    assert len(trace(figure, "Week before").x) == 192


@pytest.mark.parametrize(("day", "quarters"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)])
def test_every_interval_of_a_day_on_which_clocks_change_is_drawn_and_told_apart(day, quarters):
    start = local_midnight(day, BERLIN)
    end = local_midnight(day + timedelta(days=1), BERLIN)

    figure = charts.forecast_chart(
        lines(start, start, end), Happenings(), Window(start, end, "15min", BERLIN)
    )

    told = trace(figure, "Forecast").customdata
    assert len(told) == quarters
    assert len({starts for starts, _ in told}) == quarters
    assert {zone.strip() for _, zone in told} == {"CET", "CEST"}


def test_an_ordinary_days_hover_needs_no_zone():
    assert {zone for _, zone in trace(draw(), "Forecast").customdata} == {""}


def test_a_point_tells_the_instant_at_which_it_starts():
    assert trace(draw(), "Forecast").customdata[4][0] == "2026-03-02T00:00:00Z"


def test_what_is_known_stands_in_lanes_of_its_own_and_only_where_there_is_any():
    sale = Curve("Sale", interval_index(TODAY, LATER), np.linspace(0, 1, 24))
    known = Happenings(
        campaigns=[sale],
        holidays=[Event("holiday", "Labour Day (DE)", START, TODAY)],
        marks=[Mark("x", START, START + timedelta(hours=1), "outage", contacts=0, expected=20)],
        adjustments=[Adjustment("x", TODAY, LATER, "percent", "TV spot", value=20)],
    )

    figure = draw(known)

    assert list(figure.layout.yaxis2.ticktext) == ["Adjusted", "Mark", "Holiday", "Campaign"]
    assert {"Sale", "Labour Day (DE)", "+20 %"} <= set(texts(figure))
    assert "yaxis2" not in draw().layout


def test_a_campaigns_curve_is_drawn_with_its_shape():
    share = np.linspace(0, 1, 24)
    figure = draw(Happenings(campaigns=[Curve("Sale", interval_index(TODAY, LATER), share)]))

    hill = trace(figure, "Sale")
    heights = np.array(hill.y[1:-1])
    assert np.allclose((heights - heights[0]) / (heights[-1] - heights[0]), share)


@pytest.mark.parametrize("state", ["proposed", "accepted", "rejected"])
def test_a_marks_colour_and_words_tell_its_state(state):
    mark = Mark("x", START, START + timedelta(hours=1), "outlier", state, 90, 20)

    figure = draw(Happenings(marks=[mark]))

    sign = next(t for t in figure.data if t.name and t.name.startswith("outlier"))
    assert sign.name == f"outlier, {state}: 90 came, 20 is normal"
    assert sign.line.color == charts.STATE_COLOURS[state]
    assert any(s.fillcolor == sign.line.color for s in figure.layout.shapes) is mark.in_force


def test_what_lies_outside_the_window_is_not_drawn():
    early = Mark("x", START - timedelta(days=3), START - timedelta(days=2), "outage")
    figure = draw(Happenings(marks=[early]))

    assert all("outage" not in (t.name or "") for t in figure.data)


def test_a_name_at_the_right_edge_is_turned_inwards():
    late = Adjustment("x", END - timedelta(hours=1), END, "set", "TV", value=12_000)

    figure = draw(Happenings(adjustments=[late]))

    name = next(a for a in figure.layout.annotations if a.text == "= 12,000")
    assert name.xanchor == "right"


def test_now_and_the_chosen_step_are_pointed_out():
    figure = draw(now=datetime(2026, 3, 2, 7, 15, tzinfo=UTC), chosen=LATER)

    assert "now" in texts(figure)
    stripe = next(s for s in figure.layout.shapes if s.fillcolor == charts.ACCENT)
    assert pd.Timestamp(stripe.x0) == pd.Timestamp("2026-03-02 06:00")


def test_nothing_to_draw_says_so():
    empty = Lines(pd.DataFrame(), pd.DataFrame(), pd.DataFrame())

    assert "Nothing is known" in texts(charts.forecast_chart(empty, Happenings(), WINDOW))[0]


def test_four_weeks_of_quarter_hours_stay_light():
    end = START + timedelta(days=56)
    wide = lines(START, START + timedelta(days=28), end)

    figure = charts.forecast_chart(wide, Happenings(), Window(START, end, "15min", BERLIN))

    assert len(trace(figure, "Forecast").x) > 2_600
    assert len(figure.to_json()) < 2_500_000


# -- why this number ------------------------------------------------------------------------------


def test_the_waterfall_ends_at_the_sum_of_its_parts():
    parts = [("Baseline", 10.0), ("Holiday", -2.5), ("Campaign", 4.0), ("Adjustment", 0.0)]

    falls = charts.why_chart(parts, total=11.5).data[0]

    assert list(falls.measure) == ["absolute", "relative", "relative", "relative", "total"]
    assert sum(falls.y[:-1]) == falls.y[-1] == 11.5
    assert list(falls.text) == ["10.0", "−2.5", "+4.0", "0", "11.5"]


# -- accuracy -------------------------------------------------------------------------------------


def test_the_reliability_picture_holds_each_steps_shares():
    figure = accuracy_charts.reliability_chart(
        {"15min": [0.81, 0.95], "hour": [0.6, None], "day": [None, None]},
        {"15min": "15 minutes", "hour": "Hour", "day": "Day"},
    )

    assert list(trace(figure, "15 minutes").y) == [81.0, 95.0]
    assert list(trace(figure, "Hour").y) == [60.0]
    assert all(t.name != "Day" for t in figure.data)
    assert figure.layout.yaxis.range[0] < 60


def test_bands_that_nobody_scored_are_said_to_be_unscored():
    figure = accuracy_charts.reliability_chart({"day": [None, None]}, {"day": "Day"})

    assert texts(figure) == ["No bands have been scored yet."]


def test_kept_versions_are_drawn_by_their_first_day():
    starts = [datetime(2026, 2, n, 8, tzinfo=UTC) for n in (2, 9)]
    scores = pd.DataFrame({"starts_at": starts, "wape": [0.2, 0.22], "naive_wape": [0.3, 0.31]})

    figure = accuracy_charts.scored_chart(scores, zone=BERLIN)

    assert list(trace(figure, "Forecast").y) == [20.0, 22.0]
    assert list(trace(figure, "Week before").y) == [30.0, 31.0]


def test_without_scores_the_picture_says_that_none_has_met_its_truth():
    empty = pd.DataFrame(columns=["starts_at", "wape", "naive_wape"])

    assert "met its truth" in texts(accuracy_charts.scored_chart(empty, zone=BERLIN))[0]
