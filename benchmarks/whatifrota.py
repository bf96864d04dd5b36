"""Rosters laid out in a second: people on rotas of four weeks, so that heads follow a curve.

Each person has one of the rotas from one of its weeks on, and the same start on every day. One
after the other takes what the curve lacks most. Nothing is searched, and every rule is kept: a
desk to ask about, not a roster to admire.

Rules   6 days a week and 6 in a row at most, where the rotas take 5; 2 weekends in 4, 11 hours of
        rest
Shifts  8 hours and 6 hours paid, breaks anywhere in the windows of their template
Beside  one shift in ten holds a training of an hour or a meeting of half an hour; on one day off
        in seven those who start late stand by; one person in seven has some days of time off
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wfm.frames import ROSTER
from wfm.people import BreakRule, Contract, ShiftTemplate
from wfm.timegrid import INTERVAL_S

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAYS = 28
MONDAY = date(2026, 3, 2)
START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(days=DAYS)
INTERVAL_MIN = INTERVAL_S // 60
PER_DAY = 24 * 60 // INTERVAL_MIN
EVERY_HALF_HOUR = tuple(range(0, 24 * 60, 30))

SHIFT_8 = ShiftTemplate(
    "day8",
    510,
    EVERY_HALF_HOUR,
    (
        BreakRule("break", 15, 90, 165),
        BreakRule("meal", 30, 210, 300),
        BreakRule("break", 15, 375, 450),
    ),
)
SHIFT_6 = ShiftTemplate(
    "day6", 390, EVERY_HALF_HOUR, (BreakRule("break", 15, 75, 120), BreakRule("meal", 30, 180, 255))
)
TEMPLATES = (SHIFT_8, SHIFT_6)
# Rotas leave room under the law: a sixth day, and some hours more.
CONTRACTS = (
    Contract("full", ("day8", "day6"), 10.0, 48.0, max_days_per_week=6, max_consecutive_days=6),
    Contract("part", ("day6",), 8.0, 36.0, max_days_per_week=6, max_consecutive_days=6),
)
TEMPLATE_OF = {"full": SHIFT_8, "part": SHIFT_6}
# Hours at which people of a contract start.
STARTS = {"full": (6, 7, 8, 10, 12, 14, 15, 16, 22), "part": (7, 9, 12, 15, 17)}

# Days worked of four weeks that follow one another again and again, Monday first.
ROTAS = ("1111100 1100111 1100111 1101100", "0111110 1111100 0011111 0111100")
OFFSETS = (0, 7, 14, 21)

IN_TRAINING, IN_MEETING, STANDS_BY = 0.06, 0.04, 0.15
TRAINING_MIN, MEETING_MIN = 60, 30
# Hours of a standby, and how early whoever had one may start on the next day.
STANDBY, RESTED_MIN = (14, 23), 10 * 60


class Line(NamedTuple):
    """Who works which days: from the week before the roster, so that its first night is staffed.

    works  by day, from day -7 on, shape (35,)
    """

    agent_id: str
    template: ShiftTemplate
    start_min: int
    works: Flags


@dataclass(frozen=True)
class Pattern:
    """A rota and a start: a line without a person.

    heads  on shift in each interval of the 28 days, those of the night before the first included
    """

    template: ShiftTemplate
    start_min: int
    works: Flags
    heads: Floats


def patterns(contract: str) -> tuple[Pattern, ...]:
    """Every line that somebody of the contract may have."""
    template = TEMPLATE_OF[contract]
    made = []
    for rota in ROTAS:
        cycle = np.array([day == "1" for day in rota.replace(" ", "")])
        for offset in OFFSETS:
            works = np.roll(cycle, -offset)[np.arange(-7, DAYS) % DAYS]
            for hour in STARTS[contract]:
                made.append(Pattern(template, 60 * hour, works, _heads(template, 60 * hour, works)))
    return tuple(made)


def _heads(template: ShiftTemplate, start_min: int, works: Flags) -> Floats:
    heads = np.zeros(DAYS * PER_DAY)
    for day in np.flatnonzero(works) - 7:
        first = int(day) * PER_DAY + start_min // INTERVAL_MIN
        heads[max(first, 0) : max(first + template.minutes // INTERVAL_MIN, 0)] += 1.0
    return heads


def seated(
    people: Sequence[tuple[str, str, int]], curve: Floats, shares: Sequence[float]
) -> tuple[Line, ...]:
    """A line for each person, so that heads of each group follow the curve, and all together do.

    people  agent id, contract and group of each
    curve   (intervals of 28 days,), what heads are to be in proportion to
    shares  of the heads, by group
    """
    known = {contract: patterns(contract) for contract in TEMPLATE_OF}
    stacks = {c: np.array([p.heads for p in found]) for c, found in known.items()}
    total = sum(float(stacks[contract].sum(axis=1).mean()) for _, contract, _ in people)
    wanted = curve / curve.sum() * total
    lacking = np.outer(np.asarray(shares), wanted)
    lines = []
    for agent_id, contract, group in people:
        lack = lacking[group] + lacking.sum(axis=0) / len(shares)
        heads = stacks[contract]
        taken = known[contract][int((heads @ lack / heads.sum(axis=1)).argmax())]
        lacking[group] -= taken.heads
        lines.append(Line(agent_id, taken.template, taken.start_min, taken.works))
    return tuple(lines)


def time_off_of(lines: Sequence[Line], rng: np.random.Generator) -> dict[str, tuple[int, int]]:
    """First and last day off of those who have some, the roster's first day being 0."""
    off = {}
    for line in lines:
        first, length = int(rng.integers(1, DAYS - 4)), int(rng.integers(2, 5))
        if rng.random() < 1 / 7:
            off[line.agent_id] = first, first + length - 1
    return off


