from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from dash import no_update
from dash.development.base_component import Component

from api.console import app, layout, shiftgrid, spans
from api.console.drafting import Drafting
from api.console.pages import (
    roster,
    rosteracts,
    rosterbar,
    rostercover,
    rosterday,
    rosterjobs,
    rosterlog,
    rosteropen,
    rosterpicks,
    rosterpropose,
    rosterwhy,
)
from api.console.pages.rosteracts import Asked
from api.console.pages.rostercell import Cell
from api.console.pages.rosterlog import told_of
from api.console.proposing import Pressed
from api.console.views import Views
from scheduling.editing.edits import Assign, Drop, Pin
from wfm.errors import IllegalMove, NotFound, RequestError, TryLater
from wfm.store.jobs import Job

ANN = "console:ann"
TUESDAY = date(2026, 3, 3)
EARLY = Cell("a000", TUESDAY)  # 06:00-14:30
FREE = Cell("a000", date(2026, 3, 7))


def text_of(found) -> str:
    """All text below a component."""
    if found is None:
        return ""
    if isinstance(found, str | int | float):
        return str(found)
    if isinstance(found, list | tuple):
        return " ".join(text_of(one) for one in found)
    return text_of(getattr(found, "children", None))


def buttons_of(found) -> dict[str, Component]:
    """Enabled and disabled buttons below a component, by their words."""
    if isinstance(found, list | tuple):
        return {text: b for one in found for text, b in buttons_of(one).items()}
    if not isinstance(found, Component):
        return {}
    if type(found).__name__ == "Button":
        return {text_of(found): found}
    return buttons_of(getattr(found, "children", None))


@pytest.fixture(scope="module")
def desk(published) -> Views:
    """The console's reads of a store with a roster in force."""
    return Views(published)


@pytest.fixture
def draft_id(desk) -> int:
    """A draft of it that nobody has changed."""
    return desk.drafting.open(desk.plan().plan_id, "ann", ANN)


def asked(desk, draft_id, **more) -> Asked:
    return Asked(draft_id, desk.drafting.draft(draft_id).revision, **more)


def save(desk, draft_id, edit, reason=""):
    known = asked(desk, draft_id, edit=edit, reasons={"edit": reason})
    return rosteracts.do(desk, "save", known, ANN)


def rows_by_agent(desk, draft_id):
    rows, *_ = roster.chosen_rows(desk, "any", "any", None, draft_id)
    return {row["agent_id"]: row for row in rows}


# -- without a draft ------------------------------------------------------------------------------


def test_the_grid_is_filtered_by_skill_and_contract(views):
    everyone, said, _ = roster.chosen_rows(views, "any", "any")
    skilled, *_ = roster.chosen_rows(views, "instagram", "any")
    both, told, _ = roster.chosen_rows(views, "facebook", "part_time")

    assert (len(everyone), said) == (24, "24 of 24 agents")
    assert len(skilled) == 8
    assert all("Instagram" in row["skills"] for row in skilled)
    assert told == f"{len(both)} of 24 agents"
    assert {row["contract"] for row in both} <= {"part time"}


def test_a_chosen_cell_is_told_in_words_and_cannot_be_edited(views):
    words, actions = roster.told(views, EARLY.to_document())

    assert "Shift 06:00-14:30; 8 h paid" in text_of(words)
    assert "08:00–08:15  break, 15 min" in text_of(words)
    assert list(buttons_of(actions)) == ["Why this shift?"]


def test_a_clicked_name_tells_contract_and_skills(views):
    document = roster.clicked_document({"rowId": "a001", "colId": "agent"})

    said = text_of(roster.told(views, document)[0])

    assert "Contract: full time" in said
    assert "Facebook (level 3)" in said


def test_nothing_chosen_says_what_to_do(views):
    assert "Choose a cell" in text_of(roster.told(views, None)[0])


