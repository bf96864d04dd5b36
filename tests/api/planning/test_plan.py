"""A planning run: pure, repeatable, lawful, and consistent from table to table."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from api.planning import records
from api.planning.plan import (
    STREAMS,
    Plan,
    PlanInputs,
    carried_over,
    compute_plan,
    seed_of,
)
from scheduling.check import check_roster
from wfm.errors import Cancelled, DataError, IllegalMove, NotFound, RequestError
from wfm.frames import FORECAST, ON_SHIFT, REQUIREMENT, ROSTER, STAFFING
from wfm.store import plans
from wfm.store.brands import save_brand
from wfm.store.engine import Store
from wfm.store.people import save_agents
from wfm.store.staffing import current_plan_id, staffing_rows

FRAMES = ("forecast", "requirement", "roster", "staffing", "on_shift")
TWO_DAYS = timedelta(days=2)


def test_the_same_inputs_and_seed_give_the_same_plan(inputs: PlanInputs, plan: Plan):
    again = compute_plan(inputs)
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(plan, name))
    assert again.certificate == plan.certificate
    assert again.lineage == plan.lineage


def test_planning_changes_none_of_its_inputs(inputs: PlanInputs, plan: Plan):
    volumes = inputs.volumes.copy(deep=True)
    short = replace(inputs, end=inputs.start + TWO_DAYS, replications=2, models=("weekly_naive",))
    compute_plan(short)
    pd.testing.assert_frame_equal(inputs.volumes, volumes)


def test_the_tables_of_a_plan_keep_their_schemas_and_cover_the_horizon(plan: Plan):
    for name, schema in zip(
        FRAMES, (FORECAST, REQUIREMENT, ROSTER, STAFFING, ON_SHIFT), strict=True
    ):
        schema.check(getattr(plan, name))
    for name in ("forecast", "requirement", "staffing"):
        table = getattr(plan, name)
        assert len(table) == 7 * 96 * 2
        assert table["start"].min() == plan.start


def test_no_rule_is_broken_and_the_promise_is_kept(inputs: PlanInputs, plan: Plan):
    found = check_roster(plan.roster, inputs.brand, inputs.agents, start=plan.start, end=plan.end)
    assert found == ()
    assert plan.summary["violations"] == 0
    assert plan.summary["attainment"] >= 0.90
    assert plan.summary["worst_hour"]["attainment"] >= 0.85


def test_staffing_adds_up_to_the_agents_on_queue(plan: Plan):
    on_queue = plan.roster[plan.roster["activity"] == "on_queue"]
    inside = on_queue["end"].clip(upper=pd.Timestamp(plan.end)) - on_queue["start"]
    hours = inside.dt.total_seconds().clip(lower=0).sum() / 3600
    assert plan.staffing["scheduled"].sum() / 4 == pytest.approx(hours, abs=1e-6)


def test_last_nights_shift_of_the_roster_before_staffs_the_first_morning(inputs: PlanInputs):
    start = pd.Timestamp(inputs.start)
    night = pd.DataFrame(
        {
            "agent_id": ["S01"],
            "start": [start - pd.Timedelta(hours=2)],
            "end": [start + pd.Timedelta(hours=3)],
            "activity": ["on_queue"],
            "queue": [""],
            "template": ["eight"],
            "pinned": [False],
        }
    ).astype({name: column.dtype for name, column in ROSTER.columns.items()})
    carried = carried_over(replace(inputs, history=night))
    assert carried["agent_id"].tolist() == ["S01"]
    planned = compute_plan(
        replace(inputs, end=inputs.start + TWO_DAYS, history=night, replications=2)
    )
    first = planned.staffing[planned.staffing["start"] == start]
    rostered = planned.on_shift
    present = ((rostered["start"] <= start) & (rostered["end"] > start)).sum()
    assert first["scheduled"].sum() == pytest.approx(present + 1)


def test_a_closed_queue_needs_nobody(plan: Plan):
    table = plan.requirement[plan.requirement["queue"] == "day"]
    closed = (table["start"].dt.hour < 8) | (table["start"].dt.hour >= 20)
    assert (table.loc[closed, "agents"] == 0).all()
    assert (table.loc[~closed, "agents"] >= 1).all()


def test_each_use_of_randomness_has_a_seed_of_its_own():
    seeds = {seed_of(seed, stream) for seed in range(5) for stream in STREAMS}
    assert len(seeds) == 5 * len(STREAMS)


def test_a_plan_that_is_cancelled_stops(inputs: PlanInputs):
    def stop(done: float, _stage: str) -> None:
        if done >= 0.25:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        compute_plan(inputs, stop)


def test_a_kept_plan_comes_back_as_it_was(plan: Plan, store: Store):
    plan_id = records.save_draft(store, plan, "ann")
    kept = records.load_plan(store, plan_id)
    assert (kept.state, kept.version, kept.actor) == ("draft", None, "ann")
    assert kept.certificate == plan.certificate
    for name, schema in zip(
        FRAMES, (FORECAST, REQUIREMENT, ROSTER, STAFFING, ON_SHIFT), strict=True
    ):
        wanted = schema.check(getattr(plan, name)).sort_values(list(schema.key))
        pd.testing.assert_frame_equal(getattr(kept, name)(), wanted.reset_index(drop=True))


def test_publishing_moves_what_the_queue_engine_reads(plan: Plan, store: Store):
    first, second = (records.save_draft(store, plan, "ann") for _ in range(2))
    assert records.publish(store, first, "ann") == 1
    assert records.publish(store, second, "bob") == 2
    assert records.load_plan(store, first).state == "superseded"
    assert records.load_plan(store, "current").plan_id == second
    with store.reading() as connection:
        assert current_plan_id(connection) == second
        rows = staffing_rows(connection, plan.start, plan.start + timedelta(minutes=15))
    assert {row.plan_id for row in rows} == {second}
    with pytest.raises(IllegalMove, match="is superseded; only a draft"):
        records.publish(store, first, "ann")


def test_the_roster_before_is_the_history_of_the_next(plan: Plan, inputs: PlanInputs, store: Store):
    with store.writing("ann") as writing:
        save_brand(writing, inputs.brand)
        save_agents(writing, inputs.agents)
    records.publish(store, records.save_draft(store, plan, "ann"), "ann")
    with store.reading() as connection:
        history = plans.published_roster(connection, start=plan.start, end=plan.end)
    # Whole shifts: the last night's reach beyond the plan.
    assert len(history) == len(plan.roster)


def test_what_is_missing_before_planning_is_told_with_the_command(store: Store):
    request = records.PlanRequest(start=date(2026, 3, 2))
    with pytest.raises(NotFound, match="wfm import brand"):
        records.load(store, request)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weeks": 0}, "1 to 8 weeks"),
        ({"weeks": 9}, "1 to 8 weeks"),
        ({"replications": 1}, "between 2 and"),
        ({"seed": -1}, "between 0 and"),
    ],
)
def test_a_request_out_of_range_is_refused(change: dict[str, int], words: str):
    with pytest.raises(RequestError, match=words):
        records.PlanRequest(start=date(2026, 3, 2), **change)


def test_a_request_survives_its_document():
    request = records.PlanRequest(date(2026, 3, 2), 2, 7, 50, ("blend",), publish=True)
    assert records.PlanRequest.from_document(request.to_document()) == request


def test_a_plan_without_volumes_says_what_to_import(store: Store, inputs: PlanInputs):
    with store.writing("ann") as writing:
        save_brand(writing, inputs.brand)
        save_agents(writing, inputs.agents)
    with pytest.raises(DataError, match="wfm import volumes"):
        records.load(store, records.PlanRequest(start=date(2026, 3, 2)))


@pytest.mark.parametrize(
    ("text", "which"), [("7", 7), ("latest", "latest"), ("current", "current")]
)
def test_a_plan_is_named_by_id_latest_or_current(text: str, which: object):
    assert records.which_plan(text) == which


def test_any_other_name_of_a_plan_is_refused():
    with pytest.raises(RequestError, match="'newest' names no plan"):
        records.which_plan("newest")
