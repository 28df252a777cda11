"""How a network is trained, where the paper leaves it open (section 5)."""

from typing import Annotated, Literal

from pydantic import Tag

from aevb.schema.kinds import EACH, ONE, ByWay, Count, Natural, PerDataset, Positive, Table, Truth

Prior = Literal["matrices", "all", "none"]
Binarisation = Literal["none", "dynamic"]
Divisor = Literal[255, 256]


class WarmUp(Table):
    """Minibatches that only fill Adagrad's accumulators, for each algorithm."""

    aevb: Natural
    """For AEVB, and full VB beside it."""
    wake_sleep: Natural
    """For wake-sleep."""
    mcem: Natural
    """For Monte Carlo EM; counts weight updates."""


class Variant(Table):
    """One reading of the protocol."""

    batch_size: PerDataset[Count] = 100
    """M, datapoints a minibatch, drawn with replacement."""
    pixel_divisor: PerDataset[Divisor] = 255
    """Pixel values 0 … 255 are divided by this; 255 or 256."""
    warmup_minibatches: Annotated[
        Annotated[Natural, Tag(ONE)] | Annotated[WarmUp, Tag(EACH)], ByWay
    ] = 0
    """Minibatches (of Monte Carlo EM, weight updates) at the start that only fill Adagrad's
    accumulators; one number, or one for each algorithm."""
    weight_prior: Prior = "all"
    """Whether the prior N(0, 1) covers the weight matrices only, the biases too, or nothing
    (maximum likelihood)."""
    initial_standard_deviation: Positive = 0.01
    """Of the parameters at the start."""
    zero_initial_log_variance: Truth = False
    """Start the encoder's log-variance head and the decoder's output biases at zero."""
    wake_sleep_log_variance_factor: Positive = 1.0
    """Factor in front of the weights of the log-variance head of wake-sleep's encoder."""
    sleep_uses_updated_decoder: Truth = True
    """Whether wake-sleep dreams with the decoder that the same minibatch has just updated."""
