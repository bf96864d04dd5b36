from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from api.console import app, needed
from api.console.pages import cost, looser, needs
from api.console.pages import requirement as page
from scheduling.explain import Relaxation
from scheduling.promise import Promise
from wfm.brands import Planning
from wfm.errors import NotFound
from wfm.sla import ServiceGoal

DAY = {"queue": "x", "week": "1", "day": "2026-03-03"}
WEEK = {**DAY, "day": "all"}
ALL = {**DAY, "queue": "all"}
AT = "2026-03-03T16:00:00Z"


def text_of(found) -> str:
    if found is None:
        return ""
    if isinstance(found, str | int | float):
        return str(found)
    if isinstance(found, list | tuple):
        return " ".join(text_of(one) for one in found)
    return text_of(getattr(found, "children", None))


def sliders(views, share=90, minutes=None, risk=None, **changes):
    """What the browser sends once the sliders rest."""
    choices = {**DAY, **changes}
    stops = cost.sliders_of(views.brand(), needed.look_at(views.brand(), views.plan(), choices))
    return {
        **choices,
        "share": share,
        "minutes": stops.own_minutes if minutes is None else stops.minutes.index(minutes),
        "risk": stops.own_risk if risk is None else stops.risks.index(risk),
    }


# -- the chart and its figures --------------------------------------------------------------------


def test_the_page_stands_in_the_navigation_and_opens_on_today_and_the_first_queue(views):
    content, navigation, *_ = app.show(views, "/console/requirement")

    assert [link.className for link in navigation] == ["", "", "here", "", "", ""]
    controls = content.children[0].children[1].children
    assert [field.children[1].value for field in controls] == ["x", "1", "2026-03-02"]


def test_a_days_bars_are_the_agents_of_its_intervals_under_what_binds_them(views, plan):
    figure, _, note = page.draw(views, at=AT, **DAY)

    rows = needed.rows_of(plan, needed.look_at(views.brand(), plan, DAY))
    bars = [t for t in figure.data if t.type == "bar"]
    drawn = pd.concat([pd.Series(t.y, index=t.x) for t in bars]).dropna()
    assert len(rows) == 96
    assert drawn.sum() == rows["agents"].sum()
    assert {t.name for t in bars} == {"First replies", "Occupancy cap", "Minimum staff"}
    assert "Click a bar" in note


def test_of_all_queues_the_exact_agents_are_stacked(views, plan):
    figure, *_ = page.draw(views, at=None, **ALL)

    rows = needed.rows_of(plan, needed.look_at(views.brand(), plan, ALL))
    bars = [t for t in figure.data if t.type == "bar"]
    assert sum(pd.Series(t.y).sum() for t in bars) == pytest.approx(
        rows["agents_exact"].sum(), abs=0.1
    )
    assert figure.layout.barmode == "stack"


def test_two_weeks_are_drawn_by_the_hour(views):
    figure, _, note = page.draw(views, at=None, queue="x", week="all", day="all")

    assert len(figure.data[-1].x) == 14 * 24
    assert "hourly means" in note


def test_the_tiles_tell_hours_peak_day_and_what_binds(views, plan):
    _, tiles, _ = page.draw(views, at=None, **DAY)

    rows = needed.rows_of(plan, needed.look_at(views.brand(), plan, DAY))
    said = text_of(tiles)
    assert f"Agent hours needed {rows['agents_exact'].sum() / 4:.0f}" in said
    assert "10.0 % above the expected load" in said
    assert "Binds most First replies" in said


def test_a_plan_that_is_gone_is_told(empty_views):
    figure, *_ = page.draw(empty_views, at=None, **DAY)

    assert "no plan any more" in figure.layout.annotations[0].text


@pytest.mark.parametrize(
    ("planning", "said"),
    [(Planning(risk_quantile=0.9), "q90 day"), (Planning(risk="expected"), "expected day")],
)
def test_the_day_that_is_planned_for_has_a_name(planning, said):
    assert needed.risk_words(planning) == said


# -- why this many --------------------------------------------------------------------------------


def choose(views, *, trigger=None, clicked=None, on=None, held=AT, **choices):
    return needs.choose(
        views, trigger=trigger, clicked=clicked, on=on, held=held, **{**DAY, **choices}
    )


def test_a_clicked_bar_is_the_interval_that_is_explained(views):
    clicked = {"points": [{"customdata": ["2026-03-03T08:15:00Z", ""]}]}

    *_, at = choose(views, trigger="requirement-chart", clicked=clicked)

    assert at == "2026-03-03T08:15:00Z"


def test_another_day_keeps_the_time_of_the_wall_clock(views):
    days, day, times, at = choose(views, trigger="needs-day", on="2026-03-05", day="all")

    assert (day, at) == ("2026-03-05", "2026-03-05T16:00:00Z")
    assert (len(days), len(times)) == (7, 96)


def test_an_interval_outside_of_the_day_gives_way_to_the_busiest(views, plan):
    *_, at = choose(views, day="2026-03-06")

    rows = needed.rows_of(plan, needed.look_at(views.brand(), plan, {**DAY, "day": "2026-03-06"}))
    assert pd.Timestamp(at) == rows.loc[rows["agents_exact"].idxmax(), "start"]


