"""The learning algorithms. Each has ``init(seeds, step_sizes) -> State``,
``step(state, batch, seeds) -> State, Info`` and ``lower_bound(parameters, x, keys)``, all pure
functions that work on a leading member axis E: several seeds or step sizes at once."""

from aevb.algorithms.aevb import AEVB
from aevb.algorithms.state import Info, State
from aevb.algorithms.wake_sleep import WakeSleep

ALGORITHMS = {"aevb": AEVB, "wake_sleep": WakeSleep}
LABELS = {"aevb": "AEVB", "wake_sleep": "wake-sleep"}

__all__ = ["AEVB", "ALGORITHMS", "LABELS", "Info", "State", "WakeSleep"]
