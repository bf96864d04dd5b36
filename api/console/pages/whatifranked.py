"""The repairs that were found, on the page What-if: the small set, the ranked, the refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from api.console import layout, whatifwords, words
from api.console.whatifform import Part
from scheduling.whatif.results import Ranked, Refusal, Repair, Repairs, Together
from scheduling.whatif.scenario import Scenario
from wfm.brands import Brand
from wfm.store.documents import to_document

SHOWN_FIRST = 8
TOGETHER = "together"  # the small set, among the names of repairs

KINDS = {
    "breaks": "Breaks",
    "activity": "Activities",
    "overtime": "Overtime",
    "standby": "Standby",
    "call_in": "Call in",
    "tomorrow": "Tomorrow",
    "loan": "Loan",
    "policy": "Order of the queue",
    "automatic": "Automatic",
    "put_off": "Put off",
}


def shown(
    found: Repairs, brand: Brand, *, now: Scenario | None, parts: Sequence[Part]
) -> list[Any]:
    """The small set, the ranked repairs, and folded away those that cannot be.

    now    the scenario as the page has it; another one than the repairs were found for is told
    parts  what holds beside the controls: a repair among them is applied
    """
    applied = [part["does"] for part in parts]
    told: list[Any] = [html.P(_sum_words(found), className="sentence")]
    if now is not None and to_document(now) != to_document(found.scenario):
        told.append(
            html.P(
                "These were ranked before the last change; find them again to see what is left.",
                className="note",
            )
        )
    if found.together is not None:
        told.append(_together(found.together, found, brand, applied))
    rows = [_row(at, one, found, brand, applied) for at, one in enumerate(found.ranked)]
    told.append(html.Ol(rows[:SHOWN_FIRST], className="changes repairs"))
    if rows[SHOWN_FIRST:]:
        more = words.counted(len(rows) - SHOWN_FIRST, "more repair")
        told.append(_folded(f"{more}", html.Ol(rows[SHOWN_FIRST:], className="changes repairs")))
    if found.refused:
        count = words.counted(len(found.refused), "repair")
        refused = html.Ul([_refused(one) for one in found.refused], className="changes")
        told.append(_folded(f"{count} that cannot be", refused))
    return told


def _folded(title: str, content: Any) -> html.Details:
    return html.Details([html.Summary(title), content], className="form")


def _sum_words(found: Repairs) -> str:
    broken = found.breach_min - found.breach_min_before
    if not found.ranked:
        return "Nothing is broken that a repair could mend."
    return (
        f"It breaks promises for {words.number(broken)} minutes more than planned. "
        f"{words.counted(len(found.ranked), 'repair')} tried in {found.seconds:.1f} s."
    )


def _row(at: int, ranked: Ranked, found: Repairs, brand: Brand, applied: Sequence[Any]) -> html.Li:
    """A repair with its place; one that fell behind says on how few days it was played."""
    repair, days = ranked.repair, found.replications
    effect = whatifwords.repair_words(ranked, found.scenario, brand.tz)
    if ranked.days < days:
        effect += f"; played on {ranked.days} of {days} days"
    badges = [layout.badge(KINDS[repair.kind], "plain")]
    if ranked.restores:
        badges.append(layout.badge("restores the promise", "good"))
    return html.Li(
        [
            html.Span(f"{at + 1}", className="rank", **layout.HIDDEN),
            html.Div(
                [
                    html.Strong(repair.title),
                    *badges,
                    html.Span(effect, className="effect"),
                    html.Span(repair.reason, className="under"),
                ],
                className="what",
            ),
            html.Div(
                [
                    html.Span(words.number(ranked.per_hour), className="value"),
                    html.Span("min saved per hour", className="under"),
                    html.Span(_effort(repair), className="under"),
                ],
                className="worth",
            ),
            _button(repair.repair_id, "Apply", done=to_document(repair.does) in applied),
        ]
    )


def _effort(repair: Repair) -> str:
    if not repair.people:
        return "nobody to be told"
    hours = words.number(repair.staff_hours, digits=1)
    return f"{hours} h paid, {whatifwords.people_words(repair.people)}"


def _button(repair_id: str, text: str, *, done: bool) -> html.Button:
    return html.Button(
        "Applied" if done else text,
        id={"type": "whatif-apply", "repair": repair_id},
        className="plain",
        disabled=done,
        n_clicks=0,
    )


def _together(
    together: Together, found: Repairs, brand: Brand, applied: Sequence[Any]
) -> html.Section:
    """The small set, with one button."""
    if together.restores:
        title, tone = "The least that restores the promise", "good"
    else:
        title, tone = "What comes nearest; nothing here restores the promise", "warn"
    left = max(0.0, found.breach_min - together.avoided_min - found.breach_min_before)
    again = whatifwords.recovery_words(together.recovered_at, found.scenario, brand.tz)
    several = len(together.repairs) > 1
    alone = f" (alone they would {words.number(together.summed_min)})" if several else ""
    saved = (
        f"{'Together they save' if several else 'It saves'} "
        f"{words.number(together.avoided_min)} min{alone}, "
        f"{words.number(left)} min are left{again}; "
        f"{words.number(together.effort_h, digits=1)} h of work."
    )
    done = all(to_document(one.does) in applied for one in together.repairs)
    return html.Section(
        [
            html.Div(
                [
                    html.H3(
                        [title, layout.badge(words.counted(len(together.repairs), "step"), tone)]
                    ),
                    html.Ul([html.Li(one.title) for one in together.repairs]),
                    html.P(saved, className="note"),
                ]
            ),
            _button(TOGETHER, "Apply all" if several else "Apply it", done=done),
        ],
        className="together",
    )


def _refused(refusal: Refusal) -> html.Li:
    return html.Li(
        html.Div([html.Strong(refusal.title), html.Span(refusal.reason, className="under")])
    )
