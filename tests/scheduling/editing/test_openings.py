"""Open shifts cure the shortfall they promise; who may take one breaks no rule by it."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from editdesk import AGENTS, WORK, day, instant, make_ground, make_table, worked_from
from rosters import make_agent

from scheduling.check import check_roster
from scheduling.editing.changes import applied, day_of
from scheduling.editing.choices import choices
from scheduling.editing.coverage import heads_of, lacks_of
from scheduling.editing.edits import Activity, Assign, Drop, Pin
from scheduling.editing.judging import judged
from scheduling.editing.making import changes_of
from scheduling.editing.openings import opening_of, openings
from scheduling.editing.takers import takers, takers_of
from wfm.errors import NotFound, RequestError
from wfm.frames import ROSTER as SCHEMA
from wfm.people import Preference, TimeOff


def needs_at(*spans: tuple[int, int, int]) -> np.ndarray:
    """One agent from minute to minute of the numbered day."""
    need = np.zeros(96 * 7)
    for number, first, last in spans:
        need[number * 96 + first // 15 : number * 96 + last // 15] += 1
    return need


def short_hours(roster, ground) -> float:
    return float(lacks_of(heads_of(roster, ground), ground).short.sum()) / 4


EVENING = make_ground(needs={"x": needs_at((3, 840, 1320), (0, 480, 960)), "email": 0})
ROSTER = make_table(EVENING)


def test_a_roster_that_is_short_of_nobody_has_no_openings():
    assert openings(ROSTER, make_ground(needs={"x": 0, "email": 0})) == []


def test_the_hole_is_offered_with_its_queue():
    opening = openings(ROSTER, EVENING)[0]

    assert (opening.day, opening.template, opening.start_min) == (day(3), "long", 840)
    assert opening.start == instant(3, 840)
    assert opening.queues == ("x",)
    assert opening.covers_hours == pytest.approx(7.25)


def test_openings_cure_what_they_promise_together():
    ground = make_ground(needs={"x": 2, "email": 1}, days=2)
    roster = make_table(ground, {"ann": ((0, "long", 480),)})
    found = openings(roster, ground)
    extra = tuple(
        make_agent(f"new{n}", contract="law", skills=o.queues) for n, o in enumerate(found)
    )
    wide = replace(ground, agents=(*AGENTS, *extra))

    after = roster
    for n, opening in enumerate(found):
        edit = Assign(f"new{n}", opening.day, opening.template, opening.start_min)
        after = applied(after, changes_of(after, edit, wide))

    cured = short_hours(roster, ground) - short_hours(after, wide)
    assert cured == pytest.approx(sum(o.covers_hours for o in found))
    assert all(o.worth > 0 for o in found)


def test_no_shift_is_worth_more_than_the_first_opening():
    ground = make_ground(needs={"x": 2, "email": 1}, days=2)
    roster = make_table(ground, {"ann": ((0, "long", 480),)})
    new = replace(
        ground, agents=(*AGENTS, make_agent("new", contract="law", skills=("x", "email")))
    )

    worth = []
    for n, shift_day in enumerate(ground.shifts.day):
        name = ground.shifts.templates[ground.shifts.template[n]].name
        edit = Assign("new", ground.days[shift_day], name, int(ground.shifts.wall_from[n]))
        after = applied(roster, changes_of(roster, edit, new))
        worth.append(opening_of(after, "new", edit.day, new).worth)

    assert openings(roster, ground)[0].worth == pytest.approx(max(worth))


def test_only_so_many_openings_and_none_in_the_past():
    ground = make_ground(needs={"x": 9, "email": 0})

    assert len(openings(ROSTER, ground, limit=3)) == 3
    late = replace(ground, frozen_until=instant(5, 500))
    assert min(o.start for o in openings(ROSTER, late)) >= instant(5, 500)
    assert openings(ROSTER, replace(ground, frozen_until=ground.end)) == []
    assert openings(ROSTER, make_ground(needs={"x": 9, "email": 0}, templates=())) == []


def test_the_shift_of_an_agent_leaves_the_opening_it_was():
    opening = opening_of(ROSTER, "ann", day(0), EVENING)

    assert (opening.template, opening.start_min, opening.queues) == ("long", 480, ("x",))
    assert opening.covers_hours == pytest.approx(5.25)  # Bob is there from 14:00
    with pytest.raises(RequestError, match="ann has no shift on 2026-03-05"):
        opening_of(ROSTER, "ann", day(3), EVENING)


def test_who_may_take_a_shift_breaks_no_rule_by_it_and_who_may_not_does():
    opening = openings(ROSTER, EVENING)[0]
    found = takers(opening, ROSTER, EVENING)

    assert [t.agent_id for t in found if t.may] == ["bob", "ann"]
    assert {t.agent_id for t in found} == {"ann", "bob", "dan"}
    for taker in found:
        edit = Assign(taker.agent_id, opening.day, opening.template, opening.start_min)
        after = applied(ROSTER, changes_of(ROSTER, edit, EVENING))
        broken = check_roster(after, EVENING.brand, AGENTS, start=EVENING.start, end=EVENING.end)
        assert taker.broken == broken
        gained = short_hours(ROSTER, EVENING) - short_hours(after, EVENING)
        assert taker.covers_hours == pytest.approx(gained)


def test_a_taker_costs_hours_overtime_and_wishes_and_saves_the_minimum():
    wishing = replace(AGENTS[0], preferences=(Preference("day_off", "thu", 2.0),))
    ground = replace(EVENING, agents=(wishing, *AGENTS[1:]))
    opening = openings(ROSTER, ground)[0]

    ann, bob, *_ = sorted(takers(opening, ROSTER, ground), key=lambda t: t.agent_id)

    # Ann worked 22.5 h: 0 h below the minimum of 20, 30 h and no overtime; the wish weighs 2.
    assert ann.cost == pytest.approx(7.5 + 0.5 * 2)
    assert ann.reasons == ("against wishes of weight 2",)
    # Bob worked 18.5 h: 1.5 h fill the minimum.
    assert bob.cost == pytest.approx(7.5 - 0.5 * 1.5)
    assert bob.reasons == ("fills 1.5 h of the contract's minimum of the week",)


def test_overtime_begins_at_the_target_of_the_week():
    busy = make_table(EVENING, WORK | {"ann": tuple((n, "long", 480) for n in (0, 1, 2, 4))})
    opening = openings(busy, EVENING)[0]

    ann = next(t for t in takers(opening, busy, EVENING) if t.agent_id == "ann")

    assert ann.overtime_hours == pytest.approx(7.5)
    assert "7.5 h above the contract's target of the week" in ann.reasons


def test_a_taker_who_gives_up_a_shift_leaves_its_hole():
    ground = make_ground(needs={"x": needs_at((0, 480, 780), (0, 840, 1320)), "email": 0})
    roster = make_table(ground, {"ann": ((0, "long", 480),)})
    opening = openings(roster, ground)[0]

    ann = next(t for t in takers(opening, roster, ground) if t.agent_id == "ann")

    assert ann.replaces == "long 08:00-16:00"
    assert ann.covers_hours == pytest.approx(7.25 - 4.25 - 2)
    assert ann.reasons[0] == "gives up long 08:00-16:00"
    assert next(t for t in takers(opening, roster, ground)).agent_id == "bob"


def test_nobody_is_moved_to_a_hole_from_one_as_large():
    ground = make_ground(needs={"x": needs_at((0, 480, 960), (0, 840, 1320)), "email": 0})
    roster = make_table(ground, {"ann": ((0, "long", 480),)})

    found = takers(openings(roster, ground)[0], roster, ground)

    assert [t.agent_id for t in found] == ["bob", "dan"]


def test_pinned_agents_and_those_whose_next_shift_is_too_near_are_not_asked():
    pinned = applied(ROSTER, changes_of(ROSTER, Pin("ann", day(0)), EVENING))
    opening = opening_of(pinned, "bob", day(0), EVENING)

    assert "ann" not in {t.agent_id for t in takers(opening, pinned, EVENING)}
    night = applied(ROSTER, changes_of(ROSTER, Assign("ann", day(3), "long", 1320), EVENING))
    early = opening_of(
        applied(night, changes_of(night, Assign("dan", day(4), "short", 480), EVENING)),
        "dan",
        day(4),
        EVENING,
    )
    assert "ann" not in {t.agent_id for t in takers(early, night, EVENING)}


def test_takers_of_a_shift_are_everybody_else():
    found = takers_of(ROSTER, "ann", day(0), EVENING)

    assert {t.agent_id for t in found} == {"bob", "dan"}
    # Nobody misses Cem's shift: whoever serves one of their queues is asked.
    assert [t.agent_id for t in takers_of(ROSTER, "cem", day(1), EVENING)] == ["bob"]


def test_choices_are_what_the_contract_has_the_lawful_and_cheap_first():
    found = choices(ROSTER, "bob", day(3), EVENING)

    assert (found[0].template, found[0].start_min, found[0].broken) == ("long", 840, ())
    # Friday's night starts at 22:00: the night before would end 16 h earlier, which is allowed.
    assert {(c.template, c.start_min) for c in found} == {
        *(("long", m) for m in (360, 480, 600, 840, 1320)),
        *(("mid", m) for m in (480, 600, 840)),
    }
    for choice in found:
        changes = changes_of(
            ROSTER, Assign("bob", day(3), choice.template, choice.start_min), EVENING
        )
        judgement = judged(ROSTER, changes, EVENING)
        assert choice.broken == judgement.broken
        gained = judgement.short_hours_before - judgement.short_hours_after
        assert choice.covers_hours == pytest.approx(gained, abs=0.02)
        assert choice.paid_hours == judgement.paid_hours_after


def test_choices_that_break_a_rule_name_it_and_come_last():
    found = choices(ROSTER, "bob", day(1), EVENING)

    assert [c.broken for c in found] == sorted((c.broken for c in found), key=len)
    early = next(c for c in found if c.start_min == 360)
    assert {v.rule for v in early.broken} == {"rest"}


def test_choices_leave_out_the_present_shift_and_the_past():
    here = replace(EVENING, frozen_until=instant(0, 600))

    found = choices(ROSTER, "ann", day(0), here)

    assert {(c.template, c.start_min) for c in found} == {
        ("long", 600), ("long", 840), ("mid", 600), ("mid", 840)
    }  # fmt: skip


def test_there_is_no_choice_without_a_contract_on_a_pinned_day_or_outside():
    pinned = applied(ROSTER, changes_of(ROSTER, Pin("ann", day(0)), EVENING))
    new = make_agent("eve", contract="law", since=day(3))
    ground = replace(EVENING, agents=(*AGENTS, new))

    assert choices(pinned, "ann", day(0), EVENING) == []
    assert choices(ROSTER, "eve", day(2), ground) == []
    assert choices(ROSTER, "eve", day(3), ground) != []
    assert choices(ROSTER, "ann", day(9), EVENING) == []
    with pytest.raises(NotFound, match="no agent 'zoe'"):
        choices(ROSTER, "zoe", day(3), EVENING)


def test_time_off_rules_a_taker_out_by_name():
    off = replace(AGENTS[0], time_off=(TimeOff(day(3), day(3)),))
    ground = replace(EVENING, agents=(off, *AGENTS[1:]))

    ann = takers(openings(ROSTER, ground)[0], ROSTER, ground)[-2]

    assert ann.agent_id == "ann"
    assert [v.rule for v in ann.broken] == ["time_off"]
    assert ann.reasons[0] == "works on 1 day of time off (nobody works on granted time off)"


def test_an_empty_roster_and_an_empty_desk_have_openings_or_none():
    assert openings(SCHEMA.empty(), EVENING) != []
    nobody = replace(EVENING, agents=())
    assert openings(SCHEMA.empty(), nobody) == []
    opening = openings(SCHEMA.empty(), EVENING)[0]
    assert takers(opening, SCHEMA.empty(), nobody) == []


def test_a_shift_on_one_queue_leaves_an_opening_for_that_queue():
    ground = make_ground(needs={"x": 0, "email": needs_at((0, 840, 1200))})
    edit = Activity("bob", instant(0, 840), instant(0, 990), "on_queue", "email")
    roster = applied(ROSTER, changes_of(ROSTER, edit, ground))

    assert opening_of(roster, "bob", day(0), ground).queues == ("email",)
    dropped = applied(roster, changes_of(roster, Drop("bob", day(0)), ground))
    assert day_of(dropped, "bob", day(0), ground.brand.tz) == ()
    assert worked_from(roster, "bob", 0) == ("mid", "14:00-20:00")
