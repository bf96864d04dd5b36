"""Shift trades: two agents exchange shifts where rules and coverage allow."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from scheduling.editing.changes import Change
from scheduling.editing.edits import Swap
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import NEGLIGIBLE_H, Judgement, judged, rules_told
from scheduling.editing.making import changes_of


@dataclass(frozen=True)
class Trade:
    """A trade judged.

    allowed  no rule breaks and no shortfall is added
    verdict  the same in words, with what stands against it
    """

    changes: tuple[Change, ...]
    judgement: Judgement
    allowed: bool
    verdict: str


def trade(roster: pd.DataFrame, swap: Swap, ground: EditGround) -> Trade:
    """The exchange of two shifts, judged; RequestError where it cannot be (see `changes_of`)."""
    changes = changes_of(roster, swap, ground)
    judgement = judged(roster, changes, ground)
    opened = judgement.short_hours_after - judgement.short_hours_before
    against = rules_told(judgement.broken)
    if opened > NEGLIGIBLE_H:
        against.append(f"{opened:.1f} agent-hours more would be uncovered")
    against += [f"{name} would lack somebody" for name in judgement.presences_lost]
    verdict = "; ".join(against) or "every rule is kept, and coverage is no worse"
    return Trade(changes, judgement, not against, verdict)
