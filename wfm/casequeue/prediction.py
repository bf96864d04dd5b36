"""Whether the promises of the next hour will be kept: what waits and is to come, against who is
there.

A reckoning, not a simulation: work flows through the queues as a fluid, minute by minute, first
due first, and every group of agents turns to the earliest deadline among its queues, as the claims
do. The same inputs give the same answer. Chance enters where a deadline is close: the share in time
is the chance that the work ahead takes no longer than is left, by its mean and variance.

Pure: seconds from now, cases and agents in; shares and seconds out. Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence

from wfm.casequeue.ahead import QUARTER_S, Ahead, Group, Outlook
from wfm.casequeue.flow import NO_WORK, NOTHING_S, STEP_S, Flow
from wfm.order import LATE_RESERVE


def predict(
    queues: Sequence[Ahead], groups: Sequence[Group], *, quarters: int = 4
) -> dict[str, Outlook]:
    """The outlook of each queue for the next `quarters` quarter-hours.

    A promise counts as broken from the first quarter on in which a smaller share than promised is
    in time, once at least one case in all is late.
    """
    flows = {ahead.queue: Flow(ahead, quarters) for ahead in queues}
    for name, flow in flows.items():
        shared = {name}.union(*(group.queues for group in groups if name in group.queues))
        flow.peers = [flows[queue] for queue in sorted(shared & flows.keys())]
    # Those who can do little else work first, so that the others are left for the rest.
    pools = sorted(groups, key=lambda group: (len(group.queues), sorted(group.queues)))
    for at in range(0, quarters * QUARTER_S, STEP_S):
        for flow in flows.values():
            flow.arrive(at)
        for group in pools:
            _work(group, [flows[q] for q in sorted(group.queues) if q in flows], at)
        for flow in flows.values():
            flow.judge(at)
        for flow in flows.values():
            flow.end_step()
    return {name: flow.outlook() for name, flow in flows.items()}


def _work(group: Group, flows: Sequence[Flow], at: int) -> None:
    """Let the group work for a step, always on the earliest deadline among its open queues."""
    quarter = at // QUARTER_S
    agents = group.agents[quarter] if quarter < len(group.agents) else 0.0
    flows = [flow for flow in flows if flow.is_open(at)]
    for flow in flows:
        flow.agents += agents
    left = agents * STEP_S
    spiking = any(flow.ahead.spike_mode for flow in flows)
    # In spike mode a share of the claims takes the plain order all the same.
    parts = ((False, LATE_RESERVE), (True, 1.0)) if spiking else ((False, 1.0),)
    for late_last, share in parts:
        part = left * share
        left -= part
        while part > NOTHING_S:
            found = [(flow.head(at, late_last), i) for i, flow in enumerate(flows)]
            (head, which) = min(found, default=(NO_WORK, 0))
            if head == NO_WORK:
                break
            part -= flows[which].work(part, head[2])
        left += part
    for flow in flows:
        flow.spare_s += left
