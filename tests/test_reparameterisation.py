"""The distributions of §2.4: draws, densities and pathwise gradients against exact ones.

The draws' keys are fixed, and the false-failure rates are over keys.
"""

from functools import cache

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

from aevb import random
from aevb.catalogue.rows import REPARAMETERISED
from aevb.errors import ConfigError, DataError
from aevb.models.posteriors.quantiles import open_uniform
from aevb.models.posteriors.reparameterisations import FAMILIES, find
from aevb.models.posteriors.reparameterisations import table as checked
from aevb.models.posteriors.reparameterisations.entry import (
    OURS,
    TFP,
    check,
    differentiable,
    examples,
)
from aevb.models.posteriors.reparameterisations.exact import components as free_components
from aevb.models.posteriors.reparameterisations.exact import exact_gradients, ks_p_value, objective
from aevb.models.posteriors.reparameterisations.gradients import (
    pathwise_gradient,
    per_sample_gradients,
    sample,
)
from aevb.tables import reparameterisations as page
from conftest import assert_means

pytestmark = pytest.mark.long

PAPER = {
    "inverse CDF": "Exponential, Cauchy, Logistic, Rayleigh, Pareto, Weibull, Reciprocal, Gompertz,"
    " Gumbel, Erlang",
    "location-scale": "Laplace, Elliptical, Student's t, Logistic, Uniform, Triangular, Gaussian",
    "composition": "Log-Normal, Gamma, Dirichlet, Beta, Chi-Squared, F",
}
WITHOUT_TFP = {"Rayleigh", "Reciprocal", "Gompertz", "F"}
N = 200_000
SMALL = 2_000
KS_RATE = 1e-6
"""False-failure rate of a test of the CDF. At 200 000 draws it finds CDFs that differ by 0.0087
anywhere, with probability 0.99 or more."""


def key(step):
    return random.keys(tf.constant([3]), random.Purpose.POSTERIOR, step)[0]


def both_ways(entry):
    """As it is drawn and, where TFP draws it, from the stated transformation as well."""
    return [entry] + [entry._replace(source=OURS)] * (entry.source == TFP)


ENTRIES = list(FAMILIES.values())
CASES = [(case, examples(case)) for entry in ENTRIES for case in both_ways(entry)]
# Shapes on the other side of where densities or samplers change; TFP's alone for any Gamma.
CASES += [
    (case, parameters)
    for name, family, parameters in [
        ("Erlang", None, {"concentration": 1, "rate": 0.9}),
        ("Erlang", None, {"concentration": 12, "rate": 9.0}),
        ("Pareto", None, {"scale": 0.6, "concentration": 0.8}),
        ("Weibull", None, {"concentration": 0.7, "scale": 0.9}),
        ("Student's t", None, {"location": -0.4, "scale": 0.5, "df": 1.5}),
        ("Triangular", None, {"low": -0.8, "high": 0.9, "mode": 0.8}),
        ("Dirichlet", None, {"concentration": (0.5, 4.0)}),
        ("Beta", None, {"concentration1": 2.5, "concentration0": 1.4}),
        ("Chi-Squared", None, {"df": 5.0}),
        ("F", None, {"df1": 1.5, "df2": 3.0}),
    ]
    for case in both_ways(find(name, family))
]
CASES.append((find("Gamma"), {"concentration": 0.6, "rate": 0.8}))
IDS = [f"{entry.name}-{entry.family}-{entry.source}" for entry, _ in CASES]
AS_LISTED = [i for i, (e, values) in enumerate(CASES) if e in ENTRIES and values == examples(e)]
"""The cases that are the registry's own, with their example parameters."""


@cache
def drawn(case):
    """Draws of one of the cases, by its place."""
    entry, parameters = CASES[case]
    return sample(entry, key(0), N, parameters).numpy()


def check_distribution(entry, parameters, z=None):
    z = sample(entry, key(0), N, parameters).numpy() if z is None else z
    assert ks_p_value(entry, z, parameters) > KS_RATE


def components(samples, exact):
    """Of a parameter's gradients [n, ...] and their means, what is free: not above a diagonal."""
    for index in np.ndindex(exact.shape):
        if exact.ndim < 2 or index[1] <= index[0]:
            yield samples[:, *index], exact[index]


