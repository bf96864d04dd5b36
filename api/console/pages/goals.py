"""Promises and what a certificate says of them, as tables for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dash import html

from api.console import layout, series, words
from api.console.views import PlanView
from scheduling.certificate import Certificate, GoalResult
from wfm.brands import Brand
from wfm.timegrid import local_day, parse_instant


def promise_line(plan: PlanView, queue: str) -> GoalResult | None:
    """The certificate's line of the queue's first responses inside the window; "" is all queues."""
    for line in plan.tables.certificate.goals:
        if (line.queue, line.metric, line.goal) == (queue, "first_response", "goal"):
            return line
    return None


def promised(plan: PlanView, queue: str) -> tuple[float | None, float | None]:
    """Share and seconds promised to the queue; to all of them where they are promised the same."""
    lines = [
        line
        for line in plan.tables.certificate.goals
        if line.metric == "first_response" and line.goal == "goal" and line.share is not None
        if queue in (series.ALL, line.queue)
    ]
    shares, thresholds = {line.share for line in lines}, {line.threshold_s for line in lines}
    return (
        shares.pop() if len(shares) == 1 else None,
        thresholds.pop() if len(thresholds) == 1 else None,
    )


def worst_of(line: GoalResult) -> tuple[float | None, datetime | None]:
    """Attainment and start of the worst unit of the goal's scope, where it has cases."""
    if line.worst is None:
        return None, None
    return line.worst["attainment"], parse_instant(line.worst["start"])


def lines_of(certificate: Certificate, queue: str) -> list[GoalResult]:
    """Promises to the chosen queue (or to all), the line of all queues together first."""
    lines = [g for g in certificate.goals if queue in (series.ALL, g.queue)]
    return sorted(lines, key=lambda line: line.queue != series.ALL)


def goals_table(plan: PlanView, brand: Brand, queue: str) -> html.Table:
    """Every promise to the chosen queue (or to all), with what the simulation says of it."""
    return _table(plan.tables.certificate, brand, queue, exact=False)


def exact_table(certificate: Certificate, brand: Brand, queue: str) -> html.Table:
    """The same with the error of every figure, and the cases behind it."""
    return _table(certificate, brand, queue, exact=True)


def _table(certificate: Certificate, brand: Brand, queue: str, *, exact: bool) -> html.Table:
    labels = {series.ALL: "All queues", **layout.queue_labels(brand)}
    head = ["Queue", "Promise", "Overall", "P10–P90", "Worst", "Kept"]
    if exact:
        head.insert(2, "Cases")
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(name, scope="col") for name in head])),
            html.Tbody(
                [
                    _goal_row(line, labels, brand, exact=exact)
                    for line in lines_of(certificate, queue)
                ]
            ),
        ],
        className="goals exact" if exact else "goals",
    )


def _goal_row(line: GoalResult, labels: dict[str, str], brand: Brand, *, exact: bool) -> html.Tr:
    worst, worst_at = worst_of(line)
    when = _unit_words(line, worst_at, brand) if worst_at else ""
    digits = 2 if exact else 0
    overall = words.percent(line.attainment, digits=2 if exact else 1)
    figures: list[Any] = [
        _told(overall, error(line.se) if exact else ""),
        words.band(line.p10, line.p90, digits=digits),
        _told(words.percent(worst), when, error(worst_error(line)) if exact else ""),
        kept_words(line),
    ]
    if exact:
        figures.insert(0, words.number(line.cases))
    return html.Tr(
        [
            html.Th(labels.get(line.queue, line.queue), scope="row"),
            html.Td(promise_words(line)),
            *(html.Td(figure, className="figure") for figure in figures),
        ]
    )


def _told(value: str, *under: str) -> list[Any]:
    """A figure with what is to be known of it below."""
    return [value, *(html.Span(text, className="under") for text in under if text)]


def error(se: float | None) -> str:
    """
    >>> error(0.0012), error(None)
    ('± 0.12 %', '')
    """
    return "" if se is None else f"± {words.percent(se, digits=2)}"


def worst_error(line: GoalResult) -> float | None:
    return None if line.worst is None else line.worst["se"]


def _unit_words(line: GoalResult, at: datetime, brand: Brand) -> str:
    """When the worst unit is: a day by its name, anything shorter by its time as well."""
    if line.scope == "day":
        return words.day_name(local_day(at, brand.tz))
    return words.moment(at, brand.tz)


def promise_words(line: GoalResult) -> str:
    if line.threshold_s is None or line.share is None:
        return "First response, each queue by its own promise"
    return words.promise(
        line.metric,
        line.threshold_s,
        line.share,
        line.scope,
        after_opening=line.goal == "opening",
    )


def kept_words(line: GoalResult) -> Any:
    """Kept in each of its hours, or in how many it is missed."""
    if line.share is None or not line.units:
        return words.NONE
    if line.kept:
        return layout.badge("kept", "good")
    return [
        layout.badge("missed", "bad"),
        html.Span(f"in {line.units_missed} of {line.units} {line.scope}s", className="under"),
    ]


def waiting_table(certificate: Certificate, brand: Brand, queue: str) -> html.Table | None:
    """How long first replies take and how many messages wait, by queue; all queues first.

    None for a certificate that was made before this was counted.
    """
    if not certificate.first_response_s:
        return None
    labels = {series.ALL: "All queues", **layout.queue_labels(brand)}
    names = [name for name in labels if name in certificate.first_response_s]
    head = ("Queue", "Half of first replies within", "Nine in ten within", "Messages waiting")
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(name, scope="col") for name in head])),
            html.Tbody(
                [
                    _waiting_row(certificate, name, labels[name])
                    for name in names
                    if queue in (series.ALL, name)
                ]
            ),
        ],
        className="goals exact",
    )


def _waiting_row(certificate: Certificate, name: str, label: str) -> html.Tr:
    taken, waiting = certificate.first_response_s[name], certificate.backlog[name]
    mean = sum(waiting["mean"]) / max(len(waiting["mean"]), 1)
    figures: tuple[Any, ...] = (
        reply_time(taken.get("p50")),
        reply_time(taken.get("p90")),
        _told(
            f"{words.number(mean, digits=1)} on average",
            f"up to {words.number(max(waiting['p90'], default=0.0))} (P90)",
        ),
    )
    return html.Tr(
        [
            html.Th(label, scope="row"),
            *(html.Td(figure, className="figure") for figure in figures),
        ]
    )


def reply_time(seconds: float | None) -> str:
    """
    >>> reply_time(201.4), reply_time(41.7), reply_time(None)
    ('3 min', '42 s', '–')
    """
    return words.NONE if seconds is None else words.length(round(seconds))


def staff_words(certificate: Certificate) -> str:
    """How busy the agents are, and what they work beyond their time."""
    busy = [share for share in certificate.occupancy if share is not None]
    if not busy:
        return ""
    told = f"Agents handle {words.percent(sum(busy) / len(busy), digits=0)} of their time on queue"
    if certificate.overrun_h is not None:
        told += f" and finish replies for {words.number(certificate.overrun_h, digits=1)} h past it"
    return f"{told}, on average over the plan."
