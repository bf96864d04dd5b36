"""Open shifts: those that would cure most of a roster's shortfall."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import pandas as pd

from scheduling.editing.changes import Change, Segment, day_of, worked
from scheduling.editing.coverage import (
    Lacks,
    heads_changed,
    heads_of,
    intervals_of,
    lacks_of,
)
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import paid_hours
from scheduling.editing.laying import laid_best, missed
from scheduling.rostering.need import INTERVAL_H, Flags, Floats, Ints
from wfm.errors import RequestError
from wfm.timegrid import INTERVAL


@dataclass(frozen=True)
class Opening:
    """A shift that nobody has yet.

    day, start_min  local day and local minutes of its start
    queues          what it is wanted for: an agent serves at least one of them
    covers_hours    agent-hours of shortfall that it cures, with somebody who serves all `queues`
    worth           what that saves at the ground's prices, the shift's own hours taken off
    """

    day: date
    template: str
    start: datetime
    start_min: int
    queues: tuple[str, ...]
    covers_hours: float
    worth: float
    paid_hours: float


def openings(roster: pd.DataFrame, ground: EditGround, *, limit: int = 50) -> list[Opening]:
    """The shifts that would cure most of the shortfall, most worth first, at most `limit`.

    Chosen one after the other, each as if those before it were taken; only shifts worth more than
    they cost, of templates and skills that a contract in force brings together. The same shift
    appears as often as it is wanted.
    """
    lacks = lacks_of(heads_of(roster, ground), ground)
    offers = _offers(ground)
    found: list[Opening] = []
    while offers and len(found) < limit and lacks.short.any():
        shift, group = _most_worth(lacks, offers, ground)
        segments = _laid(shift, lacks, group, ground)
        opening, added = _opening(segments, group, lacks, ground)
        if opening.worth <= 0:
            break
        found.append(opening)
        lacks = lacks.after(added)
    return sorted(found, key=lambda o: (-round(o.worth, 6), o.start))


def opening_of(roster: pd.DataFrame, agent_id: str, day: date, ground: EditGround) -> Opening:
    """The opening that an agent's shift would leave; where nobody would miss it, it is wanted for
    all queues of the agent. RequestError where there is no shift.
    """
    segments = day_of(roster, agent_id, day, ground.brand.tz)
    shift = worked(segments)
    if not shift:
        raise RequestError(f"{agent_id} has no shift on {day}", agent=agent_id, day=day.isoformat())
    dropped = Change(agent_id, day, segments, tuple(s for s in segments if s not in shift))
    heads = heads_of(roster, ground) + heads_changed([dropped], ground)
    group = ground.set_of(agent_id)
    opening = _opening(shift, group, lacks_of(heads, ground), ground)[0]
    return replace(opening, queues=opening.queues or tuple(sorted(ground.sets[group])))


def _offers(ground: EditGround) -> dict[int, Flags]:
    """Which shifts can be taken by each set of queues that somebody serves: a contract in force
    on the day has the template, and it starts after what is frozen. Fewest queues first.
    """
    shifts = ground.shifts
    names = np.array([t.name for t in shifts.templates], dtype=np.str_)
    allowed: dict[int, Flags] = {}
    for agent in ground.agents:
        served = ground.skills[agent.agent_id]
        if not served:
            continue
        of_set = allowed.setdefault(
            ground.set_number[served], np.zeros((len(shifts.days), len(names)), dtype=np.bool_)
        )
        for number, day in enumerate(shifts.days):
            contract = ground.contract_of(agent.agent_id, day)
            if contract:
                of_set[number] |= np.isin(names, contract.templates)
    frozen = ground.frozen_until or ground.start
    open_from = int(-(-(frozen - ground.start) // INTERVAL))
    offers = {
        group: allowed[group][shifts.day, shifts.template] & (shifts.start >= open_from)
        for group in sorted(allowed, key=lambda g: len(ground.sets[g]))
    }
    return {group: offered for group, offered in offers.items() if offered.any()}


def _most_worth(lacks: Lacks, offers: dict[int, Flags], ground: EditGround) -> tuple[int, int]:
    """The shift, and the set to serve, worth most; breaks taken where they cost least."""
    shifts, prices = ground.shifts, ground.prices
    cost = prices.of_shift(shifts.paid * INTERVAL_H, shifts.inside)
    best, chosen = -np.inf, (0, 0)
    for group, offered in offers.items():
        value = (prices.short + prices.surplus) * lacks.cured(group) - prices.surplus
        sums = np.concatenate([[0.0], value.cumsum()]) * INTERVAL_H
        worth = np.where(offered, _earned(sums, ground) - cost, -np.inf)
        at = int(worth.argmax())
        if worth[at] > best + 1e-9:
            best, chosen = worth[at], (at, group)
    return chosen


def _earned(sums: Floats, ground: EditGround) -> Floats:
    """What each shift earns where `sums` are those of a head's value before each interval."""
    shifts, last = ground.shifts, len(sums) - 1

    def between(first: Ints, length: Ints | int) -> Floats:
        return np.asarray(sums[np.minimum(first + length, last)] - sums[np.minimum(first, last)])

    earned = between(shifts.start, shifts.length)
    for kind, windows in enumerate(shifts.breaks):
        of_kind = np.flatnonzero(shifts.template == kind)
        for earliest, latest, length in windows.tolist():
            if length:
                places = shifts.start[of_kind][:, None] + np.arange(earliest, latest + 1)
                earned[of_kind] -= between(places, length).min(axis=1)
    return earned


def _laid(shift: int, lacks: Lacks, group: int, ground: EditGround) -> tuple[Segment, ...]:
    shifts = ground.shifts
    template = shifts.templates[int(shifts.template[shift])]
    at = ground.start + int(shifts.start[shift]) * INTERVAL
    return laid_best(template, at, missed(lacks, group), ground)


def _opening(
    segments: tuple[Segment, ...], group: int, lacks: Lacks, ground: EditGround
) -> tuple[Opening, Floats]:
    """The shift as an opening for the set, and the heads it adds."""
    added = np.zeros((len(lacks.deficits), len(ground.sets)))
    for s in segments:
        if s.activity == "on_queue":
            served = ground.set_of("", s.queue) if s.queue else group
            added[intervals_of(s, ground), served] += 1.0
    during = np.flatnonzero(added.any(axis=1))
    covers = float((lacks.short - lacks.after(added).short).sum()) * INTERVAL_H
    surplus = len(during) * INTERVAL_H - covers
    start, end = segments[0].start, max(s.end for s in segments)
    inside = (min(end, ground.end) - start) / (end - start)
    paid = paid_hours(segments, ground)
    prices = ground.prices
    wanted = lacks.wanted(group, during)
    wall = start.astimezone(ground.brand.tz)
    opening = Opening(
        day=wall.date(),
        template=segments[0].template,
        start=start,
        start_min=wall.hour * 60 + wall.minute,
        queues=tuple(q for q, wants in zip(ground.need.queues, wanted, strict=True) if wants),
        covers_hours=covers,
        worth=float(
            prices.short * covers - prices.surplus * surplus - prices.of_shift(paid, inside)
        ),
        paid_hours=paid,
    )
    return opening, added
