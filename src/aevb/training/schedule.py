"""At which sample counts a training run evaluates the bound."""

from math import ceil

_RENARD_5 = (1.0, 1.6, 2.5, 4.0, 6.3)
_RENARD_10 = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)


def log_points(samples_per_step: int, training_samples: int) -> list[int]:
    """Sample counts of the evaluations: evenly spaced on the logarithmic axis of Figure 2.

    The first is after one step, as in the paper's figure; then come five a decade from
    1 000 samples and ten a decade from 100 000 (Renard numbers, which hold 1, 2 and 5), each
    rounded up to whole steps, and the end of the budget. All but the end are the same for
    every budget, so a run with a larger one passes through the points of a smaller one.
    """
    end = _whole_steps(training_samples, samples_per_step)
    points = {samples_per_step, end}
    exponent = 3
    while 10**exponent <= training_samples:
        for preferred in _RENARD_5 if exponent < 5 else _RENARD_10:
            points.add(_whole_steps(round(preferred * 10**exponent), samples_per_step))
        exponent += 1
    return sorted(point for point in points if point <= end)


def snapshot_points(samples_per_step: int, training_samples: int) -> list[int]:
    """Sample counts at which the parameters are kept, for the likelihoods of Figure 3.

    After one step, then 1, 2, 5, 10, … times 10⁵ up to 10⁷, then every 10⁷, as the figure's axis
    is linear, each rounded up to whole steps, and the end of the budget.
    """
    end = _whole_steps(training_samples, samples_per_step)
    wanted = [m * 10**e for e in (5, 6) for m in (1, 2, 5)]
    wanted += range(10**7, end + 1, 10**7)
    points = {samples_per_step, end, *(_whole_steps(w, samples_per_step) for w in wanted)}
    return sorted(point for point in points if point <= end)


def _whole_steps(samples: int, samples_per_step: int) -> int:
    return ceil(samples / samples_per_step) * samples_per_step
