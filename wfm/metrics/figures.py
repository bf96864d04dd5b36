"""Counts and times made into the figures of `wfm.metrics.definitions`. Pure.

On the live queue's path: standard library only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from wfm.metrics.cells import HOUR_BITS, TIMES, Total
from wfm.metrics.definitions import DEFINITIONS

Figures = Mapping[str, float | int | None]

# Promise of a figure -> the clocks that it is told of, by metric and goal.
_PROMISES = {
    "first_response": ("first_response.first_response",),
    "opening": ("first_response.opening",),
    "next_reply": ("next_reply.follow_up", "next_reply.opening"),
    "resolution": ("resolution.resolution",),
}
_FIRST = (*_PROMISES["first_response"], *_PROMISES["opening"])

_PLAIN = (
    "cases", "contacts", "merged", "spam", "own_posts", "reposts", "resolved", "reopened",
    "repeat_contacts", "follow_ups_due", "follow_ups_done", "follow_ups_late",
)  # fmt: skip


def figures_of(total: Total) -> dict[str, float | int | None]:
    """Every figure of the cells together; None where it is a share or a time of nothing.

    Medians and P90s are None where only hours of cells were added up.
    """
    found: dict[str, float | int | None] = {name: total.of(name) for name in _PLAIN}
    answered = _clocks(total, _FIRST, "met", "late")
    late = _clocks(total, _FIRST, "waiting_late")
    waiting = _clocks(total, _FIRST, "waiting")
    unanswered = _clocks(total, _FIRST, "cancelled")
    asked = answered + late + waiting + unanswered
    cases = total.of("cases")
    found |= {
        "answered": answered,
        "waiting": waiting,
        "waiting_late": late,
        "closed_unanswered": unanswered,
        "resolved_automatically": _clocks(total, _FIRST, "automatic"),
        "response_rate": _over(answered, asked),
        "never_answered": unanswered + late,
        "never_answered_share": _over(unanswered + late, asked),
        "wrote_again_share": _over(total.of("wrote_again"), cases),
        "contacts_per_resolution": _over(total.of("resolved_contacts"), total.of("resolved")),
        "reopened_share": _over(total.of("reopened"), cases),
        "repeat_share": _over(total.of("repeat_contacts"), cases),
        "occupancy": _over(total.of("handled_ms"), total.of("staffed_ms")),
    }
    for name, clocks in _PROMISES.items():
        met = _clocks(total, clocks, "met")
        judged = met + _clocks(total, clocks, "late", "waiting_late")
        found |= {
            f"{name}_attainment": _over(met, judged),
            f"{name}_judged": judged,
            f"{name}_late": judged - met,
        }
    for name in TIMES:
        many, kept = total.of(f"{name}.n"), total.times.get(name, ())
        found |= {
            f"{name}_mean_s": _over(total.of(f"{name}.sum"), many),
            f"{name}_median_s": time_within(kept, 1, 2),
            f"{name}_p90_s": time_within(kept, 9, 10),
        }
    return {one.name: found[one.name] for one in DEFINITIONS}


def _clocks(total: Total, clocks: Sequence[str], *outcomes: str) -> int:
    return total.of(*(f"{clock}.{outcome}" for clock in clocks for outcome in outcomes))


def _over(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def time_within(times: Sequence[Sequence[int]], share: int, of: int) -> int | None:
    """The shortest time within which at least `share` of `of` of all the times lie; None: none.

    times  as cells keep them, in ascending order each. They are not brought together: the time is
           searched for by halving, so that a year of days is as quick as it is exact.
    """
    kept = [one for one in times if len(one)]
    wanted = -(-share * sum(map(len, kept)) // of)
    if not wanted:
        return None
    low = min(one[0] for one in kept) >> HOUR_BITS
    high = max(one[-1] for one in kept) >> HOUR_BITS
    while low < high:
        middle = (low + high) // 2
        before = (middle + 1) << HOUR_BITS  # whatever its hour, a longer time is not before this
        if sum(bisect_left(one, before) for one in kept) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low
