from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from dash.development.base_component import Component

from api.auth import Caller
from api.console import app, callers, outlook
from api.console.pages import accuracy, changes, reasons, work
from api.console.pages import forecast as page
from api.console.views import Today, VersionView
from wfm.brands import Brand
from wfm.errors import NotAllowed, NotSignedIn, RequestError
from wfm.marks import Mark
from wfm.store.adjustments import StoredAdjustment

CHOICES = {"queue": "all", "ahead": "7", "before": "14", "step": "hour", "version": "newest"}
START = datetime(2026, 3, 1, 23, tzinfo=UTC)
FORM = changes.Form(
    queue="x",
    kind="percent",
    from_day="2026-03-03",
    from_time="09:00",
    to_day="2026-03-03",
    to_time="12:00",
    value=50,
    low=None,
    high=None,
    reason="TV spot",
)


def text_of(found) -> str:
    if found is None:
        return ""
    if isinstance(found, str | int | float):
        return str(found)
    if isinstance(found, list | tuple):
        return " ".join(text_of(one) for one in found)
    return text_of(getattr(found, "children", None))


def buttons(found) -> list[dict]:
    """Ids of the buttons below a component."""
    if isinstance(found, list | tuple):
        return [one for child in found for one in buttons(child)]
    if not isinstance(found, Component):
        return []
    own = [found.id] if type(found).__name__ == "Button" else []
    return own + buttons(getattr(found, "children", None))


def draw(views, **chosen):
    return page.draw(views, chosen=None, changed=0, **{**CHOICES, **chosen})


def trace(figure, name):
    return next(t for t in figure.data if t.name == name)


def explained(views, at="2026-03-03T08:00:00Z", **chosen):
    return reasons.draw(views, at=at, changed=0, **{**CHOICES, **chosen})


# -- the page and its choices ---------------------------------------------------------------------


def test_the_page_stands_between_plan_and_roster(views):
    _, navigation, *_ = app.show(views, "/console/forecast")

    names = [link.children for link in navigation]
    assert names == ["Plan", "Forecast", "Requirement", "Roster", "What-if", "Queue"]
    assert [link.className for link in navigation] == ["", "here", "", "", "", ""]


def test_it_needs_no_plan(views):
    views.shown_plan = None

    assert "Why this number" in text_of(app.show(views, "/console/forecast")[0])


def test_without_a_forecast_it_says_what_to_do_and_offers_to_make_one(views):
    views.shown_versions = ()

    content = app.show(views, "/console/forecast")[0]

    assert "No forecast yet" in text_of(content)
    assert "forecast-anew" in buttons(content)


def test_a_channel_of_several_queues_can_be_chosen(brand):
    two = replace(brand, queues=(*brand.queues, replace(brand.queues[0], name="x_en")))

    labels = {o["label"]: o["value"] for o in outlook.queue_options(two)}

    assert outlook.queues_of(two, labels["All of X"]) == ("x", "x_en")
    assert "All of Facebook" not in labels
    assert outlook.queues_of(two, "all") == ("x", "facebook", "instagram", "x_en")


def test_a_brand_of_one_queue_is_offered_no_sums(brand: Brand):
    one = replace(brand, queues=brand.queues[:1])

    assert [o["value"] for o in outlook.queue_options(one)] == ["x"]
    assert outlook.first(one) == "x"


def test_versions_are_told_by_when_and_for_what_they_were_made(views, brand):
    options = outlook.version_options(views.versions(), brand.tz)

    assert [o["label"] for o in options] == [
        "Newest",
        "Mon 2 Mar 08:15, from 2 Mar",
        "Mon 2 Mar 07:15, plan 3",
        "Mon 23 Feb 08:15, from 23 Feb",
    ]


def test_a_version_that_is_over_is_looked_at_from_its_first_day(views, brand):
    old = replace(views.versions()[2], end=views.now().instant - timedelta(days=1))

    look = outlook.look_at(brand, [old], views.now().instant, CHOICES)

    assert look.anchor == old.start


def test_the_newest_version_that_holds_the_queue_is_taken(views, brand):
    newest, *rest = views.versions()
    versions = (replace(newest, queues=("x",)), *rest)
    look = outlook.look_at(brand, versions, views.now().instant, {**CHOICES, "queue": "instagram"})

    assert look.version.forecast_id == rest[0].forecast_id
    assert look.queues == ("instagram",)


# -- the chart ------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", ["all", "instagram"])
@pytest.mark.parametrize("step", ["15min", "hour", "day"])
@pytest.mark.parametrize("version", ["newest", "1", "2"])
def test_it_is_drawn_for_any_choice(views, queue, step, version):
    figure, height, _, _, note, tiles = draw(views, queue=queue, step=step, version=version)

    assert {"History", "Forecast", "Week before"} <= {t.name for t in figure.data}
    assert height == {"height": f"{figure.layout.height}px"}
    assert "made" in text_of(note)
    assert "Busiest hour" in text_of(tiles)


