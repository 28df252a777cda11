"""The paper's own estimator (Appendix D), by :mod:`aevb.likelihood.harmonic`."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from aevb.likelihood.choices import INITIAL_STEP_SIZE, Adaptation, Indexing, Kind
from aevb.likelihood.methods.base import Method
from aevb.schema.kinds import NUMBER, Count, Natural, Positive, Share

if TYPE_CHECKING:
    import numpy as np

    from aevb.arrays import Tensors
    from aevb.likelihood.estimate import Estimate
    from aevb.likelihood.model import Model


class Harmonic(Method):
    """The paper's estimator (Appendix D), from posterior samples."""

    method: Literal["harmonic"] = "harmonic"
    numerics = "aevb.likelihood.harmonic"
    samples: Count = 50
    """Posterior samples of each datapoint, of all its chains together: one half fits q, the other
    enters the estimate."""
    chains: Count = 1
    """C, chains of each datapoint."""
    leapfrog_steps: Count = 4
    """Of each HMC transition."""
    burn_in: Natural = 50
    """Transitions before the first sample, which adapt the step sizes; the paper gives none."""
    target_acceptance: Share = 0.9
    """What the step sizes adapt to, by dual averaging."""
    adaptation: Adaptation = "dual_averaging"
    """How the step sizes adapt, by dual_averaging during the burn-in, or as in the first author's
    library, a factor up or down at every transition."""
    initial_step_size: Positive = INITIAL_STEP_SIZE
    """Where the step sizes of new chains start."""
    indexing: Indexing = "image"
    """Of which samples an image's estimate is made, of its own (image), or of those that the first
    author's library takes where there are several images."""
    jitter: Annotated[float, Field(strict=True, ge=0, lt=1), NUMBER] = 0.2
    """Relative jitter of the step sizes, against periodic orbits."""
    annealing: Natural = 0
    """Temperatures between prior and posterior that new chains pass through; 0 starts them from
    the prior as they are."""
    density: Kind = "kernel"
    """What is fitted to the posterior samples."""
    max_rhat: Annotated[float, Field(strict=True, gt=1), NUMBER] = 1.01
    """A point whose R-hat is above this is flagged."""

    @model_validator(mode="after")
    def _fits_its_chains(self) -> Self:
        halves = 2 * self.chains
        if self.samples % halves or self.samples // halves < 2:
            raise ValueError(
                "two samples or more for each half of each chain are needed, not"
                f" samples={self.samples} with chains={self.chains}"
            )
        if self.indexing == "library" and self.chains != 1:
            raise ValueError(f"the library has one chain for each image, not chains={self.chains}")
        return self

    def label(self, name: str) -> str:
        whose = f" ({name})" if name in ("paper", "library") else ""
        return f"harmonic {self.density}, {self.samples}{whose}"

    def continue_chains(
        self, model: "Model", x: "np.ndarray", seed: int, chains: "Tensors | None"
    ) -> "tuple[Estimate, Tensors]":
        """See the base class; the chains are HMC's positions and step sizes."""
        from aevb.arrays import named_arrays
        from aevb.likelihood.hmc import Chains

        begun = Chains(**chains) if chains else None
        estimate, ended = self._module().estimate_with_chains(model, x, self, seed, begun)
        return estimate, named_arrays(ended)