def test_choosing_a_week_scrolls_the_grid_to_it(views):
    _, _, scroll = rostercover.days_for(views, "2")

    assert scroll["column"] == "2026-03-09"


def test_coverage_is_of_the_chosen_day(views):
    figure = rostercover.figure(views, choice="x", week="1", day="2026-03-04")

    assert len(figure.data[0].x) == 96


def test_a_page_without_a_draft_offers_to_open_one(views, brand, plan):
    found = roster.page(views, brand, plan)

    assert buttons_of(found)["Open a draft"].hidden is False
    assert rosterbar.state_of(views.shown(None))["steps"] is True  # hidden


def test_choosing_a_roster_goes_to_its_address_and_nowhere_where_it_is_shown():
    assert roster.address_of("3", "") == "?draft=3"
    assert roster.address_of(rosterbar.PUBLISHED, "?draft=3") == ""
    assert roster.address_of("3", "?draft=3") is no_update
    assert roster.address_of(rosterbar.PUBLISHED, None) is no_update


@pytest.mark.parametrize("search", ["?draft=x", "?draft=-1", "?draft=" + "9" * 12])
def test_an_address_that_names_no_draft_is_refused_in_words(views, search):
    content, *_ = app.show(views, "/console/roster", search)

    assert "write ?draft=3" in text_of(content)


def test_an_address_of_a_draft_that_is_not_there_says_so(desk):
    content, *_ = app.show(desk, "/console/roster", "?draft=999")

    assert "no draft 999" in text_of(content)


# -- a draft --------------------------------------------------------------------------------------


def test_a_draft_is_opened_on_the_plan_and_found_at_its_address(desk):
    done = rosteracts.do(desk, "open", Asked(None, 0), ANN)

    content, *_ = app.show(desk, "/console/roster", done.search)
    assert done.search.startswith("?draft=")
    assert "ann, Mon 2 Mar 08:15" in str(content)
    assert {"Undo", "Redo", "Re-solve", "Discard…", "Publish…"} <= set(buttons_of(content))


def test_a_proposed_edit_is_judged_before_anything_is_kept(desk, draft_id):
    edit = rosterpropose.proposed(desk, draft_id, EARLY, Pressed("later"), None)

    said = text_of(rosterpropose.shown_effect(desk, draft_id, edit))

    assert "Agent 000, Tue 3 Mar:  09:00-17:30, full" in said
    assert "Every rule is kept" in said
    assert "8.00, unchanged" in said
    assert desk.drafting.draft(draft_id).edits == ()


def test_a_press_after_another_goes_on_from_what_is_proposed(desk, draft_id):
    once = rosterpropose.proposed(desk, draft_id, EARLY, Pressed("later"), None)
    twice = rosterpropose.proposed(desk, draft_id, EARLY, Pressed("later"), once)
    back = rosterpropose.proposed(desk, draft_id, EARLY, Pressed("earlier"), twice)
    first = rosterpropose.proposed(desk, draft_id, EARLY, Pressed("break-later"), None)
    second = rosterpropose.proposed(desk, draft_id, EARLY, Pressed("break-later"), first)

    assert [e.to_start_min for e in (once, twice, back)] == [540, 840, 540]
    assert [e.minutes_after_start for e in (first, second)] == [135, 150]


def test_where_there_is_nothing_further_the_page_says_what_there_is(desk, draft_id):
    with pytest.raises(RequestError, match="no start before 06:00; its starts are 06:00 to 22:00"):
        rosterpropose.proposed(desk, draft_id, EARLY, Pressed("earlier"), None)
    with pytest.raises(RequestError, match="no longer template that starts at 06:00"):
        rosterpropose.proposed(desk, draft_id, EARLY, Pressed("longer"), None)
    with pytest.raises(RequestError, match="Agent 000 has no shift on Sat 7 Mar"):
        rosterpropose.proposed(desk, draft_id, FREE, Pressed("drop"), None)


