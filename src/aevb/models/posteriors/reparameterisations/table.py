"""The table of section 2.4: each distribution's pathwise gradients against the exact ones."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import tensorflow as tf

from aevb import random
from aevb.models.posteriors.reparameterisations import FAMILIES
from aevb.models.posteriors.reparameterisations.entry import Entry, check, examples
from aevb.models.posteriors.reparameterisations.exact import (
    components,
    exact_gradients,
    ks_p_value,
    objective,
)
from aevb.models.posteriors.reparameterisations.gradients import pathwise_gradient, sample


def gradient_table(n: int, seed: int) -> pd.DataFrame:
    """Every distribution of §2.4 with its example parameters: the pathwise gradient of E[f(z)],
    f as in :func:`objective`, against the exact one, and the draws against the exact CDF.

    Args:
        n: draws for the gradients, and as many others for the test of the CDF. A million take
            6.5 GB of memory.
        seed: of all draws.

    Returns:
        One row a (family, distribution, parameter), or a component of a parameter: ``family,
        distribution, transformation, noise, source, parameter, gradient`` (Monte Carlo),
        ``exact, standard_error, z_score`` (the error in standard errors), ``ks_p_value`` (of the
        distribution, see :func:`ks_p_value`).
    """
    tables = [
        gradient_rows(entry, examples(entry), n, seed, stream=i)
        for i, entry in enumerate(FAMILIES.values())
    ]
    return pd.concat(tables, ignore_index=True)


def gradient_rows(
    entry: Entry, parameters: Mapping[str, Any], n: int, seed: int, stream: int = 0
) -> pd.DataFrame:
    """The rows of one distribution, see :func:`gradient_table`; ``stream`` tells draws with the
    same seed apart.

    Raises:
        ConfigError: see :func:`check`.
    """
    check(entry, parameters)
    for_gradients, for_draws = (
        random.keys(tf.constant([seed]), random.Purpose.REPARAMETERISATION, 2 * stream + j)[0]
        for j in range(2)
    )
    f = objective(entry, parameters)
    found = pathwise_gradient(entry, for_gradients, n, parameters, f)
    exact = exact_gradients(entry, parameters)
    p_value = ks_p_value(entry, sample(entry, for_draws, n, parameters), parameters)
    rows = []
    for name, gradient in found.items():
        for index in components(exact[name]):
            mean, error = gradient.mean[index], gradient.standard_error[index]
            rows.append(
                {
                    "family": entry.family,
                    "distribution": entry.name,
                    "transformation": entry.formula,
                    "noise": entry.auxiliary,
                    "source": entry.source,
                    "parameter": name + (f"[{', '.join(map(str, index))}]" if index else ""),
                    "gradient": mean,
                    "exact": exact[name][index],
                    "standard_error": error,
                    "z_score": (mean - exact[name][index]) / error,
                    "ks_p_value": p_value,
                }
            )
    return pd.DataFrame(rows)
