"""The learning algorithms. Each has ``init(seeds, step_sizes) -> State`` and
``step(state, batch, seeds) -> State, Info``, pure functions that work on a leading member axis E:
several seeds or step sizes at once. Those with an encoder have ``lower_bound(parameters, x, keys)``
as well. ``objective`` is the name of what they ascend."""

from aevb.algorithms.aevb import AEVB
from aevb.algorithms.full_vb import FullVB
from aevb.algorithms.mcem import MonteCarloEM
from aevb.algorithms.state import Info, State
from aevb.algorithms.wake_sleep import WakeSleep
from aevb.config import LABELS

ALGORITHMS = {"aevb": AEVB, "wake_sleep": WakeSleep, "mcem": MonteCarloEM, "full_vb": FullVB}

__all__ = ["AEVB", "ALGORITHMS", "LABELS", "FullVB", "Info", "MonteCarloEM", "State", "WakeSleep"]
