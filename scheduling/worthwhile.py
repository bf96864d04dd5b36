"""Of a roster solved again, the changes that are worth what a change costs.

The engine reckons with breaks where it would lay them; shifts that stay keep theirs. What it gained
is therefore weighed once more with the breaks as they will be, and what does not pay is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from scheduling.editing.changes import Change
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import judged
from scheduling.editing.presence import presence_of
from scheduling.rostering.need import INTERVAL_H
from scheduling.why.costs import Desk, desk_of

# Times that everybody's changes are tried to be left out; after each the others weigh differently.
ROUNDS = 3
# Money below which nothing is gained.
NOTHING = 1e-6


def worthwhile(
    roster: pd.DataFrame,
    changes: Sequence[Change],
    ground: EditGround,
    *,
    change_price: float,
    owed: Mapping[str, Mapping[str, float]] | None = None,
) -> tuple[Change, ...]:
    """Those of the changes of the ROSTER that are worth their price, in the order given.

    changes  each agent's lead from one lawful line to another, or from one that breaks rules
    owed     burdens that agents still owe, `Ledger.debts`

    An agent's changes are left out together, so that no rule breaks that they kept. Those of an
    agent whose line broke rules before, or who is not known, are always in. Beside these the roster
    never costs more than before; who is missing where the brand wants somebody present is priced
    as one on queue.
    """
    desk = desk_of(roster, ground, owed=owed)
    kept = {
        agent_id: [c for c in changes if c.agent_id == agent_id]
        for agent_id in dict.fromkeys(c.agent_id for c in changes)
        if agent_id in ground.by_id
    }
    mended = {violation.agent_id for violation in judged(roster, changes, ground).mended}

    def cost(agents: Sequence[str]) -> float:
        return _cost(desk, [c for agent_id in agents for c in kept[agent_id]], change_price)

    chosen = list(kept)
    costs = cost(chosen)
    for _ in range(ROUNDS):
        before = len(chosen)
        for agent_id in [a for a in chosen if a not in mended]:
            others = [a for a in chosen if a != agent_id]
            without = cost(others)
            if without <= costs + NOTHING:
                chosen, costs = others, without
        if len(chosen) == before:
            break
    must = [agent_id for agent_id in chosen if agent_id in mended]
    if costs >= cost(must) - NOTHING:
        chosen = must
    left_out = kept.keys() - set(chosen)
    return tuple(c for c in changes if c.agent_id not in left_out)


def _cost(desk: Desk, changes: Sequence[Change], change_price: float) -> float:
    """Money that the changes cost together; below 0 where they save."""
    if not changes:
        return 0.0
    there = presence_of(desk.roster, changes, desk.ground)
    missing = [(there["wanted"] - there[when]).clip(lower=0).sum() for when in ("before", "after")]
    lacking = float(missing[1] - missing[0]) * INTERVAL_H * desk.ground.prices.short
    return desk.cost(changes).total + lacking + change_price * len(changes)
