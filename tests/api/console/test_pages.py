from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import plotly.graph_objects as go
import pytest
from dash.development.base_component import Component

from api.console import app, layout, spans
from api.console.pages import plan as plan_page
from api.console.views import Now
from wfm.campaigns import Campaign
from wfm.errors import StoreBusy

PAGES = ("/console/", "/console/requirement", "/console/roster", "/console/whatif")


def text_of(found) -> str:
    """All text below a component."""
    if found is None:
        return ""
    if isinstance(found, str | int | float):
        return str(found)
    if isinstance(found, list | tuple):
        return " ".join(text_of(one) for one in found)
    return text_of(getattr(found, "children", None))


def ids_of(found) -> set[str]:
    if isinstance(found, list | tuple):
        return set().union(*(ids_of(one) for one in found))
    if not isinstance(found, Component):
        return set()
    own = {found.id} if isinstance(getattr(found, "id", None), str) else set()
    return own | ids_of(getattr(found, "children", None))


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_store_says_which_command_brings_a_brand(empty_views, path):
    content, *_ = app.show(empty_views, path)

    assert "wfm import brand" in text_of(content)


@pytest.mark.parametrize("path", PAGES)
def test_a_store_without_a_plan_says_which_command_makes_one(empty_views, brand, path):
    empty_views.shown_brand = brand

    content, *_ = app.show(empty_views, path)

    assert "wfm plan --from" in text_of(content)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_renders_with_a_plan_and_names_itself(views, path):
    content, navigation, _, zone, title, problem = app.show(views, path)

    here = [link.children for link in navigation if link.className == "here"]
    assert title == f"{here[0]} · Northlight"
    assert here[0] in text_of(content)
    assert "Europe/Berlin" in text_of(zone)
    assert "published, version 1" in text_of(content)
    assert problem is None


def test_an_unknown_page_says_so(views):
    content, navigation, *_ = app.show(views, "/console/nowhere")

    assert "No such page" in text_of(content)
    assert all(link.className == "" for link in navigation)


def test_a_draft_is_shown_as_one(views, plan):
    views.shown_plan = replace(plan, state="draft", version=None)

    said = text_of(app.show(views, "/console/")[0])

    assert "Nothing is published yet; this is the newest draft" in said
    assert "wfm publish 3" in said


def test_a_what_if_needs_a_published_roster(views, plan):
    views.shown_plan = replace(plan, state="draft", version=None)

    assert "No published roster yet" in text_of(app.show(views, "/console/whatif")[0])


def test_a_busy_store_is_told_on_the_page(views):
    def busy():
        raise StoreBusy("the database is being written; try again in a moment")

    views.plan = busy

    assert "try again in a moment" in text_of(app.show(views, "/console/")[0])


def test_the_clock_is_shown_when_it_is_set(views):
    assert text_of(app.clock(views, 0)).replace("  ", " ") == (
        "The clock shows 2026-03-02 08:15 (demo)"
    )


def test_the_machines_own_time_needs_no_notice(views):
    views.clock = Now(datetime(2026, 3, 2, 7, 15, tzinfo=UTC), False)

    assert app.clock(views, 0) is None


def test_what_the_callbacks_write_to_exists_on_the_pages(views):
    on_pages = {
        name: ids_of(app.show(views, path)[0]) for name, path in zip("pqrw", PAGES, strict=True)
    }

    assert {"plan-forecast", "plan-forecast-note", "plan-heat", "plan-goals"} <= on_pages["p"]
    assert {"requirement-chart", "requirement-tiles", "needs-chart"} <= on_pages["q"]
    assert {"cost-sliders", "cost-chart", "cost-asked"} <= on_pages["q"]
    assert {"certificate-goals", "certificate-came"} <= on_pages["q"]
    assert {"roster-grid", "roster-words", "roster-coverage", "roster-count"} <= on_pages["r"]
    assert {"whatif-build", "whatif-said", "whatif-repairs", "whatif-half-life"} <= on_pages["w"]


# -- plan -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", ["all", "instagram"])
@pytest.mark.parametrize(("week", "day"), [("1", "all"), ("1", "2026-03-03"), ("all", "all")])
def test_the_plan_is_drawn_for_any_choice(views, queue, week, day):
    demand, _, staffing, height, heat, tiles, goals = plan_page.draw(views, queue, week, day)

    for figure in (demand, staffing, heat):
        assert isinstance(figure, go.Figure)
        assert len(figure.data) > 0
    assert height == {"height": f"{staffing.layout.height}px"}
    assert "93.4 %" in text_of(tiles)
    assert "12.2 h" in text_of(tiles)
    assert "in every hour" in text_of(goals)


def test_the_tiles_tell_the_worst_hour_in_local_time(views):
    tiles = text_of(plan_page.draw(views, "x", "1", "all")[5])

    assert "Worst hour 86.1 % Tue 3 Mar 02:00" in tiles
    assert "goal 90 %" in tiles


def test_a_missed_promise_says_in_how_many_hours(views):
    goals = text_of(plan_page.draw(views, "instagram", "1", "all")[6])

    assert "missed" in goals
    assert "in 3 of 336 hours" in goals


def test_all_queues_stand_first_in_the_table(views):
    table = plan_page.goals_table(views.plan(), views.brand(), "")

    first_row = table.children[1].children[0]
    assert first_row.children[0].children == "All queues"


def test_the_figures_and_messages_of_the_plan_are_told(views):
    said = text_of(plan_page.page(views, views.brand(), views.plan()))

    assert "Instagram is short of 2 agents" in said
    assert "Replications 100" in said
    assert "Seed 7" in said


def test_holidays_of_the_markets_and_campaigns_of_the_queue_are_marked(brand):
    sale = Campaign(
        "Sale",
        datetime(2026, 4, 4, 8, tzinfo=UTC),
        datetime(2026, 4, 4, 20, tzinfo=UTC),
        ("x",),
    )
    days = [date(2026, 4, 3) + timedelta(days=n) for n in range(4)]
    start, end = spans.instants(days, brand.tz)

    x = plan_page.events_of(brand, [sale], plan_page.Look("x", start, end))
    facebook = plan_page.events_of(brand, [sale], plan_page.Look("facebook", start, end))

    assert [m.name for m in x if m.kind == "campaign"] == ["Sale"]
    assert [m.name for m in facebook if m.kind == "campaign"] == []
    assert sum(m.kind == "holiday" for m in facebook) == 2  # Good Friday and Easter Monday
    assert all("(DE)" in m.name for m in facebook)


def test_history_ends_now_and_reaches_two_weeks_back(views, plan):
    demand = plan_page.draw(views, "x", "1", "all")[0]

    history = next(t for t in demand.data if t.name == "History")
    assert str(history.x[0])[:13].replace("T", " ") == "2026-02-16 00"
    assert str(history.x[-1])[:13].replace("T", " ") == "2026-03-02 08"


def test_a_plan_that_is_gone_leaves_the_figures_empty(empty_views):
    demand, *_ = plan_page.draw(empty_views, "all", "1", "all")

    assert demand.layout.annotations[0].text == layout.GONE


def test_choosing_a_week_offers_its_days(views):
    options, value = plan_page.days_for(views, "2")

    assert value == "all"
    assert [o["label"] for o in options][:2] == ["Whole week", "Mon 9 Mar"]