def test_the_same_contacts_come_by_any_step(views):
    totals = {
        step: trace(draw(views, queue="x", step=step)[0], "Forecast").y.sum()
        for step in ("15min", "hour", "day")
    }

    assert totals["hour"] == pytest.approx(totals["15min"], abs=1)
    assert totals["day"] == pytest.approx(totals["15min"], abs=1)


def test_all_queues_are_the_sum_of_each(views, brand):
    alone = [trace(draw(views, queue=q.name)[0], "Forecast").y.sum() for q in brand.queues]

    assert trace(draw(views)[0], "Forecast").y.sum() == pytest.approx(sum(alone), abs=1)


def test_what_was_forecast_is_drawn_up_to_where_the_shown_version_begins(views):
    figure = draw(views, queue="x", step="15min")[0]

    kept = trace(figure, "Was forecast")
    known = [x for x, y in zip(kept.x, kept.y, strict=True) if y == y]
    assert len(known) == 7 * 96
    assert str(known[-1])[:16].replace("T", " ") == "2026-03-01 23:45"


def test_an_adjustment_in_force_is_drawn_beside_the_models_own(views):
    before = trace(draw(views, queue="x", step="15min")[0], "Forecast").y.sum()
    changes.add(views, "console:test", FORM)

    figure = draw(views, queue="x", step="15min")[0]

    own = trace(figure, "Without adjustments").y
    touched = own == own
    assert touched.sum() == 12
    after = trace(figure, "Forecast").y
    assert after.sum() > before
    assert after.sum() - before == pytest.approx(own[touched].sum() / 2, abs=0.2)


def test_what_the_version_rests_on_is_told_of_the_chosen_queues(views):
    rests = text_of(draw(views, queue="x")[3])

    assert "rests on 28 days only" in rests
    assert "facebook" not in rests


def test_todays_update_is_drawn_from_now_on(views):
    start = views.versions()[0].start
    piece = views.piece(views.versions()[0], start, start + timedelta(days=1))
    views.shown_today = Today(
        piece.table, {"x": "x: as busy as forecast", "facebook": "facebook: quiet"}
    )

    figure, _, said, *_ = draw(views, queue="x")
    update = trace(figure, "Updated today")

    assert text_of(said) == "Today x: as busy as forecast."

    assert update.line.dash == "dash"
    assert update.customdata[0][0] == "2026-03-02T07:00:00Z"
    assert len(update.x) == 16
    for other in ({"queue": "all"}, {"queue": "x", "step": "day"}):
        assert "Updated today" not in {t.name for t in draw(views, **other)[0].data}


def test_a_forecast_that_is_gone_leaves_the_chart_empty(empty_views):
    assert "no forecast any more" in draw(empty_views)[0].layout.annotations[0].text


# -- why this number ------------------------------------------------------------------------------


def choose(views, trigger=None, clicked=None, day=None, held=None, **chosen):
    return reasons.choose(
        views, trigger=trigger, clicked=clicked, day=day, held=held, **{**CHOICES, **chosen}
    )


@pytest.mark.parametrize("queue", ["all", "x"])
@pytest.mark.parametrize("step", ["15min", "hour", "day"])
def test_the_parts_of_a_chosen_step_add_up_to_the_point_in_the_chart(views, queue, step):
    at = choose(views, queue=queue, step=step, held="2026-03-03T08:00:00Z")[3]
    figure, told, chosen = explained(views, at, queue=queue, step=step)

    falls = figure.data[0]
    line = trace(draw(views, queue=queue, step=step)[0], "Forecast")
    drawn = next(y for y, c in zip(line.y, line.customdata, strict=True) if c[0] == chosen)
    assert sum(falls.y[:-1]) == pytest.approx(falls.y[-1], abs=0.01)
    assert falls.y[-1] == pytest.approx(drawn, abs=0.02)
    assert "new cases expected" in text_of(told)


def test_a_click_chooses_its_step(views):
    clicked = {"points": [{"curveNumber": 0}, {"customdata": ["2026-03-05T13:00:00Z", ""]}]}

    days, day, times, at = choose(views, "forecast-chart", clicked)

    assert (day, at) == ("2026-03-05", "2026-03-05T13:00:00Z")
    assert at in {t["value"] for t in times}
    assert day in {d["value"] for d in days}


