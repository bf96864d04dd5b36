"""Repairs of how queues are worked: spike mode, automatic answers, later replies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scheduling.whatif.offers import Floor
from scheduling.whatif.results import Repair
from scheduling.whatif.scenario import Policy, Scenario, Surge
from scheduling.whatif.words import lasting, length, named
from wfm.calendars import open_share
from wfm.order import LATE_RESERVE, LOST

RESERVES = (LATE_RESERVE, 0.5)
# Every so many claims one goes to who is late, so that there is no share between a half and all.
MORE_RESERVES = (0.0, 0.1, 1 / 3, 0.05)
AUTOMATIC = (0.1, 0.2, 0.3)
MORE_AUTOMATIC = (0.15, 0.25, 0.05, 0.4, 0.5, 0.35, 0.45)
PUT_OFF_MIN = (60, 120, 240)


def spike_modes(floor: Floor) -> Iterator[Repair]:
    """Spike mode of the queues in trouble that are not in it: of all of them, and of the worst."""
    trouble = floor.trouble
    saves = [q for q in trouble.queues if _saves(floor, q)]
    if not saves:
        return
    yield from (_spike(floor, tuple(saves), reserve) for reserve in RESERVES)
    if len(saves) > 1:
        yield _spike(floor, (saves[0],), LATE_RESERVE)


def more_spike_modes(floor: Floor) -> Iterator[Repair]:
    """The same with other shares kept for those who are late."""
    saves = tuple(q for q in floor.trouble.queues if _saves(floor, q))
    if saves:
        yield from (_spike(floor, saves, reserve) for reserve in MORE_RESERVES)


def _saves(floor: Floor, name: str) -> bool:
    """Whether spike mode is off, and could save a case of the queue: see `wfm.order.LOST`."""
    within = floor.trouble.brand.queue(name).promise.threshold_s
    on = [p.spike_mode for p in _policies_on(floor, name) if p.spike_mode is not None]
    return within > LOST.total_seconds() and not any(on[-1:])


def _policies_on(floor: Floor, name: str) -> list[Policy]:
    """The scenario's policies of the queue while the trouble lasts."""
    return [
        policy
        for policy in floor.scenario.policies
        if (not policy.queues or name in policy.queues)
        and policy.start < floor.trouble.end
        and policy.end > max(floor.trouble.start, floor.trouble.known)
    ]


def _spike(floor: Floor, queues: tuple[str, ...], reserve: float) -> Repair:
    start = max(floor.trouble.earliest("policy"), floor.trouble.start)
    policy = Policy(start, floor.trouble.end, queues, spike_mode=True, reserve=reserve)
    kept = f"the late ones keep {reserve:.0%} of the claims" if reserve else "late ones come last"
    part = "" if len(queues) == len(floor.trouble.queues) else f"-{len(queues)}"
    return Repair(
        repair_id=f"policy-{100 * reserve:.0f}{part}",
        kind="policy",
        title=f"Spike mode on {_of(queues, floor)}, {_lasting(policy, floor)}; {kept}",
        reason=f"more waits on {_of(queues, floor)} than can be answered in time: those who can "
        "still be on time come first, and nobody is told or paid more",
        does=Scenario(policies=(policy,)),
        staff_hours=0.0,
        people=0,
    )


def automatic_answers(floor: Floor) -> Iterator[Repair]:
    """More automatic answers on the queue of the surge; without one, on the worst queue."""
    queues, why = _surging(floor)
    yield from (_answered(floor, queues, share, why) for share in AUTOMATIC)


def more_automatic_answers(floor: Floor) -> Iterator[Repair]:
    """The same on queues whose people serve the ones in trouble too; and with other shares."""
    queues, why = _surging(floor)
    beside = tuple(q for q in _beside(floor) if q not in queues)
    if beside:
        freed = f"people of {named(floor.trouble.queues)} answer there too"
        yield from (_answered(floor, beside, share, freed, "-beside") for share in AUTOMATIC)
    yield from (_answered(floor, queues, share, why) for share in MORE_AUTOMATIC)


