"""Scenarios become plans: changes of the roster a draft, surges campaigns of the forecast.

Each is done with the scenario's move to "promoted" in one transaction: of two who promote at once
one is told, and nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pandas as pd

from api.planning import drafts
from api.planning.drafts import rostered
from api.planning.records import load_plan
from api.planning.whatif.saved import SavedScenario, check_current, check_name, find_open, saved_of
from forecasting.events.curves import campaign_shape
from forecasting.events.uplift import LEAST_FACTOR
from scheduling.editing.lines import refuse_past
from scheduling.whatif.scenario import PARTS, Scenario, Surge
from wfm.campaigns import CATEGORIES, Campaign, Category
from wfm.errors import Conflict, RequestError
from wfm.store import drafts as draft_rows
from wfm.store import scenarios
from wfm.store.brands import load_brand
from wfm.store.campaigns import load_campaigns, save_campaigns
from wfm.store.engine import Store

Target = Literal["draft", "campaign"]

# What each target holds of a scenario's parts.
_HELD: dict[Target, str] = {"draft": "changes", "campaign": "surges"}
# A part in words: one of them, several.
_WORDS = {
    "surges": ("surge", "surges"),
    "handling": ("handling time", "handling times"),
    "absences": ("absence", "absences"),
    "goals": ("other promise", "other promises"),
    "policies": ("policy", "policies"),
    "extra": ("group of extra people", "groups of extra people"),
    "loans": ("loan of skills", "loans of skills"),
    "changes": ("change of the roster", "changes of the roster"),
}


def left_out(scenario: Scenario, to: Target) -> tuple[str, ...]:
    """The parts that a draft or a campaign cannot hold, in words, as "2 absences"."""
    others = [name for name in PARTS if name != _HELD[to] and getattr(scenario, name)]
    told = []
    for name in others:
        if name == "shrinkage":
            told.append("the other shrinkage")
        else:
            count = len(getattr(scenario, name))
            told.append(f"{count} {_WORDS[name][count > 1]}")
    return tuple(told)


def promote_to_draft(
    store: Store, scenario_id: int, *, actor: str, revision: int | None = None
) -> tuple[SavedScenario, int]:
    """Open a draft of the scenario's plan with its changes of the roster as one edit; gives the id.

    revision  the one that is promoted; None: whatever it is now

    The edit's reason tells what the draft does not hold (`left_out`). RequestError when the
    scenario changes nothing of the roster, or what is past; Conflict when its plan has been
    superseded; LostEdit and IllegalMove when it was changed, promoted or archived meanwhile. Then
    nothing is kept.
    """
    held = find_open(store, scenario_id, revision)
    saved = saved_of(held)
    changes = saved.scenario.changes
    if not changes:
        raise RequestError(
            f"scenario {scenario_id} changes nothing of the roster, so there is nothing for a "
            "draft to hold; apply a repair that does, or promote it to a campaign",
            scenario_id=scenario_id,
        )
    ground = rostered(store, saved.plan_id).ground
    for change in changes:
        refuse_past(change, ground)
    with store.writing(actor) as writing:
        check_current(writing.connection, saved)
        draft_id = draft_rows.insert(writing, saved.plan_id, name=saved.name)
        drafts.keep(writing, draft_id, 0, changes, kind="what_if", reason=_reason(saved))
        scenarios.note_promoted(writing, held, draft_id=draft_id)
        return saved_of(scenarios.find(writing.connection, scenario_id)), draft_id


def _reason(saved: SavedScenario) -> str:
    reason = f"what if: {saved.name} (scenario {saved.scenario_id})"
    others = left_out(saved.scenario, "draft")
    return f"{reason}; not in the draft: {', '.join(others)}" if others else reason


def promote_to_campaign(
    store: Store,
    scenario_id: int,
    *,
    actor: str,
    revision: int | None = None,
    name: str = "",
    category: str | None = None,
) -> tuple[SavedScenario, Campaign]:
    """Make the scenario's surges campaigns, which the next forecast takes in; gives the first.

    name      of the campaign, by default the scenario's; of several surges the later ones get
              their number behind it
    category  by default each surge's cause, or "campaign"

    RequestError when the scenario has no surge that brings or takes contacts, or for an unknown
    category; Conflict when there is a campaign of the name; LostEdit and IllegalMove when it was
    changed, promoted or archived meanwhile. Then nothing is kept.
    """
    held = find_open(store, scenario_id, revision)
    saved = saved_of(held)
    made = _campaigns(store, saved, name.strip() or saved.name, category)
    with store.writing(actor) as writing:
        # First the scenario, so that who comes second is told that it was promoted.
        scenarios.note_promoted(writing, held, campaign=made[0].name)
        _refuse_taken(made, {one.name for one in load_campaigns(writing.connection)})
        save_campaigns(writing, made, action="campaign.promote")
        return saved_of(scenarios.find(writing.connection, scenario_id)), made[0]


def _refuse_taken(made: Sequence[Campaign], names: set[str]) -> None:
    taken = [one.name for one in made if one.name in names]
    if taken:
        raise Conflict(
            f"there is a campaign {taken[0]!r} already; give another name", campaign=taken[0]
        )


def _campaigns(
    store: Store, saved: SavedScenario, name: str, category: str | None
) -> tuple[Campaign, ...]:
    """A campaign of each surge that changes the volume; RequestError when there is none."""
    forecast = load_plan(store, saved.plan_id).forecast()
    with store.reading() as connection:
        brand = load_brand(connection)
    every = tuple(queue.name for queue in brand.queues)
    felt = [
        (surge, uplift)
        for surge in saved.scenario.surges
        if (uplift := peak_uplift(surge, forecast, every))
    ]
    if not felt:
        raise RequestError(
            f"scenario {saved.scenario_id} has no surge that changes the volume, so there is "
            "nothing for a campaign to hold; promote it to a draft, or give it a surge",
            scenario_id=saved.scenario_id,
        )
    names = [name if n == 0 else f"{name} ({n + 1})" for n in range(len(felt))]
    check_name(names[-1], "campaign")
    return tuple(
        replace(
            _push(surge, every),
            name=names[n],
            category=_category(category or surge.cause or "campaign"),
            peak_uplift=uplift,
        )
        for n, (surge, uplift) in enumerate(felt)
    )


def peak_uplift(surge: Surge, forecast: pd.DataFrame, every: Sequence[str]) -> float:
    """The uplift at the peak that brings what the surge brings, on the FORECAST without it.

    Added contacts become so large a share of the usual volume that, in the surge's shape, as many
    come. A campaign takes no more than nine tenths away.

    every  names of all queues, which a surge without queues reaches

    RequestError when contacts are added where none are forecast.
    """
    uplift = surge.factor - 1.0
    if surge.added > 0:
        push = _push(surge, every)
        rows = forecast[forecast["queue"].isin(push.queues)]
        shape = campaign_shape(push, pd.DatetimeIndex(rows["start"]))
        usual = float(rows["mean"].to_numpy() @ shape)
        if usual <= 0:
            raise RequestError(
                f"no contacts are forecast on {', '.join(push.queues)} while the surge lasts, so "
                f"that {surge.added:g} more are no share of them; give it hours in which the "
                "queues are open",
                queues=list(push.queues),
            )
        uplift += surge.added / usual
    return max(uplift, LEAST_FACTOR - 1.0)


def _push(surge: Surge, every: Sequence[str]) -> Campaign:
    """The surge's queues and course as a campaign's, without a name and a size."""
    return Campaign(
        "",
        surge.start,
        surge.end,
        surge.queues or tuple(every),
        rise_min=surge.rise_min,
        half_life_min=surge.half_life_min,
    )


def _category(named: str) -> Category:
    if named not in CATEGORIES:
        raise RequestError(
            f"{named!r} is no category of campaigns; there are {', '.join(CATEGORIES)}",
            category=named,
        )
    return named
