"""What a backlog can grow to in some hours, where a steady state would take longer or never come.

A reflected Brownian motion that started from an empty queue at most 8 hours ago, with the net load
since then and the variance of Poisson arrivals and exponential handling. Of all starts the one
counts that makes the backlog the most likely to be long.

Source: Harrison 1985 (reflected Brownian motion at a given time).
"""

# ruff: noqa: PLR0917 - compiled functions take their arrays one by one

from __future__ import annotations

import math

from scheduling.compiled import compiled
from scheduling.queueing.erlang import Floats
from wfm.timegrid import INTERVAL_S

# Intervals of the windows in which a backlog grows, up to 8 hours.
WINDOWS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
# From here on the normal law's tail is its density over the distance.
FAR = 5.0


@compiled
def _normal_tail(x: float) -> float:
    return 0.5 * math.erfc(x / math.sqrt(2.0))


@compiled
def grown(
    net: Floats, at: int, fewer: float, agents: float, wait: float, load: float, service_s: float
) -> float:
    """Chance that the backlog has grown beyond `wait` seconds, the most over the last windows.

    net     sum of load less agents before each interval and after the last
    fewer   agents missing against those of `net`, in every interval of the window

    Windows end in the middle of the interval; before the first one all was as in the first.
    """
    most = 0.0
    # Seconds of wait squared that chance adds in a second.
    variance = 2.0 * load * service_s / agents**2
    for back in WINDOWS:
        begin = at + 1 - back
        before = net[begin] if begin >= 0 else begin * net[1]
        grown = net[at + 1] - before - 0.5 * (net[at + 1] - net[at])
        seconds = (back - 0.5) * INTERVAL_S
        drift = (grown / (back - 0.5) + fewer) / agents
        spread = math.sqrt(variance * seconds)
        below, above = (wait - drift * seconds) / spread, (wait + drift * seconds) / spread
        chance = _normal_tail(below)
        if above > FAR:
            chance += math.exp(-0.5 * below * below) / (above * math.sqrt(2.0 * math.pi))
        else:
            chance += math.exp(2.0 * drift * wait / variance) * _normal_tail(above)
        most = max(most, min(chance, 1.0))
    return most