def test_another_day_keeps_the_time_of_day_across_a_change_of_clocks(views, brand):
    start = datetime(2026, 3, 27, 23, tzinfo=UTC)
    views.shown_versions = (
        replace(views.versions()[0], start=start, end=start + timedelta(days=7)),
    )

    _, day, times, at = choose(
        views, "forecast-day", day="2026-03-29", held="2026-03-28T08:00:00Z", step="15min"
    )

    assert (day, at) == ("2026-03-29", "2026-03-29T07:00:00Z")
    assert len(times) == 92
    assert times[8]["label"] == "03:00 CEST"


def test_the_first_choice_is_the_step_that_is_now(views):
    assert choose(views)[3] == "2026-03-02T07:00:00Z"


def test_quantiles_handling_time_and_model_are_told(views):
    said = text_of(explained(views)[1])

    assert "97.5 %" in said
    assert "Handling time 300 s" in said


def test_a_time_outside_the_version_says_so(views):
    figure, *_ = explained(views, "2026-07-01T08:00:00Z")

    assert figure.layout.annotations[0].text == reasons.ABSENT


# -- accuracy -------------------------------------------------------------------------------------


def test_each_queue_has_its_line_beside_the_week_before(views):
    table, reliability, scored, late = accuracy.draw(views, 0, **CHOICES)

    said = text_of(table)
    assert "Per hour, 14 days ahead" in said
    assert "X blend 15.0 % 30.0 %" in said.replace("  ", " ")
    assert "week before 76 %" in said
    assert list(trace(reliability, "Hour").y) == [80.0, 95.5]
    assert list(trace(scored, "Forecast").y) == [20.0, 21.0]
    assert late == ""


def test_kept_forecasts_that_were_made_afterwards_are_told():
    version = VersionView(1, "standing", ("x",), START, START + timedelta(days=14), START)
    late = replace(version, forecast_id=2, made_at=START + timedelta(days=20))
    scores = pd.DataFrame({"forecast_id": [1, 2]})

    said = accuracy.told_afterwards(scores, [version, late])

    assert said.startswith("1 of these 2 forecasts were made afterwards")
    assert accuracy.told_afterwards(scores, [version]) == ""
    assert outlook.version_label(late, ZoneInfo("Europe/Berlin")).endswith("from 2 Mar, afterwards")


def test_a_history_too_short_to_score_is_said_to_be(views, brand):
    said = text_of(accuracy.table_of((), ["x"], brand, "hour"))

    assert "too short" in said


def test_errors_of_several_queues_are_weighed_by_what_was_scored():
    row = {"forecast_id": 1, "starts_at": START, "step": "hour", "naive_wape": 0.4}
    scores = pd.DataFrame(
        [
            {**row, "queue": "x", "intervals": 30, "wape": 0.1},
            {**row, "queue": "mail", "intervals": 10, "wape": 0.3},
        ]
    )

    found = accuracy.over_time(scores, ["x", "mail"], "hour")

    assert found["wape"].tolist() == [pytest.approx(0.15)]


# -- marks and adjustments ------------------------------------------------------------------------


def test_a_mark_tells_what_the_other_decision_would_do(views):
    marks, _ = changes.listed(views, 0, "x")

    said = text_of(marks)
    assert "X: outage, Sat 28 Feb 18:00–21:00" in said
    assert "0 came, 88 is normal" in said
    assert "Rejecting it adds 34 contacts to the next week." in said
    assert [b["to"] for b in buttons(marks)] == ["accepted", "rejected"]


def test_a_decision_can_be_taken_back(views):
    said = changes.move(views, "console:test", {"type": "mark-move", "mark": 5, "to": "rejected"})
    marks, _ = changes.listed(views, 1, "x")

    assert said == "The mark is rejected. It counts in forecasts that are made from now on."
    assert "rejected, learned from" in text_of(marks)
    assert "Accepting it takes 34 contacts away from the next week." in text_of(marks)
    assert [b["to"] for b in buttons(marks)] == ["accepted"]


def test_marks_of_other_queues_are_not_listed(views):
    assert "Nothing in the past looks unusual" in text_of(changes.listed(views, 0, "facebook")[0])


def test_only_the_newest_marks_are_listed_and_the_rest_counted(views, brand):
    start, day = datetime(2026, 2, 1, tzinfo=UTC), timedelta(days=1)
    marks = [
        Mark("x", start + n * day, start + n * day + timedelta(hours=1), "outage", mark_id=n)
        for n in range(11)
    ]

    assert "And 3 older." in text_of(changes.mark_rows(marks, {}, brand))


def test_an_adjustment_is_kept_with_who_made_it_and_can_be_withdrawn(views):
    said = changes.add(views, "console:ann", FORM)
    _, listed = changes.listed(views, 1, "x")

    assert said.startswith("The adjustment is in force")
    assert "X: +50 %, Tue 3 Mar 09:00–12:00" in text_of(listed)
    assert "TV spot (console:ann)" in text_of(listed)

    (withdraw,) = buttons(listed)
    changes.move(views, "console:bob", withdraw)

    assert "nothing is adjusted" in text_of(changes.listed(views, 2, "x")[1])
    assert views.audit == [("adjust", "console:ann"), ("withdraw", "console:bob")]


