"""At which sample counts a training run evaluates the bound."""

from math import ceil

_RENARD_5 = (1.0, 1.6, 2.5, 4.0, 6.3)
_RENARD_10 = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)


def log_points(batch_size: int, training_samples: int) -> list[int]:
    """Sample counts of the evaluations: evenly spaced on the logarithmic axis of Figure 2.

    The first is after one minibatch, as in the paper's figure; then come five a decade from
    1 000 samples and ten a decade from 100 000 (Renard numbers, which hold 1, 2 and 5), each
    rounded up to whole minibatches, and the end of the budget. All but the end are the same for
    every budget, so a run with a larger one passes through the points of a smaller one.
    """
    end = ceil(training_samples / batch_size) * batch_size
    points = {batch_size, end}
    exponent = 3
    while 10**exponent <= training_samples:
        for preferred in _RENARD_5 if exponent < 5 else _RENARD_10:
            points.add(ceil(round(preferred * 10**exponent) / batch_size) * batch_size)
        exponent += 1
    return sorted(point for point in points if point <= end)