def test_broken_rules_are_told_with_their_way_out(desk, draft_id):
    said = text_of(
        rosterpropose.shown_effect(desk, draft_id, Assign("a000", FREE.day, "full", 540))
    )

    assert "Rules are broken" in said
    assert "days worked in a week within the contract" in said
    assert "Way out: raise max_days_per_week, or add agents" in said
    assert "Save all the same" in said


def test_a_saved_edit_is_in_the_grid_marked_and_can_be_undone(desk, draft_id):
    done = save(desk, draft_id, Drop("a000", TUESDAY), "training")
    after = rows_by_agent(desk, draft_id)["a000"]
    undone = rosteracts.do(desk, "undo", asked(desk, draft_id), ANN)
    back = rows_by_agent(desk, draft_id)["a000"]

    assert (done.revision, undone.revision) == (1, 2)
    assert "Saved. 1 day changed" in done.said
    assert done.cleared
    assert "2026-03-03" not in after
    assert after["2026-03-03_changed"] is True
    assert after["hours"] == back["hours"] - 8
    assert back["2026-03-03"] == "06:00-14:30"
    assert "2026-03-03_changed" not in back


def test_undo_and_redo_are_offered_only_where_there_is_something(desk, draft_id):
    def offered():
        found = roster.buttons(desk, None, draft_id)
        return [not found[name] for name in ("undo", "redo")]

    steps = [offered()]
    for what in ("save", "undo", "redo"):
        rosteracts.do(desk, what, asked(desk, draft_id, edit=Pin("a000", TUESDAY)), ANN)
        steps.append(offered())

    assert steps == [[False, False], [True, False], [False, True], [True, False]]


def test_a_pinned_shift_is_marked_and_offers_only_to_unpin_it(desk, draft_id):
    save(desk, draft_id, Pin("a000", TUESDAY))

    words, actions = roster.told(desk, EARLY.to_document(), None, draft_id)
    assert rows_by_agent(desk, draft_id)["a000"]["2026-03-03_pinned"] is True
    assert "re-solving leaves it as it is" in text_of(words)
    assert list(buttons_of(actions)) == ["Unpin", "Absent…", "Why this shift?"]


def test_an_edit_on_an_old_revision_is_refused_and_the_page_catches_up(desk, draft_id, monkeypatch):
    monkeypatch.setattr("api.console.callers.planner", lambda: ANN)
    old = asked(desk, draft_id, edit=Drop("a000", TUESDAY))
    save(desk, draft_id, Pin("a001", TUESDAY))

    answer = rosteracts.answered(desk, "save", old)

    assert "revision 1" in text_of(answer["said"])
    assert answer["revision"] == 1
    assert len(desk.drafting.draft(draft_id).edits) == 1


def test_a_discarded_draft_can_only_be_read(desk, draft_id):
    rosteracts.do(desk, "discard", asked(desk, draft_id), ANN)

    found = roster.buttons(desk, None, draft_id)
    assert found["steps"] is True  # hidden
    assert "can only be read" in found["closed"]
    assert not desk.shown(draft_id).editable
    with pytest.raises(IllegalMove):
        save(desk, draft_id, Drop("a000", TUESDAY))


def test_discarding_asks_first(desk, draft_id):
    save(desk, draft_id, Drop("a000", TUESDAY))

    question = rosteracts.do(desk, "ask-discard", asked(desk, draft_id), ANN).asked

    assert "1 edit" in text_of(question)
    assert set(buttons_of(question)) == {"Keep it", "Discard the draft"}


def test_publishing_asks_first_and_shows_the_broken_rules(desk, draft_id):
    save(desk, draft_id, Drop("a000", TUESDAY))

    question = rosteracts.do(desk, "ask-publish", asked(desk, draft_id), ANN).asked

    said = text_of(question)
    assert "1 day of 1 agent changed from the plan's roster" in said
    assert "Agent 003" in said
    assert "paid hours of a week" in said
    assert "Publish all the same" in buttons_of(question)


