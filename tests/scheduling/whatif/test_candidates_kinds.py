"""Each kind of repair where it helps and is possible, and nowhere else."""

import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from repairdesk import (
    DAY8,
    LOOSE,
    QUEUES,
    STANDING_BY,
    TRAINED,
    a_desk,
    at,
    brand_with,
    only,
    spike,
    told,
    works,
)
from test_candidates import BY_NATURE, EVENING, about, begins, moved, newly_broken, of_kind
from whatifdesk import a_situation

from scheduling.editing.changes import Segment, lines_of, table_of, worked
from scheduling.simulation.dispatch import NEVER, claims_of
from scheduling.whatif.candidates import MOST, candidates
from scheduling.whatif.evaluate import evaluate
from scheduling.whatif.policymoves import MORE_RESERVES, RESERVES
from scheduling.whatif.scenario import (
    Absence,
    Goal,
    Loan,
    Policy,
    Scenario,
    Shrinkage,
    Surge,
    joined,
)
from scheduling.whatif.trouble import NOTICE_MIN, trouble_of
from wfm.people import ShiftTemplate
from wfm.sla import ServiceGoal


@pytest.fixture(scope="module")
def desk():
    return a_desk()


@pytest.fixture(scope="module")
def repairs(desk):
    return about(desk)[0]


def offered(situation, kind, **more):
    return of_kind(about(situation, **more)[0], kind)


def minutes_of(changes, activity, start, end):
    """How many minutes of the activity the changes take out of [start, end)."""

    def within(segments):
        spans = (min(s.end, end) - max(s.start, start) for s in segments if s.activity == activity)
        return sum((max(span, timedelta(0)) for span in spans), timedelta(0)).total_seconds() / 60

    return sum(within(c.before) - within(c.after) for c in changes)


# -- people at work ------------------------------------------------------------------------------


def test_breaks_leave_the_trouble_and_stay_in_their_windows(repairs):
    for repair in of_kind(repairs, "breaks"):
        changes = repair.does.changes
        assert minutes_of(changes, "break", at(17), at(21)) == 15 * repair.people
        for change in changes:
            breaks = [s for s in worked(change.after) if s.activity in ("break", "meal")]
            for pause, rule in zip(breaks, DAY8.breaks, strict=True):
                after = (pause.start - change.after[0].start).total_seconds() / 60
                assert rule.earliest <= after <= rule.latest
        assert repair.staff_hours == 0


def test_breaks_that_cannot_leave_the_trouble_stay(desk):
    assert not offered(desk, "breaks", late={"x": (at(8), at(36))}, scenario=spike(at(8)))


def test_training_is_put_off_for_those_who_have_it(repairs):
    best = of_kind(repairs, "activity")[0]
    assert moved([best]) == {a for a in TRAINED if works(6 + int(a[-1]), 2)}
    assert minutes_of(best.does.changes, "training", at(17.25), at(18)) == 45 * best.people
    assert best.staff_hours == 0


def test_without_training_nobody_leaves_it():
    assert not offered(a_desk(trained=()), "activity")


def test_those_stay_whose_shifts_end_in_the_trouble(repairs):
    stays = [r for r in of_kind(repairs, "overtime") if r.repair_id.startswith("overtime")]
    assert {r.repair_id.split("-")[1] for r in stays} == {"30", "60", "120"}
    for repair in stays:
        minutes = int(repair.repair_id.split("-")[1])
        for change in repair.does.changes:
            end, later = (max(s.end for s in day) for day in (change.before, change.after))
            assert at(17.5) <= end < at(21.25)
            assert later - end == timedelta(minutes=minutes)
        assert repair.staff_hours == pytest.approx(repair.people * minutes / 60)


def test_nobody_stays_when_no_shift_ends_in_the_trouble(desk):
    late = {"x": (at(19), at(22))}
    kept = [r.repair_id for r in offered(desk, "overtime", late=late, scenario=spike(at(19)))]
    assert not [name for name in kept if name.startswith("overtime")]


def test_the_breaks_of_a_shift_that_starts_earlier_are_laid_anew(desk):
    repairs = offered(desk, "overtime", late={"x": (at(17), at(23.5))})
    early = [r for r in repairs if r.repair_id.startswith("earlier-60")]
    assert early
    for change in early[0].does.changes:
        shift = worked(change.after)
        assert shift[0].start == worked(change.before)[0].start - timedelta(hours=1)
        assert shift[-1].end == worked(change.before)[-1].end
        assert sum(s.activity != "on_queue" for s in shift) == len(DAY8.breaks)


# -- people who are not there --------------------------------------------------------------------


def test_standby_is_called_from_half_an_hour_on(desk, repairs):
    best = of_kind(repairs, "standby")[0]
    assert moved([best]) == set(STANDING_BY)
    for change in best.does.changes:
        kinds = [(s.start, s.end, s.activity) for s in change.after]
        assert kinds == [(at(16), at(17.5), "standby"), (at(17.5), at(21.25), "on_queue"),
                         (at(21.25), at(24), "standby")]  # fmt: skip
    assert not offered(a_desk(standing_by=()), "standby")


