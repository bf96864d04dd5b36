"""Laws of a policy by hours, of absence for a cause, and of a part of a horizon."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.simulation import draws
from scheduling.simulation.dispatch import NEVER, claims_of, dispatch_of
from scheduling.simulation.setting import key_of
from scheduling.simulation.staff import Staff, staff_of
from scheduling.simulation.trial import Simulation, make_trial
from wfm.brands import Planning
from wfm.errors import RequestError
from wfm.frames import INSTANT
from wfm.sla import ServiceGoal

QUICK = settings(max_examples=25, deadline=None, derandomize=True)
SHARES = st.floats(0.0, 1.0)
HOUR = timedelta(hours=1)


def trial_of(desk, **options):
    chosen = {"start": desk.start, "end": desk.end, "seed": 3} | options
    return make_trial(desk.forecast, desk.paths, desk.brand, **chosen)


def usual(desk):
    return dispatch_of(desk.brand, start=desk.start, end=desk.end)


def shifts(desk, agents: int, first_h: float, last_h: float) -> pd.DataFrame:
    """ON_SHIFT of so many agents, each there for all queues between two hours of the day."""
    queues = " ".join(q.name for q in desk.brand.queues)
    table = pd.DataFrame(
        {
            "agent_id": [f"a{n:02}" for n in range(agents)],
            "start": desk.start + first_h * HOUR,
            "end": desk.start + last_h * HOUR,
            "queues": queues,
            "slots": 1,
        }
    )
    return table.astype({"agent_id": "str", "queues": "str", "start": INSTANT, "end": INSTANT})


def staff_in(desk, table: pd.DataFrame, **span) -> Staff:
    return staff_of(table, desk.brand, **({"start": desk.start, "end": desk.end} | span))


def differing(one: Simulation, other: Simulation) -> np.ndarray:
    """Intervals in which anything that is told of an interval differs on any path."""
    told = ("backlog", "first_backlog", "oldest_s", "present_s")
    apart = np.zeros(one.backlog.shape[1], bool)
    for name in told:
        a, b = getattr(one, name), getattr(other, name)
        apart |= (a != b).reshape(*a.shape[:2], -1).any(axis=(0, 2))
    return apart


# -- spike mode ----------------------------------------------------------------------------------


def test_spike_mode_from_an_hour_on_changes_nothing_before_it(make_desk):
    desk = make_desk(12.0, paths=5)
    staff = staff_in(desk, shifts(desk, 3, 0, 24))
    late = usual(desk)
    late.late_every[40:] = 5
    plain = trial_of(desk).run(staff)

    apart = differing(plain, trial_of(desk, dispatch=late).run(staff))

    assert apart.any()
    assert not apart[:40].any()


def test_spike_mode_in_every_interval_is_spike_mode(make_desk):
    desk = make_desk(12.0, paths=5)
    staff = staff_in(desk, shifts(desk, 3, 0, 24))
    always = usual(desk)
    always.late_every[:] = 5
    named, told = trial_of(desk, spike_mode=("x",)), trial_of(desk, dispatch=always)
    assert (named.run(staff).outcomes == told.run(staff).outcomes).all()
    # The same trial under another policy is a trial made for it.
    kept = trial_of(desk, keep=True)
    assert (kept.under(always).run(staff).outcomes == told.run(staff).outcomes).all()
    assert (kept.run(staff).outcomes == trial_of(desk).run(staff).outcomes).all()


def test_a_reserve_is_a_share_of_the_claims():
    assert [claims_of(share) for share in (1.0, 0.5, 0.2, 0.1, 0.0)] == [1, 2, 5, 10, NEVER]
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(RequestError, match="a share from 0 to 1"):
            claims_of(share)


def test_a_reserve_of_everything_is_no_spike_mode(make_desk):
    desk = make_desk(12.0, paths=5)
    staff = staff_in(desk, shifts(desk, 3, 0, 24))
    all_reserved = usual(desk)
    all_reserved.late_every[:] = claims_of(1.0)
    assert not differing(
        trial_of(desk).run(staff), trial_of(desk, dispatch=all_reserved).run(staff)
    ).any()


# -- messages put off ----------------------------------------------------------------------------


def test_what_was_promised_of_a_message_that_is_put_off_stays(make_desk, make_queue):
    """Nobody answers: every message is judged, and counted among the late, as if not put off."""
    desk = make_desk(6.0, make_queue(goals=(ServiceGoal(),)), paths=3)
    nobody = staff_in(desk, shifts(desk, 1, 0, 24).iloc[:0])
    later = usual(desk)
    later.put_off_s[:] = 4 * 3600.0
    plain, put_off = trial_of(desk).run(nobody), trial_of(desk, dispatch=later).run(nobody)
    assert plain.replies[:, -1].sum() > 0
    assert (plain.outcomes == put_off.outcomes).all()
    assert (plain.replies == put_off.replies).all()
    assert not differing(plain, put_off).any()


def test_putting_a_queue_off_helps_the_other_while_both_lack_staff(make_desk, make_queue):
    desk = make_desk(5.0, make_queue("x"), make_queue("mail"), paths=10)
    staff = staff_in(desk, shifts(desk, 3, 0, 24))
    later = usual(desk)
    later.put_off_s[:, 1] = 4 * 3600.0

    def in_time(found: Simulation) -> np.ndarray:
        sums = found.outcomes.sum(axis=(0, 1))
        queues = np.array([line.queue for line in found.lines])
        first = [np.flatnonzero(queues == name)[0] for name in ("x", "mail")]
        return sums[first, 0] / sums[first].sum(axis=1)

    before, after = (
        in_time(t.run(staff)) for t in (trial_of(desk), trial_of(desk, dispatch=later))
    )
    assert after[0] > before[0] + 0.1
    assert after[1] < before[1]


# -- automatic answers ---------------------------------------------------------------------------


@QUICK
@given(shares=st.lists(SHARES, min_size=4, max_size=4), more=SHARES, salt=st.integers(0, 1000))
def test_a_larger_share_of_automatic_answers_resolves_what_a_smaller_did_and_more(
    shares, more, salt
):
    counts = np.full((4, 1), 20, np.int64)
    cases = draws.draw_cases(key_of(f"path {salt}"), counts, np.array([7], np.uint64), 0)
    few = np.array(shares)[:, None]
    many = few + more * (1.0 - few)
    people = draws.for_people(*cases, few)
    assert not (draws.for_people(*cases, many) & ~people).any()
    assert draws.for_people(*cases, np.zeros((4, 1))).all()
    assert not draws.for_people(*cases, np.ones((4, 1))).any()


def test_automatic_answers_resolve_their_share_and_leave_the_rest_as_it_was(make_desk):
    desk = make_desk(10.0, paths=10)
    staff = staff_in(desk, shifts(desk, 40, 0, 24))
    some = usual(desk)
    some.answered[48:] = 0.3
    plain = trial_of(desk).run(staff, keep_starts=True)
    found = trial_of(desk, dispatch=some).run(staff, keep_starts=True)

    came = desk.paths.contacts[:, 48:].sum()
    assert found.automatic.sum() / came == pytest.approx(0.3, abs=0.03)
    assert plain.automatic.sum() == 0
    # With an agent for each, all others are begun when they were.
    fewer = 0
    for before, after in zip(plain.starts, found.starts, strict=True):
        known = np.isfinite(after)
        assert (after[known] == before[known]).all()
        fewer += np.isfinite(before).sum() - known.sum()
    assert fewer == found.automatic.sum()


# -- absence -------------------------------------------------------------------------------------


@QUICK
@given(chances=st.lists(SHARES, min_size=8, max_size=8), more=SHARES, salt=st.integers(0, 1000))
def test_who_is_there_at_a_larger_chance_of_absence_is_there_at_a_smaller_one(chances, more, salt):
    count = len(chances)
    spans = np.array([[100.0 * n, 7200.0 + 100.0 * n] for n in range(count)])
    who = np.arange(count)
    keys = np.array([key_of(f"shift {n}") for n in range(count)], np.uint64)

    def there(absent: np.ndarray) -> set[tuple[float, int, int]]:
        path = key_of(f"path {salt}")
        at, agent, group = draws.draw_presence(path, spans, who, who, keys, 0.1, absent, 0.0)
        return set(zip(at.tolist(), agent.tolist(), group.tolist(), strict=True))

    few = np.array(chances)
    assert there(few + more * (1.0 - few)) <= there(few) <= there(np.zeros(count))
    assert there(np.ones(count)) == set()


@QUICK
@given(
    cuts=st.lists(st.integers(1, 31), max_size=4, unique=True),
    planned=st.floats(0.0, 0.6),
    salt=st.integers(0, 1000),
)
def test_a_span_that_is_cut_in_pieces_is_worked_as_the_whole(cuts, planned, salt):
    def at_work(edges: list[float]) -> np.ndarray:
        """Whether the agent is there, by the second."""
        spans = np.array(list(itertools.pairwise(edges)))
        count = len(spans)
        at, _, group = draws.draw_presence(
            key_of(f"path {salt}"),
            spans,
            np.zeros(count, np.int64),
            np.arange(count),
            np.full(count, key_of("shift"), np.uint64),
            planned,
            np.zeros(count),
            0.0,
        )
        steps = np.where(group >= 0, 1, -1)
        return np.interp(np.arange(0, 30_600, 10), *_stairs(at, steps))

    edges = [900.0, 29_700.0]
    whole, cut = at_work(edges), at_work(sorted([*edges, *(900.0 * (c + 1) for c in cuts)]))
    np.testing.assert_array_equal(whole, cut)


def _stairs(at: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the line that goes up and down by the steps; each is as good as upright."""
    level = np.cumsum(steps)
    return (
        np.concatenate([[-1.0], np.column_stack([at, at + 1e-6]).ravel()]),
        np.concatenate([[0.0], np.column_stack([level - steps, level]).ravel()]),
    )