# -- what is looked for ---------------------------------------------------------------------------


def test_shifts_to_assign_come_with_those_that_keep_every_rule_first(desk, draft_id):
    found = rosterpicks.found(desk, draft_id, "assign", Cell("a005", TUESDAY), TUESDAY)

    options = found.children[1].options
    broken = [rosterpicks.MARK in option["label"] for option in options]
    assert broken == sorted(broken)
    assert {o["value"] for o in options} <= {f"full@{m}" for m in (360, 540, 840, 1320)}


def test_a_shift_is_given_to_one_of_those_who_may_take_it(desk, draft_id):
    found = rosterpicks.found(desk, draft_id, "give", EARLY, TUESDAY)

    give = next(b for text, b in buttons_of(found).items() if text == "Give")
    edit = rosterpropose.proposed(
        desk, draft_id, EARLY, Pressed("give", value=give.id["agent"]), None
    )
    after = desk.drafting.preview(draft_id, edit)
    assert "may take it" in text_of(found)
    assert {c.agent_id for c in after.changes} == {"a000", edit.to_agent}


def test_a_swap_is_with_an_agent_and_a_day(desk, draft_id):
    options = rosterpicks.found(desk, draft_id, "swap", EARLY, TUESDAY)[1].children[1].options

    edit = rosterpropose.proposed(
        desk, draft_id, EARLY, Pressed("swap", value=options[0]["value"]), None
    )
    assert {o["value"].partition("@")[0] for o in options} == {f"a{n:03d}" for n in range(1, 24)}
    assert edit.other_day == TUESDAY
    assert ": off" not in options[0]["label"]
    assert ": off" in options[-1]["label"]


def test_an_absence_is_asked_for_up_to_a_day(desk, draft_id):
    found = rosterpicks.found(desk, draft_id, "absent", EARLY, TUESDAY)

    assert "Agent 000 is taken out from Tue 3 Mar on" in text_of(found)
    assert "Repair the roster" in buttons_of(found)


def test_a_repair_is_asked_for_the_chosen_agent_and_days(desk, draft_id, monkeypatch):
    taken = []

    def repair(drafting, draft_id, absence, **more):
        taken.append((draft_id, absence, more["reason"]))
        return drafting.preview(draft_id, Drop(absence.agent_id, absence.first))

    monkeypatch.setattr(Drafting, "repair", repair)
    last = TUESDAY + timedelta(days=1)
    known = asked(desk, draft_id, cell=EARLY, last=last, reasons={"absence": "flu"})

    done = rosteracts.do(desk, "repair", known, ANN)

    ((of, absence, reason),) = taken
    assert (of, absence.agent_id, absence.first, absence.last) == (
        draft_id, "a000", TUESDAY, last,
    )  # fmt: skip
    assert reason == "flu"
    assert "The roster is repaired" in done.said


def test_why_a_shift_is_there_is_told_with_names(desk, draft_id):
    said = text_of(rosterpicks.found(desk, draft_id, "why", EARLY, TUESDAY))

    assert "Agent 000 has full 06:00-14:30" in said
    assert "a000" not in said


def test_why_a_queue_is_short_is_told_for_the_clicked_moment(desk):
    clicked = {"points": [{"x": "2026-03-03 15:07"}]}

    said = text_of(rosterwhy.told_short(desk, clicked, layout.ALL_QUEUES, None))

    assert "Tue 3 Mar 15:00" in said
    assert "short" in said


# -- day, open shifts, history --------------------------------------------------------------------


