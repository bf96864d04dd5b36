"""What the console asks about scenarios: only the newest question of a page is answered."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from api.console import rehearsing
from api.console.rehearsing import Rehearsing, Turn
from scheduling.whatif.scenario import Scenario, Surge
from wfm.errors import Cancelled, Conflict, InternalFault, NotFound
from wfm.store import plans
from wfm.store.engine import open_store
from wfm.timegrid import FixedClock

STARTS = datetime(2026, 3, 2, 17, tzinfo=UTC)
MORNING = datetime(2026, 3, 2, 7, 15, tzinfo=UTC)


def spike(factor, name=""):
    return Scenario(name=name, surges=(Surge(STARTS, 30, ("x",), factor=factor),))


@pytest.fixture(scope="module")
def desk(tmp_path_factory, fill_calm):
    """Who answers questions about a store with two plans of the same days: old and in force."""
    url = f"sqlite:///{tmp_path_factory.mktemp('rehearsed') / 'store.sqlite'}"
    store = open_store(url, clock=FixedClock(MORNING))
    ids = []
    for _ in range(2):
        ids.append(fill_calm(store))
        with store.writing("test") as writing:
            plans.publish(writing, ids[-1])
    yield Rehearsing(store), *ids
    store.close()


def test_a_scenario_is_answered_beside_the_plan_in_force(desk):
    asks, _, plan_id = desk
    found = asks.evaluate(spike(9), plan_id, Turn("a", 1))

    assert found.added_contacts > 0
    assert found.overall.attainment_after < found.overall.attainment_before


def test_the_same_question_is_answered_at_once_whatever_its_name(desk):
    asks, _, plan_id = desk
    first = asks.evaluate(spike(9), plan_id)
    again = asks.evaluate(spike(9, "Evening"), plan_id, Turn("b", 1))

    assert again.table is first.table
    assert again.scenario.name == "Evening"


def test_a_question_is_given_up_when_its_page_has_asked_a_newer_one(desk):
    asks, _, plan_id = desk
    asks.evaluate(spike(9), plan_id, Turn("c", 1))
    asks.evaluate(spike(8), plan_id, Turn("c", 3))

    assert asks.evaluate(spike(7), plan_id, Turn("c", 2)) is None
    assert asks.evaluate(spike(7), plan_id, Turn("d", 2)) is not None


def test_a_superseded_plan_is_told_with_the_one_in_force(desk):
    asks, old, new = desk

    assert (asks.is_superseded(old), asks.is_superseded(new)) == (True, False)
    for ask in (asks.evaluate, asks.search):
        with pytest.raises(Conflict, match=f"plan {new}, is in force"):
            ask(spike(9), old)


def test_a_cause_is_a_scenario_with_its_reason(desk):
    asks, _, _ = desk
    found, because = asks.preset("viral", STARTS, ("x",))

    assert found.surges[0].start == STARTS
    assert because
    with pytest.raises(NotFound, match="no preset 'flood'"):
        asks.preset("flood", STARTS, ("x",))


def test_a_scenario_is_kept_changed_and_laid_aside(desk):
    asks, _, plan_id = desk
    saved = asks.save(spike(4, "Evening"), plan_id, "test")
    changed = asks.change(saved.scenario_id, spike(5, "Evening"), saved.revision, "test")

    assert asks.load(saved.scenario_id).scenario.surges[0].factor == 5
    assert asks.listing()[0].scenario_id == saved.scenario_id
    asks.archive(saved.scenario_id, changed.revision, "test")
    assert asks.listing() == ()


# -- searches -------------------------------------------------------------------------------------


@pytest.fixture
def searching(desk, monkeypatch):
    """Begins a search that does what it is told, and waits until it has ended."""
    asks, _, plan_id = desk

    def begin(work, factor):
        monkeypatch.setattr(rehearsing.scenarios, "repairs", work)
        name = asks.search(spike(factor), plan_id)
        for thread in threading.enumerate():
            if thread.name == "repairs":
                thread.join(timeout=10)
        return asks.searched(name)

    return begin


def test_a_search_tells_how_far_it_is_and_what_it_found(searching):
    def work(store, scenario, *, which, progress):
        progress(0.5, "half of them")
        return f"repairs of plan {which}"

    search = searching(work, 2.1)

    assert (search.done, search.stage) == (0.5, "half of them")
    assert search.found == "repairs of plan 2"
    assert not search.is_open


@pytest.mark.parametrize(
    ("factor", "stop"),
    [
        (2.2, lambda asks, name, _: asks.stop(name)),
        (2.5, lambda asks, name, plan_id: asks.search(spike(2.6), plan_id, name)),
    ],
    ids=["stopped", "another instead"],
)
def test_a_search_that_nobody_waits_for_ends_at_its_next_step(desk, monkeypatch, factor, stop):
    asks, _, plan_id = desk
    stopped = threading.Event()

    def work(store, scenario, *, which, progress):
        stopped.wait(10)
        progress(0.1, "not reached")

    monkeypatch.setattr(rehearsing.scenarios, "repairs", work)
    name = asks.search(spike(factor), plan_id)
    [thread] = [t for t in threading.enumerate() if t.name == "repairs"]
    stop(asks, name, plan_id)
    stopped.set()
    for one in [thread, *(t for t in threading.enumerate() if t.name == "repairs")]:
        one.join(timeout=10)

    assert isinstance(asks.searched(name).problem, Cancelled)


def test_a_fault_of_ours_is_logged_and_told_as_ours(searching, caplog):
    def work(store, scenario, *, which, progress):
        raise ZeroDivisionError("oh")

    search = searching(work, 2.3)

    assert isinstance(search.problem, InternalFault)
    assert "a search for repairs failed" in caplog.text


def test_a_search_that_failed_is_begun_again_and_one_that_found_is_not(searching):
    def work(store, scenario, *, which, progress):
        work.times += 1
        return "found" if work.times > 1 else progress(2, "") or _fail()

    def _fail():
        raise Conflict("the roster has moved on")

    work.times = 0

    assert isinstance(searching(work, 2.4).problem, Conflict)
    assert searching(work, 2.4).found == "found"
    searching(work, 2.4)
    assert work.times == 2


def test_a_search_that_is_not_held_says_so(desk):
    with pytest.raises(NotFound, match="find them again"):
        desk[0].searched("unknown")
    with pytest.raises(NotFound, match="find the repairs again"):
        rehearsing.Search(spike(2)).repair("policy-20")
