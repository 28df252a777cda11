"""What the peers train, and from where."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

STEP_SIZE = 0.01
"""Adagrad's."""
EPSILON = 1e-8
"""Added to its sums of squared gradients."""
STEPS = 50
"""In a chunk, of which all are alike; of Monte Carlo EM one, which takes the whole training set."""
MATRICES = ("hidden_weights", "output_weights")
"""The parameters that have a prior."""
Weights = Mapping[str, Any]
"""``encoder/hidden_weights`` and so on, as :func:`aevb.arrays.named_arrays` names them."""


class Problem(NamedTuple):
    """What is trained."""

    algorithm: str
    """``aevb``, ``wake_sleep`` or ``mcem``."""
    images: np.ndarray
    """[N, D], uint8."""
    latent_dim: int
    gaussian: bool
    """Whether pixels are Gaussian, with means through a sigmoid, or Bernoulli."""
    batch_size: int
    pixel_divisor: float
    leapfrog_steps: int = 10
    weight_updates: int = 5
    """Of an iteration of Monte Carlo EM."""
    hmc_step_size: float = 0.01
    """Of every leapfrog step; what it would be tuned to costs the same."""

    @property
    def prior_scale(self) -> float:
        """The share of the data set that a gradient is of."""
        return 1.0 if self.algorithm == "mcem" else self.batch_size / len(self.images)


def random_weights(problem: Problem, hidden_units: int) -> dict[str, np.ndarray]:
    """N(0, 0.01²) for every parameter, float32."""
    pixels = problem.images.shape[1]
    sizes = {
        "encoder": (pixels, hidden_units, 2 * problem.latent_dim),
        "decoder": (problem.latent_dim, hidden_units, pixels * (2 if problem.gaussian else 1)),
    }
    generator = np.random.default_rng(0)
    shapes = {}
    for net, (inputs, hidden, outputs) in sizes.items():
        shapes |= {f"{net}/hidden_weights": (inputs, hidden), f"{net}/hidden_bias": (hidden,)}
        shapes |= {f"{net}/output_weights": (hidden, outputs), f"{net}/output_bias": (outputs,)}
    return {
        name: generator.normal(0, 0.01, shape).astype(np.float32) for name, shape in shapes.items()
    }


def part(weights: Weights, net: str) -> dict[str, Any]:
    """The parameters of ``encoder`` or ``decoder``."""
    return {name: value for name, value in weights.items() if name.startswith(net)}
