"""What the studies of section 2 vary, and where it is measured beside them."""

GRADIENT_MINIBATCH = 10
"""M at which the noise of a gradient is taken for each L."""

KL_DIMENSIONS = (1, 2, 3, 5, 10, 20, 50, 100, 200)
"""J for which the KL divergence of Appendix B is held against Monte Carlo."""

KL_POSTERIORS = 20
"""Posteriors for each J."""

STUDY_SETTINGS = (
    "estimator",
    "posterior",
    "samples_per_datapoint",
    "batch_size",
    "weight_prior",
)
"""What may differ between the experiments of a study."""


def gradient_grid(
    draws: list[int], minibatches: list[int], at_minibatch: int = GRADIENT_MINIBATCH
) -> list[tuple[int, int]]:
    """Pairs of L and M: each L at one M, and each M at L = 1."""
    return sorted({(n, at_minibatch) for n in draws} | {(1, n) for n in minibatches})
