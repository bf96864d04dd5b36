"""Replays from the store: who answers, which days can be replayed, and what is told about them."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from draftdesk import MONDAY, TUESDAY, WEDNESDAY, at, keep_plan, own_store, roster_of

from api.exports.replaycsv import cases_csv
from api.planning import drafts
from api.planning.whatif import replaying
from api.planning.whatif.replaying import ReplayRequest, replay
from wfm.errors import DataError, NotFound, RequestError
from wfm.ingest.results import import_results
from wfm.settings import Settings
from wfm.store.engine import Store
from wfm.timegrid import FixedClock, format_instant

SUNDAY = MONDAY - timedelta(days=1)
AFTERWARDS = datetime(2026, 3, 13, 12, 0, tzinfo=UTC)
# A case every half hour while somebody is there, each of two minutes' work.
CAME = tuple((day, 8.3 + 0.5 * i) for day in (MONDAY, TUESDAY) for i in range(15))


@pytest.fixture
def bare(desk_home: Path, settings: Settings) -> Iterator[Store]:
    """The desk days later, with nothing on record."""
    for early in own_store(desk_home, settings):
        yield Store(early.engine, FixedClock(AFTERWARDS))


def record(store: Store, tmp_path: Path, came: tuple[tuple[date, float], ...] = CAME) -> None:
    """Cases on record by local day and hour, answered within five minutes."""
    lines = ["queue,arrival,first_response_at,handling_s,external_id"]
    for number, (day, hour) in enumerate(came):
        arrived = at(day, hour)
        replied = format_instant(arrived + timedelta(minutes=5))
        lines.append(f"x,{format_instant(arrived)},{replied},120.5,=c{number}")
    path = tmp_path / "cases.csv"
    path.write_text("\n".join(lines) + "\n")
    import_results(store, [path], actor="ann")


@pytest.fixture
def desk(bare: Store, tmp_path: Path) -> Store:
    record(bare, tmp_path)
    return bare


def test_the_people_in_force_answer_what_is_on_record(desk: Store):
    told: list[str] = []
    found = replay(
        desk, ReplayRequest(MONDAY, TUESDAY, replications=4), lambda _, what: told.append(what)
    )
    assert (found.start, found.end) == (at(MONDAY, 0), at(WEDNESDAY, 0))
    assert (found.known, found.replications, found.played) == (1.0, 4, 30)
    assert found.by_day["day"].unique().tolist() == [str(MONDAY), str(TUESDAY)]
    assert found.by_queue["recorded"].tolist() == [1.0, 1.0]
    assert found.by_queue["replayed"].min() > 0.95
    took = found.cases["replayed_at"] - found.cases["received_at"]
    assert took.min() >= timedelta(seconds=120.5)
    assert told[0] == "reading what is recorded"
    assert told[-1] == "replayed"


def test_a_draft_without_a_shift_leaves_its_hours_late(desk: Store):
    draft_id = drafts.open_draft(desk, "current", actor="ann", name="Thin")
    request = ReplayRequest(MONDAY, TUESDAY, roster=f"draft-{draft_id}", replications=4)
    same = replay(desk, request)
    assert same.by_queue["replayed"].min() > 0.95
    thin = roster_of(("a2", MONDAY, 12), ("a1", TUESDAY, 8), ("a3", TUESDAY, 12))
    plan_id = keep_plan(desk, thin, publish=False)
    found = replay(desk, ReplayRequest(MONDAY, TUESDAY, roster=str(plan_id), replications=4))
    days = found.by_day[found.by_day["queue"] == "x"].set_index("day")
    # Seven of Monday's fifteen cases came before anybody was there in time.
    assert days["replayed"][str(MONDAY)] == pytest.approx(8 / 15, abs=0.14)
    assert days["replayed"][str(TUESDAY)] > 0.95
    assert found.by_queue["difference"].max() < -0.1


def test_whoever_works_into_another_plan_goes_over_to_it(bare: Store, tmp_path: Path):
    night = ((MONDAY, 23.0), (TUESDAY, 0.5), (TUESDAY, 1.5), (TUESDAY, 4.5))
    # The last of them lets the record tell up to Wednesday.
    record(bare, tmp_path, (*night, (WEDNESDAY, 8.3)))
    keep_plan(bare, roster_of(("a1", MONDAY, 22)), days=2)
    other = keep_plan(bare, roster_of(("a1", TUESDAY, 1)), first=TUESDAY, days=1, publish=False)
    found = replay(bare, ReplayRequest(TUESDAY, TUESDAY, roster=str(other), replications=2))
    assert found.played == 4
    assert found.cases["replayed_late"].tolist() == [0.0, 0.0, 0.0]
    # Those in force would have gone at two.
    in_force = replay(bare, ReplayRequest(TUESDAY, TUESDAY, replications=2))
    assert in_force.cases["replayed_late"].tolist() == [0.0, 0.0, 1.0]


def test_a_plan_made_anew_knows_nothing_of_the_days_it_is_replayed_on(
    desk: Store, monkeypatch: pytest.MonkeyPatch
):
    asked: list[object] = []

    def loaded(store: Store, request: object) -> object:
        asked.append(request)
        return "inputs"

    def computed(inputs: object, progress: object) -> SimpleNamespace:
        asked.append(inputs)
        return SimpleNamespace(roster=roster_of(("a4", MONDAY, 8)), start=at(MONDAY, 0))

    monkeypatch.setattr(replaying, "load", loaded)
    monkeypatch.setattr(replaying, "compute_plan", computed)
    found = replay(desk, ReplayRequest(MONDAY, MONDAY, models=("naive",), replications=2))
    assert (asked[0].start, asked[0].weeks, asked[0].models) == (MONDAY, 1, ("naive",))  # type: ignore[attr-defined]
    assert asked[1] == "inputs"
    # a4 is there in the morning alone.
    assert 0.4 < found.by_queue["replayed"].iloc[0] < 0.7


def test_orders_can_be_tried(desk: Store):
    for changes in ({"order": "fifo"}, {"spike_mode": ("x",)}):
        found = replay(desk, ReplayRequest(MONDAY, TUESDAY, replications=2, **changes))
        assert found.by_queue["replayed"].min() > 0.9


def test_cases_are_handed_out_as_csv(desk: Store):
    found = replay(desk, ReplayRequest(MONDAY, MONDAY, replications=2))
    rows = list(csv.DictReader(io.StringIO(cases_csv(found).decode())))
    assert len(rows) == 15
    assert list(rows[0]) == list(found.cases.columns)
    assert rows[0]["received_at"] == format_instant(at(MONDAY, 8.3))
    assert rows[0]["recorded_late"] == "0"


def test_what_cannot_be_replayed_is_told(desk: Store):
    def refused(request: ReplayRequest, kind: type[Exception], match: str) -> None:
        with pytest.raises(kind, match=match):
            replay(desk, request)

    today = AFTERWARDS.date()
    refused(ReplayRequest(MONDAY, today), RequestError, f"{today} is not over yet; replay days")
    refused(ReplayRequest(SUNDAY, MONDAY), RequestError, "no roster was in force on 1 of the 2")
    refused(ReplayRequest(SUNDAY, MONDAY, roster="current"), RequestError, "covers 2026-03-09 to")
    refused(ReplayRequest(MONDAY, MONDAY, roster="99"), NotFound, "99")
    refused(ReplayRequest(MONDAY, MONDAY, spike_mode=("nobody",)), NotFound, "no queue 'nobody'")
    refused(ReplayRequest(WEDNESDAY, WEDNESDAY), DataError, "is on record; import what came")
    far = MONDAY - timedelta(days=60)
    refused(ReplayRequest(far, far), DataError, "is on record; import what came")


def test_requests_that_make_no_sense_are_told():
    def refused(match: str, *days: date, **changes: object) -> None:
        with pytest.raises(RequestError, match=match):
            ReplayRequest(*(days or (MONDAY, MONDAY)), **changes)  # type: ignore[arg-type]

    refused("covers 1 to 93 days", TUESDAY, MONDAY)
    refused("covers 1 to 93 days", MONDAY, MONDAY + timedelta(days=93))
    refused("choose one of them", roster="3", models=("naive",))
    refused("replications is 0", replications=0)
    refused("seed is -1", seed=-1)
    refused("must start between", date(1800, 1, 1), date(1800, 1, 1))


def test_agents_who_are_gone_are_named(desk: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replaying, "load_agents", lambda _: ())
    with pytest.raises(DataError, match=r"names 3 agents who are not known any more.*'a1'"):
        replay(desk, ReplayRequest(MONDAY, TUESDAY))
