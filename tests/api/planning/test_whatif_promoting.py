"""Scenarios become drafts and campaigns; of two who promote at once one is told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from draftdesk import (
    BRAND,
    MONDAY,
    ROSTERED,
    TUESDAY,
    WEDNESDAY,
    at,
    keep_desk,
    keep_plan,
    own_store,
    shift,
)

from api.planning.drafts import changes_in, list_drafts, load_draft
from api.planning.records import load_plan
from api.planning.whatif import promoting, scenarios
from forecasting.events.curves import campaign_shape
from scheduling.editing.changes import Change, applied
from scheduling.whatif.scenario import Absence, Policy, Scenario, Shrinkage, Surge
from wfm.errors import Conflict, IllegalMove, LostEdit, RequestError
from wfm.settings import Settings
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store
from wfm.store.tables import audit
from wfm.timegrid import FixedClock, intervals

SURGE = Surge(at(MONDAY, 9), 120, ("x",), factor=4.0, rise_min=15, half_life_min=45, cause="viral")
# One more person on Wednesday afternoon, when nobody is there.
HELP = Change("a1", WEDNESDAY, (), shift(WEDNESDAY, 12))
FULL = Scenario(
    "spike",
    surges=(SURGE, replace(SURGE, start=at(TUESDAY, 9))),
    absences=(Absence(at(MONDAY, 9), at(MONDAY, 12), 0.2),),
    shrinkage=Shrinkage(unplanned=0.1),
    changes=(HELP,),
)


@pytest.fixture
def store(desk_home: Path, settings: Settings) -> Iterator[Store]:
    yield from own_store(desk_home, settings)


def save(store: Store, scenario: Scenario = FULL) -> int:
    return scenarios.save(store, scenario, actor="ann").scenario_id


def campaigns(store: Store) -> tuple:
    with store.reading() as connection:
        return load_campaigns(connection)


# -- to a draft ----------------------------------------------------------------------------------


def test_its_changes_of_the_roster_become_an_edit_of_a_new_draft(store: Store):
    saved, draft_id = promoting.promote_to_draft(store, save(store), actor="bob", revision=0)
    assert (saved.state, saved.draft_id, saved.revision) == ("promoted", draft_id, 1)
    draft = load_draft(store, draft_id)
    (edit,) = draft.edits
    assert (draft.name, draft.plan_id, draft.actor) == ("spike", saved.plan_id, "bob")
    assert changes_in(edit) == (HELP,)
    pd.testing.assert_frame_equal(draft.roster, applied(ROSTERED, [HELP]))
    assert edit.reason == (
        "what if: spike (scenario 1); not in the draft: 2 surges, 1 absence, the other shrinkage"
    )


def test_a_promoted_scenario_is_promoted_once(store: Store):
    scenario_id = save(store)
    promoting.promote_to_draft(store, scenario_id, actor="bob")
    for promote in (promoting.promote_to_draft, promoting.promote_to_campaign):
        with pytest.raises(IllegalMove, match="was promoted to draft 1 by bob"):
            promote(store, scenario_id, actor="ann")
    assert len(list_drafts(store)) == 1
    assert campaigns(store) == ()


def test_a_scenario_without_changes_of_the_roster_becomes_no_draft(store: Store):
    scenario_id = save(store, replace(FULL, changes=()))
    with pytest.raises(RequestError, match="changes nothing of the roster"):
        promoting.promote_to_draft(store, scenario_id, actor="ann")
    with pytest.raises(LostEdit):
        promoting.promote_to_draft(store, save(store), actor="ann", revision=4)
    assert list_drafts(store) == ()
    assert scenarios.load(store, scenario_id).state == "open"


def test_a_scenario_of_a_superseded_plan_becomes_no_draft(store: Store):
    scenario_id = save(store)
    newer = keep_plan(store)
    with pytest.raises(Conflict, match=f"plan {newer} is in force"):
        promoting.promote_to_draft(store, scenario_id, actor="ann")
    assert (list_drafts(store), scenarios.load(store, scenario_id).state) == ((), "open")


def test_what_is_past_by_now_becomes_no_draft(store: Store):
    scenario_id = save(store)
    store.clock = FixedClock(at(WEDNESDAY, 14))
    with pytest.raises(RequestError, match="is past; change what comes after"):
        promoting.promote_to_draft(store, scenario_id, actor="ann")
    assert list_drafts(store) == ()


def test_of_two_who_promote_at_once_one_is_told_and_one_draft_is_made(
    make_store: Callable[..., Store],
):
    store = make_store()
    keep_desk(store)
    keep_plan(store)
    scenario_id = save(store)
    together = Barrier(2)

    def promote(actor: str) -> object:
        own = make_store()
        together.wait(timeout=20)
        try:
            return promoting.promote_to_draft(own, scenario_id, actor=actor, revision=0)[1]
        except Conflict as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        first, second = sorted(pool.map(promote, ("ann", "bob")), key=lambda x: isinstance(x, int))
    assert isinstance(first, IllegalMove)
    (draft,) = list_drafts(store)
    assert scenarios.load(store, scenario_id).draft_id == draft.draft_id == second
    assert len(load_draft(store, draft.draft_id).edits) == 1


# -- to a campaign -------------------------------------------------------------------------------


def test_its_surges_become_campaigns_that_bring_what_they_bring(store: Store):
    saved, campaign = promoting.promote_to_campaign(store, save(store), actor="bob")
    assert (saved.state, saved.campaign) == ("promoted", "spike")
    first, second = campaigns(store)
    assert first == campaign
    assert (first.name, second.name) == ("spike", "spike (2)")
    assert (first.peak_uplift, first.category, first.queues) == (3.0, "viral", ("x",))
    assert second.start == at(TUESDAY, 9)
    for when in intervals(at(MONDAY, 8), at(MONDAY, 18)):
        assert first.peak_uplift * first.shape(when) == pytest.approx(3.0 * SURGE.shape(when))
    assert promoting.left_out(FULL, "campaign") == (
        "1 absence", "1 change of the roster", "the other shrinkage",
    )  # fmt: skip
    with store.reading() as connection:
        told = connection.execute(audit.select().where(audit.c.action == "campaign.promote")).all()
    assert [(row.actor, row.subject) for row in told] == [("bob", "spike"), ("bob", "spike (2)")]


def test_added_contacts_become_the_uplift_that_brings_as_many(store: Store):
    scenario_id = save(store, Scenario("post", surges=(replace(SURGE, factor=1.5, added=300.0),)))
    _, campaign = promoting.promote_to_campaign(
        store, scenario_id, actor="ann", name="A post", category="launch"
    )
    forecast = load_plan(store, 1).forecast()
    shape = campaign_shape(campaign, pd.DatetimeIndex(forecast["start"]))
    brought = (campaign.peak_uplift - 0.5) * (forecast["mean"].to_numpy() * shape).sum()
    assert brought == pytest.approx(300.0)
    assert (campaign.name, campaign.category) == ("A post", "launch")


def test_a_dip_becomes_a_campaign_that_takes_away_nine_tenths_at_most(store: Store):
    silence = replace(SURGE, queues=(), factor=0.0, cause="outage")
    idle = replace(SURGE, factor=1.0)
    scenario_id = save(store, Scenario("outage", surges=(idle, silence)))
    _, campaign = promoting.promote_to_campaign(store, scenario_id, actor="ann")
    assert campaign.peak_uplift == pytest.approx(-0.9)
    assert campaign.queues == tuple(queue.name for queue in BRAND.queues)
    assert len(campaigns(store)) == 1


def test_what_can_be_no_campaign_is_refused_and_the_scenario_stays_open(store: Store):
    promoting.promote_to_campaign(store, save(store), actor="ann")
    policy = Policy(at(MONDAY, 9), at(MONDAY, 12), spike_mode=True)
    ids = [
        save(store),
        save(store, Scenario("policy", policies=(policy,))),
    ]
    for scenario_id, options, told in (
        (ids[0], {}, "campaign 'spike' already"),
        (ids[1], {}, "no surge"),
        (ids[0], {"name": "odd", "category": "rumour"}, "'rumour' is no category"),
        # The second surge's campaign has its number behind the name.
        (ids[0], {"name": "n" * 198}, "campaign's name has 202 characters"),
        (ids[0], {"name": "a\0b"}, "control characters"),
    ):
        with pytest.raises(RequestError, match=told):
            promoting.promote_to_campaign(store, scenario_id, actor="ann", **options)
        assert scenarios.load(store, scenario_id).state == "open"
    assert len(campaigns(store)) == 2
