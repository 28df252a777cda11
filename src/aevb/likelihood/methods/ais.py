"""Annealed importance sampling, by :mod:`aevb.likelihood.ais`."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from aevb.likelihood.methods.base import Method
from aevb.schema.kinds import NUMBER, AtLeastTwo, Count, Share, Table

if TYPE_CHECKING:
    import numpy as np

    from aevb.likelihood.estimate import Estimate
    from aevb.likelihood.model import Model


class Annealing(Table):
    """How long annealed importance sampling runs."""

    chains: AtLeastTwo = 16
    """C, chains of each datapoint and direction."""
    steps: Count = 512
    """Temperatures of each chain, one transition each; a multiple of segments."""
    segments: Count = 16
    """Stretches of the annealing with a step size of their own; divides steps. Within one, the
    inverse temperature grows linearly."""
    leapfrog_steps: Count = 2
    """Of each HMC transition."""

    @model_validator(mode="after")
    def _divide_steps(self) -> Self:
        if self.steps % self.segments:
            raise ValueError(f"{self.steps} steps are no multiple of {self.segments} segments")
        return self


class AIS(Annealing, Method):
    """Annealed importance sampling, forward and backward."""

    method: Literal["ais"] = "ais"
    numerics = "aevb.likelihood.ais"
    target_acceptance: Share = 0.8
    """What the step sizes adapt to."""
    tuning_chains: Count = 4
    """Chains of the preliminary run, for each datapoint."""
    tuning_steps: Annotated[int, Field(strict=True, ge=8), NUMBER] = 20
    """Transitions of the preliminary run at each of its temperatures: half of them to adapt, half
    to measure."""

    def label(self, name: str) -> str:
        return "AIS"

    def simulate(self, model: "Model", n: int, seed: int) -> "tuple[np.ndarray, np.ndarray]":
        """See :class:`~aevb.likelihood.methods.base.TwoSided`."""
        return self._module().simulate(model, n, seed)

    def estimate_above(
        self, model: "Model", z: "np.ndarray", x: "np.ndarray", seed: int
    ) -> "Estimate":
        """See :class:`~aevb.likelihood.methods.base.TwoSided`; by chains that run backward."""
        return self._module().reverse(model, z, x, self, seed)