def test_a_shift_that_fits_into_the_standby_is_worked_with_its_breaks():
    short = ShiftTemplate("short", 240, (480,), (DAY8.breaks[0],))
    contract = replace(LOOSE, templates=("day8", "short"))
    brand = replace(brand_with((contract,)), templates=(DAY8, short))
    best = offered(a_desk(brand=brand), "standby")[0]
    for change in best.does.changes:
        shift = worked(change.after)
        assert {s.template for s in shift} == {"short"}
        assert sum(s.activity == "break" for s in shift) == 1


def test_standby_over_midnight_is_called_after_it():
    situation = a_desk()
    night = Segment(at(20), at(30), "standby")
    lines = lines_of(situation.roster) | {"b0": [night], "b1": []}
    situation = replace(situation, roster=table_of(lines))
    (best, *_) = offered(situation, "standby", scenario=spike(at(25)), late={"x": (at(25), at(28))})
    assert best.title == "1 person on standby is called in (from 01:30)"
    assert [(c.agent_id, c.day) for c in best.does.changes] == [
        ("b0", date(2026, 3, 4)),
        ("b0", date(2026, 3, 5)),
    ]


def test_people_are_called_in_on_days_off_only(desk, repairs):
    called = of_kind(repairs, "call_in")
    assert called
    for change in called[0].does.changes:
        assert change.before == ()
        assert change.agent_id not in STANDING_BY
        shift = change.after
        assert shift[0].start >= at(18)
        assert shift[0].start.hour * 60 in DAY8.starts


def test_only_those_who_serve_the_queue_are_moved(repairs):
    assert {a[0] for a in moved(repairs)} <= {"s", "m", "b"}


def test_later_shifts_start_earlier_and_those_of_the_day_after_come_over_to_the_night(
    desk, repairs
):
    assert {r.repair_id.split("-")[0] for r in of_kind(repairs, "tomorrow")} == {"sooner"}
    later = offered(desk, "tomorrow", late={"x": (at(17), at(24))})
    assert {r.repair_id.split("-")[0] for r in later} == {"sooner", "come_over"}
    for repair in later:
        assert repair.staff_hours == pytest.approx(0)
        assert sum(c.after != () for c in repair.does.changes) == repair.people
    for change in [c for r in later if r.repair_id.startswith("sooner") for c in r.does.changes]:
        assert change.after[0].start < change.before[0].start


# -- loans ---------------------------------------------------------------------------------------


def test_people_of_the_same_language_with_room_are_lent(repairs):
    lent = {a for r in of_kind(repairs, "loan") for loan in r.does.loans for a in loan.agents}
    assert lent
    assert {a[0] for a in lent} == {"l"}
    assert all(loan.queues == ("x",) for r in of_kind(repairs, "loan") for loan in r.does.loans)


def test_nobody_is_lent_whose_own_queue_has_no_room():
    assert not offered(a_desk(needs=9), "loan")


def test_nobody_is_lent_whose_own_queue_is_in_trouble(desk):
    late = EVENING | {"linkedin": (at(17), at(20))}
    assert not offered(desk, "loan", late=late)


def test_nobody_is_lent_twice(desk, repairs):
    lent = tuple(a for loan in of_kind(repairs, "loan")[0].does.loans for a in loan.agents)
    loan = Loan(at(17), at(20), lent, ("x",))
    assert not offered(desk, "loan", scenario=spike(loans=(loan,)))


# -- policies ------------------------------------------------------------------------------------


def test_spike_mode_is_offered_with_two_reserves_while_the_trouble_lasts(repairs):
    policies = [p for r in of_kind(repairs, "policy") for p in r.does.policies]
    assert {0.2, 0.5} <= {p.reserve for p in policies}
    assert all(p.spike_mode and p.queues == ("x",) and p.start == at(17) for p in policies)


def test_no_share_of_claims_is_offered_that_cannot_be_kept():
    # Late cases get one claim in so many; rounded to each one, spike mode would change nothing.
    for reserve in (*RESERVES, *MORE_RESERVES):
        every = claims_of(reserve)
        assert (0.0 if every == NEVER else 1 / every) == pytest.approx(reserve)


def test_spike_mode_that_is_on_is_not_offered(desk):
    on = Policy(at(17), at(24), ("x",), spike_mode=True)
    assert not offered(desk, "policy", scenario=spike(policies=(on,)))


def test_spike_mode_is_not_offered_where_it_cannot_save_a_case():
    quick = replace(QUEUES[0], goals=(ServiceGoal.first_response(within_s=300),))
    brand = brand_with(queues=(quick, *QUEUES[1:]))
    assert not offered(a_desk(brand=brand), "policy")


def test_more_is_answered_automatically_where_the_surge_is(desk):
    late = EVENING | {"instagram": (at(17), at(22))}
    answers = offered(desk, "automatic", late=late)
    assert {p.automatic for r in answers for p in r.does.policies} >= {0.1, 0.2, 0.3}
    assert {p.queues for r in answers for p in r.does.policies} == {("x",)}


def test_the_queue_of_the_surge_is_relieved_where_others_suffer(desk):
    answers = offered(desk, "automatic", scenario=spike(queue="email"))
    assert {p.queues for r in answers for p in r.does.policies} == {("email",)}


