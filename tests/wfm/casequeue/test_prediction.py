"""What is predicted of the next hour, against a simulation that shares no code with it."""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import replace
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.casequeue.ahead import Ahead, Group, Outlook, Owed
from wfm.casequeue.prediction import predict
from wfm.sla import Duration, WorkLaw

HOUR = 3600.0
WORK = WorkLaw(
    first_touch=Duration(180.0, 0.5),
    follow_up=Duration(120.0, 0.5),
    continue_p=0.6,
    think=Duration(1200.0, 1.0),
)


def ahead(queue: str = "x", arrivals: float = 0.0, waiting: int = 0, **more: object) -> Ahead:
    """A queue with its backlog due evenly over the next quarter-hour."""
    owed = [Owed(900 * (i + 0.5) / waiting, first=1) for i in range(waiting)]
    values = {"threshold_s": 900.0, "share": 0.9, "work": WORK, "owed": owed, **more}
    return Ahead(queue=queue, arrivals=[arrivals] * 4, **values)


def crew(agents: float, *queues: str) -> Group:
    return Group(frozenset(queues or ("x",)), [agents] * 4)


# -- the witness: agents and messages one by one -------------------------------------------------


def draw(law: Duration, chance: random.Random) -> float:
    variance = math.log1p(law.cv**2)
    return chance.lognormvariate(math.log(law.mean_s) - variance / 2, math.sqrt(variance))


def one_hour(
    queues: list[Ahead], groups: list[Group], chance: random.Random
) -> dict[str, tuple[int, int]]:
    """One hour as it may go: by queue, first replies that fell due and those of them late."""
    told = {one.queue: one for one in queues}
    count = iter(range(10**9))
    waiting: list[tuple[float, int, str, bool]] = []
    events: list[tuple[float, int, str, str, frozenset[str]]] = []
    due, late = dict.fromkeys(told, 0), dict.fromkeys(told, 0)
    for one in queues:
        for owed in one.owed:
            waiting += [(owed.due_in_s, next(count), one.queue, True)] * round(owed.first)
        at = 0.0
        while one.arrivals[0] > 0 and at < HOUR:
            at += chance.expovariate(one.arrivals[0] / 900)
            events.append((at, next(count), "new", one.queue, frozenset()))
    heapq.heapify(events)
    free = [group.queues for group in groups for _ in range(round(group.agents[0]))]

    def judge(queue: str, deadline: float, sent: float) -> None:
        if 0 <= deadline < HOUR:
            due[queue] += 1
            late[queue] += sent > deadline

    def set_to_work(at: float) -> None:
        waiting.sort()
        for agent in sorted(free, key=len):
            mine = next((case for case in waiting if case[2] in agent), None)
            if mine is None:
                continue
            waiting.remove(mine)
            free.remove(agent)
            deadline, _, queue, first = mine
            work = told[queue].work
            done = at + draw(work.first_touch if first else work.follow_up, chance)
            if first:
                judge(queue, deadline, done)
            heapq.heappush(events, (done, next(count), "done", queue, agent))

    set_to_work(0.0)
    while events and events[0][0] < HOUR:
        at, _, what, queue, agent = heapq.heappop(events)
        if what == "done":
            free.append(agent)
            if chance.random() < told[queue].work.continue_p:
                back = at + draw(told[queue].work.think, chance)
                heapq.heappush(events, (back, next(count), "again", queue, frozenset()))
        else:
            first = what == "new"
            threshold = told[queue].threshold_s if first else told[queue].follow_up_s
            waiting.append((at + threshold, next(count), queue, first))
        set_to_work(at)
    for deadline, _, queue, first in waiting:
        if first:
            judge(queue, deadline, math.inf)
    return {queue: (due[queue], late[queue]) for queue in told}


def simulated(queues: list[Ahead], groups: list[Group], hours: int = 25) -> dict[str, float]:
    """By queue, the share in time over many such hours."""
    sums = {one.queue: [0, 0] for one in queues}
    for seed in range(hours):
        for queue, (due, late) in one_hour(queues, groups, random.Random(seed)).items():
            sums[queue][0] += due
            sums[queue][1] += late
    return {queue: 1 - late / max(due, 1) for queue, (due, late) in sums.items()}


def situations() -> list[tuple[list[Ahead], list[Group]]]:
    """Random situations: one to three queues, agents of their own or shared, calm to hopeless."""
    chance = random.Random(7)
    made = []
    for _ in range(16):
        names = "abc"[: chance.choice([1, 1, 2, 3])]
        if chance.random() < 0.5:
            groups = [crew(chance.randint(2, 8), *names)]
        else:
            groups = [crew(chance.randint(1, 5), name) for name in names]
        agents = sum(group.agents[0] for group in groups)
        load = chance.uniform(0.4, 2.0)
        queues = [
            ahead(
                name,
                arrivals=load * agents / len(names) * 900 / 300,
                waiting=round(chance.choice([0, 0, 1, 3]) * agents / len(names)),
                threshold_s=chance.choice([900.0, 1800.0]),
            )
            for name in names
        ]
        made.append((queues, groups))
    return made


