"""The learning algorithms: the settings of each, and what else is known of it without TensorFlow.

A new algorithm has a line in :data:`ALGORITHMS`, and a class here if it has settings of its own.
"""

from typing import Any, ClassVar, Literal

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

    implementation: ClassVar[str]
    """Module and class, of an :class:`aevb.algorithms.state.Algorithm`."""
    label: ClassVar[str]
    """What tables and figures call it."""
    colour: ClassVar[str] = "#7a3a8c"
    """Of its curves."""
    line_width: ClassVar[float] = 1.9
    """Of its curves, in points: where two coincide the wider shows beside the narrower."""
    like: ClassVar[str | None] = None
    """The algorithm whose budget and warm-up it has, for one with none of its own."""
    learns_point: ClassVar[bool] = True
    """Whether it learns one decoder, which figures show, rather than a posterior over decoders."""
    has_encoder: ClassVar[bool] = True
    """Whether it learns one, and so has a bound and a curve in Figure 2."""
    whole_batches: ClassVar[bool] = False
    """Whether a step takes the whole training set."""
    selection_n_train: ClassVar[int | None] = None
    """Training images on which its step size is selected, at most; None for all."""
    posterior: ClassVar[Family] = "gaussian"
    """Family of q(z|x)."""


@dataclass(frozen=True, config=RULES)
class AEVB(AlgorithmSettings):
    """Auto-encoding variational Bayes (Algorithm 1)."""

    implementation = "aevb.algorithms.aevb:AEVB"
    label = "AEVB"
    # Blue and orange stay apart under all three colour-vision deficiencies, and in grey print,
    # where the blue is the darker one.
    colour = "#0173b2"
    line_width = 1.6

    estimator: Gradient = "B"
    """What is ascended."""
    posterior: Family = "gaussian"
    """Family of q(z|x) (section 2.4), by its mean and variance."""


@dataclass(frozen=True, config=RULES)
class WakeSleep(AlgorithmSettings):
    """The wake-sleep algorithm."""

    implementation = "aevb.algorithms.wake_sleep:WakeSleep"
    label = "wake-sleep"
    colour = "#de8f05"
    line_width = 2.3

    sleep_uses_updated_decoder: Truth = True
    """Whether it dreams with the decoder that the same minibatch has just updated."""


@dataclass(frozen=True, config=RULES)
class MonteCarloEM(AlgorithmSettings):
    """Monte Carlo EM (Appendix E)."""

    implementation = "aevb.algorithms.mcem:MonteCarloEM"
    label = "MCEM"
    # A green would come close to AEVB's blue without the blue-sensitive cones; dark red keeps
    # apart from both, and is the darkest of the three.
    colour = "#9b2226"
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

    implementation = "aevb.algorithms.full_vb:FullVB"
    label = "full VB"
    like = "aevb"
    learns_point = False

    form: Literal["analytic", "generic"] = "analytic"
    """Both KL divergences in closed form (equation 24), or neither (equation 22)."""
    initial_weight_deviation: Positive = 0.05
    """Standard deviation of each decoder weight's posterior at the start."""


def plain(implementation: str, label: str, like: str = "aevb", **known: Any) -> type:
    """An algorithm without settings of its own.

    Args:
        implementation, label, like: see :class:`AlgorithmSettings`.
        known: what else differs from what is known of every algorithm.
    """
    facts = {"implementation": implementation, "label": label, "like": like, **known}
    # There is no source to read docstrings of fields from, and no field.
    rules = RULES | {"use_attribute_docstrings": False}
    return dataclass(frozen=True, config=rules)(type(label, (AlgorithmSettings,), facts))


ALGORITHMS: dict[str, type[AlgorithmSettings]] = {
    "aevb": AEVB,
    "wake_sleep": WakeSleep,
    "mcem": MonteCarloEM,
    "full_vb": FullVB,
}
"""By the names that configuration and files have for them."""

LABELS = {name: kind.label for name, kind in ALGORITHMS.items()}
"""What tables and figures call the algorithms."""

LEARNING = tuple(name for name, kind in ALGORITHMS.items() if kind.learns_point)
"""Those of Figure 3."""

BOUNDED = tuple(name for name in LEARNING if ALGORITHMS[name].has_encoder)
"""Those of Figure 2, which have a bound."""
