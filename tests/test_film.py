"""The state-space model of a film, where all is known: a linear-Gaussian one."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from aevb import random
from aevb.algorithms.optimisers import Adagrad
from aevb.future_work.film import Decoder, Encoder, FilmAEVB, Paths, StateSpace
from aevb.future_work.forecast import predict
from aevb.models.architecture import Parameters
from aevb.models.linear_gaussian import LinearGaussian
from aevb.models.mlp import MLP
from aevb.training.backends.tensorflow import TensorFlowBackend, Trainer

tfd = tfp.distributions
T, D, N_Z = 12, 6, 2
NOISE = 0.15
GENERATOR = np.random.default_rng(0)
TURN = 0.5
# A point that circles inward while noise pushes it. F Fᵀ and WᵀW are multiples of I, so that all
# covariances of the posterior are diagonal, as q's are.
F = 0.95 * np.array([[np.cos(TURN), -np.sin(TURN)], [np.sin(TURN), np.cos(TURN)]])
DRIFT = 1 - 0.95**2
W = np.linalg.qr(GENERATOR.standard_normal((D, N_Z)))[0] * 0.4
MEAN = np.full(D, 1.5)


def truth(f=F, drift=DRIFT, weights=W, mean=MEAN, noise=NOISE, shift=(0, 0)):
    """The model as TFP has it, whose filter and smoother are exact."""
    start = tfd.MultivariateNormalDiag(tf.zeros(N_Z, tf.float64))
    drifts = np.sqrt(np.broadcast_to(drift, [N_Z]))
    return tfd.LinearGaussianStateSpaceModel(
        T,
        tf.linalg.LinearOperatorFullMatrix(np.asarray(f, np.float64)),
        tfd.MultivariateNormalDiag(np.asarray(shift, np.float64), drifts),
        tf.linalg.LinearOperatorFullMatrix(np.asarray(weights, np.float64)),
        tfd.MultivariateNormalDiag(np.asarray(mean, np.float64), noise * np.ones(len(mean))),
        start,
    )


def sequences(n, generator=GENERATOR):
    """[n, T, D], float64, of the truth."""
    z, found = generator.standard_normal((n, N_Z)), []
    for _ in range(T):
        found.append(z @ W.T + MEAN + NOISE * generator.standard_normal((n, D)))
        z = z @ F.T + np.sqrt(DRIFT) * generator.standard_normal((n, N_Z))
    return np.stack(found, axis=1)


def exact_paths(x, draws=100, f=F, alone=False, missing=()):
    """Draws of the smoother by the backward information filter, p(z_t|z_{t−1}, x_{t:T}), for
    dynamics ``f``, without frames that are ``missing``; or of p(z_t|x_t), which looks at each frame
    ``alone``."""
    generator = np.random.default_rng(1)
    precision, shift, backward = np.zeros((N_Z, N_Z)), np.zeros((len(x), N_Z)), []
    for t in reversed(range(T)):
        if alone:
            precision, shift = np.zeros((N_Z, N_Z)), np.zeros((len(x), N_Z))
        if t not in missing:
            precision = precision + W.T @ W / NOISE**2
            shift = shift + (x[:, t] - MEAN) @ W / NOISE**2
        backward.insert(0, (precision, shift))
        # Through z_{t+1} = F z_t + noise, integrated out.
        gain = f.T @ np.linalg.inv(np.eye(N_Z) + DRIFT * precision)
        precision, shift = gain @ precision @ f, shift @ gain.T

    z, steps = np.zeros((draws, len(x), N_Z)), []
    noise = generator.standard_normal((T, draws, len(x), N_Z))
    for t, (precision, shift) in enumerate(backward):
        first = t == 0 or alone
        covariance = np.linalg.inv(np.eye(N_Z) / (1 if first else DRIFT) + precision)
        np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-12)
        mean = (shift + (0 if first else z @ f.T / DRIFT)) @ covariance
        mean = np.broadcast_to(mean, z.shape)
        scale = np.broadcast_to(np.sqrt(np.diag(covariance)), z.shape)
        z = mean + scale * noise[t]
        steps.append((z, mean, scale))
    parts = (np.stack(part, axis=1)[:, np.newaxis] for part in zip(*steps, strict=True))
    return Paths(*(tf.constant(part, tf.float32) for part in parts))


MODEL = StateSpace(LinearGaussian(D, N_Z), D, 0, 4, initial_standard_deviation=0.1)


def decoder(f=F):
    """The truth as a decoder of MODEL, of one member."""

    def network(weights, bias):
        values = np.zeros((len(weights), 0)), np.zeros(0), weights, bias
        return MLP(*(tf.constant(value[np.newaxis], tf.float32) for value in values))

    log_variance = tf.fill([1, N_Z], np.float32(np.log(DRIFT)))
    frame = network(W.T, np.append(MEAN, 2 * np.log(NOISE)))
    return Decoder(network(f.T, np.zeros(N_Z)), log_variance, frame)


def bounds_of(x, paths, estimator):
    """[L, n], float64."""
    frames = MODEL.frames(tf.constant(x.reshape(1, len(x), -1), tf.float32))
    return MODEL.bound(decoder(), frames, paths, estimator).numpy()[:, 0].astype(np.float64)


@pytest.mark.parametrize("missing", [(), (0, 5, 6, 7, 11)])
def test_with_the_exact_smoother_every_path_gives_the_kalman_filters_likelihood(missing):
    """Estimator A has no variance there, so that no chance is involved and the tolerance is that of
    float32, 1e-3 of some 30 nats; also of what is seen where frames are missing. A smoother of the
    wrong dynamics, and a q that looks at each frame alone, lie below by 5000 times that."""
    x, mask = sequences(5), np.isin(np.arange(T), missing)
    exact = truth().log_prob(x, mask=mask).numpy()
    seen = np.where(mask[:, np.newaxis], np.nan, x)
    found = bounds_of(seen, exact_paths(x, missing=missing), "A")
    np.testing.assert_allclose(found, np.broadcast_to(exact, found.shape), atol=1e-3)
    for wrong in ({"f": F.T}, {"alone": True}):
        paths = exact_paths(x, missing=missing, **wrong)
        assert (exact - bounds_of(seen, paths, "A").mean(axis=0) > 5).all()


@pytest.mark.statistical
def test_estimator_b_has_the_same_mean_and_the_paths_are_the_smoothers():
    """4 bounds and 96 means over 4000 paths, each within 5 standard errors: fails by chance for one
    seed in 17 000; finds 0.15 nats, and 0.01 of a latent variable."""
    x = sequences(4)
    exact, (means, _) = truth().log_prob(x).numpy(), truth().posterior_marginals(x)
    paths = exact_paths(x, 4000)
    z = paths.z.numpy()[:, 0].transpose(0, 2, 1, 3)
    for values, expected in ((bounds_of(x, paths, "B"), exact), (z, means.numpy())):
        error = values.std(axis=0) / np.sqrt(len(values))
        assert (abs(values.mean(axis=0) - expected) < 5 * error).all()


STEPS, M, DIVISOR = 8000, 50, 85.0
WITHIN = 1.0


def film(n, generator):
    """Stretches of the truth as bytes, [n, T · D]."""
    x = np.rint(DIVISOR * sequences(n, generator))
    assert (x >= 0).all() and (x < 256).all()
    return x.astype(np.uint8).reshape(n, -1)


@pytest.fixture(scope="module")
def run():
    """A backend with data of the truth, the state after STEPS minibatches, and the test data."""
    generator = np.random.default_rng(1)
    data = film(1000, generator), film(100, generator)
    trainer = Trainer(FilmAEVB(MODEL, Adagrad(0, "none", 0.0)), M, DIVISOR)
    backend = TensorFlowBackend(trainer, *data, [1], [0.1])
    return backend, backend.run_chunk(backend.start(), STEPS)[0], data[1]


@pytest.fixture(scope="module")
def learned(run):
    """The parameters, the model that they are, and held-out stretches [n, T, D]."""
    _, state, test = run
    encoder, decoder = state.parameters
    weights, bias, noise = (
        np.asarray(value[0], np.float64)
        for value in (
            decoder.frame.output_weights,
            decoder.frame.output_bias,
            tf.exp(0.5 * decoder.frame.output_bias[:, -1]),
        )
    )
    model = truth(
        np.asarray(decoder.transition.output_weights[0]).T,
        np.exp(np.asarray(decoder.log_variance[0], np.float64)),
        weights.T,
        bias[:-1],
        noise,
        decoder.transition.output_bias[0],
    )
    x = test.reshape(-1, T, D) / DIVISOR
    return Parameters(encoder, decoder), model, x


def bound_of(parameters, x, draws=100):
    """Mean over the stretches."""
    frames = MODEL.frames(tf.constant(x.reshape(1, len(x), -1), tf.float32))
    keys = random.keys(tf.constant([3]), random.Purpose.EVALUATION)
    paths = MODEL.paths(parameters.encoder, frames, MODEL.noise(keys, draws, frames))
    return float(tf.reduce_mean(MODEL.bound(parameters.decoder, frames, paths)))


@pytest.mark.statistical
def test_training_comes_within_a_nat_of_the_truth(learned):
    """Per stretch of 12 frames, held out: below log p(x) of what was learned, which the Kalman
    filter knows, and not more than 1 nat below that of the truth (0.7 are seen: 0.1 because 1000
    stretches are all that it learned from, 0.6 because the linear memory cannot tell the last
    frames from the others). The spread of 10 000 paths is 0.02 nats, so that it fails by chance
    for less than one seed of the paths in a million. An encoder without its memory of other frames
    and without z_{t−1} loses thirty times that, and so does the film backwards."""
    parameters, model, x = learned
    found, best = bound_of(parameters, x), truth().log_prob(x).numpy().mean()
    assert found < model.log_prob(x).numpy().mean()
    assert found > best - WITHIN, best - found
    memory, _, step = parameters.encoder
    kept = np.float32([0] * N_Z + [1] * MODEL.memory_units)[:, np.newaxis]
    forgetful = Encoder(
        memory._replace(recurrence=0 * memory.recurrence),
        parameters.encoder.start,
        step._replace(output_weights=step.output_weights * kept),
    )
    for other in (
        bound_of(Parameters(forgetful, parameters.decoder), x),
        bound_of(parameters, x[:, ::-1]),
    ):
        assert other < best - 10 * WITHIN


@pytest.mark.statistical
def test_predictions_are_the_kalman_filters(learned):
    """Means of 1000 paths, up to 4 frames ahead, are off by 0.05, root mean square, a third of the
    noise of a pixel, from those of what was learned; repeating the last frame by five times that.
    Chance has no part in it that could be seen: a path's deviation is 0.3, that of 1000 0.01."""
    parameters, model, x = learned
    _, means, *_ = model.forward_filter(x)
    z = means[:, -1].numpy()
    matrix = np.asarray(parameters.decoder.transition.output_weights[0]).T
    weights, bias = (np.asarray(value[0]) for value in parameters.decoder.frame[2:])
    forecast = predict(MODEL, parameters, x.reshape(len(x), -1), 4, 1000, 0)
    for p in forecast:
        z = z @ matrix.T + np.asarray(parameters.decoder.transition.output_bias[0])
        found = tf.reduce_mean(p.mean(), axis=0)[0].numpy()
        exact = z @ weights + bias[:-1]
        assert np.sqrt(np.mean((found - exact) ** 2)) < 0.05
    assert np.sqrt(np.mean((x[:, -1] - exact) ** 2)) > 0.25


