"""The settings of each learning algorithm, and what else is known of it without TensorFlow.

A new algorithm has a class here and a line in :data:`SETTINGS`, under the name of its module.
"""

from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from aevb.schema.kinds import RULES, Count, Positive, Share, Truth

Family = Literal["gaussian", "laplace", "logistic", "student_t", "uniform", "triangular"]
"""Families of q(z|x) (section 2.4)."""

Gradient = Literal["B", "A", "score_baseline", "score"]
ESTIMATORS: dict[Gradient, str] = {
    "B": "SGVB B",
    "A": "SGVB A",
    "score_baseline": "score function, baseline",
    "score": "score function",
}
"""Estimators of the gradient in φ (§2.2, §2.3), and what tables and figures call them."""


class AlgorithmSettings:
    """What is known of every algorithm; each says where it differs."""

    label: ClassVar[str]
    """What tables and figures call it."""
    like: ClassVar[str | None] = None
    """The algorithm whose budget and warm-up it has, for one with none of its own."""
    has_encoder: ClassVar[bool] = True
    """Whether it learns one, and so has a bound and a curve in Figure 2."""
    whole_batches: ClassVar[bool] = False
    """Whether a step takes the whole training set."""
    selection_n_train: ClassVar[int | None] = None
    """Training images on which its step size is selected, at most; None for all."""
    posterior: ClassVar[Family] = "gaussian"
    """Family of q(z|x)."""
    log_variance_factor: ClassVar[float] = 1.0
    """In front of the weights of the log-variance head of its encoder."""


@dataclass(frozen=True, config=RULES)
class AEVB(AlgorithmSettings):
    """Auto-encoding variational Bayes (Algorithm 1)."""

    label = "AEVB"

    estimator: Gradient = "B"
    """What is ascended."""
    posterior: Family = "gaussian"
    """Family of q(z|x) (section 2.4), by its mean and variance."""


@dataclass(frozen=True, config=RULES)
class WakeSleep(AlgorithmSettings):
    """The wake-sleep algorithm."""

    label = "wake-sleep"

    log_variance_factor: Positive = 1.0
    """Factor in front of the weights of the log-variance head of its encoder."""
    sleep_uses_updated_decoder: Truth = True
    """Whether it dreams with the decoder that the same minibatch has just updated."""


@dataclass(frozen=True, config=RULES)
class MonteCarloEM(AlgorithmSettings):
    """Monte Carlo EM (Appendix E)."""

    label = "MCEM"
    has_encoder = False
    whole_batches = True
    selection_n_train = 1000

    leapfrog_steps: Count = 10
    """Leapfrog steps of the HMC move of an iteration."""
    weight_updates: Count = 5
    """Weight updates of an iteration, each from the whole training set."""
    target_acceptance: Share = 0.9
    """What the step size of HMC is tuned to."""
    initial_hmc_step_size: Positive = 0.01
    """Where the tuning of HMC's step size starts."""


@dataclass(frozen=True, config=RULES)
class FullVB(AlgorithmSettings):
    """Full variational Bayes (Appendix F)."""

    label = "full VB"
    like = "aevb"

    form: Literal["analytic", "generic"] = "analytic"
    """Both KL divergences in closed form (equation 24), or neither (equation 22)."""
    initial_weight_deviation: Positive = 0.05
    """Standard deviation of each decoder weight's posterior at the start."""


SETTINGS: dict[str, type[AlgorithmSettings]] = {
    "aevb": AEVB,
    "wake_sleep": WakeSleep,
    "mcem": MonteCarloEM,
    "full_vb": FullVB,
}
"""By algorithm."""

LABELS = {name: settings.label for name, settings in SETTINGS.items()}
"""What tables and figures call the algorithms."""
