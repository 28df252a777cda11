"""How a network is trained, where the paper leaves it open (section 5)."""

from typing import Annotated, Any, Generic, Literal

from pydantic import AfterValidator, Field, Strict, Tag

from aevb.models.registry import ARCHITECTURES
from aevb.schema.kinds import (
    EACH,
    NUMBER,
    ONE,
    ByWay,
    Count,
    Natural,
    PerDataset,
    Positive,
    Table,
    Truth,
    Value,
)

Architecture = Literal[tuple(ARCHITECTURES)]
Prior = Literal["matrices", "all", "none", "but_first"]
Binarisation = Literal["none", "dynamic"]
Divisor = Literal[255, 256]


def _ordered(window: tuple[float, float]) -> tuple[float, float]:
    if window[0] >= window[1]:
        raise ValueError(f"{list(window)} ends before it begins")
    return window


class Each(Table, Generic[Value]):
    """A setting for each algorithm."""

    aevb: Value
    """For AEVB, and full VB beside it."""
    wake_sleep: Value
    """For wake-sleep."""
    mcem: Value
    """For Monte Carlo EM."""


def _per_algorithm(kind: Any) -> Any:
    """One value for all algorithms, or one for each."""
    return Annotated[Annotated[kind, Tag(ONE)] | Annotated[Each[kind], Tag(EACH)], ByWay]


Window = Annotated[
    tuple[
        Annotated[float, Strict(), Field(ge=0, lt=1), NUMBER],
        Annotated[float, Strict(), Field(gt=0, le=1), NUMBER],
    ],
    AfterValidator(_ordered),
]


class Selection(Table):
    """How "performance on the training set in the first few iterations" is read (section 5)."""

    window: Window = (0.0, 1.0)
    """The part of the samples, as shares from and to, over which the training bound is
    averaged. From 0 on, the warm-up and the leap after it count."""
    seeds: Count = 1
    """How many seeds each candidate is trained with, the run's first one and those that follow
    it."""
    samples: Count = 100_000
    """Training samples of each candidate in Figure 2, but no more than a curve has; a scale's
    `selection_samples` come first."""


class Variant(Table):
    """One reading of the protocol."""

    architecture: PerDataset[Architecture] = "mlp"
    """The networks. `mlp`, with one hidden layer each as in section 5, or `deep_decoder`, with one
    more in the decoder."""

    batch_size: PerDataset[Count] = 100
    """M, datapoints a minibatch, drawn with replacement."""
    pixel_divisor: PerDataset[Divisor] = 255
    """Pixel values 0 … 255 are divided by this; 255 or 256."""
    warmup_minibatches: _per_algorithm(Natural) = 0
    """Minibatches (of Monte Carlo EM, weight updates) at the start that only fill Adagrad's
    accumulators; one number, or one for each algorithm."""
    weight_prior: _per_algorithm(Prior) = "all"
    """Whether the prior N(0, 1) covers the weight matrices only, the biases too, nothing (maximum
    likelihood), or the weight matrices but for the decoder's first; one, or one for each
    algorithm."""
    initial_standard_deviation: Positive = 0.01
    """Of the parameters at the start."""
    zero_initial_log_variance: _per_algorithm(Truth) = False
    """Start the encoder's log-variance head and the decoder's output biases at zero; one, or one
    for each algorithm."""
    aevb_log_variance_factor: Positive = 1.0
    """Factor in front of the weights of the log-variance head of AEVB's encoder."""
    wake_sleep_log_variance_factor: Positive = 1.0
    """Factor in front of the weights of the log-variance head of wake-sleep's encoder."""
    sleep_uses_updated_decoder: Truth = True
    """Whether wake-sleep dreams with the decoder that the same minibatch has just updated."""

    selection: Selection = Selection()

    def of(self, algorithm: str, key: str) -> Any:
        """A setting for one algorithm, where it may be given for each."""
        value = getattr(self, key)
        return getattr(value, algorithm) if isinstance(value, Each) else value

    def log_variance_factor(self, algorithm: str) -> float:
        """In front of the weights of the log-variance head of an algorithm's encoder."""
        return getattr(self, f"{algorithm}_log_variance_factor", 1.0)
