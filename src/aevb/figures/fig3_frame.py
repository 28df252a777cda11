"""The axes of Figure 3's panels: the printed ones, and how far they grow for our curves."""

import math
from typing import NamedTuple

import pandas as pd

from aevb.tables.likelihood_curves import CURVE, VALUE


class Frame(NamedTuple):
    """The limits of a panel: sample counts (on a logarithmic axis or not), and nats."""

    samples: tuple[float, float]
    likelihood: tuple[float, float]
    logarithmic: bool


#: The printed axes (Figure 3), by the number of training points.
PAPER_FRAMES = {
    1_000: Frame((0.0, 6.0e7), (-160.0, -100.0), False),
    50_000: Frame((0.0, 6.8e7), (-160.0, -125.0), False),
}
#: Runs that stop before this are drawn on a logarithmic axis that reaches to the printed one's end:
#: on a linear one of their length, the paper's curves would hardly have begun.
SHORT_RUN = 5e6
#: The axes are the printed ones for runs of at least this share of the printed length.
NEARLY_ALL = 0.8
#: Nats. A curve that ends further than this from the median curve does not stretch the axis, which
#: would squeeze the others: it is named.
REACH = 60.0

# Nats: by these steps a vertical axis grows, so that it ends on a tick.
_STEP = 10.0


def frame_of(n_train: int, ours: pd.DataFrame) -> Frame:
    """The limits that all estimators' panels of one N_train share."""
    ours = ours.sort_values("training_samples")
    runs = ours.groupby([*CURVE, "estimator", "seed"])
    ends = runs[VALUE].last()
    longest = float(ours["training_samples"].max())
    short = longest < SHORT_RUN
    printed = PAPER_FRAMES.get(n_train)
    low, high = printed.likelihood if printed else (ends.median(), ends.median())
    last = printed.samples[1] if printed else longest

    values = ends
    if short:
        # Short curves are steep: their last points alone would be all that is seen of them.
        reached = runs["training_samples"].transform("max")
        values = ours[VALUE][ours["training_samples"] >= reached / 3]
    values = values[(values - ends.median()).abs() <= REACH]
    if values.min() < low:
        low = math.floor(values.min() / _STEP) * _STEP
    if values.max() > high:
        high = math.ceil(values.max() / _STEP) * _STEP
    if low == high:
        low, high = low - _STEP, high + _STEP

    if short:
        return Frame((_decade_below(longest / 8), max(last, 2 * longest)), (low, high), True)
    if longest < NEARLY_ALL * last or longest > last:
        last = longest
    return Frame((0.0, last), (low, high), False)


def _decade_below(samples: float) -> float:
    return 10.0 ** math.floor(math.log10(samples))
