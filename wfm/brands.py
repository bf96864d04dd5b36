"""A brand: the site, its markets and queues, and the planning rules they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from wfm.calendars import ServiceWindow
from wfm.care import Care
from wfm.errors import NotFound
from wfm.people import DEFAULT_ACTIVITIES, ActivityCode, Contract, NightTime, ShiftTemplate
from wfm.rules import RuleSet
from wfm.sla import FOLLOW_UP_S, OpeningGoal, ServiceGoal, WorkLaw
from wfm.timegrid import zone_named

# "day": the goals hold on the day at `risk_quantile`; "expected": on average over the days.
Risk = Literal["day", "expected"]
RISKS: tuple[Risk, ...] = ("day", "expected")

Channel = Literal["x", "facebook", "instagram", "linkedin", "bluesky", "mastodon", "email"]
CHANNELS: tuple[Channel, ...] = (
    "x",
    "facebook",
    "instagram",
    "linkedin",
    "bluesky",
    "mastodon",
    "email",
)


@dataclass(frozen=True)
class Market:
    """A country we serve: its zone, its holidays and (through queues) its business hours."""

    name: str
    country: str
    zone: str


@dataclass(frozen=True)
class Queue:
    """A named stream of cases.

    markets        names of the markets whose holidays move its volume
    minimum_staff  agents never undercut inside the service window
    goals          the first is the promise that is planned for; all are certified
    """

    name: str
    channel: Channel
    handle: str
    language: str
    window: ServiceWindow
    goals: tuple[ServiceGoal, ...]
    opening_goal: OpeningGoal
    work: WorkLaw
    markets: tuple[str, ...] = ()
    minimum_staff: int = 1
    default_aht_s: float = 360.0

    @property
    def promise(self) -> ServiceGoal:
        """The first-response goal that is planned for."""
        return next(g for g in self.goals if g.metric == "first_response")

    @property
    def follow_up_due_s(self) -> int:
        """Open seconds in which a later reply is due: the shortest goal for it, or FOLLOW_UP_S."""
        return min(
            (g.threshold_s for g in self.goals if g.metric == "next_reply"), default=FOLLOW_UP_S
        )


@dataclass(frozen=True)
class Planning:
    """Rules of planning that all queues share.

    planned_shrinkage    share of paid time lost to what is known but not rostered (coaching ...)
    unplanned_shrinkage  share lost to sickness, lateness, outages
    occupancy_cap        handling / (handling + available) that is not exceeded over an interval
    risk_quantile        staff so that the goals hold on this quantile of days (0.80: the q80 day)
    risk                 "day": staff for the day at `risk_quantile`; "expected": for the smallest
                         day with which each goal's share is kept on average over the days
    """

    planned_shrinkage: float = 0.05
    unplanned_shrinkage: float = 0.05
    occupancy_cap: float = 0.85
    risk_quantile: float = 0.80
    risk: Risk = "day"

    @property
    def availability(self) -> float:
        """Share of scheduled on-queue time that is worked: (1 - planned) x (1 - unplanned)."""
        return (1 - self.planned_shrinkage) * (1 - self.unplanned_shrinkage)


@dataclass(frozen=True)
class Presence:
    """How many agents of a role are on queue whenever the window is open.

    role      "" means anybody: at_least = 2 keeps people from working alone
    """

    name: str
    at_least: int
    window: ServiceWindow
    role: str = ""


@dataclass(frozen=True)
class Brand:
    """Everything `wfm import brand` reads.

    weekend   the weekdays of a weekend, 0 is Monday; they follow one another within a week
    presence  who else must be there, apart from what the queues need
    rulesets  its own, beside those that `wfm.ingest.rulesets` brings
    care      how its cases are triaged, escalated and kept
    """

    name: str
    zone: str
    markets: tuple[Market, ...]
    queues: tuple[Queue, ...]
    contracts: tuple[Contract, ...]
    templates: tuple[ShiftTemplate, ...]
    activities: tuple[ActivityCode, ...] = DEFAULT_ACTIVITIES
    planning: Planning = field(default_factory=Planning)
    weekend: tuple[int, ...] = (5, 6)
    night: NightTime = field(default_factory=NightTime)
    presence: tuple[Presence, ...] = ()
    rulesets: tuple[RuleSet, ...] = ()
    care: Care = field(default_factory=Care)

    @property
    def country(self) -> str | None:
        """ISO country of the site: that of the first market in the site's zone, else the first."""
        here = [m for m in self.markets if m.zone == self.zone] or list(self.markets)
        return here[0].country if here else None

    @property
    def tz(self) -> ZoneInfo:
        return zone_named(self.zone)

    def queue(self, name: str) -> Queue:
        for queue in self.queues:
            if queue.name == name:
                return queue
        known = ", ".join(q.name for q in self.queues)
        raise NotFound(f"no queue {name!r}; {self.name} has {known}", queue=name)

    def countries_of(self, queue: Queue) -> tuple[str, ...]:
        """ISO countries whose holidays move the queue's volume."""
        chosen = [m for m in self.markets if not queue.markets or m.name in queue.markets]
        return tuple(dict.fromkeys(m.country for m in chosen))
