"""Scenarios as rows: back and forth, one of two who write at once, the audit; both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from wfm.errors import IllegalMove, LostEdit, NotFound
from wfm.frames import FORECAST, ON_SHIFT, REQUIREMENT, ROSTER, STAFFING
from wfm.store import drafts, plans, scenarios
from wfm.store import engine as engine_module
from wfm.store.engine import Store, make_engine, open_store
from wfm.store.forecasts import Version
from wfm.store.tables import audit

MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
DOCUMENT = {"name": "evening", "surges": [{"factor": 4.0}]}


@pytest.fixture
def kept(store: Store) -> scenarios.ScenarioRow:
    """A scenario about plan 1."""
    with store.writing("ann") as writing:
        plans.insert_draft(
            writing,
            start=MONDAY,
            end=MONDAY + timedelta(days=7),
            seed=1,
            lineage={},
            summary={},
            certificate={"goals": []},
            forecast=Version(FORECAST.empty()),
            frames={
                "requirement": REQUIREMENT.empty(),
                "roster": ROSTER.empty(),
                "staffing": STAFFING.empty(),
                "on_shift": ON_SHIFT.empty(),
            },
        )
        scenario_id = scenarios.insert(writing, 1, name="evening", document=DOCUMENT)
        return scenarios.find(writing.connection, scenario_id)


def test_a_scenario_is_kept_changed_and_archived_with_every_step_audited(
    store: Store, kept: scenarios.ScenarioRow
):
    assert (kept.state, kept.revision, kept.document) == ("open", 0, DOCUMENT)
    assert (kept.plan_id, kept.draft_id, kept.campaign, kept.actor) == (1, None, None, "ann")
    with store.writing("bob") as writing:
        scenarios.rewrite(writing, kept, name="night", document={"name": "night"})
        changed = scenarios.find(writing.connection, 1)
        scenarios.archive(writing, changed)
        archived = scenarios.find(writing.connection, 1)
        told = writing.connection.execute(
            sa.select(audit.c.actor, audit.c.action, audit.c.before, audit.c.after)
            .where(audit.c.action.startswith("scenario."))
            .order_by(audit.c.id)
        ).all()
    assert (changed.name, changed.revision, changed.actor) == ("night", 1, "bob")
    assert (archived.state, archived.revision) == ("archived", 2)
    assert [(row.actor, row.action) for row in told] == [
        ("ann", "scenario.save"), ("bob", "scenario.change"), ("bob", "scenario.archive"),
    ]  # fmt: skip
    assert told[1].before == {"revision": 0, "plan": 1, "scenario": DOCUMENT}
    assert told[1].after == {"revision": 1, "plan": 1, "scenario": {"name": "night"}}


def test_who_saw_an_older_revision_changes_nothing(store: Store, kept: scenarios.ScenarioRow):
    with store.writing("bob") as writing:
        scenarios.rewrite(writing, kept, name="night", document={})
    with pytest.raises(LostEdit, match="at revision 1 by bob, not at 0"), store.writing("ann") as w:
        scenarios.rewrite(w, kept, name="noon", document={})
    with store.reading() as connection:
        assert scenarios.find(connection, 1).name == "night"


def test_a_promoted_scenario_is_settled_and_says_what_it_became(
    store: Store, kept: scenarios.ScenarioRow
):
    with store.writing("ann") as writing:
        draft_id = drafts.insert(writing, 1, name="evening")
        scenarios.note_promoted(writing, kept, draft_id=draft_id)
    with pytest.raises(IllegalMove, match="promoted to draft 1 by ann"), store.writing("bob") as w:
        scenarios.note_promoted(w, kept, campaign="evening")
    with store.reading() as connection:
        now = scenarios.find(connection, 1)
    assert (now.state, now.draft_id, now.campaign) == ("promoted", 1, None)


def test_scenarios_are_listed_newest_first_page_by_page(store: Store, kept: scenarios.ScenarioRow):
    with store.writing("ann") as writing:
        for name in ("two", "three"):
            scenarios.insert(writing, 1, name=name, document={})
        scenarios.archive(writing, kept)

    def names(**asked: object) -> list[str]:
        with store.reading() as connection:
            return [row.name for row in scenarios.listing(connection, **asked)]

    assert names(limit=2) == ["three", "two"]
    assert names(limit=2, before=2) == ["evening"]
    assert names(state="open") == ["three", "two"]
    with store.reading() as connection, pytest.raises(NotFound, match="no scenario 9"):
        scenarios.find(connection, 9)


def test_a_store_of_the_fourth_version_keeps_its_recorded_cases(new_url: str):
    engine = make_engine(new_url)
    config = Config()
    folder = engine_module.__file__.removesuffix("engine.py") + "migrations"
    config.set_main_option("script_location", folder)
    with engine.connect() as plain:
        connection = plain.execution_options(wfm_write=True)
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "0004")
        with connection.begin():
            connection.execute(
                sa.text(
                    "INSERT INTO case_results (case_key, queue, received_at, paused_s)"
                    " VALUES ('c1', 'x', '2026-03-02 09:00:00', 5)"
                )
            )
    engine.dispose()
    store = open_store(new_url)
    with store.reading() as connection:
        rows = connection.execute(
            sa.text("SELECT case_key, paused_s, handling_s FROM case_results")
        ).all()
        assert scenarios.listing(connection) == []
    store.close()
    assert [tuple(row) for row in rows] == [("c1", 5.0, None)]
