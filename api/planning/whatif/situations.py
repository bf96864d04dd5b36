"""The roster that a what-if is asked about, loaded once and kept at hand.

What is asked of a situation gets no store, so that a what-if cannot publish.
"""

from __future__ import annotations

from dataclasses import replace

from api.planning.drafts import rostered
from api.planning.rostered import Rostered, shelved
from api.planning.shelf import Shelf
from forecasting.scenarios.paths import Noise, paths_from
from scheduling.editing.ground import EditGround
from scheduling.whatif.situation import Situation, situation_of
from wfm.store.engine import Store

# Sampled days of a situation: as many as bands are told by.
PATHS = 50

_SITUATIONS: Shelf[Situation] = Shelf(3)


def situation_for(store: Store, which: str | int = "current") -> Situation:
    """The situation of a roster that people can name: a plan, `current`, `latest` or `draft-5`.

    Kept at hand until brand, agents or the draft change. NotFound where there is no such roster.
    """
    home = rostered(store, which)
    ground = home.ground
    name = (*shelved(home.plan), home.draft_id, home.revision)
    held = _SITUATIONS.get(name, lambda: _situation(home, ground))
    if held.ground is not ground:
        held = (
            replace(held, ground=ground)
            if _alike(held.ground, ground)
            else _situation(home, ground)
        )
        _SITUATIONS.put(name, held)
    return held


def _alike(one: EditGround, other: EditGround) -> bool:
    """Whether nothing but the clock has moved: what is past may not be edited any more."""
    same = (one.brand, one.agents) == (other.brand, other.agents)
    return same and one.reaching.equals(other.reaching)


def _situation(home: Rostered, ground: EditGround) -> Situation:
    plan = home.plan
    forecast = plan.forecast()
    noise = Noise.from_document(plan.lineage["noise"])
    paths = paths_from(forecast, noise, count=PATHS, seed=plan.seed)
    return situation_of(ground, home.roster, forecast, paths, seed=plan.seed)