def check_gradients(entry, parameters, names=None, n=N):
    """Each is exact on average; one that is off by a half of itself is found."""
    f = objective(entry, parameters)
    found = per_sample_gradients(entry, key(1), n, parameters, f)
    exact = exact_gradients(entry, parameters)
    assert list(found) == list(exact)
    for name in names or found:
        for samples, mean in components(found[name], exact[name]):
            assert_means(samples, mean, detects=0.5 * abs(mean))


# The registry


def test_every_distribution_that_the_paper_lists_is_there_in_its_order():
    listed = [(family, name) for family, names in PAPER.items() for name in names.split(", ")]
    assert list(FAMILIES) == listed
    for (family, name), entry in FAMILIES.items():
        assert (entry.family, entry.name) == (family, name)
        assert entry.formula.startswith("z") and entry.auxiliary
        assert find(name, family) is entry


def test_tfp_draws_where_it_is_reparameterised():
    """All but two: Erlang is drawn by the inverse CDF, Triangular because of the next test."""
    assert {e.name for e in ENTRIES if e.distribution is None} == WITHOUT_TFP
    drawn_here = {e.name for e in ENTRIES if e.source == OURS}
    assert drawn_here == WITHOUT_TFP | {"Erlang", "Triangular"}
    for entry in ENTRIES:
        if entry.distribution is not None:
            kind = entry.distribution(**examples(entry)).reparameterization_type
            assert kind == tfp.distributions.FULLY_REPARAMETERIZED


def test_tfps_triangular_has_no_gradient_where_its_uniform_number_is_zero(monkeypatch):
    from tensorflow_probability.python.internal import samplers

    monkeypatch.setattr(samplers, "uniform", lambda shape, **_: tf.zeros(shape))
    low = tf.constant([-1.0])
    with tf.GradientTape() as tape:
        tape.watch(low)
        z = tfp.distributions.Triangular(low, [1.0], [0.0]).sample(seed=key(0))
    assert z == low
    assert np.isnan(tape.gradient(z, low))


# Draws


@pytest.mark.statistical
@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_draws_have_the_exact_distribution(case):
    """Kolmogorov-Smirnov, 200 000 draws; fails by chance once in 1e6."""
    z = drawn(case)
    assert z.dtype == np.float32 and len(z) == N and np.isfinite(z).all()
    check_distribution(*CASES[case], z)


@pytest.mark.statistical
@pytest.mark.parametrize("entry", both_ways(find("Dirichlet")), ids=lambda e: e.source)
def test_dirichlet_moments(entry):
    """Means and all products, 200 000 draws; fails by chance once in 1e6; finds 0.006."""
    parameters = examples(entry)
    z = sample(entry, key(2), N, parameters).numpy()
    np.testing.assert_allclose(z.sum(axis=1), 1.0, rtol=1e-6)
    exact = stats.dirichlet(parameters["concentration"])
    moments = exact.cov() + np.outer(exact.mean(), exact.mean())
    assert_means(z, exact.mean(), detects=0.006)
    assert_means(z[:, :, None] * z[:, None, :], moments, detects=0.006)


@pytest.mark.statistical
@pytest.mark.parametrize("entry", both_ways(find("Elliptical")), ids=lambda e: e.source)
def test_elliptical_directions_radii_and_covariance(entry):
    """The standardised draw's angle is uniform, its squared radius over d is F(d, ν), and the two
    are independent; the covariance is ν/(ν−2) L Lᵀ. 200 000 draws; the tests of the CDF and the
    z-tests fail by chance once in 1e6 each; a covariance that is off by 0.05 is found."""
    location, scale, df = np.array([0.3, -0.2]), np.array([[0.8, 0.0], [-0.5, 0.6]]), 10.0
    parameters = {"location": location, "scale_tril": scale, "df": df}
    z = sample(entry, key(2), N, parameters).numpy().astype(np.float64)
    standard = np.linalg.solve(scale, (z - location).T).T
    angle, square = np.arctan2(*standard.T) / (2 * np.pi) + 0.5, (standard**2).sum(axis=1) / 2
    assert stats.kstest(angle, "uniform").pvalue > KS_RATE
    assert stats.kstest(square, stats.f(2, df).cdf).pvalue > KS_RATE
    far = (square > np.median(square)) - 0.5
    assert_means(far * (angle - 0.5), 0.0, detects=0.005)
    centred = z - location
    covariance = df / (df - 2) * scale @ scale.T
    assert_means(centred[:, :, None] * centred[:, None, :], covariance, detects=0.05)


