"""The curves before and with a scenario, the frame of the spike's chart, and the picture."""

from __future__ import annotations

import json
import math
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from rehearsaldesk import make_evaluation

from api.console.charts import whatif as charts
from api.console.charts import whatifbuild
from api.console.charts.whatif import Compared, Hours
from scheduling.whatif.scenario import Scenario, Surge
from wfm.timegrid import local_midnight

BERLIN = ZoneInfo("Europe/Berlin")
STARTS = datetime(2026, 3, 2, 17, tzinfo=UTC)
SPAN = (STARTS, STARTS + timedelta(hours=2))


@pytest.fixture
def table():
    found = make_evaluation(Scenario(surges=(Surge(STARTS, 120, ("x",), factor=3),)))
    return found.table[found.table["queue"] == ""]


@pytest.fixture
def hours(table):
    return Hours(table, BERLIN, 0.9, SPAN)


def line(figure, name):
    [found] = [trace for trace in figure["data"] if trace.get("name") == name]
    return found


@pytest.mark.parametrize(
    ("chart", "before", "worst"),
    [
        (charts.attainment_chart, 94.0, 24.0),
        (charts.backlog_chart, 3.0, 143.0),
        (charts.age_chart, 1.0, 121.0),
        (charts.occupancy_chart, 80.0, 100.0),
    ],
)
def test_a_curve_shows_what_is_planned_and_what_comes_instead(hours, chart, before, worst):
    figure = chart(hours)
    after = line(figure, charts.AFTER)

    assert set(line(figure, charts.BEFORE)["y"]) == {before}
    extreme = min if chart is charts.attainment_chart else max
    assert extreme(after["y"]) == worst
    assert after["x"][after["y"].index(worst)] <= "2026-03-02 20:00"


def test_bands_are_drawn_where_there_are_any(hours):
    bands = [t for t in charts.backlog_chart(hours)["data"] if t["line"]["width"] == 0]

    assert [max(band["y"]) for band in bands] == [1.5, 4.5, 71.5, 214.5]
    assert len(charts.age_chart(hours)["data"]) == 2


def test_the_scenarios_hours_are_shaded_and_the_goal_is_inside(hours):
    layout = charts.attainment_chart(hours)["layout"]
    shaded, goal = layout["shapes"]

    assert (shaded["x0"], shaded["x1"]) == ("2026-03-02 18:00", "2026-03-02 20:00")
    assert goal["y0"] == 90
    assert layout["yaxis"]["range"][0] == 10
    assert layout["annotations"][0]["text"] == "goal 90 %"


def test_hours_without_a_value_leave_a_gap(hours, table):
    table = table.assign(attainment_after=math.nan)
    figure = charts.attainment_chart(Hours(table, BERLIN, 0.9))

    assert set(line(figure, charts.AFTER)["y"]) == {None}
    assert "NaN" not in json.dumps(figure)


def test_drawing_a_curve_leaves_the_next_one_clean(hours):
    first = charts.attainment_chart(hours)
    charts.attainment_chart(hours)["layout"]["yaxis"]["range"] = [0, 1]

    assert first == charts.attainment_chart(hours)


def test_scenarios_are_drawn_over_what_is_planned(table):
    compared = [Compared("1: small", table), Compared("2: <b>large</b>", table)]
    figure = charts.compared_chart(compared, "backlog", zone=BERLIN, goal=0.9)
    shares = charts.compared_chart(compared, "attainment", zone=BERLIN, goal=0.9)

    names = [t["name"] for t in figure["data"]]
    assert names == [charts.BEFORE, "1: small", "2: &lt;b&gt;large&lt;/b&gt;"]
    assert len({t["line"]["color"] for t in figure["data"]}) == 3
    assert shares["layout"]["annotations"][0]["text"] == "goal 90 %"


def test_the_picture_leaves_room_for_the_sentence_and_both_curves(hours):
    frame = charts.picture_frame("a long sentence " * 12, "Northlight · plan 3", hours)
    layout = frame["layout"]

    assert frame["data"] == []
    assert layout["title"]["text"].count("<br>") == 2
    assert layout["annotations"][-1]["text"] == "Northlight · plan 3"
    assert layout["xaxis"]["domain"][1] < layout["xaxis2"]["domain"][0]
    assert {s["xref"] for s in layout["shapes"] if s["type"] == "rect"} == {"x", "x2"}


def test_the_browser_is_given_the_usual_of_each_queue_by_wall_clock(plan, brand):
    start, end = (local_midnight(date(2026, 3, n), brand.tz) for n in (2, 3))
    usual = whatifbuild.usual(plan.tables.forecast, start, end, brand.tz)

    assert (usual["x"][0], usual["x"][72], usual["day"]) == (
        "2026-03-02 00:00",
        "2026-03-02 18:00",
        96,
    )
    assert set(usual["y"]) == {"x", "facebook", "instagram"}
    assert len(usual["x"]) == len(usual["y"]["x"]) == 34 * 4


def test_the_frame_tells_the_browser_how_the_spikes_rectangle_looks():
    frame = whatifbuild.frame()

    assert frame.layout.meta["shape"]["type"] == "rect"
    assert whatifbuild.CONFIG["edits"]["shapePosition"]
