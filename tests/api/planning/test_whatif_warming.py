"""After warming the first what-if finds what it needs at hand; nothing is written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[1]))
from draftdesk import MONDAY, TUESDAY, WEDNESDAY, at, own_store

from api.planning.whatif import situations
from api.planning.whatif.situations import situation_for
from api.planning.whatif.warming import first_question, warm
from scheduling.whatif.evaluate import evaluate
from scheduling.whatif.scenario import check_scenario
from scheduling.whatif.situation import Situation
from wfm.errors import Cancelled, NotFound
from wfm.settings import Settings
from wfm.store.engine import Store, open_store
from wfm.store.tables import audit


@pytest.fixture
def store(desk_home: Path, settings: Settings) -> Iterator[Store]:
    yield from own_store(desk_home, settings)


def test_the_first_question_after_warming_finds_its_baseline(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    told: list[tuple[float, str]] = []
    with store.reading() as connection:
        before = connection.scalar(sa.select(sa.func.count()).select_from(audit))
    warm(store, lambda done, stage: told.append((done, stage)))

    def simulated_again(*_: object) -> None:
        raise AssertionError("it is simulated or sampled again")

    monkeypatch.setattr(situations, "_situation", simulated_again)
    situation = situation_for(store)
    kept = set(situation._kept)
    evaluate(situation, first_question(situation, store.clock.now()))

    assert kept
    assert set(situation._kept) == kept
    assert told[0] == (0.0, "reading the roster")
    assert told[-1] == (1.0, "ready")
    with store.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(audit)) == before


def test_warming_can_be_stopped(store: Store):
    def stop(done: float, stage: str) -> None:
        if done > 0.3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        warm(store, stop)


def test_a_store_without_a_plan_has_nothing_to_warm(tmp_path: Path):
    empty = open_store(f"sqlite:///{tmp_path}/wfm.sqlite")
    with pytest.raises(NotFound):
        warm(empty)
    empty.close()


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        (at(MONDAY, -200), at(MONDAY, 18)),
        (at(TUESDAY, 9), at(TUESDAY, 18)),
        (at(TUESDAY, 23), at(TUESDAY, 18)),
        (at(WEDNESDAY, 400), at(WEDNESDAY, 18)),
    ],
    ids=["before", "in the morning", "at night", "after"],
)
def test_the_first_question_lies_within_the_roster(store: Store, now: datetime, asked: datetime):
    situation: Situation = situation_for(store)

    scenario = first_question(situation, now)

    assert scenario.surges[0].start == asked
    check_scenario(scenario, situation.brand, start=situation.start, end=situation.end)
    assert scenario.surges[0].end <= situation.end
