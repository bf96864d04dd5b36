"""Simulation of a roster on paths: skills, windows, absence, seeds and threads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from scheduling.simulation import state
from scheduling.simulation.attainment import attainment_by_interval, first_response_s
from scheduling.simulation.dispatch import dispatch_of
from scheduling.simulation.setting import lines_of
from scheduling.simulation.simulate import simulate
from scheduling.simulation.staff import staff_of, staff_of_heads
from scheduling.simulation.trial import make_trial
from wfm.brands import Planning
from wfm.calendars import Hours, ServiceWindow
from wfm.errors import Cancelled, DataError, NotFound, RequestError
from wfm.paths import Paths
from wfm.sla import Duration, ServiceGoal, WorkLaw

OFFICE = ServiceWindow((Hours("UTC", frozenset(range(5)), 540, 1020),))


def constant(desk, agents: int, queue: str = "x") -> pd.DataFrame:
    return pd.DataFrame({"start": desk.index, "queue": queue, "agents": agents})


def run(desk, on_shift, **options):
    chosen = {"start": desk.start, "end": desk.end, "seed": 3} | options
    return simulate(on_shift, desk.forecast, desk.paths, desk.brand, **chosen)


def same(a, b) -> bool:
    arrays = ("outcomes", "backlog", "first_backlog", "busy_s", "present_s", "overrun_s", "replies")
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in arrays)


def test_the_same_seed_gives_the_same_run_on_any_number_of_threads(make_desk, staff):
    desk = make_desk(12.0)
    on_shift = staff(constant(desk, 7))
    one, two, four = (run(desk, on_shift, threads=n) for n in (1, 2, 4))
    assert same(one, two)
    assert same(one, four)
    assert not same(one, run(desk, on_shift, seed=4))


def test_every_case_that_is_due_is_judged_once(make_desk, staff):
    desk = make_desk(12.0)
    for agents in (1, 5, 9):
        judged = run(desk, staff(constant(desk, agents))).outcomes.sum(axis=(1, 2, 3))
        came = desk.paths.contacts.sum(axis=(1, 2))
        due = desk.paths.contacts[:, :-1].sum(axis=(1, 2))
        assert (judged <= came).all()
        assert (judged >= due).all()


def test_when_each_first_reply_was_begun_is_kept_where_it_is_asked_for(make_desk, staff):
    desk = make_desk(6.0, paths=2)
    dispatch = dispatch_of(desk.brand, start=desk.start, end=desk.end)
    dispatch.answered[:] = 0.3
    trial = make_trial(
        desk.forecast,
        desk.paths,
        desk.brand,
        start=desk.start,
        end=desk.end,
        seed=3,
        dispatch=dispatch,
    )
    there = staff_of(staff(constant(desk, 3)), desk.brand, start=desk.start, end=desk.end)
    found = trial.run(there, keep_starts=True)
    assert trial.run(there).starts == ()
    for r, begun in enumerate(found.starts):
        arrivals, _, _ = trial.cases(r)
        assert begun.shape == arrivals.shape
        known = np.isfinite(begun)
        assert (begun[known] >= arrivals[known]).all()
    # None of those that an automatic answer resolved; of the others all but the last.
    begun = sum(int(np.isfinite(begun).sum()) for begun in found.starts)
    people = int(desk.paths.contacts.sum() - found.automatic.sum())
    waiting = int(found.first_backlog[:, -1].sum())
    assert begun == people - waiting


def test_without_agents_everything_waits(make_desk, staff):
    desk = make_desk(4.0)
    nobody = staff(constant(desk, 1)).iloc[:0]
    found = run(desk, nobody)
    assert found.messages == 0
    assert found.present_s.sum() == 0
    assert (found.backlog[:, -1, 0] == desk.paths.contacts.sum(axis=(1, 2))).all()
    assert attainment_by_interval(found)["attainment"].dropna().max() == 0


def test_more_agents_attain_more(make_desk, staff):
    desk = make_desk(12.0)
    attained = [
        attainment_by_interval(run(desk, staff(constant(desk, n))), every=96)["attainment"][0]
        for n in (4, 5, 6, 8)
    ]
    assert attained == sorted(attained)
    assert attained[0] < 0.9 < attained[-1]


def test_other_staff_meets_the_same_cases(make_desk, staff):
    desk = make_desk(6.0)
    few, many = (run(desk, staff(constant(desk, n))) for n in (20, 30))
    # With ample staff nobody waits, so the same draws are the same seconds at work.
    assert few.busy_s.sum() == pytest.approx(many.busy_s.sum())


def test_a_spike_in_the_evening_leaves_the_morning_as_it_was(make_desk, staff):
    desk = make_desk(8.0)
    on_shift = staff(constant(desk, 6))
    before = run(desk, on_shift)
    spiked = desk.paths.contacts.copy()
    spiked[:, 72:80] *= 3
    desk.paths = Paths(desk.start, desk.paths.queues, spiked)
    after = run(desk, on_shift)
    assert np.array_equal(before.outcomes[:, :68], after.outcomes[:, :68])
    assert after.backlog[:, 79].mean() > before.backlog[:, 79].mean() + 20


def test_a_shared_agent_is_present_once(make_desk, make_queue, staff):
    desk = make_desk(np.full((96, 2), 3.0), make_queue("a"), make_queue("b"))
    on_shift = staff(constant(desk, 4, "a")).assign(queues="a b").astype({"queues": "str"})
    found = run(desk, on_shift)
    assert found.present_s == pytest.approx(4 * 900.0)
    assert (found.busy_s.sum(axis=(0, 2)) > 0).all()


def test_agents_answer_only_the_queues_they_know(make_desk, make_queue, staff):
    desk = make_desk(np.full((96, 2), 3.0), make_queue("a"), make_queue("b"))
    found = run(desk, staff(constant(desk, 4, "a")))
    assert found.busy_s[:, 0].sum() > 0
    assert found.busy_s[:, 1].sum() == 0


def test_what_comes_in_at_night_has_a_line_of_its_own(make_desk, make_queue, staff):
    desk = make_desk(3.0, make_queue(window=OFFICE))
    found = run(desk, staff(constant(desk, 8)))
    goal, opening = range(2)
    assert [line.goal for line in found.lines] == ["goal", "opening"]
    inside = np.zeros(96, bool)
    inside[36:68] = True
    assert found.outcomes[:, ~inside, goal].sum() == 0
    assert found.outcomes[:, inside, opening].sum() == 0
    assert found.outcomes[:, :36, opening].sum() > 0
    assert found.busy_s[:, 0, :36].sum() == 0


def test_shrinkage_takes_agents_away(make_desk, staff):
    planning = Planning(planned_shrinkage=0.10, unplanned_shrinkage=0.20)
    desk = make_desk(5.0, paths=200, planning=planning)
    present = run(desk, staff(constant(desk, 10))).present_s.mean() / 900
    assert present == pytest.approx(10 * 0.9 * 0.8, rel=0.03)


def test_spike_mode_saves_most_of_a_spike_that_the_plain_order_loses(make_desk, staff):
    """A threefold morning on a desk with little to spare; every fifth claim is for a late one."""
    mean = np.full(96, 40.0)
    mean[32:40] *= 3
    desk = make_desk(mean)
    on_shift = staff(constant(desk, 19))
    plain, saving = run(desk, on_shift), run(desk, on_shift, spike_mode=("x",))
    share = [r.outcomes[:, :, 0, 0].sum() / r.outcomes[:, :, 0].sum() for r in (plain, saving)]
    assert share[0] < 0.60
    assert share[1] > 0.80
    assert saving.outcomes[:, :, 0, 1].sum() > 0  # the reserve answers late ones


def test_all_metrics_are_counted(make_desk, make_queue, staff):
    goals = (
        ServiceGoal(),
        ServiceGoal("next_reply", 3600, 0.9, "day"),
        ServiceGoal("resolution", 4 * 3600, 0.9, "day"),
    )
    desk = make_desk(5.0, make_queue(goals=goals))
    found = run(desk, staff(constant(desk, 8)))
    first, replies, resolved = found.outcomes.sum(axis=(0, 1, 3))
    cases = desk.paths.contacts.sum()
    assert first == pytest.approx(cases, rel=0.02)
    # continue_p .6 brings 1.5 follow-ups a case; the last ones are cut off by the end.
    assert 1.2 * cases < replies < 1.5 * cases
    assert 0.8 * cases < resolved <= cases
    assert len(lines_of(desk.brand.queues[0])) == 3


def test_a_window_of_the_plan_runs_alone(make_desk, staff):
    desk = make_desk(8.0, days=3)
    on_shift = staff(constant(desk, 7))
    start, end = desk.index[96].to_pydatetime(), desk.index[96 + 144].to_pydatetime()
    part = run(desk, on_shift, start=start, end=end)
    assert part.outcomes.shape[1] == 144
    whole = run(desk, on_shift)
    # From empty, but for the first hours as in the whole.
    a, b = (
        r.outcomes[:, s, 0, 0].sum() for r, s in ((part, slice(16, 140)), (whole, slice(112, 236)))
    )
    assert a == pytest.approx(b, rel=0.01)


def test_more_replications_than_paths_draw_afresh(make_desk, staff):
    desk = make_desk(5.0, paths=3)
    found = run(desk, staff(constant(desk, 4)), replications=6)
    assert found.replications == 6
    assert not np.array_equal(found.busy_s[0], found.busy_s[3])


def test_the_table_over_time_adds_up(make_desk, staff):
    desk = make_desk(8.0)
    found = run(desk, staff(constant(desk, 6)))
    quarters, hours = (attainment_by_interval(found, every=n) for n in (1, 4))
    assert hours["cases"].sum() == pytest.approx(quarters["cases"].sum())
    assert (hours["attainment_low"] <= hours["attainment_high"]).all()
    assert hours["backlog"].tolist() == quarters["backlog"][3::4].tolist()


def test_an_agent_on_two_shifts_at_once_is_named(make_desk, staff):
    desk = make_desk(2.0)
    on_shift = staff(constant(desk, 1))
    later = on_shift.assign(start=on_shift["start"] + pd.Timedelta(hours=1))
    with pytest.raises(DataError, match="'x-000' is on two shifts at once"):
        run(desk, pd.concat([on_shift, later], ignore_index=True))


def test_an_unknown_queue_on_a_shift_is_named(make_desk, staff):
    desk = make_desk(2.0)
    with pytest.raises(NotFound, match="no queue 'y'"):
        run(desk, staff(constant(desk, 1, "y")))


def test_no_replications_are_refused(make_desk, staff):
    desk = make_desk(2.0)
    with pytest.raises(RequestError, match="0 replications"):
        run(desk, staff(constant(desk, 1)), replications=0)


def test_it_stops_when_told_to(make_desk, staff):
    desk = make_desk(2.0)

    def stop(done: float, stage: str) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        run(desk, staff(constant(desk, 1)), progress=stop)


def test_first_come_first_served_keeps_first_replies_waiting_behind_follow_ups(
    make_desk, make_queue, staff
):
    goals = (ServiceGoal(), ServiceGoal("next_reply", 3600, 0.9, "day"))
    desk = make_desk(20.0, make_queue(goals=goals))
    on_shift = staff(constant(desk, 8))
    live, fifo = (run(desk, on_shift, order=order) for order in ("live", "fifo"))
    first, follow = (
        np.array([r.outcomes[:, :, line, 0].sum() for r in (live, fifo)]) for line in (0, 1)
    )
    assert first[0] > 1.1 * first[1]
    assert follow[0] < follow[1]


def test_spike_mode_has_no_place_in_first_come_first_served(make_desk, staff):
    desk = make_desk(2.0)
    with pytest.raises(RequestError, match="spike mode of 'x'"):
        run(desk, staff(constant(desk, 1)), order="fifo", spike_mode=("x",))


def test_first_response_times_agree_with_the_promises_attainment(make_desk, staff):
    desk = make_desk(12.0)
    found = run(desk, staff(constant(desk, 6)))
    sent = np.cumsum(found.replies.sum(axis=0))
    in_time = found.outcomes[:, :, 0, 0].sum()
    assert sent[14] == in_time
    assert sent[-1] == found.outcomes[:, :, 0].sum()
    half, most = first_response_s(found, "x")
    assert half < most
    share = in_time / sent[-1]
    assert first_response_s(found, shares=(share,)) == [pytest.approx(900.0)]


def test_without_agents_there_is_no_first_response_time(make_desk, staff):
    desk = make_desk(4.0)
    assert first_response_s(run(desk, staff(constant(desk, 1)).iloc[:0])) == [None, None]


def test_work_after_a_shift_is_overrun_and_not_presence(make_desk, staff):
    desk = make_desk(30.0)
    on_shift = staff(constant(desk, 8)).assign(end=desk.index[48])
    found = run(desk, on_shift)
    assert found.overrun_s[:, :48].sum() == 0
    assert (found.overrun_s.sum(axis=1) > 0).all()
    # Swamped, so all work until the end; the rest is on time that is not theirs.
    assert found.busy_s.sum() == pytest.approx(
        found.present_s.sum() + found.overrun_s.sum(), rel=0.02
    )
    assert found.busy_s[:, 0, 48:].sum() == pytest.approx(found.overrun_s.sum())


def test_those_who_wait_for_a_first_reply_are_part_of_the_backlog(make_desk, staff):
    desk = make_desk(12.0)
    found = run(desk, staff(constant(desk, 5)))
    assert (found.first_backlog <= found.backlog).all()
    assert 0 < found.first_backlog.sum() < found.backlog.sum()


def test_a_trial_that_keeps_its_cases_answers_them_alike(make_desk):
    desk = make_desk(8.0, paths=5)
    crew = staff_of_heads(np.full((96, 1), 5), np.array([1], np.uint64))
    given = {"start": desk.start, "end": desk.end, "seed": 3}
    kept, fresh = (
        make_trial(desk.forecast, desk.paths, desk.brand, keep=keep, **given)
        for keep in (True, False)
    )
    assert same(kept.run(crew), fresh.run(crew))
    assert same(kept.run(crew), fresh.run(crew))
    # Another law is another handling, though the cases are the same.
    law = kept.law.copy()
    law[0, state.FIRST_MU] += 0.5
    slower = replace(kept, law=law).run(crew)
    assert slower.busy_s.sum() > kept.run(crew).busy_s.sum()


def test_held_conversations_need_more_than_their_work_and_less_than_one_at_a_time(
    make_desk, make_queue, staff
):
    """Work of 12 agents; U(3) = .866 asks for 14, one conversation at a time for 30."""
    work = WorkLaw(
        first_touch=Duration(72.0, 1.0),
        follow_up=Duration(72.0, 1.0),
        think=Duration(180.0, 1.0),
        continue_p=0.6,
        concurrency_max=3,
    )
    desk = make_desk(60.0, make_queue(work=work), paths=8)
    on_time = {
        n: run(desk, staff(constant(desk, n))).outcomes[:, :, 0, :].sum(axis=(0, 1))
        for n in (13, 16)
    }
    share = {n: found[0] / found.sum() for n, found in on_time.items()}
    assert share[13] < 0.5
    assert share[16] > 0.95
