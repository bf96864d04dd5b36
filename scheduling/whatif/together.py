"""A few repairs together: the small set that restores the promise, each step simulated."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.whatif.bench import Bench, Judged, play_all
from scheduling.whatif.results import Repair, Together
from scheduling.whatif.scenario import Scenario, joined
from wfm.errors import RequestError
from wfm.progress import Progress

# Members of a set, and how many are tried at each step.
MOST_MEMBERS = 6
TRIED = 6


def put_together(
    bench: Bench,
    ranked: Sequence[tuple[Repair, Judged]],
    threads: int,
    progress: Progress,
) -> Together | None:
    """Repair by repair the one that avoids most for its work beside those taken; then without those
    that the others make needless. None where none helps beyond chance.
    """
    useful = [repair for repair, judged in ranked if judged.avoided > 2 * judged.se]
    if not useful:
        return None
    taken = [useful[0]]
    now = bench.play(taken, bench.days)
    while not now.restores and len(taken) < MOST_MEMBERS:
        progress(len(taken) / (MOST_MEMBERS + 1), f"{len(taken)} together")
        options = [repair for repair in useful if _fits(repair, taken)]
        step = _next(bench, taken, now, options, threads)
        if step is None:
            break
        taken, now = step
    if now.restores:
        taken, now = _pruned(bench, taken, now)
    alone = {repair.repair_id: judged.avoided for repair, judged in ranked}
    return Together(
        repairs=tuple(taken),
        avoided_min=now.avoided,
        avoided_se=now.se,
        summed_min=sum(alone[r.repair_id] for r in taken),
        effort_h=sum(r.effort_h for r in taken),
        attainment=now.attainment,
        recovered_at=now.recovered_at,
        restores=now.restores,
    )


def _next(
    bench: Bench, taken: list[Repair], now: Judged, options: list[Repair], threads: int
) -> tuple[list[Repair], Judged] | None:
    """The set with one more, on all days; None where none adds anything.

    options  the best for their work first
    """
    strongest = sorted(options, key=lambda r: (-r.staff_hours, r.repair_id))
    tried = list(dict.fromkeys([*options[:TRIED], *strongest[: TRIED // 2]]))
    few = bench.play(taken, bench.few)
    found = play_all(bench, [[*taken, one] for one in tried], bench.few, threads)
    gains = [judged.avoided - few.avoided for judged in found]
    # As much as the places that are left have to bring, each, if the promise is to be restored.
    wanted = max(few.missing, 0.0) / (MOST_MEMBERS - len(taken))

    def rank(n: int) -> tuple[bool, float, int]:
        enough = gains[n] >= min(wanted, few.missing)
        return not enough, -gains[n] / (tried[n].effort_h if enough else 1.0), n

    for n in sorted((n for n in range(len(tried)) if gains[n] > 0), key=rank)[:2]:
        more = [*taken, tried[n]]
        judged = bench.play(more, bench.days)
        if judged.avoided > now.avoided:
            return more, judged
    return None


def _pruned(bench: Bench, taken: list[Repair], now: Judged) -> tuple[list[Repair], Judged]:
    """Without repairs that it is restored without, the dearest first."""
    for repair in sorted(taken, key=lambda r: -r.effort_h):
        rest = [r for r in taken if r is not repair]
        if rest:
            judged = bench.play(rest, bench.days)
            if judged.restores:
                taken, now = rest, judged
    return taken, now


def _fits(repair: Repair, taken: Sequence[Repair]) -> bool:
    """Whether the repair can be had beside the others: other agent-days, and of two sizes of one
    change of policy only one.
    """
    scenario = Scenario()
    try:
        for one in (*taken, repair):
            scenario = joined(scenario, one.does)
    except RequestError:
        return False
    alike = (one for one in taken if one.kind == repair.kind and one.does.policies)
    return repair not in taken and not (repair.does.policies and any(alike))