def test_noise_is_a_function_of_the_key_and_of_fixed_parameters_only():
    """With other values of the differentiable parameters it has the same bits."""
    for entry in (e._replace(source=OURS) for e in ENTRIES):
        values = check(entry, examples(entry))
        moved = {k: v if k in entry.fixed else v * 1.01 for k, v in values.items()}
        noise = entry.noise(key(0), SMALL, values).numpy()
        np.testing.assert_array_equal(noise, entry.noise(key(0), SMALL, moved))
        assert len(noise) == SMALL and noise.dtype == np.float32
        assert not np.array_equal(noise, entry.noise(key(1), SMALL, values))
        for name in entry.fixed:
            other = {**values, name: values[name] * 2 if name != "mode" else values[name] / 2}
            if entry.name == "Erlang":
                continue  # Its noise is uniform; the shape is in the function.
            assert not np.array_equal(noise, entry.noise(key(0), SMALL, other))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: f"{e.name}-{e.family}")
def test_draws_are_a_function_of_the_key(entry):
    parameters = examples(entry)
    first = sample(entry, key(0), SMALL, parameters).numpy()
    np.testing.assert_array_equal(first, sample(entry, key(0), SMALL, parameters))
    assert not np.array_equal(first, sample(entry, key(1), SMALL, parameters))
    assert len(np.unique(first, axis=0)) > 0.99 * SMALL


def test_uniform_noise_lies_symmetrically_inside_the_interval(monkeypatch):
    ends = tf.constant([[0.0, 0.5 - 2.0**-23, 0.5, 1.0 - 2.0**-23]])
    monkeypatch.setattr(random, "uniform", lambda keys, shape: ends)
    found = open_uniform([key(0)], (4,)).numpy().astype(np.float64)
    half = 2.0**-24
    np.testing.assert_array_equal(found, [[half, 0.5 - half, 0.5 + half, 1.0 - half]])


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: f"{e.name}-{e.family}")
def test_the_extremes_of_the_uniform_noise_give_finite_draws_and_gradients(entry, monkeypatch):
    """2⁻²⁴ and 1 − 2⁻²⁴, in every combination."""
    entry = entry._replace(source=OURS)
    parameters = examples(entry)

    def extremes(keys, shape):
        width = shape[1] if len(shape) > 1 else 1
        rows = np.stack(np.meshgrid(*[[0.0, 1 - 2.0**-23]] * width), -1).reshape(-1, width)
        return tf.constant(np.resize(rows, (1, *shape)), tf.float32)

    monkeypatch.setattr(random, "uniform", extremes)
    z = sample(entry, key(0), 8, parameters).numpy()
    assert np.isfinite(z).all()

    def total(z):
        """Not through tanh, whose slope out there could be zero."""
        return z if z.ndim == 1 else tf.linalg.matvec(z, [0.3, 0.9, 0.2][: z.shape[1]])

    for gradient in per_sample_gradients(entry, key(0), 8, parameters, total).values():
        assert np.isfinite(gradient).all()


# Densities


@pytest.mark.parametrize(
    "entry", [e for e in ENTRIES if e.distribution], ids=lambda e: f"{e.name}-{e.family}"
)
def test_log_density(entry):
    parameters = examples(entry)
    z = sample(entry, key(0), SMALL, parameters).numpy()
    if entry.name == "Dirichlet":
        # SciPy wants components that sum to one in float64.
        z = z[(z > 1e-4).all(axis=1)].astype(np.float64)
        z /= z.sum(axis=1, keepdims=True)
        exact = stats.dirichlet.logpdf(z.T, parameters["concentration"])
    elif entry.name == "Elliptical":
        scale = np.array(parameters["scale_tril"])
        law = stats.multivariate_t(parameters["location"], scale @ scale.T, parameters["df"])
        exact = law.logpdf(z)
    else:
        exact = entry.marginals(check(entry, parameters))[0].law.logpdf(z.astype(np.float64))
    found = entry.distribution(**parameters).log_prob(z.astype(np.float32)).numpy()
    assert found.dtype == np.float32 and np.isfinite(exact).all()
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-4)


