"""The figures of one range as people read them: what came, what was promised, how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table

from api.cli.shell import figure, out, show_table
from wfm.metrics.definitions import BY_NAME

COUNTS: Mapping[str, Sequence[str]] = {
    "What came": (
        "cases",
        "contacts",
        "wrote_again_share",
        "repeat_contacts",
        "repeat_share",
        "merged",
        "spam",
        "own_posts",
        "reposts",
    ),
    "What became of it": (
        "answered",
        "response_rate",
        "waiting",
        "waiting_late",
        "never_answered",
        "never_answered_share",
        "closed_unanswered",
        "resolved",
        "resolved_automatically",
        "contacts_per_resolution",
        "reopened",
        "reopened_share",
    ),
    "Tasks and people": (
        "follow_ups_due",
        "follow_ups_done",
        "follow_ups_late",
        "occupancy",
    ),
}
PROMISES = {
    "first_response": "first reply",
    "opening": "first reply after opening",
    "next_reply": "later reply",
    "resolution": "resolution",
}
PROMISED = {"attainment": "in time", "judged": "judged", "late": "late"}
TIMES = {
    "first_response": "first reply",
    "first_any": "first reply, automatic ones too",
    "next_reply": "later reply",
    "resolution": "resolution",
}
TIMED = {"mean_s": "mean", "median_s": "median", "p90_s": "P90"}


def told(name: str, value: float | None) -> str:
    """A figure with its unit.

    >>> told("response_rate", 0.912), told("first_response_mean_s", 75.0), told("cases", 3)
    ('91.2%', '1:15 min', '3')
    """
    unit = BY_NAME[name].unit
    if value is None:
        return "-"
    if unit == "s":
        minutes, seconds = divmod(round(value), 60)
        hours, rest = divmod(minutes, 60)
        return f"{hours}:{rest:02} h" if hours else f"{minutes}:{seconds:02} min"
    return figure(value, {"share": ".1%", "count": ",.0f", "ratio": ".2f"}[unit])


def show_figures(figures: Mapping[str, float | None]) -> None:
    """All figures of a range, each once: counts by subject, then promises and times as tables."""
    for subject, names in COUNTS.items():
        out.print(subject)
        shown = Table(box=None, pad_edge=False, show_header=False)
        shown.add_column(min_width=max(map(len, BY_NAME)))
        shown.add_column(justify="right")
        for name in names:
            shown.add_row(f"  {name.replace('_', ' ')}", told(name, figures[name]))
        show_table(shown)
    promised = _table("Promises", PROMISED.values())
    for metric, words in PROMISES.items():
        names = [f"{metric}_{end}" for end in PROMISED]
        promised.add_row(f"  {words}", *(told(name, figures[name]) for name in names))
    show_table(promised)
    timed = _table("Times", [*TIMED.values(), "by the clock: mean", *list(TIMED.values())[1:]])
    for metric, words in TIMES.items():
        names = [f"{metric}_{by}{end}" for by in ("", "clock_") for end in TIMED]
        timed.add_row(f"  {words}", *(told(name, figures[name]) for name in names))
    show_table(timed)


def _table(subject: str, heads: Iterable[str]) -> Table:
    shown = Table(box=None, pad_edge=False)
    shown.add_column(subject)
    for head in heads:
        shown.add_column(head, justify="right")
    return shown