def test_the_day_shows_every_shift_that_touches_it(desk, draft_id, brand):
    figure, height, cover, note = rosterday.draw(desk, "day", "2026-03-03", None, draft_id)

    shifts = shiftgrid.shifts_of(desk.shown(draft_id).roster)
    start, end = spans.instants([TUESDAY], brand.tz)
    touching = [s for s in shifts if s.start < end and s.end > start]
    bars = {y for trace in figure.data for y in trace.y}
    assert len(bars) == len(touching)
    ends = [
        begins + timedelta(milliseconds=length)
        for trace in figure.data
        for begins, length in zip(trace.base, trace.x, strict=True)
    ]
    assert f"{max(ends):%d %H:%M}" == "04 06:30"  # nights are drawn whole
    assert height == {"height": f"{figure.layout.height}px"}
    assert len(cover.data[0].x) == 96
    assert f"{sum(s.start >= start for s in touching)} shifts start" in note


def test_the_days_bars_lead_to_their_cell(desk, draft_id):
    figure, *_ = rosterday.draw(desk, "day", "2026-03-03", None, draft_id)
    trace = figure.data[0]

    cells = {rosterday.clicked_cell({"points": [{"customdata": own}]}) for own in trace.customdata}

    assert EARLY in cells
    assert rosterday.clicked_cell({"points": [{"x": 1}]}) is None


def test_the_days_coverage_is_the_drafts(desk, draft_id):
    before = rosterday.draw(desk, "day", "2026-03-03", None, draft_id)[2].data[0].y
    save(desk, draft_id, Drop("a000", TUESDAY))
    after = rosterday.draw(desk, "day", "2026-03-03", None, draft_id)[2].data[0].y

    lost = [b - a for b, a in zip(before, after, strict=True)]
    assert sum(lost) == pytest.approx(7.75 * 4, abs=0.1)  # the shift without break and meal
    assert max(lost) == pytest.approx(1, abs=0.02)


def test_open_shifts_name_who_may_take_them(desk, draft_id):
    listed = rosteropen.listed(desk, "open", None, draft_id)
    takers = rosteropen.who_may_take(desk, draft_id, 0)

    give = buttons_of(takers)["Give"].id
    edit = rosterpropose.taken_opening(desk, draft_id, 0, give["agent"])
    opening = desk.drafting.openings(draft_id)[0]
    assert "covers" in text_of(listed)
    assert "may take it" in text_of(takers)
    assert (edit.day, edit.template, edit.start_min) == (
        opening.day, opening.template, opening.start_min,
    )  # fmt: skip


def test_an_opening_that_is_gone_says_so(desk, draft_id):
    assert "choose again" in text_of(rosteropen.who_may_take(desk, draft_id, 10_000))
    with pytest.raises(RequestError, match="choose again"):
        rosterpropose.taken_opening(desk, draft_id, 10_000, "a000")


def test_the_history_tells_who_changed_what_and_why(desk, draft_id, brand):
    save(desk, draft_id, Drop("a000", TUESDAY), "training")
    save(desk, draft_id, Pin("a001", TUESDAY))
    rosteracts.do(desk, "undo", asked(desk, draft_id), ANN)

    history, compared = told_of(desk.shown(draft_id), brand, {"a000": "Ann", "a001": "Bo"})

    rows = history.children
    assert "2. Pinned" in text_of(rows[0])
    assert rows[0].className == "undone"
    assert "1. Dropped" in text_of(rows[1])
    assert f"training ({ANN}, Mon 2 Mar 08:15)" in text_of(rows[1])
    assert "Ann, Tue 03 Mar: full 06:00-14:30 → off" in text_of(rows[1])
    assert "1 day of 1 agent changed" in text_of(compared)


@pytest.mark.parametrize("part", [rosterlog.listed, rosteropen.listed, rosterday.draw])
def test_a_tab_that_nobody_looks_at_is_not_worked_out(part):
    views = SimpleNamespace()  # has nothing to ask
    more = ("2026-03-03", None, 1) if part is rosterday.draw else (None, 1)

    part(views, "grid", *more)


# -- jobs -----------------------------------------------------------------------------------------


