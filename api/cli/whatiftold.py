"""What scenarios do, in a sentence, a table and a picture; and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from rich.table import Table

from api.cli.curves import clock_ruler, curve_step, height_line, share_line
from api.cli.rosterwords import counted
from api.cli.shell import as_rows, figure, out, say, show_table
from api.cli.whatifwords import back_at, span, time_after
from api.planning.whatif.words import differs, duration, outcome, since_of
from wfm.store.documents import to_document
from wfm.timegrid import INTERVAL

if TYPE_CHECKING:
    from api.planning.whatif.saved import SavedScenario
    from api.planning.whatif.scenarios import Comparison
    from scheduling.whatif.results import Evaluation, Peak, QueueEffect

Side = Literal["before", "after"]

# What a line of a table tells of a queue or a scenario.
FIGURES = ("in time", "worst hour", "most waiting", "oldest waits", "late", "on time again")


def say_evaluation(evaluation: Evaluation, zone: ZoneInfo) -> None:
    """The answer in a sentence, a table by queue, the picture, and what it rests on."""
    say(answer(evaluation, zone))
    show_table(effects_table(evaluation, zone))
    for line in curve_lines(evaluation, zone):
        out.print(line, markup=False)
    say(". ".join(_grounds(evaluation, zone)) + ".")


def answer(evaluation: Evaluation, zone: ZoneInfo) -> str:
    """What the scenario does, in one sentence."""
    return f"{outcome(evaluation, zone)}."


def _grounds(evaluation: Evaluation, zone: ZoneInfo) -> Iterator[str]:
    """What the figures rest on, and what comes with them."""
    untouched = [e.queue for e in evaluation.effects[1:] if e.queue not in evaluation.reached]
    if untouched:
        yield f"Not reached: {', '.join(untouched)}"
    if abs(evaluation.added_contacts) >= 0.5:
        more = "more" if evaluation.added_contacts > 0 else "fewer"
        yield f"{abs(evaluation.added_contacts):,.0f} contacts {more}"
    if evaluation.automatic >= 0.5:
        yield f"{evaluation.automatic:,.0f} answered automatically"
    if evaluation.paid_hours:
        yield f"{evaluation.paid_hours:+,.1f} paid hours"
    yield (
        f"Simulated {span(evaluation.start, evaluation.end, zone)} ({zone.key}) without and with "
        f"it on the same {counted(evaluation.replications, 'sampled day')}, seed "
        f"{evaluation.seed}, in {evaluation.seconds:.1f} s"
    )


# -- tables --------------------------------------------------------------------------------------


def effects_table(evaluation: Evaluation, zone: ZoneInfo) -> Table:
    """A line a queue that is reached, all together first: without the scenario -> with it."""
    since = since_of(evaluation)
    shown = _table("queue")
    for effect in evaluation.effects:
        if effect.queue and effect.queue not in evaluation.reached:
            continue
        cells = zip(_figures(effect, "before"), _figures(effect, "after"), strict=True)
        both = [f"{before} -> {after}" for before, after in cells]
        both[FIGURES.index("most waiting")] += _at(effect.backlog_after, since, zone)
        shown.add_row(
            effect.queue or "all queues", *both, back_at(effect.recovered_at, since, zone)
        )
    return shown


def _table(first: str, *more: str) -> Table:
    shown = Table(box=None, pad_edge=False)
    for name in (first, *FIGURES, *more):
        shown.add_column(name, justify="left" if name == first else "right", no_wrap=True)
    return shown


def _figures(effect: QueueEffect, side: Side) -> tuple[str, ...]:
    """One side of an effect in the order of `FIGURES`, without the time of recovery."""
    waiting, age_s = getattr(effect, f"backlog_{side}"), getattr(effect, f"age_s_{side}")
    return (
        figure(getattr(effect, f"attainment_{side}"), ".1%"),
        figure(getattr(effect, f"worst_hour_{side}"), ".1%"),
        f"{waiting.value:,.0f}",
        duration(age_s.value / 60),
        f"{getattr(effect, f'late_{side}'):,.0f}",
    )


def _at(peak: Peak, since: datetime, zone: ZoneInfo) -> str:
    return f" at {time_after(peak.at, since, zone)}" if peak.value >= 0.5 else ""


# -- pictures ------------------------------------------------------------------------------------

# Before a curve stands its name.
NAME = 11


def curve_lines(evaluation: Evaluation, zone: ZoneInfo) -> list[str]:
    """First replies in time and messages waiting over the window: of all queues together, and of
    the one that suffers most where it is one of several.
    """
    queues, alone = [""], evaluation.effects[1:]
    if len(alone) > 1:
        worst = max(alone, key=lambda e: e.breach_min_after - e.breach_min_before)
        queues += [worst.queue] if differs(worst) else []
    width, lines = _ruled(evaluation, zone)
    for queue in queues:
        rows = evaluation.table[evaluation.table["queue"] == queue]
        waiting = rows["backlog_after"].tolist()
        lines += [
            f"{queue or 'all queues'}:",
            _named("without", _shares(evaluation, queue, "before", width)),
            _named("with", _shares(evaluation, queue, "after", width)),
            _named("waiting", height_line(waiting, width))
            + f"  at most {max(waiting, default=0.0):,.0f}",
        ]
    return lines


def comparison_lines(found: Comparison, zone: ZoneInfo) -> list[str]:
    """First replies in time of all queues, a line a scenario."""
    first = found.evaluations[0]
    width, lines = _ruled(first, zone)
    lines.append(_named("without", _shares(first, "", "before", width)))
    lines += [
        _named(f"with {saved.scenario_id}", _shares(one, "", "after", width))
        for saved, one in zip(found.saved, found.evaluations, strict=True)
    ]
    return lines


def _ruled(evaluation: Evaluation, zone: ZoneInfo) -> tuple[int, list[str]]:
    """Quarter-hours a character, and the lines above the curves."""
    count = round((evaluation.end - evaluation.start) / INTERVAL)
    step = curve_step(count)
    width = step[0] // 15
    ruler = clock_ruler(evaluation.start, -(-count // width), step, zone)
    each = "a quarter-hour" if width == 1 else duration(step[0])
    return width, [f"First replies in time, {each} a character ({zone.key}):", _named("", ruler)]


def _shares(evaluation: Evaluation, queue: str, side: Side, width: int) -> str:
    rows = evaluation.table[evaluation.table["queue"] == queue]
    shares, cases = rows[f"attainment_{side}"].tolist(), rows[f"cases_{side}"].tolist()
    return share_line(shares, cases, width)


def _named(name: str, curve: str) -> str:
    return f"  {name}".ljust(NAME) + curve


# -- scenarios beside each other -----------------------------------------------------------------


def say_comparison(found: Comparison, zone: ZoneInfo) -> None:
    """A line a scenario under that of the roster without any, and their curves over each other."""
    first = found.evaluations[0]
    shown = _table("scenario", "paid hours")
    shown.add_row("without any", *_figures(first.overall, "before"), "-", "-")
    since = min(map(since_of, found.evaluations))
    for saved, one in zip(found.saved, found.evaluations, strict=True):
        back = back_at(one.overall.recovered_at, since_of(one), zone)
        if one.overall.recovered_at is not None and back != "-":
            back = time_after(one.overall.recovered_at, since, zone)
        shown.add_row(
            f"{saved.scenario_id} {saved.name}",
            *_figures(one.overall, "after"),
            back,
            f"{one.paid_hours:+,.1f}" if one.paid_hours else "-",
        )
    show_table(shown)
    for line in comparison_lines(found, zone):
        out.print(line, markup=False)


# -- as JSON -------------------------------------------------------------------------------------


def place_of(saved: SavedScenario) -> str:
    """The scenario's address in the console."""
    from api.routes.scenarioanswers import url_of  # late: it brings the web framework

    return url_of(saved.scenario_id)


def saved_document(saved: SavedScenario) -> dict[str, Any]:
    """A kept scenario with all its parts."""
    return {
        **vars(saved),
        "scenario": to_document(saved.scenario),
        "url": place_of(saved),
    }


def evaluation_document(evaluation: Evaluation, zone: ZoneInfo) -> dict[str, Any]:
    """An evaluation with its answer in words, its figures by queue, and its table."""
    table = evaluation.table.assign(
        start=evaluation.table["start"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    return {
        "answer": answer(evaluation, zone),
        "scenario": to_document(evaluation.scenario),
        "from": evaluation.start,
        "to": evaluation.end,
        "reached": evaluation.reached,
        "effects": [asdict(effect) for effect in evaluation.effects],
        "added_contacts": evaluation.added_contacts,
        "automatic": evaluation.automatic,
        "paid_hours": evaluation.paid_hours,
        "replications": evaluation.replications,
        "seed": evaluation.seed,
        "seconds": evaluation.seconds,
        "table": as_rows(table.to_dict("records")),
    }