def test_without_a_surge_the_worst_queue_is_relieved(desk):
    late = EVENING | {"instagram": (at(17), at(22))}
    gone = Scenario("ill", absences=(Absence(at(17), at(22), 0.5),))
    answers = offered(desk, "automatic", late=late, scenario=gone)
    assert {p.queues for r in answers for p in r.does.policies} == {("instagram",)}


def test_where_little_can_be_done_the_queues_beside_are_relieved_too():
    alone = {"m": (("x", "email"), 1)}
    repairs, _ = about(a_desk(teams=alone, trained=(), standing_by=(), pinned=True))
    others = [r for r in of_kind(repairs, "automatic") if r.repair_id.endswith("beside")]
    assert {p.queues for r in others for p in r.does.policies} == {("email",)}


def test_the_longest_promise_waits(repairs):
    waits = [p for r in of_kind(repairs, "put_off") for p in r.does.policies]
    assert {p.put_off_min for p in waits} == {60, 120, 240}
    assert {p.queues for p in waits} == {("email",)}


def test_nothing_waits_where_nothing_is_promised_later():
    assert not offered(a_desk(**only(QUEUES[0], people=30)), "put_off")


# -- any desk ------------------------------------------------------------------------------------


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    begins_at=st.integers(0, 5 * 96),
    lasts=st.integers(1, 120),
    queues=st.sets(st.sampled_from([q.name for q in QUEUES]), min_size=1),
    ahead=st.integers(-8, 48),
    sizes=st.tuples(*[st.integers(0, 4)] * 3),
    contract=st.sampled_from(["loose", "strict"]),
)
def test_on_any_desk_rules_and_notice_are_kept(begins_at, lasts, queues, ahead, sizes, contract):
    names = ("s", "m", "l")
    skills = (("x", "instagram"), ("x", "email"), ("linkedin",))
    teams = {n: (s, size) for n, s, size in zip(names, skills, sizes, strict=True)}
    situation = a_desk(teams=teams, contract=contract)
    starts = at(begins_at / 4, 0)
    known = max(starts - timedelta(minutes=15 * ahead), situation.start)
    scenario = Scenario("any", (Surge(starts, 60, tuple(queues)),), known_from=known)
    late = dict.fromkeys(queues, (starts, starts + timedelta(minutes=15 * lasts)))

    found, refused = about(situation, scenario=scenario, late=late)

    assert len({r.repair_id for r in found}) == len(found) <= MOST
    assert len(refused) < 20
    for repair in found:
        assert joined(scenario, repair.does)
        assert begins(repair) >= known + timedelta(minutes=NOTICE_MIN[repair.kind])
        days = [(c.agent_id, c.day) for c in repair.does.changes]
        assert len(set(days)) == len(days)
    for kind, rules in newly_broken(situation, found).items():
        assert rules <= BY_NATURE.get(kind, set())


# -- where the trouble is ------------------------------------------------------------------------


def trouble(situation, late, scenario=None, **more):
    scenario = scenario or spike()
    return trouble_of(situation, scenario, told(situation, scenario, late, **more))


def test_the_trouble_lasts_until_what_came_last_is_due(desk):
    found = trouble(desk, {"x": (at(17), at(20))})
    assert (found.start, found.end, found.queues) == (at(17), at(20.25), ("x",))
    assert found.missing_h == pytest.approx(199 * 180 / 3600)


def test_a_head_is_worth_most_where_all_of_it_lies_ahead(desk):
    found = trouble(desk, {"x": (at(17), at(20)), "email": (at(17), at(18))})
    x, email = (desk.queues.index(q) for q in ("x", "email"))
    first, last = found.place(at(17)), found.place(at(20))
    assert found.worth[first, x] == pytest.approx(1.0)
    assert 0.5 <= found.worth[last, x] < found.worth[first, x]
    assert 0 < found.worth[first, email] < found.worth[first, x]
    assert not found.worth[: first - 4].any()
    assert found.queues == ("x", "email")


def test_people_are_looked_for_on_one_day_of_a_long_trouble(desk):
    scenario = Scenario("ill", shrinkage=Shrinkage(unplanned=0.3))
    found = trouble(desk, {"x": (at(0, 1), at(0, 6))}, scenario)
    begins_at, ends = found.focus
    assert ends - begins_at == timedelta(days=1)
    assert (found.start, found.end) == (at(0, 1) - timedelta(minutes=15), at(0.25, 6))


def test_another_promise_is_what_is_judged_by(desk):
    scenario = Scenario("more", goals=(Goal("x", share=0.99),))
    assert trouble(desk, {}, scenario, usual=0.95) is not None
    assert trouble(desk, {}, spike(), usual=0.95) is None


def test_what_a_simulation_finds_is_repaired():
    situation = a_situation(paths=5)
    scenario = spike(at(18, 0))
    found, _ = candidates(situation, scenario, evaluate(situation, scenario, replications=5))
    assert len(found) >= 10
    assert {"policy", "automatic", "overtime"} <= {r.kind for r in found}
