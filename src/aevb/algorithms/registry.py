"""The learning algorithms by name."""

from aevb.algorithms.aevb import AEVB
from aevb.algorithms.full_vb import FullVB
from aevb.algorithms.mcem import MonteCarloEM
from aevb.algorithms.wake_sleep import WakeSleep

ALGORITHMS = {"aevb": AEVB, "wake_sleep": WakeSleep, "mcem": MonteCarloEM, "full_vb": FullVB}
"""Under the names that :data:`aevb.algorithms.settings.SETTINGS` has."""
