"""Every rule of a roster, named once: the solver, the checker, the explanations and the tests refer
to a rule by its name here.

A rule of a contract reads fields of `wfm.people.Contract`; one of an agent reads the agent; one of
the table is about what a roster is at all; one of the floor is about everybody who is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["table", "contract", "agent", "floor"]


@dataclass(frozen=True)
class Rule:
    """One rule.

    says    what holds where it is kept
    fields  of the contract (or the agent) that it reads
    cure    what a planner may do about it
    """

    name: str
    scope: Scope
    says: str
    cure: str
    fields: tuple[str, ...] = ()


_TABLE = (
    Rule("unknown_agent", "table", "every agent of the roster is known", "import the agent"),
    Rule("activity", "table", "every activity is one of the brand's", "add the activity code"),
    Rule(
        "grid",
        "table",
        "segments start and end on the 15-minute grid, the end after the start",
        "move the segment to a quarter-hour",
    ),
    Rule("horizon", "table", "shifts start inside the horizon", "move the shift"),
    Rule("overlap", "table", "an agent does one thing at a time", "drop one of the two"),
    Rule("gap", "table", "a shift has no hole between its start and its end", "fill the hole"),
    Rule(
        "breaks",
        "table",
        "every break of the template is taken once, in order, in its window, at its length",
        "move the break into its window",
    ),
    Rule("one_shift_a_day", "table", "at most one shift starts on a local day", "drop one of them"),
)

_AGENT = (
    Rule(
        "skill",
        "agent",
        "an agent serves only queues of their skills, and has one to serve",
        "give the agent the skill, or the shift to somebody who has it",
        ("skills",),
    ),
    Rule(
        "availability",
        "agent",
        "shifts lie within the agent's hours of availability",
        "ask the agent for more hours",
        ("availability",),
    ),
    Rule("time_off", "agent", "nobody works on granted time off", "withdraw it", ("time_off",)),
    Rule(
        "limits",
        "agent",
        "shifts keep the agent's limits of health or age",
        "give the shift to somebody else",
        ("limits",),
    ),
)

_CONTRACT = (
    Rule(
        "contract",
        "contract",
        "a contract is in force on the day of every shift",
        "import a contract term for the day",
        ("terms",),
    ),
    Rule(
        "template",
        "contract",
        "the template is one of the contract's, with its length and one of its starts",
        "allow the template in the contract",
        ("templates",),
    ),
    Rule(
        "day_hours",
        "contract",
        "paid hours of a day within the contract",
        "take a shorter template",
        ("max_hours_per_day",),
    ),
    Rule(
        "week_hours",
        "contract",
        "paid hours of a week, Monday to Sunday, within the contract",
        "raise max_hours_per_week, or add agents",
        ("max_hours_per_week",),
    ),
    Rule(
        "week_days",
        "contract",
        "days worked in a week within the contract",
        "raise max_days_per_week, or add agents",
        ("max_days_per_week",),
    ),
    Rule(
        "period_hours",
        "contract",
        "paid hours of a period within the contract",
        "raise max_hours_per_period, or add agents",
        ("max_hours_per_period", "period_weeks"),
    ),
    Rule(
        "template_shifts",
        "contract",
        "shifts of a template in a period within the contract",
        "raise max_shifts of the template",
        ("max_shifts", "period_weeks"),
    ),
    Rule(
        "consecutive_days",
        "contract",
        "days worked in a row within the contract",
        "raise max_consecutive_days",
        ("max_consecutive_days",),
    ),
    Rule(
        "consecutive_nights",
        "contract",
        "nights worked in a row within the contract",
        "raise max_consecutive_nights",
        ("max_consecutive_nights",),
    ),
    Rule(
        "consecutive_shifts",
        "contract",
        "days worked in a row no fewer than the contract's",
        "lower min_consecutive_shifts",
        ("min_consecutive_shifts",),
    ),
    Rule(
        "days_off",
        "contract",
        "days off in a row no fewer than the contract's",
        "lower min_consecutive_days_off",
        ("min_consecutive_days_off",),
    ),
    Rule(
        "rest",
        "contract",
        "hours between two shifts no fewer than the contract's",
        "move one of the two shifts",
        ("min_rest_h",),
    ),
    Rule(
        "weekly_rest",
        "contract",
        "every week holds one rest as long as the contract's",
        "free a day of the week",
        ("weekly_rest_h",),
    ),
    Rule(
        "rest_after_nights",
        "contract",
        "hours of rest after a series of nights no fewer than the contract's",
        "free the days after the nights",
        ("rest_after_nights_h", "nights_in_series"),
    ),
    Rule(
        "weekends",
        "contract",
        "weekends worked in any four consecutive weeks within the contract",
        "raise max_weekends_in_4, or add agents who may work weekends",
        ("max_weekends_in_4",),
    ),
    Rule(
        "sequence",
        "contract",
        "no template follows on another that the contract forbids to",
        "put a day off between the two",
        ("forbidden_sequences",),
    ),
    Rule(
        "start_change",
        "contract",
        "starts of two days worked in a row no further apart than the contract's",
        "take a start nearer to the day before",
        ("max_start_change_h",),
    ),
    Rule(
        "holidays",
        "contract",
        "public holidays worked in a period within the contract",
        "raise max_holidays_per_period",
        ("max_holidays_per_period", "period_weeks"),
    ),
)

_FLOOR = (
    Rule(
        "presence",
        "floor",
        "as many agents of each role are on queue as the brand asks for",
        "add agents of the role, or ask for fewer",
    ),
)

RULES: dict[str, Rule] = {rule.name: rule for rule in (*_TABLE, *_AGENT, *_CONTRACT, *_FLOOR)}


@dataclass(frozen=True)
class Figure:
    """What a rule set says of one field of `wfm.people.Contract`, and why."""

    field: str
    value: float
    why: str = ""


@dataclass(frozen=True)
class RuleSet:
    """The law of a country or an agreement: figures that a contract under it is no laxer than.

    figures      its own and those of the set it extends, each field once
    source       where they come from, in words
    not_checked  what the law asks for and no figure of a contract can say, and where to see to it
    """

    name: str
    title: str
    source: str = ""
    figures: tuple[Figure, ...] = ()
    extends: str = ""
    not_checked: tuple[str, ...] = ()

    def figure(self, field: str) -> Figure | None:
        return next((f for f in self.figures if f.field == field), None)


def rules_reading(field: str) -> tuple[Rule, ...]:
    """The rules that read the field."""
    return tuple(rule for rule in RULES.values() if field in rule.fields)
