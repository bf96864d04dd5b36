"""Who may take a shift of a roster: an open one, or one that somebody has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from api.planning.rostered import Rostered
from scheduling.editing.openings import Opening, openings
from scheduling.editing.takers import Taker, takers, takers_of
from wfm.errors import RequestError


def takers_in(
    found: Rostered,
    day: date,
    *,
    template: str | None = None,
    start_min: int | None = None,
    queues: Sequence[str] | None = None,
    agent_id: str | None = None,
) -> list[Taker]:
    """Who may take the shift of the day: those who may first, cheapest first.

    template, start_min  an open shift, start in local minutes; `queues`: what it is wanted for,
                         None: any queue
    agent_id             or the shift that this agent has

    RequestError where neither or both are named, NotFound for what is not there.
    """
    roster, ground = found.roster, found.ground
    if agent_id is not None and template is None and start_min is None:
        return takers_of(roster, agent_id, day, ground)
    if agent_id is not None or template is None or start_min is None:
        raise RequestError("name an open shift by template and start_min, or an agent with one")
    known = [ground.brand.queue(name).name for name in queues or ()]
    wanted = tuple(known or (queue.name for queue in ground.brand.queues))
    kind = ground.template(template)
    paid = kind.paid_minutes(ground.activities) / 60
    opening = Opening(
        day, template, ground.instant(day, start_min), start_min, wanted, 0.0, 0.0, paid
    )
    for one in openings(roster, ground):
        same = (one.day, one.template, one.start_min) == (day, template, start_min)
        if same and (not known or set(one.queues) == set(known)):
            return takers(one, roster, ground)
    return takers(opening, roster, ground)