def make_job(**changes) -> Job:
    values = {
        "job_id": "j", "kind": "resolve", "state": "running", "request": {}, "progress": 0.4,
        "stage": "making the roster", "messages": [], "result": None, "problem": None,
        "submitted_at": datetime(2026, 3, 2, tzinfo=UTC), "ended_at": None, "actor": ANN,
    }  # fmt: skip
    return Job(**(values | changes))


def test_a_job_tells_how_far_it_is_and_what_came_of_it():
    said = [
        text_of(rosterjobs.job_words(make_job(**changes)))
        for changes in (
            {},
            {"state": "cancelled"},
            {"state": "failed", "problem": {"detail": "rules are broken"}},
            {"state": "done", "result": {"changed": 3}},
            {"state": "done", "kind": "publish_draft", "result": {"version": 2}},
        )
    ]

    assert "40 %, making the roster" in said[0]
    assert "as it was" in said[1]
    assert "rules are broken" in said[2]
    assert said[3] == "Solved anew: 3 days changed."
    assert "Published as version 2" in said[4]


class TakenJobs:
    """Takes jobs and carries none out."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict, str]] = []

    def submit(self, kind: str, request: dict, actor: str) -> str:
        self.taken.append((kind, request, actor))
        return "job-1"


def test_re_solving_and_publishing_are_jobs_for_the_revision_seen(published):
    jobs = TakenJobs()
    desk = Views(published, jobs)
    draft_id = desk.drafting.open(desk.plan().plan_id, "ann", ANN)

    resolve = rosteracts.do(desk, "resolve", asked(desk, draft_id), ANN)
    known = asked(desk, draft_id, reasons={"force": "storm"})
    rosteracts.do(desk, "force", known, ANN)

    (kind, request, actor), (then, forced, _) = jobs.taken
    assert (resolve.job, kind, actor) == ("job-1", "resolve", ANN)
    assert (request["draft_id"], request["revision"]) == (draft_id, 0)
    assert then == "publish_draft"
    assert (forced["draft_id"], forced["force"], forced["reason"]) == (draft_id, True, "storm")


def test_forcing_needs_a_reason(published):
    desk = Views(published, TakenJobs())
    draft_id = desk.drafting.open(desk.plan().plan_id, "ann", ANN)

    with pytest.raises(RequestError, match="say why"):
        rosteracts.do(desk, "force", asked(desk, draft_id), ANN)


def test_without_a_service_no_job_is_taken(desk, draft_id):
    with pytest.raises(TryLater, match="wfm serve"):
        rosteracts.do(desk, "resolve", asked(desk, draft_id), ANN)


def test_what_needs_a_draft_says_so_where_none_is_open(desk):
    with pytest.raises(RequestError, match="open a draft first"):
        rosteracts.do(desk, "undo", Asked(None, 0), ANN)
    with pytest.raises(NotFound):
        desk.shown(999)


def test_the_plan_that_is_edited_stays_the_drafts_when_another_is_shown(desk, draft_id):
    shown = desk.shown(draft_id)

    assert shown.name == f"draft-{draft_id}"
    assert replace(shown, draft=None).name == str(shown.plan.plan_id)


def test_the_dearest_hours_of_the_plan_stand_under_the_coverage(desk):
    days = [date(2026, 3, 2)]
    dear = {"start": "2026-03-02T07:00:00Z", "queues": "x, email", "saves": 9.5}
    brand, week = desk.brand(), days[0].isoformat()
    told = "Mon 2 Mar 08:00: one more agent-hour on x, email here saves 9.50"
    assert told in text_of(rostercover.card(brand, days, week, [dear]))
    assert "agent-hour" not in text_of(rostercover.card(brand, days, week))


def test_a_draft_that_nothing_is_worth_changing_in_is_said_to_be_as_it_is():
    assert "nothing is worth changing" in rosterjobs.job_words(
        make_job(state="done", result={"changed": 0})
    )
    assert "2 days changed" in rosterjobs.job_words(make_job(state="done", result={"changed": 2}))
