"""What could be done about a scenario: repairs to be simulated, and what rules forbid.

People are chosen who cover most of the trouble per paid hour, and each of their shifts is judged by
the rules of the roster before it is offered. A repair's worth is for the simulation to tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from scheduling.editing.presence import presence_of
from scheduling.whatif.lawful import Forbidden, Variant, lawful, shared_out
from scheduling.whatif.loans import loans
from scheduling.whatif.offers import Floor, Offer, floor_of
from scheduling.whatif.policymoves import (
    automatic_answers,
    more_automatic_answers,
    more_spike_modes,
    put_off,
    spike_modes,
)
from scheduling.whatif.results import Evaluation, Refusal, Repair, RepairKind
from scheduling.whatif.scenario import Scenario
from scheduling.whatif.situation import Situation
from scheduling.whatif.sizes import sizes
from scheduling.whatif.trouble import trouble_of
from scheduling.whatif.variants import variants

MOST = 30
# Fewer are filled up with repairs of other sizes.
FEW = 20
# Of each kind so many refusals are told, the commonest rules.
TOLD = 2


def candidates(
    situation: Situation, scenario: Scenario, evaluation: Evaluation
) -> tuple[tuple[Repair, ...], tuple[Refusal, ...]]:
    """What could be done about the scenario, 30 repairs at most; and what rules forbid.

    evaluation  of the scenario, by `scheduling.whatif.evaluate`

    None where the scenario is empty or no promise breaks. Nothing changes before people know of it
    and have been told, see `trouble.NOTICE_MIN`; pinned and past shifts stay, and so do days that
    the scenario itself changes. Repairs that move different kinds of shifts move different people,
    so that they can be joined; so can each with the scenario.
    """
    trouble = None if scenario.is_empty else trouble_of(situation, scenario, evaluation)
    if trouble is None:
        return (), ()
    floor = floor_of(situation, scenario, trouble)
    allowed, forbidden = lawful(variants(floor), floor)
    moves: list[list[Repair]] = []
    refused: list[Refusal] = []
    for variant in shared_out(allowed):
        repairs, refusals = _repairs(variant, floor)
        moves.append(repairs)
        refused += refusals
    policies = [list(make(floor)) for make in (spike_modes, automatic_answers, put_off, loans)]
    main = _in_turn([*policies, *moves])
    if len(main) < FEW:
        more = _in_turn([list(more_spike_modes(floor)), list(more_automatic_answers(floor))])
        main += more[: FEW - len(main)]
    return tuple(_by_kind(main[:MOST])), (*_told(forbidden), *refused)


def _repairs(variant: Variant, floor: Floor) -> tuple[list[Repair], list[Refusal]]:
    """A repair of each size of the variant; those that leave too few in a role are refused."""
    offers = sorted(variant.offers, key=lambda offer: offer.order)
    repairs, refused = [], []
    for count in sizes([offer.gain_h for offer in offers], floor):
        chosen = offers[:count]
        lost = _presence_lost(chosen, floor)
        if lost:
            detail = f"{' and '.join(lost)} would lack somebody on queue"
            refused.append(Refusal(variant.kind, variant.title(chosen), detail))
            continue
        repairs.append(
            Repair(
                repair_id=f"{variant.name}-{count}",
                kind=variant.kind,
                title=variant.title(chosen),
                reason=variant.reason(chosen),
                does=Scenario(changes=tuple(c for o in chosen for c in o.changes)),
                staff_hours=sum(offer.paid_h for offer in chosen),
                people=count,
            )
        )
    return repairs, refused


def _presence_lost(offers: Sequence[Offer], floor: Floor) -> list[str]:
    """Names of the brand's presence rules that the offers together leave short of somebody."""
    ground = floor.situation.ground
    if not ground.brand.presence:
        return []
    changes = [change for offer in offers for change in offer.changes]
    moved = [s for change in changes for s in (*change.before, *change.after)]
    starts, ends = min(s.start for s in moved), max(s.end for s in moved)
    during = floor.roster[(floor.roster["start"] < ends) & (floor.roster["end"] > starts)]
    table = presence_of(during, changes, ground)
    return list(dict.fromkeys(table["presence"][table["after"] < table["before"]]))


def _in_turn(groups: Sequence[Sequence[Repair]]) -> list[Repair]:
    """The first of each group, then the second of each: what is cut off at the end are sizes."""
    longest = max(map(len, groups), default=0)
    return [group[n] for n in range(longest) for group in groups if n < len(group)]


def _by_kind(repairs: Iterable[Repair]) -> Iterator[Repair]:
    """Repairs of a kind one after the other, kinds in order of first appearance."""
    kinds: dict[RepairKind, list[Repair]] = defaultdict(list)
    for repair in repairs:
        kinds[repair.kind].append(repair)
    return chain.from_iterable(kinds.values())


def _told(forbidden: Iterable[Forbidden]) -> Iterator[Refusal]:
    """What rules forbid, in words: of each kind the commonest rules."""
    by_rule: dict[RepairKind, dict[str, list[Forbidden]]] = {}
    for one in forbidden:
        rules = by_rule.setdefault(one.variant.kind, {})
        rules.setdefault(one.violation.rule, []).append(one)
    for kind, rules in by_rule.items():
        for found in sorted(rules.values(), key=lambda found: -len(found))[:TOLD]:
            first = found[0]
            mine = [one.offer for one in found if one.variant.name == first.variant.name]
            others = len({one.offer.agent_id for one in found}) - 1
            more = f", and {others} more like it" if others else ""
            yield Refusal(kind, first.variant.title(mine), f"{first.violation}{more}")
