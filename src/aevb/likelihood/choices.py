"""Choices that the settings of several estimators, and the code behind them, have in common.

Without TensorFlow, and apart from the settings themselves, on which training does not depend.
"""

from typing import Literal, get_args

Kind = Literal["kernel", "diagonal", "full"]
KINDS = get_args(Kind)
"""Densities of the paper's estimator, see :func:`aevb.likelihood.density.log_density`."""

Adaptation = Literal["dual_averaging", "library"]
"""Of HMC's step sizes, see :func:`aevb.likelihood.hmc.sample`."""

Indexing = Literal["image", "library"]
"""Which samples an estimate is made of, see :func:`aevb.likelihood.harmonic.from_samples`."""

INITIAL_STEP_SIZE = 0.1
"""Of HMC's chains, where their adaptation starts."""
