"""The best roster of a small desk, made by the engine alone: no shift mix, no refining."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
from rosters import make_requirement

from scheduling.roster import counting, ground_of, presence_of, roster_table
from scheduling.rostering.assign import Desk, assign
from scheduling.rostering.engine import EngineLimits
from scheduling.rostering.need import Prices
from scheduling.worked import SHIFT_KINDS
from wfm.brands import Brand
from wfm.people import Agent

ONE_SWEEP = EngineLimits(whole=0, guided=1, turns=0)


def worked(
    brand: Brand,
    agents: tuple[Agent, ...],
    wanted: object,
    start: datetime,
    end: datetime,
    *,
    history: pd.DataFrame | None = None,
    limits: EngineLimits = ONE_SWEEP,
) -> pd.DataFrame:
    """The roster of the desk where queue x wants so many heads, one value or one an interval."""
    prices = Prices()
    ground = ground_of(
        make_requirement({"x": wanted}, start, end),
        brand,
        agents,
        start=start,
        end=end,
        history=history,
        prices=prices,
    )
    desk = Desk(
        workers=ground.workers,
        shifts=ground.shifts,
        groups=ground.groups,
        need=ground.need,
        given=ground.given,
        brand=brand,
        prices=prices,
        presence=presence_of(brand, start, end),
        counts=counting(brand, agents),
    )
    burdens = np.zeros((len(ground.groups.serves), len(SHIFT_KINDS)))
    outcome = assign(desk, seed=1, burdens=burdens, limits=limits)
    return roster_table(outcome.assignment, agents, ground.shifts, start)
