"""What the page What-if shows and does, over answers made of formulas."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dash import no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

sys.path.insert(0, str(Path(__file__).parent))
from rehearsaldesk import make_evaluation, make_repairs, make_saved

from api.console import app, whatifform
from api.console.pages import (
    whatifanswer,
    whatifbuild,
    whatifcompare,
    whatifkeep,
    whatifranked,
    whatifrepairs,
)
from api.console.pages.whatifkeep import Asked
from api.console.rehearsing import Search, Turn
from api.console.whatifform import Form
from scheduling.whatif.results import Repairs
from scheduling.whatif.scenario import Scenario
from wfm.errors import Cancelled, Conflict, LostEdit, RequestError

ANN = "console:ann"
FORM = Form("2026-03-02", ("x",))
CONTROLS = {**FORM.values(), "turn": 4}
STARTS = datetime(2026, 3, 2, 17, tzinfo=UTC)


def text_of(found) -> str:
    """All text below a component."""
    if found is None:
        return ""
    if isinstance(found, str | int | float):
        return str(found)
    if isinstance(found, list | tuple):
        return " ".join(text_of(one) for one in found)
    return text_of(getattr(found, "children", None))


def below(found):
    """Every component below one, itself included."""
    if isinstance(found, list | tuple):
        return [c for one in found for c in below(one)]
    if not isinstance(found, Component):
        return []
    return [found, *below(getattr(found, "children", None))]


def with_id(found, id_):
    [one] = [c for c in below(found) if getattr(c, "id", None) == id_]
    return one


def buttons(found):
    """Texts of the buttons that are shown."""
    shown = [c for c in below(found) if type(c).__name__ == "Button"]
    return [text_of(b) for b in shown if not getattr(b, "hidden", False)]


@pytest.fixture
def spike(brand) -> Scenario:
    return whatifform.built(FORM, brand, "Evening")


@pytest.fixture
def kept(views, spike):
    """The views with two scenarios that are kept."""
    views.rehearsing.kept = {
        1: make_saved(1, spike),
        2: make_saved(2, replace(spike, name="Worse"), plan_id=3),
    }
    return views


def page_at(views, search=""):
    return app.show(views, "/console/whatif", search)[0]


# -- the page -------------------------------------------------------------------------------------


def test_a_page_begins_with_the_controls_and_no_scenario_open(views):
    page = page_at(views)

    assert with_id(page, "whatif-factor").value == 3.0
    assert with_id(page, "whatif-plan").data == 3
    assert buttons(page).count("Save") == 1
    assert "Make it a draft roster" not in buttons(page)
    assert "None is kept yet" in text_of(page)


def test_a_link_opens_the_scenario_in_the_controls(kept, spike):
    page = page_at(kept, "?scenario=1")

    assert with_id(page, "whatif-start").value == 72
    assert with_id(page, "whatif-saved").data == {"id": 1, "revision": 1}
    assert with_id(page, "whatif-name").value == "Evening"
    assert {"Save", "Save as new", "Make it a draft roster", "Archive"} <= set(buttons(page))


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("?scenario=9", "there is no scenario 9"),
        ("?scenario=x", "'x' is no scenario's number"),
        ("?compare=1,x", "names no scenarios"),
    ],
)
def test_a_link_that_leads_nowhere_says_so(kept, search, said):
    assert said in text_of(page_at(kept, search))


def test_a_scenario_of_a_superseded_plan_says_so_and_offers_the_one_in_force(kept):
    kept.rehearsing.in_force = 8

    page = page_at(kept, "?scenario=1")

    assert "plan 3, which has been superseded" in text_of(page)
    assert "Take it over to the plan in force" in buttons(page)
    assert with_id(page, "whatif-plan").data == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"draft_id": 5}, "became draft 5 of the roster"),
        ({"campaign": "Evening"}, "became the campaign “Evening” of the forecast"),
    ],
)
def test_a_promoted_scenario_says_where_it_went(kept, spike, changes, said):
    kept.rehearsing.kept[1] = make_saved(1, spike, state="promoted", **changes)
    page = page_at(kept, "?scenario=1")

    assert said in text_of(page).replace("  ", " ")
    assert "Archive" not in buttons(page)


def test_a_larger_spike_than_the_sliders_go_still_stands_on_them(kept, spike):
    huge = replace(spike, surges=(replace(spike.surges[0], factor=40.0, length_min=900),))
    kept.rehearsing.kept[1] = make_saved(1, huge)
    page = page_at(kept, "?scenario=1")

    for name, value in (("whatif-factor", 40.0), ("whatif-length", 900)):
        slider = with_id(page, name)
        assert slider.value == value == slider.max


# -- building -------------------------------------------------------------------------------------


def test_choosing_a_day_gives_the_browser_its_usual_volume(views):
    usual, last = whatifbuild.usual(views, "2026-03-03")

    assert usual["x"][0] == "2026-03-03 00:00"
    assert last == 95


def test_a_cause_sets_the_controls_and_says_why(views):
    found = whatifbuild.preset(views, "outage", "2026-03-02", ["x"], 72)

    assert (found["factor"], found["length"]) == (0.1, 60)
    assert found["because"] == "Learned from 2 past outages."
    assert [part["title"] for part in found["parts"]] == [
        "With the spike: 2 times the usual on X for 30 min",
        "With the spike: Handling time 20 % longer on X",
    ]


def test_no_cause_leaves_the_controls(views):
    found = whatifbuild.preset(views, "own", "2026-03-02", ["x"], 72)

    assert found.pop("because") == ""
    assert set(found.values()) == {no_update}


def test_what_holds_beside_the_controls_can_be_taken_out():
    parts = [whatifform.part_of("2 people more", Scenario())]

    assert buttons(whatifbuild.beside(parts)) == ["Take out"]
    assert whatifbuild.beside([]) == ""


# -- the answer -----------------------------------------------------------------------------------


def answer(views, controls=None, parts=None, queue="all"):
    return whatifanswer.answered(
        views, asked=controls or CONTROLS, parts=parts, queue=queue, plan_id=3, page="p"
    )


def test_the_answer_holds_a_sentence_figures_and_four_curves(views):
    found = answer(views)
    tiles = text_of(found["tiles"])

    assert "78.0 % of first replies are in time instead of 94.0 %" in found["said"]
    assert "78.0 %" in tiles
    assert "Mon 2 Mar 20:00, 6 as planned" in tiles
    assert "Late replies +90 93 in all" in tiles
    for name in whatifanswer.CURVES:
        assert len(found[name]["data"]) >= 2
    assert views.rehearsing.asked[0][1] == Turn("p", 4)


def test_only_queues_that_are_reached_are_listed(views):
    table = text_of(answer(views)["queues"])

    assert "X 94.0 % → 78.0 % 90 % → 24 % 6 → 143 1 min → 121 min Mon 2 Mar 23:00" in table
    assert "Instagram" in table
    assert "not yet" in table
    assert "Facebook" not in table


def test_the_curves_of_one_queue_leave_the_occupancy_of_all(views):
    one, every = answer(views, queue="x"), answer(views)

    assert one["occupancy"] == every["occupancy"]
    assert "X · plan 3" in one["frame"]["layout"]["annotations"][-1]["text"]


def test_an_error_of_the_answer_is_told_in_its_own_words(views):
    views.rehearsing.error = RequestError("the surge starts in May, outside of the roster")
    found = answer(views)

    assert "outside of the roster" in text_of(found["said"])
    assert found["backlog"] is no_update
    assert found["frame"] is None


def test_controls_with_a_gap_are_told_and_ask_nothing(views):
    found = answer(views, {**CONTROLS, "length": None})

    assert "the length" in text_of(found["said"])
    assert views.rehearsing.asked == []


def test_an_answer_that_nobody_waits_for_any_more_changes_nothing(views, monkeypatch):
    monkeypatch.setattr(views.rehearsing, "evaluate", lambda *_: None)

    with pytest.raises(PreventUpdate):
        answer(views)


def test_a_scenario_that_never_hurts_is_on_time_always(brand, spike):
    found = make_evaluation(spike)
    calm = replace(found.overall, recovered_at=STARTS, late_after=3.0)
    tiles = text_of(whatifanswer.tiles(replace(found, effects=(calm,)), brand))

    assert "On time again Always no hour worse than planned" in tiles
    assert "Late replies +0" in tiles


# -- repairs --------------------------------------------------------------------------------------


def test_repairs_are_looked_for_and_shown_with_why_and_worth(views, spike):
    started = whatifrepairs.find(
        views, presses=1, controls=CONTROLS, parts=[], plan_id=3, before=None
    )
    over = whatifrepairs.followed(views.rehearsing.searched(started["search"]), "s")
    listed = whatifrepairs.listed(views, over["found"], None, [])

    said = text_of(listed)
    assert (started["quiet"], over["quiet"]) == (False, True)
    assert "Spike mode on X until 00:00" in said
    assert "those who can still be saved come first" in said
    assert "saves 210 min of broken promise (± 8), 40 late replies fewer" in said
    assert "840 min saved per hour nobody to be told" in said
    assert "2.0 h paid, 2 people" in said
    assert "Together they save 225 min (alone they would 270), 15 min are left" in said
    assert "1 repair that cannot be" in said
    assert buttons(listed) == ["Apply all", "Apply", "Apply"]


def test_a_search_under_way_tells_how_far_it_is_and_can_be_stopped(spike):
    shown = whatifrepairs.followed(Search(spike, done=0.42, stage="trying repairs"), "s")

    assert "42 %, trying repairs" in text_of(shown["progress"])
    assert (shown["quiet"], shown["stop"]) == (False, False)


@pytest.mark.parametrize(
    ("search", "said"),
    [
        (Search(Scenario(), problem=Cancelled("stopped"), stopped=True), "Stopped."),
        (Search(Scenario(), problem=Conflict("plan 3 has been superseded")), "superseded"),
    ],
)
def test_a_search_that_ended_without_repairs_says_why(search, said):
    shown = whatifrepairs.followed(search, "s")

    assert said in text_of(shown["progress"])
    assert (shown["quiet"], shown["stop"], shown["found"]) == (True, True, no_update)


def test_an_applied_repair_stands_beside_the_controls_and_is_applied_once(views, brand, spike):
    views.rehearsing.search(spike, 3)
    search = views.rehearsing.searched("s")

    parts = whatifrepairs.with_repairs([], whatifrepairs.chosen_repairs(search, "policy-20"))
    every = whatifrepairs.with_repairs(parts, whatifrepairs.chosen_repairs(search, "together"))

    assert [part["title"] for part in every] == [
        "Spike mode on X until 00:00",
        "2 people stay 1 h longer",
    ]
    listed = whatifrepairs.listed(views, "s", None, parts)
    assert buttons(listed) == ["Apply all", "Applied", "Apply"]
    whole = whatifform.whole(FORM, every, brand)
    assert (len(whole.policies), len(whole.extra)) == (1, 1)


def test_a_list_says_when_the_scenario_has_moved_on(views, brand, spike):
    views.rehearsing.search(spike, 3)
    now = whatifform.built(replace(FORM, factor=5), brand)
    known = answer(views, {**CONTROLS, "factor": 5})["known"]

    assert known["scenario"]["surges"][0]["factor"] == now.surges[0].factor
    assert "ranked before the last change" in text_of(whatifrepairs.listed(views, "s", known, []))


def test_repairs_that_are_not_held_any_more_are_to_be_found_again(views):
    assert "find them again" in text_of(whatifrepairs.listed(views, "gone", None, []))


def test_nothing_broken_wants_no_repair(brand, spike):
    found = replace(make_repairs(spike), ranked=(), refused=(), together=None)
    shown = whatifranked.shown(found, brand, now=None, parts=[])

    assert "Nothing is broken" in text_of(shown)


def test_a_set_that_does_not_restore_says_that_it_comes_nearest(brand, spike):
    made: Repairs = make_repairs(spike)
    near = replace(made, together=replace(made.together, restores=False, recovered_at=None))

    assert "What comes nearest" in text_of(whatifranked.shown(near, brand, now=None, parts=[]))


# -- keeping --------------------------------------------------------------------------------------


def asked(scenario, saved=(1, 1)):
    return Asked(saved, scenario, 3)


def test_a_new_scenario_is_kept_and_the_address_is_its_link(views, spike):
    done = whatifkeep.do(views, "save", asked(spike, None), ANN)

    assert done.search == "?scenario=1"
    assert views.rehearsing.kept[1].scenario == spike
    assert views.rehearsing.done == [("save", ANN)]


def test_an_open_scenario_is_changed_at_its_revision(kept, spike):
    done = whatifkeep.do(kept, "change", asked(spike), ANN)

    assert (done.revision, done.search) == (2, None)
    with pytest.raises(LostEdit):
        whatifkeep.do(kept, "change", asked(spike), ANN)


def test_a_scenario_that_was_never_kept_cannot_be_promoted(views, spike):
    with pytest.raises(RequestError, match="save the scenario first"):
        whatifkeep.do(views, "draft", asked(spike, None), ANN)


@pytest.mark.parametrize(("to", "said"), [("draft", "draft 5"), ("campaign", "“Evening”")])
def test_a_kept_scenario_becomes_a_draft_or_a_campaign(kept, spike, to, said):
    done = whatifkeep.do(kept, to, asked(spike), ANN)

    assert said in text_of(done.said)
    assert kept.rehearsing.done == [(to, ANN)]


def test_what_is_shown_must_be_what_is_kept_to_be_promoted(kept, spike):
    other = replace(spike, surges=(replace(spike.surges[0], factor=9.0),))

    with pytest.raises(Conflict, match="save it first"):
        whatifkeep.do(kept, "draft", asked(other), ANN)
    assert kept.rehearsing.done == []


def test_a_superseded_scenario_is_taken_over_to_the_plan_in_force(kept, spike):
    kept.rehearsing.in_force = 8
    done = whatifkeep.do(kept, "rebase", asked(spike), ANN)

    assert done.search.startswith("?scenario=1")
    assert kept.rehearsing.kept[1].plan_id == 8


def test_an_archived_scenario_leaves_the_address(kept, spike):
    assert whatifkeep.do(kept, "archive", asked(spike), ANN).search == ""
    assert kept.rehearsing.kept[1].state == "archived"


def test_kept_scenarios_are_listed_with_their_links(kept, brand):
    listed = whatifkeep.listing(kept.rehearsing.listing(), brand, 2)
    links = [c.href for c in below(listed) if type(c).__name__ == "A"]

    assert links == ["/console/whatif?scenario=2", "/console/whatif?scenario=1"]
    assert "Worse shown 3 times the usual on X for 2 h, Mon 2 Mar 18:00 plan 3 open" in text_of(
        listed
    )


# -- comparing ------------------------------------------------------------------------------------


def test_kept_scenarios_are_compared_with_what_is_planned(kept):
    shown = whatifcompare.compare(kept, 1, [[2], [], [1]])
    said = text_of(shown)

    assert "As planned 94.0 % 90 % 6 0 min – – –" in said
    assert "1: Evening 78.0 % 24 % 143 240 min Mon 2 Mar 23:00 812 0.0" in said
    assert any(getattr(c, "href", "") == "/console/whatif?compare=1,2" for c in below(shown))


@pytest.mark.parametrize("picked", [[[1]], [[n] for n in range(1, 6)]])
def test_fewer_than_two_or_more_than_four_are_not_compared(kept, picked):
    assert "Tick two to 4" in text_of(whatifcompare.compare(kept, 1, picked))


def test_a_link_opens_the_comparison(kept):
    assert "Compared" in text_of(page_at(kept, "?compare=1,2"))


def test_a_scenario_that_lasts_elsewhere_is_found_by_its_own_hours(brand, spike):
    found = make_evaluation(spike)
    plain = replace(spike, surges=(), extra=(), absences=())

    assert whatifanswer.span_of(found) == (STARTS, STARTS + timedelta(hours=2))
    assert whatifanswer.span_of(replace(found, scenario=plain)) is None
