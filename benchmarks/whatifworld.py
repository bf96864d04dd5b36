"""A desk of any size to ask "what if" about: 28 days rostered, its queues as busy as it can bear.

Queues     languages of up to five channels each; X, Facebook, Instagram and LinkedIn promise 90 %
           of first replies within 15 minutes, email 90 % within 4 hours, and shuts at night
People     four in five work full time; within a language some serve the first half of its
           channels, some the second, some all of them; one in ten serves two languages, which
           go in pairs
Roster     on rotas (`benchmarks.whatifrota`), along a curve of day, evening and weekend
Demand     of each language as much as its people bear: a load a of which a + BETA sqrt(a) are the
           heads there after shrinkage, the roster's corners rounded off, and no more than keeps
           them BUSIEST

So promises are kept as on a well planned desk, whatever the number of agents and queues, and no
solver is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pandas as pd

from benchmarks.whatifdemand import (
    Floats,
    curve,
    days_around,
    demand_of,
    forecast_of,
    requirement_of,
)
from benchmarks.whatifrota import (
    CONTRACTS,
    DAYS,
    END,
    MONDAY,
    START,
    TEMPLATES,
    roster_of,
    seated,
    time_off_of,
)
from scheduling.editing.ground import EditGround
from scheduling.whatif.situation import Situation, situation_of
from wfm.brands import Brand, Channel, Planning, Queue
from wfm.calendars import Hours, ServiceWindow
from wfm.errors import RequestError
from wfm.paths import Paths
from wfm.people import Agent, ContractTerm, Skill, TimeOff
from wfm.sla import Duration, OpeningGoal, ServiceGoal, WorkLaw

LANGUAGES = ("en", "de", "es", "fr", "it", "pt", "nl", "pl", "sv", "cs", "da", "fi")
CHANNELS: tuple[Channel, ...] = ("x", "facebook", "email", "instagram", "linkedin")
FEWEST_A_LANGUAGE = 10


@dataclass(frozen=True)
class World:
    """A desk with its roster and its forecast over [START, END).

    roster    ROSTER
    history   ROSTER of the week before
    forecast  FORECAST
    """

    brand: Brand
    agents: tuple[Agent, ...] = field(repr=False)
    roster: pd.DataFrame = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    requirement: pd.DataFrame = field(repr=False)
    forecast: pd.DataFrame = field(repr=False)
    seed: int

    @cached_property
    def ground(self) -> EditGround:
        """What edits of the roster stand on."""
        return EditGround(
            self.brand, self.agents, self.requirement, START, END, history=self.history
        )

    def situation(self, *, seed: int | None = None, paths: int = 50) -> Situation:
        """The roster and so many sampled days of all of it; other days for another seed."""
        own = self.seed if seed is None else seed
        names = tuple(q.name for q in self.brand.queues)
        drawn = Paths(START, names, days_around(self.mean, paths, own))
        return situation_of(self.ground, self.roster, self.forecast, drawn, seed=own)

    @property
    def mean(self) -> Floats:
        """Contacts expected, (intervals, queues)."""
        per_queue = self.forecast["mean"].to_numpy().reshape(len(self.brand.queues), -1)
        return np.asarray(per_queue.T)


def make_world(agents: int, queues: int = 6, *, seed: int = 1) -> World:
    """A desk of so many agents and queues; deterministic in `seed`.

    RequestError for fewer than 10 agents a language, or more queues than it has languages for.
    """
    rng = np.random.default_rng([seed, agents, queues])
    languages = _languages(queues)
    if agents < FEWEST_A_LANGUAGE * len(languages):
        raise RequestError(
            f"{agents} agents for {queues} queues in {len(languages)} languages; take "
            f"{FEWEST_A_LANGUAGE * len(languages)} or more"
        )
    brand = _brand(languages)
    people = _people(agents, languages)
    contracts = ["part" if n % 5 == 4 else "full" for n in range(agents)]
    names = [f"a{n:04d}" for n in range(1, agents + 1)]
    groups = sorted(set(people))
    lines = seated(
        list(zip(names, contracts, map(groups.index, people), strict=True)),
        curve(),
        [people.count(group) / agents for group in groups],
    )
    off = time_off_of(lines, rng)
    history, roster = (roster_of(lines, off, days, rng) for days in (range(-7, 0), range(DAYS)))
    found = tuple(map(_agent, names, contracts, people, map(off.get, names)))
    rows = pd.concat([history, roster], ignore_index=True)
    rows = rows[(rows["end"] > pd.Timestamp(START)) & (rows["activity"] == "on_queue")]
    mean, need, load = demand_of(rows, brand, dict(zip(names, people, strict=True)))
    return World(
        brand=brand,
        agents=found,
        roster=roster,
        history=history,
        requirement=requirement_of(brand, need, load),
        forecast=forecast_of(brand, mean),
        seed=seed,
    )


# -- queues and people ----------------------------------------------------------------------------


def _languages(queues: int) -> dict[str, tuple[str, ...]]:
    """The queues of each language."""
    count = max(1, round(queues / 4))
    if not 1 <= queues <= 4 * len(LANGUAGES):
        raise RequestError(f"{queues} queues; choose 1 to {4 * len(LANGUAGES)}")
    names: dict[str, tuple[str, ...]] = {}
    for number in range(queues):
        language = LANGUAGES[number % count]
        queue = f"{CHANNELS[number // count]}_{language}"
        names[language] = (*names.get(language, ()), queue)
    return names


def _brand(languages: dict[str, tuple[str, ...]]) -> Brand:
    queues = tuple(_queue(name) for names in languages.values() for name in names)
    return Brand("what if", "UTC", (), queues, CONTRACTS, TEMPLATES, planning=Planning())


def _queue(name: str) -> Queue:
    label, _, language = name.partition("_")
    channel = next(c for c in CHANNELS if c == label)
    usual = Queue(
        name, channel, f"@{name}", language, ServiceWindow.always(), (ServiceGoal(),),
        OpeningGoal(), WorkLaw(),
    )  # fmt: skip
    if channel != "email":
        return usual
    return replace(
        usual,
        window=ServiceWindow((Hours("UTC", frozenset(range(7)), 7 * 60, 23 * 60),)),
        goals=(ServiceGoal.first_response(within_s=4 * 3600, scope="day"),),
        opening_goal=OpeningGoal(4 * 3600),
        work=WorkLaw(Duration(300.0, 0.6), Duration(180.0, 0.5), 0.2, Duration(7200.0, 1.0)),
    )


def _people(agents: int, languages: dict[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Queues of each agent, kinds of people evenly mixed."""
    spoken = list(languages)
    found = []
    for n in range(agents):
        language = spoken[n % len(spoken)]
        queues, kind = languages[language], (n // len(spoken)) % 10
        half = len(queues) // 2
        served = queues
        if kind in (0, 4, 8):
            served = queues[: len(queues) - half]
        elif kind in (2, 6) and half:
            served = queues[half:]
        elif kind == 9:
            served = (*queues, *_other_queues(language, languages))
        found.append(served)
    return found


def _other_queues(language: str, languages: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The queues of the language that goes with it; none for the last of an odd number."""
    spoken = list(languages)
    other = spoken.index(language) ^ 1
    return languages[spoken[other]] if other < len(spoken) else ()


def _agent(
    agent_id: str, contract: str, skills: tuple[str, ...], off: tuple[int, int] | None
) -> Agent:
    absent = () if off is None else (TimeOff(*(MONDAY + timedelta(days=day) for day in off)),)
    return Agent(
        agent_id,
        f"Agent {int(agent_id[1:])}",
        (ContractTerm(contract, date(2020, 1, 6)),),
        tuple(Skill(queue) for queue in skills),
        time_off=absent,
    )
