"""How the page What-if says things: a scenario, its parts, and what comes of it in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.console import layout, words
from api.planning.whatif.words import outcome
from scheduling.whatif.results import Evaluation, Ranked
from scheduling.whatif.scenario import Handling, Scenario, Shrinkage, Surge
from wfm.brands import Brand
from wfm.campaigns import Category

CAUSES: dict[Category, str] = {
    "viral": "Viral post",
    "campaign": "Campaign",
    "regulatory": "Regulatory change",
    "market": "Market event",
    "launch": "Product launch",
    "outage": "Outage",
}
# Of what holds beside the surges, so much is named in a sentence; the rest is counted.
TOLD = 2


def named(brand: Brand, queues: Sequence[str]) -> str:
    """Queues as people name them: all, one, or a list."""
    labels = layout.queue_labels(brand)
    chosen = [labels.get(name, name) for name in queues]
    if not chosen or len(chosen) == len(labels):
        return "all queues"
    return chosen[0] if len(chosen) == 1 else f"{', '.join(chosen[:-1])} and {chosen[-1]}"


def span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`Tue 10 Mar 18:00–20:00`, with the second day where it is another."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    until = f"{last:%H:%M}" if first.date() == last.date() else words.moment(end, zone)
    return f"{words.moment(start, zone)}–{until}"


def times(factor: float) -> str:
    """
    >>> times(3.0), times(2.5)
    ('3 times', '2.5 times')
    """
    return f"{factor:g} times"


def surge_words(surge: Surge, brand: Brand) -> str:
    """What comes, where and for how long, e.g. `3 times the usual on X for 2 h`."""
    comes = [f"{times(surge.factor)} the usual"] if surge.factor != 1 else []
    if surge.added:
        comes.append(f"{words.number(surge.added)} contacts more")
    lasts = words.length(surge.length_min * 60)
    return f"{' and '.join(comes) or 'the usual'} on {named(brand, surge.queues)} for {lasts}"


def part_words(name: str, parts: Sequence[Any], brand: Brand) -> str:
    """What a scenario's parts of one kind say, in a few words."""
    zone, first = brand.tz, parts[0]
    if name == "surges":
        text = f"{surge_words(first, brand)}, from {words.moment(first.start, zone)}"
        return text[0].upper() + text[1:]
    if name == "changes":
        people = len({change.agent_id for change in parts})
        days = words.counted(len(parts), "day")
        return f"The roster changed: {days} of {people_words(people)}"
    if name == "goals":
        share = "" if first.share is None else f" {words.percent(first.share, digits=0)}"
        within = "" if first.threshold_s is None else f" within {words.length(first.threshold_s)}"
        return f"Another promise on {named(brand, [first.queue])}:{share}{within}"
    return f"{_lasting(name, first, brand)}, {span(first.start, first.end, zone)}"


def going_words(scenario: Scenario, brand: Brand) -> str:
    """What goes with a spike, without the hours: it moves when that is moved."""
    told = [surge_words(surge, brand) for surge in scenario.surges]
    told += [_lasting("handling", part, brand) for part in scenario.handling]
    return f"With the spike: {', '.join(told)}"


def _lasting(name: str, part: Any, brand: Brand) -> str:
    """What a part that holds from a start to an end says."""
    if name == "handling":
        return f"Handling time {handling_words(part)} on {named(brand, part.queues)}"
    if name == "absences":
        known = [f"{people_words(len(part.agents))} away"] if part.agents else []
        share = [f"{words.percent(part.share, digits=0)} of the people away"] if part.share else []
        return " and ".join(known + share) or "Nobody away"
    if name == "extra":
        return f"{people_words(part.heads)} more on {named(brand, part.queues)}"
    if name == "loans":
        return f"{people_words(len(part.agents))} also serve {named(brand, part.queues)}"
    does = []
    if part.spike_mode is not None:
        on = f"spike mode ({words.percent(part.reserve, digits=0)} for the late)"
        does.append(on if part.spike_mode else "no spike mode")
    if part.automatic:
        does.append(f"{words.percent(part.automatic, digits=0)} answered automatically")
    if part.put_off_min:
        does.append(f"put off by {words.length(part.put_off_min * 60)}")
    text = f"{', '.join(does) or 'worked as usual'} on {named(brand, part.queues)}"
    return text[0].upper() + text[1:]


