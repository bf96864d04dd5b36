"""Between what stands in the controls of the page What-if and a scenario, both ways.

Pure. The controls hold one spike and what holds while it lasts. Whatever else a scenario has, such
as a repair that was applied, stands beside them as parts with titles, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any

from api.console import whatifwords
from scheduling.whatif.scenario import (
    MANY,
    Absence,
    Extra,
    Handling,
    Policy,
    Scenario,
    Surge,
    joined,
)
from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.store.documents import from_document, to_document
from wfm.timegrid import INTERVAL, local_day, local_midnight

DEFAULT_HOUR = 18
STEP_MIN = 15
LENGTH_MIN = 720
FACTOR_MAX = 10.0
HALF_LIFE_MIN = 480
RISE_MIN = 240
# What holds beside the spike holds until a quarter of it is left.
LASTS_HALF_LIVES = 2

# The choices of no cause, and of the queue's order.
OWN = "own"
USUAL, SPIKE = "usual", "spike"

Part = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """What stands in the controls.

    day, start   the local day (ISO) and the quarter-hour of it at which the spike begins
    length, half_life, rise  minutes
    added        contacts beside the factor
    handling     % of the usual handling time
    absent, automatic  % of the people, and of the new cases answered automatically
    extra        people
    acts         minutes after the start when people begin to act; below 0: before it
    """

    day: str
    queues: tuple[str, ...]
    start: int = DEFAULT_HOUR * 4
    length: int = 120
    factor: float = 3.0
    half_life: int = 60
    rise: int = 0
    added: float = 0.0
    cause: str = ""
    handling: float = 100.0
    absent: float = 0.0
    extra: int = 0
    automatic: float = 0.0
    spike: bool = False
    acts: int = 0

    @property
    def more(self) -> bool:
        """Whether any control is set that is folded away at first."""
        usual = Form(self.day, self.queues)
        return any(getattr(self, name) != getattr(usual, name) for name in FOLDED)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Form:
        """The controls as the browser sends them; RequestError for what is missing."""
        if not given.get("queues"):
            raise RequestError("no queue is chosen; choose at least one that it reaches")
        missing = sorted(name for name in NUMBERS if given.get(name) is None)
        if missing:
            raise RequestError(
                f"a number is missing or out of its range: {', '.join(NUMBERS[m] for m in missing)}"
            )
        return cls(
            day=str(given["day"]),
            queues=tuple(given["queues"]),
            start=int(given["start"]),
            length=int(given["length"]),
            factor=float(given["factor"]),
            half_life=int(given["half_life"]),
            rise=int(given["rise"]),
            added=float(given["added"]),
            cause="" if given.get("cause") in (None, OWN) else str(given["cause"]),
            handling=float(given["handling"]),
            absent=float(given["absent"]),
            extra=int(given["extra"]),
            automatic=float(given["automatic"]),
            spike=given.get("spike") == SPIKE,
            acts=int(given["acts"]),
        )

    def values(self) -> dict[str, Any]:
        """By control, its value."""
        return {
            **asdict(self),
            "queues": list(self.queues),
            "cause": self.cause or OWN,
            "spike": SPIKE if self.spike else USUAL,
        }


NUMBERS = {
    "start": "the start",
    "length": "the length",
    "factor": "the factor",
    "half_life": "the half-life",
    "rise": "the rise",
    "added": "the added contacts",
    "handling": "the handling time",
    "absent": "the share absent",
    "extra": "the extra people",
    "automatic": "the share answered automatically",
    "acts": "the minutes until people act",
}

FOLDED = ("rise", "added", "handling", "absent", "extra", "automatic", "spike", "acts")


def first_form(brand: Brand, days: Sequence[date], today: date) -> Form:
    """The controls of a page that nobody has touched: three times the usual tonight."""
    day = today if today in days else days[0]
    return Form(day.isoformat(), (brand.queues[0].name,))


def begins(form: Form, brand: Brand) -> datetime:
    return local_midnight(date.fromisoformat(form.day), brand.tz) + form.start * INTERVAL


def built(form: Form, brand: Brand, name: str = "") -> Scenario:
    """The controls as a scenario."""
    start = begins(form, brand)
    queues = _queues(form, brand)
    surge = Surge(
        start,
        form.length,
        queues,
        factor=form.factor,
        added=form.added,
        rise_min=float(form.rise),
        half_life_min=float(form.half_life),
        cause=form.cause,
    )
    end = surge.end + timedelta(minutes=LASTS_HALF_LIVES * form.half_life)
    policy = Policy(
        start,
        end,
        queues,
        spike_mode=True if form.spike else None,
        automatic=form.automatic / 100,
    )
    return Scenario(
        name=name,
        surges=(surge,) if form.factor != 1 or form.added else (),
        handling=(Handling(start, end, form.handling / 100, queues),)
        if form.handling != 100
        else (),
        absences=(Absence(start, end, form.absent / 100),) if form.absent else (),
        policies=(policy,) if form.spike or form.automatic else (),
        extra=(Extra(start, end, form.extra, queues),) if form.extra else (),
        known_from=start + timedelta(minutes=form.acts) if form.acts else None,
    )


def _queues(form: Form, brand: Brand) -> tuple[str, ...]:
    """In the brand's order; none where all are meant."""
    names = [queue.name for queue in brand.queues]
    chosen = tuple(name for name in names if name in form.queues)
    return () if len(chosen) == len(names) else chosen