def test_the_predicted_share_is_close_to_the_simulated_one():
    errors = []
    for queues, groups in situations():
        outlook, truth = predict(queues, groups), simulated(queues, groups)
        errors += [outlook[name].share - truth[name] for name in truth]

    assert max(map(abs, errors)) < 0.15
    assert sum(map(abs, errors)) / len(errors) < 0.03
    assert abs(sum(errors)) / len(errors) < 0.02


def test_a_hopeless_hour_is_told_from_a_quiet_one():
    for queues, groups in situations():
        outlook, truth = predict(queues, groups), simulated(queues, groups)
        for name, share in truth.items():
            if share < 0.80:
                assert outlook[name].breaks_in_s is not None
            if share > 0.99:
                assert outlook[name].share > 0.9


# -- laws ----------------------------------------------------------------------------------------

loads = st.floats(0, 40)
crews = st.floats(0, 12)


def share(arrivals: float, agents: float, waiting: int) -> float:
    return look(arrivals, agents, waiting).share


def look(arrivals: float, agents: float, waiting: int = 0) -> Outlook:
    return predict([ahead(arrivals=arrivals, waiting=waiting)], [crew(agents)])["x"]


@settings(derandomize=True, deadline=None, max_examples=40)
@given(arrivals=loads, agents=crews, waiting=st.integers(0, 60), more=st.floats(0.5, 10))
def test_more_agents_never_make_it_worse_and_more_work_never_better(
    arrivals, agents, waiting, more
):
    now = look(arrivals, agents, waiting)

    # A fluid in steps of a minute: half a case of rounding.
    assert look(arrivals, agents + more, waiting).late <= now.late + 0.5
    assert look(arrivals + more, agents, waiting).late >= now.late - 0.5


@settings(derandomize=True, deadline=None, max_examples=40)
@given(arrivals=loads, agents=crews, waiting=st.integers(0, 60))
def test_what_falls_due_is_in_time_or_late_and_nothing_is_lost(arrivals, agents, waiting):
    seen = look(arrivals, agents, waiting)

    # Due within the hour: what waits, and what comes before the last quarter-hour.
    assert seen.due == pytest.approx(waiting + 3 * arrivals, abs=1e-6)
    for quarter in seen.quarters:
        assert -1e-9 <= quarter.late <= quarter.due + 1e-6
    served = waiting + 4 * arrivals - seen.quarters[-1].waiting
    assert served <= agents * HOUR / WORK.first_touch.mean_s + 1e-6


def test_with_nobody_there_all_that_falls_due_is_late_from_the_first_quarter_on():
    seen = look(arrivals=0, agents=0, waiting=4)

    assert (seen.due, seen.late, seen.breaks_in_s) == (4, 4, 0)
    assert seen.worst_wait_s is None


def test_an_empty_queue_keeps_its_promise():
    seen = look(arrivals=0, agents=0)
    assert (seen.share, seen.breaks_in_s, seen.worst_wait_s) == (1.0, None, 0.0)


def test_shared_agents_turn_to_the_queue_that_is_due_first():
    busy, calm = ahead("busy", arrivals=30), ahead("calm", arrivals=1)

    apart = predict([busy, calm], [crew(4, "busy"), crew(4, "calm")])
    together = predict([busy, calm], [crew(8, "busy", "calm")])

    assert together["busy"].share > apart["busy"].share + 0.2
    assert together["calm"].share > 0.95


def test_putting_another_queue_off_helps_the_one_that_is_late():
    busy = ahead("busy", arrivals=22)
    slow = ahead("slow", arrivals=8, threshold_s=1800.0)
    groups = [crew(6, "busy", "slow")]

    usual = predict([busy, slow], groups)
    put_off = predict([busy, replace(slow, put_off_s=3600.0)], groups)

    assert put_off["busy"].late < usual["busy"].late
    assert put_off["slow"].late > usual["slow"].late


def test_spike_mode_saves_what_can_still_be_saved():
    late = [Owed(-60.0, first=40)]
    spike = ahead(arrivals=12, owed=late)

    usual = predict([spike], [crew(4)])["x"]
    saving = predict([replace(spike, spike_mode=True)], [crew(4)])["x"]

    assert saving.share > usual.share + 0.2


def test_what_comes_while_the_queue_is_shut_is_due_after_it_opens():
    shut = ahead(arrivals=5, opens=[(1800.0, 40_000.0)], opening_s=600.0)

    seen = predict([shut], [crew(20)])["x"]

    assert [round(quarter.due) for quarter in seen.quarters[:3]] == [0, 0, 10]
    assert seen.quarters[1].waiting == pytest.approx(10)
    assert seen.share > 0.9


def test_customers_who_write_again_cost_time_too():
    quiet = ahead(arrivals=18, waiting=10, follow_up_s=900.0)

    assert (
        predict([replace(quiet, thinking=60.0)], [crew(5)])["x"].late
        > predict([quiet], [crew(5)])["x"].late
    )


def test_a_prediction_takes_less_than_five_milliseconds_a_queue():
    queues = [ahead(name, arrivals=10, waiting=40) for name in "abcdef"]
    groups = [crew(3, *names) for names in ("ab", "bc", "cd", "def", "a", "f")]
    predict(queues, groups)

    begun = process_time()
    for _ in range(5):
        predict(queues, groups)

    assert (process_time() - begun) / 5 / len(queues) < 0.005