# Gradients


@pytest.mark.statistical
@pytest.mark.parametrize(("entry", "parameters"), CASES, ids=IDS)
def test_pathwise_gradients_are_exact_on_average(entry, parameters):
    """z-test of each parameter, 200 000 draws; fails by chance once in 1e6 for each; finds a
    gradient that is off by a half."""
    check_gradients(entry, parameters)


def test_exact_gradients_of_a_uniform_number_in_closed_form():
    """E[tanh z] = (log cosh b − log cosh a) / (b − a)."""
    low, high = -0.6, 1.4
    found = exact_gradients(find("Uniform"), {"low": low, "high": high})
    mean = (np.log(np.cosh(high)) - np.log(np.cosh(low))) / (high - low)
    np.testing.assert_allclose(found["low"], (mean - np.tanh(low)) / (high - low), rtol=1e-7)
    np.testing.assert_allclose(found["high"], (np.tanh(high) - mean) / (high - low), rtol=1e-7)


def test_exact_gradients_by_gauss_hermite_quadrature():
    """Of a Gaussian, 200 nodes: E[f'(z)] and E[f'(z) ε]."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    slope = weights / weights.sum() / np.cosh(0.3 + 0.8 * nodes) ** 2
    found = exact_gradients(find("Gaussian"), {"location": 0.3, "scale": 0.8})
    np.testing.assert_allclose(found["location"], slope.sum(), rtol=1e-6)
    np.testing.assert_allclose(found["scale"], (slope * nodes).sum(), rtol=1e-6)


def test_gradients_are_each_draws_own_and_the_standard_error_is_theirs():
    """By the chain rule, from the noise: f'(z) and f'(z) ε."""
    entry = find("Gaussian")._replace(source=OURS)
    parameters = {"location": 0.3, "scale": 0.8}
    noise = entry.noise(key(5), SMALL, parameters).numpy()
    slope = 1 / np.cosh(0.3 + 0.8 * noise) ** 2
    found = per_sample_gradients(entry, key(5), SMALL, parameters, tf.tanh)
    np.testing.assert_allclose(found["location"], slope, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["scale"], slope * noise, rtol=1e-4, atol=1e-6)
    means = pathwise_gradient(entry, key(5), SMALL, parameters, tf.tanh)
    np.testing.assert_allclose(means["scale"].mean, (slope * noise).mean(), rtol=1e-4)
    error = stats.sem(slope * noise)
    np.testing.assert_allclose(means["scale"].standard_error, error, rtol=1e-4)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: f"{e.name}-{e.family}")
def test_draws_can_be_differentiated_themselves(entry):
    """A tape around the draws finds the same mean gradient."""
    parameters = {k: tf.constant(v, tf.float32) for k, v in examples(entry).items()}
    f = objective(entry, parameters)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        mean = tf.reduce_mean(f(sample(entry, key(1), SMALL, parameters)))
    found = tape.gradient(mean, parameters)
    for name, expected in pathwise_gradient(entry, key(1), SMALL, parameters, f).items():
        np.testing.assert_allclose(found[name], expected.mean, rtol=1e-3, atol=1e-6)


# Controls


def stopped(entry, name):
    """The entry with a transformation that does not let the gradient of a parameter through."""

    def stop(draw):
        return lambda *noise, **parameters: draw(
            *noise, **{**parameters, name: tf.stop_gradient(parameters[name])}
        )

    return entry._replace(
        transform=stop(entry.transform),
        distribution=entry.distribution and stop(entry.distribution),
    )


@pytest.mark.parametrize(
    ("entry", "name"),
    [(entry, name) for entry in ENTRIES for name in differentiable(entry)],
    ids=lambda v: v if isinstance(v, str) else v.name,
)
def test_control_stopped_gradients_are_found(entry, name):
    broken = stopped(entry, name)
    with pytest.raises(AssertionError):
        check_gradients(broken, examples(entry), names=[name], n=SMALL)


def f_with_a_fixed_denominator(u, df1, df2):
    numerator, denominator = tfp.math.igammainv(df1 / 2, u[:, 0]), u[:, 1]
    return numerator / df1 * df2 / tf.stop_gradient(tfp.math.igammainv(df2 / 2, denominator))


def dirichlet_with_a_fixed_sum(u, concentration):
    variates = tfp.math.igammainv(concentration, u)
    return variates / tf.stop_gradient(tf.reduce_sum(variates, axis=-1, keepdims=True))


def with_a_fixed_logarithm(u, concentration, scale):
    return scale * tf.pow(-tf.math.log(u), tf.stop_gradient(1 / concentration) + 0 * concentration)


@pytest.mark.parametrize(
    ("name", "broken", "parameter"),
    [
        ("F", f_with_a_fixed_denominator, "df2"),
        ("Dirichlet", dirichlet_with_a_fixed_sum, "concentration"),
        ("Weibull", with_a_fixed_logarithm, "concentration"),
    ],
)
def test_control_gradients_stopped_on_a_part_of_the_way_are_found(name, broken, parameter):
    """The draws are right, so that their distribution does not tell."""
    entry = find(name)._replace(source=OURS, transform=broken)
    check_distribution(entry, examples(entry))
    with pytest.raises(AssertionError):
        check_gradients(entry, examples(entry), names=[parameter])


@pytest.mark.parametrize("case", AS_LISTED, ids=[IDS[case] for case in AS_LISTED])
def test_control_draws_on_a_scale_wrong_by_5_percent_are_found(case):
    with pytest.raises(AssertionError):
        check_distribution(*CASES[case], 1.05 * drawn(case))


@pytest.mark.parametrize(
    ("name", "family", "broken"),
    [
        ("Exponential", None, lambda u, rate: -tf.math.log(u)),
        ("Cauchy", None, lambda u, location, scale: location + scale * tf.tan(u - 0.5)),
        ("Logistic", "inverse CDF", lambda u, location, scale: location + scale * tf.math.log(u)),
        ("Rayleigh", None, lambda u, scale: scale * tf.sqrt(-tf.math.log(u))),
        ("Pareto", None, lambda u, scale, concentration: scale * tf.pow(u, -concentration)),
        ("Weibull", None, lambda u, concentration, scale: -scale * tf.math.log(u)),
        ("Reciprocal", None, lambda u, low, high: low * tf.pow(high, u)),
        ("Gompertz", None, lambda u, concentration, rate: tf.math.log1p(-tf.math.log(u)) / rate),
        ("Gumbel", None, lambda u, location, scale: location - tf.math.log(-tf.math.log(u))),
        ("Erlang", None, lambda u, concentration, rate: tfp.math.igammainv(concentration, u)),
        (
            "Elliptical",
            None,
            lambda e, location, scale_tril, df: (
                location + tf.linalg.matvec(scale_tril, e, transpose_a=True)
            ),
        ),
        ("Uniform", None, lambda e, low, high: low + high * e),
        ("Triangular", None, lambda e, low, high, mode: low + high * e),
        ("Gaussian", None, lambda e, location, scale: location + scale**2 * e),
        ("Log-Normal", None, lambda e, location, scale: tf.exp(location) + scale * e),
        (
            "Gamma",
            None,
            lambda u, concentration, rate: -tf.reduce_sum(tf.math.log(u[:, 1:]), -1) / rate,
        ),
        ("Dirichlet", None, lambda u, concentration: tfp.math.igammainv(concentration, u)),
        ("Beta", None, lambda u, concentration1, concentration0: u[:, 0]),
        ("Chi-Squared", None, lambda u, df: tfp.math.igammainv(df / 2, u)),
        (
            "F",
            None,
            lambda u, df1, df2: (
                tfp.math.igammainv(df1 / 2, u[:, 0]) / tfp.math.igammainv(df2 / 2, u[:, 1])
            ),
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_control_transformations_that_lack_a_factor_are_found(name, family, broken):
    entry = find(name, family)._replace(source=OURS, transform=broken)
    with pytest.raises(AssertionError):
        check_distribution(entry, examples(entry))


def test_control_a_radius_for_each_component_is_no_elliptical_distribution():
    """Independent Student's t along each axis: of the marginals, the oblique one tells."""
    entry = find("Elliptical")
    parameters = {**examples(entry), "scale_tril": np.eye(2), "df": 2.0}
    z = np.random.default_rng(0).standard_t(2.0, (N, 2)) + parameters["location"]
    with pytest.raises(AssertionError):
        check_distribution(entry, parameters, z.astype(np.float32))