def whole(form: Form, parts: Sequence[Part], brand: Brand, name: str = "") -> Scenario:
    """The controls and the parts beside them; RequestError where two of them contradict."""
    begin = begins(form, brand)
    return reduce(joined, (does(part, begin) for part in parts), built(form, brand, name))


def does(part: Part, begin: datetime | None = None) -> Scenario:
    """What the part adds; one that goes with the spike is moved to where that begins."""
    scenario = from_document(Scenario, part["does"])
    if begin is None or "with" not in part:
        return scenario
    return moved(scenario, begin - datetime.fromisoformat(part["with"]))


def moved(scenario: Scenario, by: timedelta) -> Scenario:
    """The surges and handling times so much later."""
    return replace(
        scenario,
        surges=tuple(replace(s, start=s.start + by) for s in scenario.surges),
        handling=tuple(replace(h, start=h.start + by, end=h.end + by) for h in scenario.handling),
    )


def part_of(title: str, scenario: Scenario) -> Part:
    return {"title": title, "does": to_document(scenario)}


def placed(scenario: Scenario, brand: Brand, form: Form) -> tuple[Form, list[Part]]:
    """The controls and the parts that say the same as the scenario.

    form  what stands in the controls where the scenario does not say otherwise
    """
    plain = replace(form, factor=1.0, added=0.0, cause="", handling=100.0, absent=0.0, extra=0)
    plain = replace(plain, automatic=0.0, spike=False, acts=0)
    surge = scenario.surges[0] if scenario.surges else None
    if surge is not None and (fitting := _fitted(surge, brand, plain)):
        plain, scenario = fitting, replace(scenario, surges=scenario.surges[1:])
        plain, scenario = _lasting(plain, scenario, brand)
    start = begins(plain, brand)
    if scenario.known_from is not None:
        minutes = round((scenario.known_from - start).total_seconds() / 60)
        plain = replace(plain, acts=minutes)
    return plain, parts_of(scenario, brand)


def _lasting(form: Form, scenario: Scenario, brand: Brand) -> tuple[Form, Scenario]:
    """The controls with what holds exactly while their spike lasts, and the scenario without it."""
    for name, read in LASTING.items():
        parts = getattr(scenario, name)
        if len(parts) != 1:
            continue
        found = replace(form, **read(parts[0]))
        if getattr(built(found, brand), name) == parts:
            form, scenario = found, _without(scenario, name)
    return form, scenario


def _without(scenario: Scenario, name: str) -> Scenario:
    none: dict[str, Any] = {name: ()}
    return replace(scenario, **none)


# By kind of part, the controls that build it.
LASTING: dict[str, Callable[[Any], dict[str, Any]]] = {
    "handling": lambda part: {"handling": round(part.factor * 100, 6)},
    "absences": lambda part: {"absent": round(part.share * 100, 6)},
    "extra": lambda part: {"extra": part.heads},
    "policies": lambda part: {
        "automatic": round(part.automatic * 100, 6),
        "spike": part.spike_mode is True,
    },
}


def _fitted(surge: Surge, brand: Brand, form: Form) -> Form | None:
    """The controls that build exactly this surge; None where they cannot."""
    day = local_day(surge.start, brand.tz)
    into = surge.start - local_midnight(day, brand.tz)
    found = replace(
        form,
        day=day.isoformat(),
        start=into // INTERVAL,
        queues=surge.queues or tuple(queue.name for queue in brand.queues),
        length=surge.length_min,
        factor=surge.factor,
        half_life=round(surge.half_life_min),
        rise=round(surge.rise_min),
        added=surge.added,
        cause=surge.cause,
    )
    return found if built(found, brand).surges == (surge,) else None


def going_with(parts: Sequence[Part], form: Form, brand: Brand) -> list[Part]:
    """The parts as ones that move when the spike of the controls is moved."""
    begin = begins(form, brand).isoformat()
    return [
        {**part, "with": begin, "title": whatifwords.going_words(does(part), brand)}
        for part in parts
    ]


def parts_of(scenario: Scenario, brand: Brand) -> list[Part]:
    """A scenario's parts, each with its title; the roster's changes are one."""
    found = []
    for name in MANY:
        parts = getattr(scenario, name)
        together = [parts] if parts else []
        for group in together if name == "changes" else [(part,) for part in parts]:
            only: dict[str, Any] = {name: group}
            found.append(part_of(whatifwords.part_words(name, group, brand), Scenario(**only)))
    if scenario.shrinkage is not None:
        title = whatifwords.shrinkage_words(scenario.shrinkage)
        found.append(part_of(title, Scenario(shrinkage=scenario.shrinkage)))
    return found
