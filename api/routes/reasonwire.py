"""What reasons of a roster look like on the wire.

Costs are money at the planning prices, in which a paid hour is 1; below 0 is saved.
"""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ShiftCostOut(_Out):
    """What changes cost, by part: hours of shortfall cured and hours paid, then money."""

    covers_h: float
    paid_h: float
    paid: float
    coverage: float
    wishes: float
    minimum: float
    target: float
    unfair: float
    total: float


class BrokenOut(_Out):
    """A rule that would break: the figures, and what may be done about it."""

    rule: str
    detail: str
    cure: str


class OptionOut(_Out):
    """What the agent could have instead; an empty template and no start: a day off."""

    template: str
    start_min: int | None
    broken: list[BrokenOut]
    cost: ShiftCostOut


class ForbiddenOut(_Out):
    """A rule that stands against so many alternatives of the day, with the figures of one."""

    rule: str
    shifts: int
    detail: str
    cure: str


class OtherOut(_Out):
    """Who could have the shift, and the shift of theirs that is swapped for it."""

    agent_id: str
    swaps: str
    cost: ShiftCostOut


class ReasonOut(_Out):
    """Why an agent's day is as it is; `sentence` says all of it.

    `cost` is over a day off. `tried` alternatives were tried, `kept` of them keep every rule, the
    cheapest of these are in `lawful`; `conflict` is the smallest set of rules that stands against
    all shifts of the day, empty where one may be worked. `next_agent` is the best of `others`.
    """

    agent_id: str
    day: date
    template: str
    start_min: int | None
    pinned: bool
    absent: str
    cost: ShiftCostOut
    tried: int
    kept: int
    lawful: list[OptionOut]
    forbidden: list[ForbiddenOut]
    conflict: list[str]
    next_agent: OtherOut | None
    others: int
    sentence: str


class NotReasonOut(_Out):
    """Why an agent does not have a shift: the rules that it would break, or what it costs."""

    agent_id: str
    day: date
    template: str
    start_min: int
    broken: list[BrokenOut]
    cost: ShiftCostOut
    sentence: str


class AwayOut(_Out):
    """Somebody who is not at work, with the best shift of theirs that reaches the interval."""

    agent_id: str
    day: date
    template: str
    start_min: int
    broken: list[BrokenOut]
    cost: ShiftCostOut


class LooserOut(_Out):
    """A rule a step looser, and how many could then come."""

    rule: str
    change: str
    agents: int


class GapOut(_Out):
    """Why a queue is short in an interval; `sentence` says all of it.

    Of `skilled` agents some are `on_queue`, `elsewhere` (breaks, meetings) or `away`. `people`:
    those away who were tried, who could come first. `rules`: how many each rule keeps away.
    `conflict`: the fewest rules that together keep all away. `repair`: who would come at the least
    break of rules. `more`: agents with the skill, free to work then, who would cure it.
    """

    queue: str
    start: datetime
    need: float
    heads: float
    short: float
    skilled: int
    on_queue: int
    elsewhere: int
    away: int
    people: list[AwayOut]
    unreached: int
    rules: list[tuple[str, int]]
    conflict: list[str]
    repair: AwayOut | None
    looser: list[LooserOut]
    more: int
    sentence: str


class RepairOut(_Out):
    """A change of one day that ends a conflict; an empty template and no start: a day off."""

    day: date
    template: str
    start_min: int | None
    pinned: bool
    broken: list[BrokenOut]
    cost: ShiftCostOut


class ConflictOut(_Out):
    """A rule that an agent's line breaks, and the fewest of their shifts that break it together."""

    agent_id: str
    rule: str
    day: date
    detail: str
    days: list[date]
    history: bool
    repair: RepairOut | None
    sentence: str


class ConflictList(BaseModel):
    """What of an agent's line cannot stand together; `minimum`: why no line reaches the contract's
    hours, null where one does."""

    items: list[ConflictOut]
    minimum: BelowOut | None


class AddedOut(_Out):
    """One agent more: the shortfall they cure, what is left, what they are paid, what it saves."""

    cures_h: float
    left_h: float
    paid_h: float
    saves: float


class CureOut(_Out):
    """What more agents would do for a queue, one after the other; `sentence` says it."""

    queue: str
    short_h: float
    skills: list[str]
    contract: str
    added: list[AddedOut]
    sentence: str


class MendOut(_Out):
    """A rule a step looser, or something of the agent's set aside, and the hours still missing."""

    rule: str
    change: str
    missing_h: float


class BelowOut(_Out):
    """Why an agent cannot reach the contract's minimum: what conflicts with it, what mends most."""

    agent_id: str
    possible: bool
    missing_h: float
    conflict: list[str]
    mends: list[MendOut]
    sentence: str


class DoubtOut(_Out):
    """What stands in the way of any roster, by name, with the way out."""

    reason: str
    words: str
    cure: str
    who: list[str]


class DoubtList(BaseModel):
    """Named reasons that can be told before anything is solved."""

    items: list[DoubtOut]


class LedgerRow(BaseModel):
    """What an agent had of a kind, of how many eligible days, what was fair, and the difference."""

    agent_id: str
    kind: str
    had: float
    eligible: float
    fair: float
    balance: float


class LedgerOut(BaseModel):
    """Who carries what, and its standard deviation around the fair share, by kind."""

    spread: dict[str, float]
    rows: list[LedgerRow]
