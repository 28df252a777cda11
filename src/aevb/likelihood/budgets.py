"""What each estimator may cost, and what makes no sense.

Without TensorFlow, so that a configuration is refused before any job.
"""

from typing import Literal, NamedTuple, get_args

Kind = Literal["kernel", "diagonal", "full"]
KINDS = get_args(Kind)
"""Densities of the paper's estimator, see :func:`aevb.likelihood.density.log_density`."""

Adaptation = Literal["dual_averaging", "library"]
ADAPTATIONS = get_args(Adaptation)
"""Of HMC's step sizes, see :func:`aevb.likelihood.hmc.sample`."""

Indexing = Literal["image", "library"]
INDEXINGS = get_args(Indexing)
"""Which samples an estimate is made of, see :func:`aevb.likelihood.harmonic.from_samples`."""

INITIAL_STEP_SIZE = 0.1
"""Of HMC's chains, where their adaptation starts."""

MAX_LATENT_DIM = 3
"""Of quadrature: the number of lattice points grows exponentially with N_z."""


class Harmonic(NamedTuple):
    """What an estimate may cost, and what passes."""

    samples: int = 50
    """Posterior samples of each datapoint, of all its chains together: one half fits q, the other
    enters the estimate."""
    chains: int = 1
    """C, of each datapoint."""
    leapfrog_steps: int = 4
    """Of each transition."""
    burn_in: int = 50
    """Transitions before the first sample, which adapt the step sizes; the paper gives none."""
    target_acceptance: float = 0.9
    """What the step sizes adapt to, by dual averaging."""
    adaptation: Adaptation = "dual_averaging"
    """Of the step sizes, see :func:`aevb.likelihood.hmc.sample`."""
    initial_step_size: float = INITIAL_STEP_SIZE
    """Of new chains."""
    jitter: float = 0.2
    """Of the step sizes, see :class:`aevb.likelihood.hmc.JitteredHMC`."""
    indexing: Indexing = "image"
    """``image``: an estimate is made of the samples of its own image. ``library``: of those that
    the first author's library takes, see :func:`aevb.likelihood.harmonic.from_samples`."""
    density: Kind = "kernel"
    """q, see :func:`aevb.likelihood.density.log_density`."""
    annealing: int = 0
    """Temperatures between prior and posterior that new chains pass through first, see
    :func:`hmc.anneal`; with 0 they start from the prior as they are."""
    max_rhat: float = 1.01
    """Of a value that passes."""

    def check(self) -> None:
        """Raise ValueError for a budget that makes no sense."""
        halves = 2 * self.chains
        if self.chains < 1 or self.samples % halves or self.samples // halves < 2:
            raise ValueError(f"two samples or more for each half of each chain are needed: {self}")
        if min(self.burn_in, self.annealing) < 0 or self.leapfrog_steps < 1:
            raise ValueError(f"neither burn-in nor leapfrog steps can be so few: {self}")
        if not self.initial_step_size > 0:
            raise ValueError(f"the initial step size must be positive: {self}")
        choices = (
            ("density", KINDS),
            ("adaptation", ADAPTATIONS),
            ("indexing", INDEXINGS),
        )
        for name, allowed in choices:
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"the {name} must be one of {allowed}, not {getattr(self, name)!r}"
                )
        if self.indexing == "library" and self.chains != 1:
            raise ValueError(f"the library has one chain for each image: {self}")


class Importance(NamedTuple):
    """What an estimate may cost."""

    samples: int = 5000
    """k ≥ 1, for each datapoint."""
    block: int = 100
    """How many of them at once: memory grows with it, the result does not depend on it."""

    def check(self) -> None:
        """Raise ValueError for a budget that makes no sense."""
        if self.samples < 1 or self.block < 1:
            raise ValueError(f"need one sample or more, in blocks of one or more, not {self}")


class AIS(NamedTuple):
    """What an estimate may cost."""

    chains: int = 16
    """C ≥ 2, for each datapoint and direction."""
    steps: int = 512
    """T, temperatures of each chain, one transition each: a multiple of ``segments``."""
    segments: int = 16
    """K, stretches of the schedule with a step size of their own. Within one, the inverse
    temperature grows linearly."""
    leapfrog_steps: int = 2
    """Of each transition."""
    target_acceptance: float = 0.8
    """What the step sizes adapt to."""
    tuning_chains: int = 4
    """Of the preliminary run, for each datapoint."""
    tuning_steps: int = 20
    """Transitions of the preliminary run at each temperature of :data:`LADDER`, 8 or more: half
    of them to adapt, half to measure."""

    def check(self) -> None:
        """Raise ValueError for a budget that makes no sense."""
        if self.chains < 2 or self.segments < 1 or self.steps % self.segments:
            raise ValueError(
                f"need two chains or more and steps that are a multiple of the segments, not {self}"
            )
        if self.steps < 1 or self.leapfrog_steps < 1 or self.tuning_steps < 8:
            raise ValueError(f"need a step, a leapfrog step and 8 tuning steps or more, not {self}")


class Quadrature(NamedTuple):
    """How exact the integral is to be, and how much may be spent on it."""

    tolerance: float = 0.01
    """Largest error estimate that passes, nats."""
    scan_spacing: tuple[float, ...] = (0.05, 0.1, 0.25)
    """Of the lattice that searches for the posterior's mass; for N_z = 1, 2 and 3."""
    scan_radius: float = 6.0
    """Of the ball that it covers. The prior has 1e-7 of its mass outside."""
    starts: int = 8
    """Local maxima of the scan from which modes are sought, at most."""
    spacing: tuple[float, ...] = (0.6, 1.0, 1.4)
    """Of the first lattice's halves, in posterior standard deviations; for N_z = 1, 2 and 3."""
    radius: tuple[float, ...] = (8.0, 5.5, 5.2)
    """Of the first lattice, in posterior standard deviations; for N_z = 1, 2 and 3."""
    rounds: int = 6
    """Lattices a datapoint may have, at most: the second as fine as the first, each further one
    with 4/5 of the spacing before and a radius larger by one."""

    def check(self) -> None:
        """Raise ValueError for a budget that makes no sense."""
        if not self.tolerance > 0 or self.rounds < 1 or self.starts < 1:
            raise ValueError(f"need a positive tolerance, a round and a start or more, not {self}")


BUDGETS = {"harmonic": Harmonic, "importance": Importance, "ais": AIS, "quadrature": Quadrature}
"""By method, as in the configuration."""
