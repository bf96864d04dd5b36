"""How the page What-if says things: a scenario, its parts, and what comes of it in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.console import layout, words
from scheduling.whatif.results import Evaluation, QueueEffect, Ranked
from scheduling.whatif.scenario import Handling, Scenario, Shrinkage, Surge
from wfm.brands import Brand
from wfm.campaigns import Category
from wfm.timegrid import local_day

CAUSES: dict[Category, str] = {
    "viral": "Viral post",
    "campaign": "Campaign",
    "regulatory": "Regulatory change",
    "market": "Market event",
    "launch": "Product launch",
    "outage": "Outage",
}
# A loss of less than this is none that people would speak of.
SAME = 0.002
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


def begin_of(scenario: Scenario) -> datetime | None:
    """When the first of its parts is felt."""
    return min((start for start, _ in scenario.spans), default=None)


def opening(scenario: Scenario, brand: Brand) -> str:
    """When what begins, e.g. `On Tuesday 10 March from 18:00, 3 times the usual on X for 2 h`."""
    begins = begin_of(scenario)
    if begins is None:
        return "With this"
    local = begins.astimezone(brand.tz)
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
    effect = found.overall
    begins = opening(found.scenario, brand)
    shares = effect.attainment_before, effect.attainment_after
    usual, share = (words.percent(one, digits=0) for one in shares)
    if abs(shares[0] - shares[1]) < SAME:
        return f"{begins}: {share} are answered in time, as without it."
    if usual == share:
        usual, share = (words.percent(one) for one in shares)
    peak = effect.backlog_after
    waiting = f"at worst {words.number(peak.value)} waiting {when_words(peak.at, found, brand)}"
    return (
        f"{begins}: {share} in time instead of {usual}, {waiting}, {again(effect, found, brand)}."
    )


def is_unhurt(effect: QueueEffect, found: Evaluation) -> bool:
    """Whether it is on time as planned throughout."""
    begins = begin_of(found.scenario) or found.start
    return effect.recovered_at is not None and effect.recovered_at <= begins


def again(effect: QueueEffect, found: Evaluation, brand: Brand) -> str:
    """When it is on time again."""
    if is_unhurt(effect, found):
        return "no hour worse than planned"
    if effect.recovered_at is None:
        return f"not on time again by {words.moment(found.end, brand.tz)}"
    return f"on time again {when_words(effect.recovered_at, found, brand)}"


def when_words(at: datetime, found: Evaluation, brand: Brand) -> str:
    """`at 23:30`, with its day where that is not the day on which the scenario begins."""
    begins = begin_of(found.scenario) or found.start
    if local_day(at, brand.tz) == local_day(begins, brand.tz):
        return f"at {words.clock_time(at, brand.tz)}"
    return f"on {words.day_name(local_day(at, brand.tz))} at {words.clock_time(at, brand.tz)}"


def repair_words(ranked: Ranked, zone: ZoneInfo) -> str:
    """What a repair achieves, e.g. `saves 84 min of broken promise; 88 % in time`."""
    recovered = (
        f", on time again {words.moment(ranked.recovered_at, zone)}" if ranked.recovered_at else ""
    )
    return (
        f"saves {words.number(ranked.avoided_min)} min of broken promise "
        f"(± {words.number(2 * ranked.avoided_se)}), "
        f"{words.percent(ranked.attainment)} in time{recovered}"
    )
