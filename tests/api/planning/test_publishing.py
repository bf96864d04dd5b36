"""Drafts and earlier versions are put in force: checked, certified, whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from draftdesk import MONDAY, ROSTERED, TUESDAY, WEDNESDAY, at, keep_plan, own_store, roster_of

from api.planning import drafts, publishing
from api.planning.publishing import PublishRequest
from api.planning.records import load_plan
from api.worker import Work, publish_draft
from scheduling.editing.edits import Assign, Drop
from wfm.errors import Cancelled, Conflict, IllegalMove, LostEdit, RequestError, RuleConflict
from wfm.frames import ROSTER
from wfm.progress import silent
from wfm.settings import Settings
from wfm.store import jobs, plans
from wfm.store.engine import Store, open_store
from wfm.store.tables import audit
from wfm.timegrid import FixedClock

QUICK = PublishRequest(replications=2)
FORCED = PublishRequest(force=True, reason="nobody else is there", replications=2)


@pytest.fixture
def store(desk_home: Path, settings: Settings) -> Iterator[Store]:
    """A store of its own that holds the desk."""
    yield from own_store(desk_home, settings)


@pytest.fixture
def draft_id(store: Store) -> int:
    return drafts.open_draft(store, "current", actor="ann")


def versions(store: Store) -> list[tuple[int, str, int | None]]:
    with store.reading() as connection:
        rows = plans.listing(connection)
    return [(row.plan_id, row.state, row.version) for row in rows]


def test_a_published_draft_is_a_new_version_that_names_where_it_comes_from(
    store: Store, draft_id: int
):
    drafts.edit(store, draft_id, Assign("a4", WEDNESDAY, "day4", 720), actor="ann")
    done = publishing.publish(store, draft_id, QUICK, actor="ben")
    assert (done.plan_id, done.version, done.violations) == (2, 2, ())
    assert versions(store) == [(2, "published", 2), (1, "superseded", 1)]

    plan, draft = load_plan(store, 2), drafts.load_draft(store, draft_id)
    assert (draft.state, draft.published_plan_id) == ("published", 2)
    assert (plan.lineage["base"], plan.lineage["draft"]) == (1, draft_id)
    pd.testing.assert_frame_equal(plan.roster(), draft.roster)
    pd.testing.assert_frame_equal(plan.requirement(), draft.base.requirement())
    pd.testing.assert_frame_equal(plan.forecast(), draft.base.forecast())
    # The fourth shift covers the afternoon: heads there are those of the roster.
    afternoon = plan.staffing(at(WEDNESDAY, 14), at(WEDNESDAY, 15))
    assert afternoon["scheduled"].tolist() == pytest.approx([1.0] * 4)
    assert set(plan.on_shift(at(WEDNESDAY, 12))["agent_id"]) == {"a4"}
    # Six shifts of four paid hours. The solver's figures are not those of an edited roster.
    assert (plan.summary["paid_hours"], plan.summary["violations"]) == (24.0, 0)
    assert "gap" not in plan.summary
    assert plan.certificate_document["replications"] == 2
    assert plan.certificate_document["seed"] not in (33, 0)


def test_broken_rules_are_refused_unless_forced_with_a_reason(store: Store, draft_id: int):
    drafts.edit(store, draft_id, Assign("a2", TUESDAY, "day4", 0), actor="ann")
    with pytest.raises(RuleConflict, match=r"draft 1 breaks rules 1 times: a2 on 2026-03-10") as no:
        publishing.publish(store, draft_id, QUICK, actor="ben")
    assert len(no.value.details["violations"]) == 1
    assert versions(store) == [(1, "published", 1)]
    with pytest.raises(RequestError, match="give a reason"):
        PublishRequest(force=True)

    done = publishing.publish(store, draft_id, FORCED, actor="ben")
    assert len(done.violations) == 1
    assert load_plan(store, done.plan_id).summary["messages"][0].startswith("rule broken: a2")
    with store.reading() as connection:
        kept = connection.execute(audit.select().where(audit.c.action == "plan.force")).one()
    assert (kept.actor, kept.after["reason"]) == ("ben", FORCED.reason)


def test_a_draft_of_days_that_were_published_anew_is_refused(store: Store, draft_id: int):
    other = drafts.open_draft(store, "current", actor="ben")
    publishing.publish(store, other, QUICK, actor="ben")
    with pytest.raises(Conflict, match=r"plan 2 was published as version 2 since draft 1") as told:
        publishing.publish(store, draft_id, QUICK, actor="ann")
    assert told.value.details["plan_id"] == 2
    assert drafts.load_draft(store, draft_id).state == "open"


def test_a_plan_of_other_days_is_no_obstacle(store: Store, draft_id: int):
    keep_plan(store, ROSTER.empty(), first=MONDAY + timedelta(days=7))
    assert publishing.publish(store, draft_id, QUICK, actor="ann").version == 3


def test_a_draft_is_published_at_the_revision_that_was_seen_and_once(store: Store, draft_id: int):
    drafts.edit(store, draft_id, Drop("a1", MONDAY), actor="ann")
    with pytest.raises(LostEdit):
        publishing.publish(store, draft_id, PublishRequest(0, replications=2), actor="ann")
    publishing.publish(store, draft_id, PublishRequest(1, replications=2), actor="ann")
    with pytest.raises(IllegalMove, match="is published"):
        publishing.publish(store, draft_id, QUICK, actor="ann")


def work_on(store: Store, draft_id: int) -> Work:
    return Work(
        store=store,
        job_id="job-1",
        request={"draft_id": draft_id, **QUICK.to_document()},
        actor="ann",
        progress=silent,
        tell=lambda *_words, **_arguments: None,
    )


def test_a_publishing_job_that_is_run_again_publishes_once(store: Store, draft_id: int):
    with store.writing("ann") as writing:
        jobs.insert_job(writing, "job-1", "publish_draft", {})
    first = publish_draft(work_on(store, draft_id))
    assert publish_draft(work_on(store, draft_id)) == first
    assert first == {"plan_id": 2, "version": 2, "violations": []}


def test_a_publishing_job_that_was_cancelled_or_edited_under_leaves_nothing(
    store: Store, draft_id: int, monkeypatch: pytest.MonkeyPatch
):
    with store.writing("ann") as writing:
        jobs.insert_job(writing, "job-1", "publish_draft", {})
        jobs.cancel_job(writing, "job-1")
    with pytest.raises(Cancelled, match="nothing is published"):
        publish_draft(work_on(store, draft_id))

    certify = publishing.certify

    def edited_meanwhile(*arguments: object, **options: object) -> object:
        drafts.edit(store, draft_id, Drop("a1", MONDAY), actor="ben")
        return certify(*arguments, **options)

    monkeypatch.setattr(publishing, "certify", edited_meanwhile)
    with pytest.raises(LostEdit):
        publishing.publish(store, draft_id, QUICK, actor="ann")
    assert versions(store) == [(1, "published", 1)]


def test_an_earlier_version_comes_into_force_again_but_not_its_past(
    store: Store, draft_id: int, settings: Settings
):
    drafts.edit(store, draft_id, Drop("a1", MONDAY), actor="ann")
    drafts.edit(store, draft_id, Drop("a1", TUESDAY), actor="ann")
    publishing.publish(store, draft_id, QUICK, actor="ann")
    later = open_store(settings.store_url, clock=FixedClock(at(TUESDAY, 0)))
    with pytest.raises(IllegalMove, match="is published"):
        publishing.republish(later, "current", QUICK, actor="ben")
    done = publishing.republish(later, 1, QUICK, actor="ben")
    plan = load_plan(later, done.plan_id)
    assert (done.version, plan.lineage["base"], plan.lineage["republished"]) == (3, 1, 1)
    # Nobody worked on Monday morning; Tuesday is as it was first published.
    expected = roster_of(
        ("a2", MONDAY, 12), ("a1", TUESDAY, 8), ("a3", TUESDAY, 12), ("a2", WEDNESDAY, 8)
    )
    pd.testing.assert_frame_equal(plan.roster(), expected)
    assert any("as it was worked" in text for text in plan.summary["messages"])
    later.close()


def test_the_last_night_of_the_roster_before_covers_the_first_morning(store: Store):
    before = MONDAY - timedelta(days=7)
    keep_plan(store, roster_of(("a4", MONDAY - timedelta(days=1), 22)), first=before, days=7)
    keep_plan(store, ROSTERED)
    draft_id = drafts.open_draft(store, "current", actor="ann")
    plan = load_plan(store, publishing.publish(store, draft_id, QUICK, actor="ann").plan_id)
    night = plan.staffing(at(MONDAY, 0), at(MONDAY, 3))
    assert night["scheduled"].tolist() == pytest.approx([1.0] * 8 + [0.0] * 4)
