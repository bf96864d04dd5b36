"""The smallest set that conflicts, found by leaving out one after the other (a deletion filter)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def smallest_conflict(
    parts: Sequence[T], conflicts: Callable[[Sequence[T]], bool]
) -> tuple[T, ...]:
    """Parts of which none can be left out while the rest still conflicts; in their order.

    conflicts  whether these parts alone conflict; more parts never mend a conflict

    Parts that come first are left out first, so put what a planner would not give way in last.
    Empty when all of them together do not conflict. Asks once for each part.

    >>> smallest_conflict([3, 4, 5], lambda some: sum(some) > 8)
    (4, 5)
    """
    if not conflicts(parts):
        return ()
    kept = list(parts)
    for part in parts:
        without = [p for p in kept if p is not part]
        if conflicts(without):
            kept = without
    return tuple(kept)


def rules_in_the_way(alternatives: Iterable[Collection[str]]) -> tuple[str, ...]:
    """The fewest rules, each necessary, that together stand against every alternative.

    alternatives  the rules that each breaks; where one breaks none, nothing is in the way

    >>> rules_in_the_way([{"rest"}, {"rest", "weekends"}, {"time_off"}])
    ('rest', 'time_off')
    """
    sets = [frozenset(a) for a in alternatives]
    count = Counter(rule for rules in sets for rule in rules)
    rare_first = sorted(count, key=lambda rule: (count[rule], rule))
    found = smallest_conflict(
        rare_first, lambda rules: bool(sets) and all(s & set(rules) for s in sets)
    )
    return tuple(sorted(found, key=lambda rule: (-count[rule], rule)))