def test_absence_for_a_cause_comes_on_top_of_the_brands_own(make_desk):
    desk = make_desk(1.0, paths=60, planning=Planning(0.0, 0.2))
    usual_shifts = shifts(desk, 40, 8, 16)
    ill = usual_shifts.assign(away=np.where(np.arange(40) < 20, 0.5, 0.0))
    trial = trial_of(desk)
    before, after = (trial.run(staff_in(desk, t)).present_s for t in (usual_shifts, ill))
    full = 40 * 8 * 3600.0
    assert before.sum(axis=1).mean() == pytest.approx(0.8 * full, rel=0.03)
    assert after.sum(axis=1).mean() == pytest.approx(0.6 * full, rel=0.03)
    assert (after <= before).all()


# -- a part of a horizon -------------------------------------------------------------------------


def test_a_part_of_a_horizon_draws_what_the_whole_draws_there(make_desk):
    """Nothing comes and nobody is there before the part: every figure of it is the whole's."""
    mean = np.where(np.arange(96) < 32, 0.0, 9.0)
    desk = make_desk(mean, paths=5, planning=Planning(0.1, 0.15))
    table = shifts(desk, 6, 9, 17)
    middle = desk.start + 8 * HOUR
    whole = trial_of(desk).run(staff_in(desk, table))

    part = trial_of(desk, start=middle, origin=desk.start)
    there = part.run(staff_in(desk, table, start=middle))
    assert (there.outcomes == whole.outcomes[:, 32:]).all()
    assert (there.backlog == whole.backlog[:, 32:]).all()
    assert there.present_s == pytest.approx(whole.present_s[:, 32:], abs=0.01)
    assert there.busy_s == pytest.approx(whole.busy_s[:, :, 32:], abs=0.01)
    assert there.oldest_s == pytest.approx(whole.oldest_s[:, 32:], abs=0.01)
    # Drawn for itself alone, its agents are away at other moments.
    alone = replace(part, origin=middle).run(staff_in(desk, table, start=middle))
    assert not np.allclose(alone.present_s, there.present_s)


# -- the oldest message --------------------------------------------------------------------------


def test_the_oldest_message_ages_by_the_open_time_until_somebody_comes(make_desk):
    desk = make_desk(np.eye(96)[8] * 50.0, paths=2)
    found = trial_of(desk).run(staff_in(desk, shifts(desk, 60, 6, 24)))
    oldest = found.oldest_s[:, :, 0]
    assert (oldest[:, :8] == 0).all()
    assert ((oldest[:, 8] > 0) & (oldest[:, 8] <= 900)).all()
    assert np.diff(oldest[:, 8:24]) == pytest.approx(900.0)
    assert (oldest[:, 24:] == 0).all()
    assert ((oldest > 0) == (found.backlog[:, :, 0] > 0)).all()