def _surging(floor: Floor) -> tuple[tuple[str, ...], str]:
    """Where more comes, and that in words."""
    surges = _surges(floor)
    said = {q for surge in surges for q in surge.queues}
    if said:
        return tuple(q for q in floor.situation.queues if q in said), "that is where the surge is"
    if surges:
        return floor.trouble.queues, "the surge is everywhere, and hurts there"
    return floor.trouble.queues[:1], "that is the worst of all"


def _surges(floor: Floor) -> list[Surge]:
    return [s for s in floor.scenario.surges if s.factor > 1 or s.added > 0]


def _beside(floor: Floor) -> tuple[str, ...]:
    """Queues that share people with one in trouble other than themselves."""
    troubled = set(floor.trouble.queues)
    skills = floor.situation.ground.skills.values()
    return tuple(
        q for q in floor.situation.queues if any(q in of and of & troubled - {q} for of in skills)
    )


def _answered(
    floor: Floor, queues: tuple[str, ...], share: float, why: str, where: str = ""
) -> Repair:
    trouble = floor.trouble
    begins = min((surge.start for surge in _surges(floor)), default=trouble.start)
    start = max(trouble.earliest("automatic"), min(begins, trouble.start))
    policy = Policy(start, trouble.end, queues, automatic=share)
    return Repair(
        repair_id=f"automatic-{100 * share:.0f}{where}",
        kind="automatic",
        title=f"{share:.0%} more of {_of(queues, floor)} answered automatically, "
        f"{_lasting(policy, floor)}",
        reason=f"{why}: each case answered automatically leaves room for another one",
        does=Scenario(policies=(policy,)),
        staff_hours=0.0,
        people=0,
    )


def put_off(floor: Floor) -> Iterator[Repair]:
    """The queue with the longest promise waits, email first; then all with a longer promise than
    the worst queue.
    """
    waits = _longer_promises(floor)
    if not waits:
        return
    yield from (_put_off(floor, waits[:1], minutes) for minutes in PUT_OFF_MIN)
    if len(waits) > 1:
        yield _put_off(floor, waits, PUT_OFF_MIN[1])


def _longer_promises(floor: Floor) -> tuple[str, ...]:
    """Queues that are open, promise later replies than the worst one, and share people with one
    in trouble; the longest promise first, email first among equals.
    """
    situation, trouble = floor.situation, floor.trouble
    worst = trouble.brand.queue(trouble.queues[0]).promise.threshold_s
    beside = _beside(floor)
    begins, ends = max(trouble.start, trouble.known), trouble.end
    first, last = trouble.place(begins), trouble.place(ends)
    usual = dict(zip(situation.queues, situation.mean[first:last].sum(axis=0), strict=True))
    chosen = [
        q
        for q in trouble.brand.queues
        if q.promise.threshold_s > worst
        and q.name in beside
        and usual[q.name] > 0
        and any(share > 0 for share in open_share(q.window, begins, ends))
        and not any(p.put_off_min for p in _policies_on(floor, q.name))
    ]
    chosen.sort(key=lambda q: (-q.promise.threshold_s, q.channel != "email"))
    return tuple(q.name for q in chosen)


def _put_off(floor: Floor, queues: tuple[str, ...], minutes: int) -> Repair:
    trouble = floor.trouble
    start = max(trouble.earliest("put_off"), trouble.start)
    policy = Policy(start, trouble.end, queues, put_off_min=minutes)
    part = f"-{len(queues)}" if len(queues) > 1 else ""
    one = len(queues) == 1
    return Repair(
        repair_id=f"put_off-{minutes}{part}",
        kind="put_off",
        title=f"{named(queues)} {'waits' if one else 'wait'} {length(minutes)} longer, "
        f"{_lasting(policy, floor)}",
        reason=f"{'it promises' if one else 'they promise'} later replies than "
        f"{trouble.queues[0]}, and the same people answer both",
        does=Scenario(policies=(policy,)),
        staff_hours=0.0,
        people=0,
    )


def _of(queues: Sequence[str], floor: Floor) -> str:
    """The queues in words."""
    if len(queues) > 1 and len(queues) == len(floor.situation.queues):
        return "all queues"
    return named(queues)


def _lasting(policy: Policy, floor: Floor) -> str:
    return lasting(policy.start, policy.end, floor.situation.brand.tz)
