"""What-if: scenarios on the roster in force, kept, compared, repaired, promoted, replayed."""

# ruff: noqa
from api.planning.whatif.old import *
from api.planning.whatif.old import Spike, WhatIfBase, WhatIfResult, Worst, add_spike, evaluate, load_base
