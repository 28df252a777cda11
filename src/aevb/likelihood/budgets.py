"""The settings of each estimator of log p(x): what it may cost, and what passes.

Without TensorFlow, so that a configuration is refused before any job. A new estimator has a class
here and a place in :data:`Estimator`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from aevb.schema.kinds import NUMBER, AtLeastTwo, Count, Natural, Positive, Share, Table
from aevb.schema.reading import validate

Kind = Literal["kernel", "diagonal", "full"]
KINDS = get_args(Kind)
"""Densities of the paper's estimator, see :func:`aevb.likelihood.density.log_density`."""

Adaptation = Literal["dual_averaging", "library"]
"""Of HMC's step sizes, see :func:`aevb.likelihood.hmc.sample`."""

Indexing = Literal["image", "library"]
"""Which samples an estimate is made of, see :func:`aevb.likelihood.harmonic.from_samples`."""

INITIAL_STEP_SIZE = 0.1
"""Of HMC's chains, where their adaptation starts."""

MAX_LATENT_DIM = 3
"""Of quadrature: the number of lattice points grows exponentially with N_z."""

ForEachSize = tuple[Positive, Positive, Positive]
"""For N_z = 1, 2 and 3."""


class Budget(Table):
    """What the estimators have in common: a table of settings holds those that are given."""

    method: str
    needs_encoder: ClassVar[bool] = False
    max_latent_dim: ClassVar[int | None] = None

    def applies(self, latent_dim: int, has_encoder: bool) -> bool:
        """Whether the estimator can be had for such a model."""
        fits = self.max_latent_dim is None or latent_dim <= self.max_latent_dim
        return fits and (has_encoder or not self.needs_encoder)

    def label(self, name: str) -> str:
        """What tables and figures call the estimator that has this name in the configuration."""
        return self.method

    @model_serializer(mode="wrap")
    def _given(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told = serialise(self)
        given = {key: told[key] for key in told if key in self.model_fields_set}
        return {"method": self.method} | given


class Harmonic(Budget):
    """The paper's estimator (Appendix D), from posterior samples."""

    method: Literal["harmonic"] = "harmonic"
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


class Importance(Budget):
    """Importance sampling from the encoder."""

    method: Literal["importance"] = "importance"
    needs_encoder = True
    samples: Count = 5000
    """Draws from the encoder for each datapoint."""
    block: Count = 100
    """Draws at once: memory grows with it, the result does not depend on it."""

    def label(self, name: str) -> str:
        return f"importance, {self.samples}"


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


class AIS(Annealing, Budget):
    """Annealed importance sampling, forward and backward."""

    method: Literal["ais"] = "ais"
    target_acceptance: Share = 0.8
    """What the step sizes adapt to."""
    tuning_chains: Count = 4
    """Chains of the preliminary run, for each datapoint."""
    tuning_steps: Annotated[int, Field(strict=True, ge=8), NUMBER] = 20
    """Transitions of the preliminary run at each of its temperatures: half of them to adapt, half
    to measure."""

    def label(self, name: str) -> str:
        return "AIS"


class Quadrature(Budget):
    """The integral itself, for up to three latent dimensions."""

    method: Literal["quadrature"] = "quadrature"
    max_latent_dim = MAX_LATENT_DIM
    tolerance: Positive = 0.01
    """Nats; a point whose error estimate is above this is flagged."""
    scan_spacing: ForEachSize = (0.05, 0.1, 0.25)
    """Of the lattice that searches for the posterior's mass; for N_z = 1, 2 and 3."""
    scan_radius: Positive = 6.0
    """Of the ball that it covers. The prior has 1e-7 of its mass outside."""
    starts: Count = 8
    """Local maxima of the scan from which modes are sought, at most."""
    spacing: ForEachSize = (0.6, 1.0, 1.4)
    """Of the first lattice's halves, in posterior standard deviations; for N_z = 1, 2 and 3."""
    radius: ForEachSize = (8.0, 5.5, 5.2)
    """Of the first lattice, in posterior standard deviations; for N_z = 1, 2 and 3."""
    rounds: Count = 6
    """Lattices a datapoint may have, at most: the second as fine as the first, each further one
    with 4/5 of the spacing before and a radius larger by one."""


Estimator = Annotated[Harmonic | Importance | AIS | Quadrature, Field(discriminator="method")]
"""The settings of one of them, told apart by the key ``method``."""


def read_budget(settings: Mapping[str, Any], where: str = "estimator") -> Budget:
    """The settings of one estimator, from a table of them.

    Raises:
        ConfigError: an unknown method or setting, or a budget that makes no sense.
    """
    return validate(Estimator, dict(settings), where)