def test_a_time_at_which_nobody_is_needed_is_shown_only_when_it_is_pointed_at(views, plan):
    table = plan.tables.requirement.copy()
    table.loc[table["start"] == pd.Timestamp(AT), ["agents", "agents_exact"]] = 0
    views.shown_plan = replace(plan, tables=replace(plan.tables, requirement=table))
    clicked = {"points": [{"customdata": [AT, ""]}]}

    assert choose(views)[-1] != AT
    assert choose(views, trigger="requirement-chart", clicked=clicked)[-1] == AT


def test_the_wall_clock_is_kept_over_a_change_of_clocks(brand):
    before = datetime(2026, 3, 28, 8, tzinfo=UTC)

    after = needed.same_time_on(before, date(2026, 3, 30), brand)

    assert after == datetime(2026, 3, 30, 7, tzinfo=UTC)


def test_each_need_stands_beside_the_others_with_one_agent_more_and_fewer(views, plan):
    figure, agents, facts = needs.draw(views, at=AT, **DAY)

    row = needed.at_interval(needed.rows_of(plan, needed.look_at(views.brand(), plan, DAY)), AT)
    count = int(row["agents"].iloc[0])
    assert list(figure.data[0].y) == [
        "First replies",
        "Follow-ups",
        "Occupancy cap",
        "Minimum staff",
    ]
    assert f"{count} agents needed" in text_of(facts)
    assert "Tue 3 Mar 17:00–17:15" in text_of(facts)
    said = text_of(agents)
    assert said.index("80.0 %") < said.index("93.0 %") < said.index("97.0 %")


def test_what_a_rehearsal_asked_for_is_a_need_of_its_own(plan):
    row = plan.tables.requirement.iloc[0].to_dict()
    raised = {**row, "binding": "rehearsal", "agents": 9, "agents_exact": 8.4}

    figure = needs.needs_figure(raised)

    assert figure.data[0].y[-1] == "Rehearsal"
    assert figure.data[0].x[-1] == 8.4
    assert figure.data[0].marker.opacity[-1] == 1.0
    assert max(figure.data[0].marker.opacity[:-1]) < 1.0


def test_a_shut_queue_needs_nobody_and_says_so(views, plan):
    table = plan.tables.requirement.copy()
    shut = (table["start"] == pd.Timestamp(AT)) & (table["queue"] == "x")
    table.loc[shut, ["agents", "agents_exact"]] = 0
    views.shown_plan = replace(plan, tables=replace(plan.tables, requirement=table))

    figure, agents, facts = needs.draw(views, at=AT, **DAY)

    assert figure.layout.annotations[0].text == needs.SHUT
    assert agents == ""
    assert "0 agents needed" in text_of(facts)


def test_of_all_queues_each_has_a_line(views):
    figure, _, lines = needs.draw(views, at=AT, **ALL)

    assert figure.layout.annotations[0].text == needs.ONE_QUEUE
    assert all(name in text_of(lines) for name in ("X", "Facebook", "Instagram"))
    assert needs.explain(views, at=AT, **ALL) == ""


@pytest.mark.parametrize("at", [None, "no time", "2026-05-01T08:00:00Z"])
def test_a_time_that_the_plan_does_not_hold_is_told(views, at):
    figure, *_ = needs.draw(views, at=at, **DAY)

    assert figure.layout.annotations[0].text == needs.ABSENT
    assert needs.explain(views, at=at, **DAY) == ""


def test_the_sentence_and_what_looser_rules_save_are_told(views):
    said = text_of(needs.explain(views, at=AT, **DAY))

    assert "x needs" in said
    assert "Occupancy cap 85 % to 90 % −1.3 −412" in said
    assert "Time first replies within 20 min, not 15 +0.4 −38" in said
    assert "The brand has changed since." in said


def test_rules_that_save_nothing_are_named_apart(views):
    found = views.promises.explain(3, "x", datetime(2026, 3, 3, 16, tzinfo=UTC))
    idle = Relaxation("minimum staff", "minimum staff 1 -> 0", 0.01, 0.2, "minimum")

    said = text_of(looser.told(replace(found, relaxations=(*found.relaxations, idle))))

    assert "Saves nothing on its own: minimum staff 1 → 0." in said
    assert said.count("Minimum staff") == 0


def test_what_cannot_be_explained_is_told_in_its_own_words(views):
    views.promises.error = NotFound("the brand has no queue 'x' any more")

    assert "no queue 'x' any more" in text_of(needs.explain(views, at=AT, **DAY))


# -- what the promise costs -----------------------------------------------------------------------


def test_the_sliders_begin_at_the_plans_own_promise(views):
    share, minutes, risk = (one.children[1] for one in cost.form(views, **DAY))

    assert share.value == 90
    assert minutes.marks[minutes.value] == "15"
    assert risk.marks[risk.value] == "80"
    assert risk.marks[0] == "mean"


