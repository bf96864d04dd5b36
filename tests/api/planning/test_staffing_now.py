"""`wfm staffing now` names the roster that is in force now, not the one that was published last."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from typer.testing import CliRunner

from api.cli.main import app
from api.planning import records
from api.planning.plan import Plan, PlanInputs
from wfm.settings import Settings
from wfm.store.brands import save_brand
from wfm.store.engine import open_store
from wfm.timegrid import FixedClock, format_instant


def a_week_later(plan: Plan) -> Plan:
    week = pd.Timedelta(days=7)
    staffing = plan.staffing.assign(start=plan.staffing["start"] + week)
    return replace(plan, start=plan.start + week, end=plan.end + week, staffing=staffing)


@pytest.mark.parametrize(("days", "version"), [(0, 1), (7, 2)])
def test_publishing_next_weeks_roster_leaves_this_weeks_in_force(
    plan: Plan, inputs: PlanInputs, monkeypatch: pytest.MonkeyPatch, days: int, version: int
):
    store = open_store(Settings().store_url, clock=FixedClock(plan.start))
    with store.writing("ann") as writing:
        save_brand(writing, inputs.brand)
    for made in (plan, a_week_later(plan)):
        records.publish(store, records.save_draft(store, made, "ann"), "ann")
    store.close()
    monkeypatch.setenv("WFM_NOW", format_instant(plan.start + timedelta(days=days, hours=9)))
    done = CliRunner().invoke(app, ["staffing", "now", "--json"])
    told = json.loads(done.stdout)
    assert told["version"] == version
    assert len(told["intervals"]) == 9 * 2