# Faults


def refused(call, *words):
    """It raises a ConfigError of one line, with these words."""
    with pytest.raises(ConfigError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_unknown_distributions_and_families_are_refused():
    refused(lambda: find("Poisson"), "'Poisson'", "Exponential", "Gaussian", "Chi-Squared")
    refused(lambda: find("Cauchy", "location-scale"), "'Cauchy'", "location-scale", "Laplace")
    refused(lambda: find("Cauchy", "inverse"), "'inverse'", ", ".join(PAPER))
    refused(lambda: find("Logistic"), "Logistic", "inverse CDF, location-scale")
    assert find("Logistic", "location-scale").family == "location-scale"


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("Gaussian", {"scale": -1.0}, "scale must be positive, not -1.0"),
        ("Gaussian", {"scale": 0.0}, "scale must be positive"),
        ("Gaussian", {"location": np.nan}, "location must be a finite number"),
        ("Gaussian", {"location": np.inf}, "location must be a finite number"),
        ("Gaussian", {"location": [0.0, 1.0]}, "location must be a finite number"),
        ("Gaussian", {"scale": "wide"}, "scale must be positive, not wide"),
        ("Gaussian", {"sd": 1.0}, "no parameter 'sd'; it has location, scale"),
        (
            "Erlang",
            {"concentration": 2.5},
            "concentration must be a positive whole number, not 2.5",
        ),
        ("Erlang", {"concentration": 0}, "concentration must be a positive whole number"),
        ("Exponential", {"rate": -2.0}, "rate must be positive"),
        ("Uniform", {"low": 2.0}, "low must be below high; they are 2.0 and 1.4"),
        ("Uniform", {"low": 1.4}, "low must be below high"),
        ("Reciprocal", {"low": 3.0}, "low must be below high"),
        ("Reciprocal", {"low": -1.0}, "low must be positive"),
        ("Triangular", {"high": -0.9}, "low must be below high"),
        ("Triangular", {"mode": 1.0}, "mode must be between 0 and 1"),
        ("Dirichlet", {"concentration": (1.0, 0.0)}, "concentration must be two or more positive"),
        ("Dirichlet", {"concentration": (1.0,)}, "concentration must be two or more positive"),
        ("Elliptical", {"scale_tril": ((1.0, 0.5), (0.0, 1.0))}, "lower triangular matrix"),
        ("Elliptical", {"scale_tril": ((1.0, 0.0), (0.5, -1.0))}, "positive diagonal"),
        ("Elliptical", {"scale_tril": ((1.0, 0.0),)}, "lower triangular matrix"),
        ("Elliptical", {"location": (0.0,)}, "location has 1 dimensions, scale_tril 2"),
        ("F", {"df2": 0.0}, "df2 must be positive"),
    ],
)
def test_invalid_parameters_are_refused(name, changes, words):
    entry = find(name)
    parameters = {**examples(entry), **changes}
    for call in (
        lambda: sample(entry, key(0), 10, parameters),
        lambda: pathwise_gradient(entry, key(0), 10, parameters, tf.tanh),
        lambda: exact_gradients(entry, parameters),
    ):
        refused(call, name, words)