def handling_words(part: Handling) -> str:
    more = round((part.factor - 1) * 100)
    return f"{abs(more)} % {'longer' if more >= 0 else 'shorter'}"


def shrinkage_words(shrinkage: Shrinkage) -> str:
    told = [
        f"{what} {words.percent(value, digits=0)}"
        for what, value in (("planned", shrinkage.planned), ("unplanned", shrinkage.unplanned))
        if value is not None
    ]
    return f"Shrinkage: {', '.join(told) or 'as it is'}"


def people_words(count: int) -> str:
    """
    >>> people_words(1), people_words(4)
    ('1 person', '4 people')
    """
    return "1 person" if count == 1 else f"{words.number(count)} people"


def title_of(scenario: Scenario, brand: Brand) -> str:
    """The scenario in a few words where nobody has named it."""
    if scenario.surges:
        surge = scenario.surges[0]
        text = f"{surge_words(surge, brand)}, {words.moment(surge.start, brand.tz)}"
        return text[0].upper() + text[1:]
    return "As planned" if scenario.is_empty else "Otherwise than planned"


def opening(scenario: Scenario, brand: Brand) -> str:
    """When what begins, e.g. `On Tuesday 10 March from 18:00, 3 times the usual on X for 2 h`."""
    start = scenario.begins
    if start is None:
        return "With this"
    local = start.astimezone(brand.tz)
    when = f"On {local:%A} {local.day} {local:%B} from {local:%H:%M}"
    told = " and ".join(surge_words(surge, brand) for surge in scenario.surges)
    besides = beside_words(scenario, brand)
    if len(besides) > TOLD:
        besides = [*besides[:TOLD], f"{len(besides) - TOLD} more"]
    if besides:
        told += f"{', with ' if told else 'with '}{' and '.join(besides)}"
    return f"{when}, {told}"


def beside_words(scenario: Scenario, brand: Brand) -> list[str]:
    """What holds beside the surges, each in a few words without its hours."""
    told = [
        _lasting(name, part, brand)
        for name in ("handling", "absences", "policies", "extra", "loans")
        for part in getattr(scenario, name)
    ]
    told += [part_words("goals", [goal], brand) for goal in scenario.goals]
    people = len({change.agent_id for change in scenario.changes})
    told += [f"changed shifts of {people_words(people)}"] if people else []
    told += [shrinkage_words(scenario.shrinkage)] if scenario.shrinkage else []
    return [text[0].lower() + text[1:] for text in told]


def answer(found: Evaluation, brand: Brand) -> str:
    """The one sentence that a manager wants."""
    told = outcome(found, brand.tz, percent=words.percent, number=words.number)
    return f"{opening(found.scenario, brand)}: {told}."


def repair_words(ranked: Ranked, scenario: Scenario, zone: ZoneInfo) -> str:
    """What a repair achieves, as `saves 84 min of broken promise (± 6), 9 late replies fewer`."""
    back = recovery_words(ranked.recovered_at, scenario, zone)
    return (
        f"saves {words.number(ranked.avoided_min)} min of broken promise "
        f"(± {words.number(2 * ranked.avoided_se)}), {late_words(ranked.late_avoided)}{back}"
    )


def late_words(fewer: float) -> str:
    """
    >>> late_words(40.0), late_words(-3.2), late_words(0.2)
    ('40 late replies fewer', '3 late replies more', 'as many late replies')
    """
    count = round(abs(fewer))
    if not count:
        return "as many late replies"
    replies = "late reply" if count == 1 else "late replies"
    return f"{words.number(count)} {replies} {'fewer' if fewer > 0 else 'more'}"


def recovery_words(at: datetime | None, scenario: Scenario, zone: ZoneInfo) -> str:
    """When a repaired scenario is on time again, to follow on; nothing where it is not."""
    start = scenario.begins
    if at is None:
        return ""
    if start is not None and at <= start:
        return ", no hour less on time than planned"
    return f", on time again {words.moment(at, zone)}"