def test_an_adjustment_of_a_plans_version_counts_when_a_forecast_is_made_anew(views):
    views.shown_versions = views.versions()[1:]

    assert "made from now on" in changes.add(views, "console:ann", FORM)


def test_the_form_is_read_in_the_sites_time(brand):
    change = changes.adjustment_of(brand, FORM)

    assert (change.start, change.end) == (
        datetime(2026, 3, 3, 8, tzinfo=UTC),
        datetime(2026, 3, 3, 11, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"value": None}, "the percent of the change are missing"),
        ({"kind": "set", "value": None}, "the contacts of the change are missing"),
        ({"kind": "range", "low": 5}, "a range needs both totals"),
        ({"reason": " "}, "needs a reason"),
        ({"to_time": "08:00"}, "not after its start"),
    ],
)
def test_a_form_with_a_gap_is_told_in_words(brand, change, wanted):
    with pytest.raises(RequestError, match=wanted):
        changes.adjustment_of(brand, replace(FORM, **change))


def test_a_set_and_a_range_are_told_in_a_few_signs():
    day = datetime(2026, 3, 2, tzinfo=UTC)
    span = {"queue": "x", "start": day, "end": day + timedelta(days=1), "reason": "TV"}

    told = [
        changes.change_words(StoredAdjustment(kind="set", value=1200, **span)),
        changes.change_words(StoredAdjustment(kind="range", low=900, high=1500, **span)),
    ]

    assert told == ["= 1,200", "900 to 1,500"]


# -- a forecast anew ------------------------------------------------------------------------------


@pytest.fixture
def as_planner(monkeypatch):
    monkeypatch.setattr(callers, "planner", lambda: "console:ann")


def steer(views, trigger=None, job_id=None):
    return work.steer(changes.ANEW, views, trigger=trigger, job_id=job_id, changed=3)


def test_a_forecast_is_made_by_a_job_that_is_followed_to_its_end(views, as_planner):
    shown = steer(views, "forecast-anew")

    assert (shown["job"], shown["quiet"], shown["busy"]) == ("job-1", False, True)
    assert "40 %, forecast of x" in text_of(shown["progress"])
    assert views.audit == [("forecast 4", "console:ann")]

    views.jobs["job-1"] = replace(views.job("job-1"), state="done")
    done = steer(views, "forecast-poll", "job-1")

    assert (done["job"], done["quiet"], done["changed"]) == (None, True, 4)
    assert "The forecast is made" in text_of(done["progress"])


def test_a_running_job_can_be_cancelled(views, as_planner):
    steer(views, "forecast-anew")

    shown = steer(views, "forecast-cancel", "job-1")

    assert shown["progress"] == "Cancelled; nothing was kept."
    assert shown["cancel"] is True
    assert views.audit[-1] == ("cancel", "console:ann")


def test_a_job_that_failed_says_why(views, as_planner):
    steer(views, "forecast-anew")
    failed = replace(views.job("job-1"), state="failed", problem={"detail": "no volumes"})
    views.jobs["job-1"] = failed

    assert "no volumes" in text_of(steer(views, "forecast-poll", "job-1")["progress"])


# -- who may --------------------------------------------------------------------------------------


class Request:
    def __init__(self, caller) -> None:
        self.scope = {"state": {"caller": caller}}


@pytest.mark.parametrize("role", ["planner", "manager"])
def test_planners_and_managers_change_things_in_their_own_name(monkeypatch, role):
    request = Request(Caller("console:ann", role))
    monkeypatch.setattr(callers, "get_current_request", lambda: request)

    assert callers.planner() == "console:ann"


@pytest.mark.parametrize("role", ["team-lead", "auditor"])
def test_those_who_may_only_look_are_told_whom_it_takes(monkeypatch, role):
    request = Request(Caller("console:ann", role))
    monkeypatch.setattr(callers, "get_current_request", lambda: request)

    with pytest.raises(NotAllowed, match="planner or manager"):
        callers.planner()


def test_nobody_changes_nothing(monkeypatch):
    monkeypatch.setattr(callers, "get_current_request", lambda: Request(None))

    with pytest.raises(NotSignedIn):
        callers.planner()


def test_holidays_are_those_of_the_chosen_queues_markets(brand):
    events = page.holidays_of(
        brand, ["x"], datetime(2026, 4, 2, tzinfo=UTC), datetime(2026, 4, 7, tzinfo=UTC)
    )

    assert [e.start.date() for e in events] == [date(2026, 4, 2), date(2026, 4, 5)]