Row = tuple[str, datetime, datetime, str, str, str, bool]


def roster_of(
    lines: Sequence[Line],
    off: dict[str, tuple[int, int]],
    days: range,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """ROSTER of what starts on some days, counted from MONDAY: -7 to 27."""
    rows: list[Row] = []
    for line in lines:
        rows.extend(_rows(line, off.get(line.agent_id), days, rng))
    columns = zip(*rows, strict=True)
    return ROSTER.check(
        pd.DataFrame(
            {
                name: pd.Series(values, dtype=column.dtype)
                for (name, column), values in zip(ROSTER.columns.items(), columns, strict=True)
            }
        )
    )


def _rows(
    line: Line, off: tuple[int, int] | None, days: range, rng: np.random.Generator
) -> Iterator[Row]:
    nightly = line.start_min + line.template.minutes > 24 * 60
    rested = line.start_min >= RESTED_MIN and not nightly
    for day in days:
        at = START + timedelta(days=day)
        # A shift that reaches into a day of time off is not worked either.
        if off is not None and off[0] <= day + nightly and day <= off[1]:
            continue
        if line.works[day + 7]:
            yield from _shift(line, at + timedelta(minutes=line.start_min), rng)
        elif rng.random() < STANDS_BY and rested:
            begins, ends = (at + timedelta(hours=hour) for hour in STANDBY)
            yield line.agent_id, begins, ends, "standby", "", "", False


def _shift(line: Line, start: datetime, rng: np.random.Generator) -> Iterator[Row]:
    """On queue between breaks, and perhaps in a training or a meeting after one of them."""
    held = rng.random()
    length = TRAINING_MIN if held < IN_TRAINING else MEETING_MIN
    beside = "training" if held < IN_TRAINING else "meeting"
    after = int(rng.integers(len(line.template.breaks))) if held < IN_TRAINING + IN_MEETING else -1
    pauses: list[tuple[int, int, str]] = []
    for number, rule in enumerate(line.template.breaks):
        at = rule.earliest + INTERVAL_MIN * int(
            rng.integers((rule.latest - rule.earliest) // INTERVAL_MIN + 1)
        )
        pauses.append((at, rule.minutes, rule.activity))
        if number == after:
            # A quarter of an hour on queue lies between.
            since = at + rule.minutes + INTERVAL_MIN
            upto = [*(r.earliest for r in line.template.breaks), line.template.minutes][number + 1]
            if since + length + INTERVAL_MIN <= upto:
                pauses.append((since, length, beside))
    now = 0
    for at, minutes, activity in [*pauses, (line.template.minutes, 0, "")]:
        for first, last, what in ((now, at, "on_queue"), (at, at + minutes, activity)):
            if first < last:
                yield (
                    line.agent_id,
                    start + timedelta(minutes=first),
                    start + timedelta(minutes=last),
                    what,
                    "",
                    line.template.name,
                    False,
                )
        now = at + minutes