def test_missing_parameters_too_few_draws_and_sums_of_broken_length_are_refused():
    gaussian, gamma = find("Gaussian"), find("Gamma")._replace(source=OURS)
    valid = examples(gaussian)
    refused(lambda: sample(gaussian, key(0), 10, {"scale": 1.0}), "'location' is missing")
    refused(lambda: sample(gaussian, key(0), 0, valid), "0 draws", "at least 1")
    refused(lambda: pathwise_gradient(gaussian, key(0), 1, valid, tf.tanh), "at least 2")
    wrong = {"concentration": 1.5, "rate": 1.0}
    refused(lambda: sample(gamma, key(0), 10, wrong), "Gamma", "whole number", "1.5")
    with pytest.raises(ValueError, match="not one number for each"):
        pathwise_gradient(gaussian, key(0), 10, valid, tf.reduce_sum)


# The table and its page


@pytest.fixture(scope="module")
def table():
    return checked.gradient_table(20_000, seed=0)


def test_table(table):
    """20 000 draws: an error of 5.5 standard errors in any of 48 rows happens by chance once in
    5e5 tables, a p-value below 1e-6 in one of 23 once in 4e4."""
    assert list(table) == list(page.COLUMNS)
    parameters = {(entry.family, entry.name): differentiable(entry) for entry in FAMILIES.values()}
    names = table["parameter"].str.partition("[")[0]
    for group, rows in table.assign(name=names).groupby(["family", "distribution"], sort=False):
        assert list(dict.fromkeys(rows["name"])) == parameters.pop(group)
        assert rows["parameter"].is_unique
    assert not parameters
    elliptical = table[table["distribution"] == "Elliptical"]["parameter"]
    assert {"location[1]", "scale_tril[1, 0]", "scale_tril[1, 1]"} < set(elliptical)
    assert "scale_tril[0, 1]" not in set(elliptical)
    assert (table["standard_error"] > 0).all()
    error = (table["gradient"] - table["exact"]) / table["standard_error"]
    np.testing.assert_allclose(table["z_score"], error)
    assert (table["z_score"].abs() < 5.5).all()
    assert (table["ks_p_value"] > KS_RATE).all()


