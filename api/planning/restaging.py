"""A kept plan put on stage again: who was on the floor, and seeds that it has never seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from api.planning.plan import STREAMS, seed_of
from api.planning.records import HISTORY, StoredPlan
from scheduling.staffing import on_shift_of
from wfm.brands import Brand
from wfm.errors import DataError
from wfm.frames import ON_SHIFT
from wfm.store import plans
from wfm.store.people import load_agents

# Streams of a plan's seed that it was made on: all but that of its proof.
MADE_ON = tuple(stream for stream in STREAMS if stream != "certificate")


def made_on(plan: StoredPlan) -> set[int]:
    """Seeds that the plan was made on: their days are no fresh ones."""
    return {seed_of(plan.seed, stream) for stream in MADE_ON}


def fresh_seed(plan: StoredPlan, used: Sequence[int]) -> int:
    """A seed of the plan that neither it nor a certificate of it has seen; the next one each time.

    used  seeds of its certificates so far
    """
    seen = made_on(plan).union(used)
    number = len(used)
    while True:
        drawn = np.random.SeedSequence([plan.seed, plan.plan_id, number]).generate_state(1)[0]
        seed = int(drawn) >> 1
        if seed not in seen:
            return seed
        number += 1


def check_queues(plan: StoredPlan, forecast: pd.DataFrame, brand: Brand) -> None:
    """DataError where the brand has other queues today than the plan was made for."""
    planned = set(forecast["queue"].unique())
    today = {queue.name for queue in brand.queues}
    if planned != today:
        changed = ", ".join(sorted(planned ^ today))
        raise DataError(
            f"plan {plan.plan_id} was made for other queues than the brand has today ({changed}); "
            "plan anew with `wfm plan`, or import the brand as it was"
        )


def on_floor(plan: StoredPlan, brand: Brand) -> pd.DataFrame:
    """ON_SHIFT of the plan, with who is still on a shift of the roster before."""
    with plan.store.reading() as connection:
        agents = load_agents(connection)
        before = plans.published_roster(connection, start=plan.start - HISTORY, end=plan.start)
    known = {agent.agent_id for agent in agents}
    late = (before["end"] > pd.Timestamp(plan.start)) & before["agent_id"].isin(known)
    own = plan.on_shift()
    if not late.any():
        return own
    carried = on_shift_of(before[late], brand, agents)
    return ON_SHIFT.check(pd.concat([carried, own], ignore_index=True))