def test_how_training_is_cut_changes_no_number(run):
    """Nothing is carried along but the state."""
    backend, state, _ = run
    whole, _ = backend.run_chunk(state, 6)
    half, _ = backend.run_chunk(state, 4)
    again, _ = backend.run_chunk(backend.put(backend.fetch(half)), 2)
    for mine, theirs in zip(tf.nest.flatten(whole), tf.nest.flatten(again), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_every_second_stretch_has_a_gap_while_it_learns(monkeypatch):
    """As long as it may be, or less at the end."""
    seen = []

    def bound(self, parameters, x, keys):
        seen.append(np.isnan(x.numpy().reshape(-1, T, D)))
        return tf.zeros(x.shape[:2]) * sum(map(tf.reduce_sum, tf.nest.flatten(parameters)))

    monkeypatch.setattr(FilmAEVB, "lower_bound", bound)
    seeds = tf.constant([1])
    learner = FilmAEVB(MODEL, Adagrad(0, "none", 0.0), gap=3)
    learner.step(learner.init(seeds, tf.constant([0.1])), tf.ones([1, 400, T * D]), seeds)
    (missing,) = seen
    assert (missing.all(axis=2) == missing.any(axis=2)).all()
    frames = missing.all(axis=2).sum(axis=1)
    assert set(frames) == {0, 1, 2, 3}
    assert abs((frames > 0).mean() - 0.5) < 0.1