def test_the_table_is_a_function_of_the_seed(monkeypatch):
    few = dict(list(FAMILIES.items())[:2])
    monkeypatch.setattr(checked, "FAMILIES", few)
    first, again, other = (checked.gradient_table(SMALL, seed) for seed in (0, 0, 1))
    assert first.equals(again)
    np.testing.assert_array_equal(other["exact"], first["exact"])
    for column in ("gradient", "standard_error", "z_score", "ks_p_value"):
        assert (other[column] != first[column]).all()


def test_page_has_a_row_for_each_distribution(table, tmp_path):
    path = tmp_path / "gradients.csv"
    table.to_csv(path, index=False)
    read = page.read_gradients(path)
    text = page.render(read)
    rows = text.split("<tbody>")[1].split("</tr>")[:-1]
    assert len(rows) == len(FAMILIES)
    for row, entry in zip(rows, FAMILIES.values(), strict=True):
        cells = [cell.split("</td>")[0] for cell in row.split("<td>")[1:]]
        assert cells[:5] == [
            entry.family,
            entry.name,
            entry.formula.replace("<", "&lt;"),
            entry.auxiliary.replace("<", "&lt;"),
            entry.source,
        ]
        own = table[(table["family"] == entry.family) & (table["distribution"] == entry.name)]
        assert float(cells[5]) == round(own["z_score"].abs().max(), 2)
        largest = (own["gradient"] - own["exact"]).abs().max()
        assert float(cells[6]) == pytest.approx(largest, rel=0.06)
        assert float(cells[7]) == pytest.approx(own["ks_p_value"].iloc[0], rel=0.06)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("z_score", np.inf, "is not finite. Has the gradient no variance?"),
        ("standard_error", -0.1, "is below 0"),
        ("ks_p_value", 1.5, "is above 1"),
        ("source", "scipy", "is not one of TFP, ours"),
        ("noise", "none", "differs within one distribution"),
    ],
)
def test_broken_tables_are_refused(table, tmp_path, column, value, words):
    path = tmp_path / "gradients.csv"
    broken = table.astype({column: object})
    broken.loc[2, column] = value
    broken.to_csv(path, index=False)
    with pytest.raises(DataError, match=words) as caught:
        page.read_gradients(path)
    assert f"{path}, line 4, column {column!r}" in str(caught.value)


def test_a_table_that_gives_a_parameter_twice_is_refused(table, tmp_path):
    path = tmp_path / "gradients.csv"
    table.iloc[[0, 1, 1]].to_csv(path, index=False)
    with pytest.raises(DataError, match="parameter location appears a second time"):
        page.read_gradients(path)


def test_the_audit_expects_every_distribution_and_parameter():
    """What a record must have of the table is what the table is made of."""
    made = {}
    for entry in FAMILIES.values():
        values = check(entry, examples(entry))
        made[entry.family, entry.name] = [
            name + (f"[{', '.join(map(str, index))}]" if index else "")
            for name in differentiable(entry)
            for index in free_components(np.asarray(values[name]))
        ]
    assert made == REPARAMETERISED