def test_a_promise_of_its_own_kind_has_its_stops_too(brand, views, plan):
    goal = ServiceGoal.first_response(share=0.45, within_s=4 * 3600 + 900)
    own = replace(brand.queues[0], goals=(goal,))
    views.shown_brand = replace(
        brand, queues=(own, *brand.queues[1:]), planning=Planning(risk="expected")
    )

    share, minutes, risk = (one.children[1] for one in cost.form(views, **DAY))

    assert (share.min, share.value) == (45, 45)
    assert minutes.marks[minutes.value] == "255"
    assert list(minutes.marks.values()) == [
        "90",
        "2\u00a0h",
        "3\u00a0h",
        "4\u00a0h",
        "255",
        "6\u00a0h",
        "8\u00a0h",
        "12\u00a0h",
        "24\u00a0h",
    ]
    assert risk.marks[risk.value] == "mean"


def test_sliders_at_rest_cost_what_the_plan_does(views):
    said, result, known = cost.shown(views, sliders(views))

    assert said == "X: 90 % of first replies within 15 min, on 80 of 100 days."
    assert "4\u202f000 the plan's own promise" in text_of(result)
    assert known is not None
    assert set(views.promises.asked) == {("x", Promise())}


def test_what_rehearsals_put_on_the_plan_is_told_beside_its_promise(views, plan):
    table = plan.tables.requirement.copy()
    raised = table.index[table["queue"] == "x"][:48]
    table.loc[raised, "agents_exact"] += 1.0
    table.loc[raised, "binding"] = "rehearsal"
    views.shown_plan = replace(plan, tables=replace(plan.tables, requirement=table))

    _, result, _ = cost.shown(views, sliders(views))

    assert "12 h more: its rehearsals" in text_of(result)
    assert needed.rehearsed_hours(table, "facebook") == 0


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ("first", "First replies decide 100 % of the plan's agent hours."),
        (
            "occupancy",
            "First replies decide 0 % of the plan's agent hours, occupancy cap 100 %: "
            "a looser promise saves little.",
        ),
    ],
)
def test_how_much_the_promise_decides_is_told(plan, binding, said):
    assert cost.decided_by(plan.tables.requirement.assign(binding=binding)) == said


def test_another_promise_is_told_beside_the_plans_own(views):
    said, result, _ = cost.shown(
        views, sliders(views, share=95, minutes=30, risk="expected", queue="all")
    )

    assert said == ("All queues: 95 % of first replies within 30 min, on average over the days.")
    assert "+110 h (+2.8 %) on the plan's own" in text_of(result)
    assert "+1.1 agents (+2.7 %) on the plan's own" in text_of(result)
    assert ("", Promise(0.95, 1800, "expected")) in views.promises.asked


def test_queues_that_promise_different_things_keep_what_is_not_moved(views, brand):
    slow = replace(brand.queues[1], goals=(ServiceGoal.first_response(share=0.8, within_s=3600),))
    views.shown_brand = replace(brand, queues=(brand.queues[0], slow))

    own, *_ = cost.shown(views, sliders(views, queue="all"))
    riskier, *_ = cost.shown(views, sliders(views, queue="all", share=95, risk=0.5))

    assert own == (
        "All queues: the promised share of first replies within the promised time, "
        "on 80 of 100 days."
    )
    assert riskier == (
        "All queues: 95 % of first replies within the promised time, on 50 of 100 days."
    )
    assert views.promises.asked[-1] == ("", Promise(0.95, None, 0.5))


def test_a_promise_that_nobody_can_keep_says_why(views):
    _, result, _ = cost.shown(views, sliders(views, share=99))

    assert text_of(result).startswith("Out of reach:  cannot be kept")


def test_an_error_is_told_and_nothing_is_drawn_of_it(views):
    views.promises.error = NotFound("there is no plan 3")

    _, result, known = cost.shown(views, sliders(views))

    assert "there is no plan 3" in text_of(result)
    assert known is None
    assert cost.line(views, known).layout.annotations[0].text == ""


def test_the_line_rises_with_the_share_and_ends_where_nobody_can(views):
    figure = cost.line(views, sliders(views, share=88))

    drawn = figure.data[0]
    assert list(drawn.y) == sorted(drawn.y)
    assert max(drawn.x) == 95
    chosen = next(t for t in figure.data if t.name == "this promise")
    own = next(t for t in figure.data if t.name == "the plan's promise")
    assert (chosen.x[0], own.x[0]) == (88, 90)
    assert chosen.y[0] < own.y[0]


def test_days_of_a_week_can_be_chosen(views):
    options, value = page.days_for(views, "2")

    assert (len(options), value) == (8, "all")


def test_an_hour_of_all_queues_together_is_what_its_quarters_are_on_average(views, plan):
    both = {"queue": "x", "week": "all", "day": "all"}
    look = needed.look_at(views.brand(), plan, both)
    rows = needed.rows_of(plan, look)

    hours = needed.by_binding(rows, look)

    first = rows[rows["start"] < pd.Timestamp(look.start) + timedelta(hours=1)]
    assert hours.iloc[0]["workload"] == pytest.approx(first["workload"].mean())
