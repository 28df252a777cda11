"""Monte Carlo EM: an E-step that leaves the posterior alone, an M-step that is plain ascent, and
their fixed point, the maximum of the likelihood."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from aevb import random
from aevb.algorithms import mcem
from aevb.algorithms.mcem import MonteCarloEM
from aevb.algorithms.optimisers import Adagrad
from aevb.arrays import named_arrays, read_snapshots
from aevb.errors import ConfigError, DivergenceError
from aevb.models.architecture import Parameters
from aevb.models.linear_gaussian import LinearGaussian, ProbabilisticPCA
from aevb.models.mlp import MLP
from aevb.models.vae import VAE
from aevb.process.interruption import Interrupted
from aevb.training import experiment
from aevb.training.assembly import training_set
from aevb.training.backends.tensorflow import TensorFlowBackend
from aevb.training.curves import curve_table
from aevb.training.loop import train
from tiny import SETTINGS
from training_runs import assert_identical, stop_at

pytestmark = pytest.mark.long

N, D, N_Z = 500, 8, 2
GENERATOR = np.random.default_rng(0)
TRUTH = ProbabilisticPCA(
    np.linalg.qr(GENERATOR.standard_normal((D, N_Z)))[0] * [2.0, 1.5],
    GENERATOR.standard_normal(D),
    0.5,
)
X = TRUTH.sample(N, GENERATOR).astype(np.float32)
BEST = ProbabilisticPCA.fit(X, N_Z)


# The E-step


class Cooled(LinearGaussian):
    """A decoder whose likelihood is sharper than the one that the data were drawn from."""

    def decode(self, decoder, z):
        likelihood = super().decode(decoder, z)
        normal = likelihood.distribution
        return likelihood.copy(distribution=normal.copy(scale=normal.scale / 1.1))


class WithoutPrior(LinearGaussian):
    """A model whose E-step does not know p(z)."""

    def prior(self):
        wide = super().prior()
        return wide.copy(distribution=wide.distribution.copy(scale=1e3 * tf.ones(self.latent_dim)))


def geweke(kind: type[LinearGaussian], n: int, rounds: int) -> np.ndarray:
    """z of n datapoints after so many rounds of: one E-step for z, a fresh x given z."""
    sampled_from = LinearGaussian(D, N_Z)
    em = MonteCarloEM(kind(D, N_Z), Adagrad(0, "matrices", 0.0), n, initial_hmc_step_size=0.25)
    seeds = tf.constant([0])
    decoder = TRUTH.parameters().decoder

    @tf.function(jit_compile=True, autograph=False)
    def run():
        state = em.init(seeds, tf.constant([0.1]))
        state = state._replace(parameters=Parameters((), decoder))

        def observe(state):
            keys = random.keys(seeds, random.Purpose.OBSERVATION, state.iteration)
            return sampled_from.sample(sampled_from.decode(decoder, state.chains), keys)

        def one(state):
            chains, *_ = em.expect(state, observe(state), seeds)
            return (state._replace(chains=chains, iteration=state.iteration + 1),)

        return tf.while_loop(lambda s: s.iteration < rounds, one, (state,))[0].chains[0]

    return run().numpy().astype(np.float64)


def check_prior(z: np.ndarray) -> None:
    """Kolmogorov-Smirnov against N(0, 1) in each dimension, and their independence.

    Three tests at 1e-6 / 3 each: 1e-6 false failures in all.
    """
    p_values = [stats.kstest(z[:, j], stats.norm.cdf).pvalue for j in range(z.shape[1])]
    p_values.append(stats.pearsonr(z[:, 0], z[:, 1]).pvalue)
    assert min(p_values) > 1e-6 / 3, p_values


@pytest.mark.statistical
def test_e_step_leaves_the_joint_distribution_invariant():
    """Geweke's test: z ~ E-step given x, x ~ p(x|z), in turn, keeps z ~ p(z) exactly.

    20 000 datapoints in 20 rounds; the false-failure rate is 1e-6 (see check_prior).
    """
    check_prior(geweke(LinearGaussian, 20_000, 20))


@pytest.mark.parametrize("broken", [Cooled, WithoutPrior])
def test_control_a_wrong_e_step_is_caught(broken):
    with pytest.raises(AssertionError):
        check_prior(geweke(broken, 20_000, 20))


def test_every_chain_moves_in_whole_and_partial_blocks(monkeypatch):
    """2 whole blocks and a rest: each datapoint is moved by its own data, once."""
    monkeypatch.setattr(mcem, "_BLOCK", 200)
    em = MonteCarloEM(LinearGaussian(D, N_Z), Adagrad(0, "matrices", 0.0), N)
    seeds = tf.constant([0])
    state = em.init(seeds, tf.constant([0.1]))._replace(
        parameters=Parameters((), TRUTH.parameters().decoder), hmc_step_size=tf.constant([0.01])
    )
    chains, acceptance, log_joint = em.expect(state, tf.constant(X[np.newaxis]), seeds)
    assert chains.shape == (1, N, N_Z)
    assert float(acceptance[0]) > 0.99
    assert (np.abs(chains - state.chains).max(axis=-1) > 1e-4).all()
    z = chains[0].numpy().astype(np.float64)
    log_prior = stats.norm.logpdf(z).sum()
    mean = z @ TRUTH.weights.T + TRUTH.mean
    log_likelihood = stats.norm(mean, TRUTH.variance**0.5).logpdf(X).sum()
    assert float(log_joint[0]) == pytest.approx((log_prior + log_likelihood) / N, rel=1e-5)


def test_step_size_is_tuned_to_the_target_acceptance():
    """After tuning, the acceptance stays around 0.9 for posteriors of very different width."""
    for variance in (1e-3, 1.0):
        em = MonteCarloEM(LinearGaussian(D, N_Z), Adagrad(10**9, "matrices", 0.0), N)
        seeds = tf.constant([0])
        decoder = replace(TRUTH, variance=variance).parameters().decoder

        @tf.function(jit_compile=True, autograph=False)
        def run(em=em, seeds=seeds, decoder=decoder):
            state = em.init(seeds, tf.constant([0.1]))
            state = state._replace(parameters=Parameters((), decoder))
            history = tf.TensorArray(tf.float32, 200, element_shape=[1])

            def one(i, state, history):
                state, _ = em.step(state, tf.constant(X[np.newaxis]), seeds)
                return i + 1, state, history.write(i, state.acceptance)

            return tf.while_loop(lambda i, *_: i < 200, one, (0, state, history))[2].stack()

        acceptance = run().numpy()[100:]
        assert acceptance.mean() == pytest.approx(0.9, abs=0.05)


# The M-step


@pytest.mark.parametrize("block", [200, 1000])
def test_m_step_is_ascent_on_the_whole_training_set(monkeypatch, block):
    """Five Adagrad updates with the gradient of Σ log p(x|z) over all datapoints."""
    monkeypatch.setattr(mcem, "_BLOCK", block)
    model = LinearGaussian(D, N_Z, 0.1)
    optimiser = Adagrad(2, "matrices", 1.0)
    em = MonteCarloEM(model, optimiser, N)
    state = em.init(tf.constant([0, 1]), tf.constant([0.1, 0.2]))
    decoder, accumulators = em.maximise(state, tf.constant(X[np.newaxis]), state.chains)
    expected, sums = state.parameters.decoder, state.accumulators.decoder
    for i in range(5):
        with tf.GradientTape() as tape:
            tape.watch(expected)
            log_likelihood = tf.reduce_sum(model.decode(expected, state.chains).log_prob(X))
        gradient = tape.gradient(log_likelihood, expected)
        matrices = model.weight_matrices().decoder
        expected, sums = optimiser.ascend(expected, sums, gradient, matrices, state.step_size, i)
    for found, wanted in zip(
        tf.nest.flatten((decoder, accumulators)), tf.nest.flatten((expected, sums)), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=1e-6)
    assert (decoder.output_bias.numpy() != state.parameters.decoder.output_bias.numpy()).any()


# The whole


ITERATIONS, STEP_SIZE, WITHIN = 1500, 0.1, 0.01


def learn(kind: type[LinearGaussian], iterations: int = ITERATIONS):
    em = MonteCarloEM(kind(D, N_Z, 0.1), Adagrad(0, "matrices", 0.0), N)
    seeds = tf.constant([0, 1, 2])

    @tf.function(jit_compile=True, autograph=False)
    def run(x):
        return tf.while_loop(
            lambda state: state.iteration < iterations,
            lambda state: (em.step(state, x, seeds)[0],),
            (em.init(seeds, tf.fill([3], STEP_SIZE)),),
        )[0]

    return run(tf.constant(X[np.newaxis]))


def gaps(state) -> np.ndarray:
    """How far each member's mean log-likelihood is below its maximum, nats a datapoint."""
    return np.array(
        [
            BEST.maximum()
            - ProbabilisticPCA.from_decoder(state.parameters.decoder, e).log_likelihood(X).mean()
            for e in range(3)
        ]
    )


@pytest.mark.statistical
def test_fixed_point_is_the_maximum_of_the_likelihood():
    """Within 0.01 nats a datapoint of what eigenvectors give, for each of 3 seeds.

    The free parameters, 24 of them, each scatter around the maximum with a variance that one
    posterior sample a datapoint leaves, at most that of one datum's information: 24 / (2 N) nats
    if every iteration started anew, and far less because Adagrad averages over the last some
    hundred. 0.01 must lie 5 standard deviations of the seeds above their mean, which is asserted.
    """
    found = gaps(learn(LinearGaussian))
    assert (found > -1e-5).all()
    assert (found < WITHIN).all(), found
    assert found.mean() + 5 * found.std(ddof=1) < WITHIN


@pytest.mark.parametrize("broken", [Cooled, WithoutPrior])
def test_control_a_wrong_e_step_has_another_fixed_point(broken):
    assert (gaps(learn(broken)) > 2 * WITHIN).all()


def test_control_too_few_iterations_are_not_there_yet():
    assert (gaps(learn(LinearGaussian, 20)) > 2 * WITHIN).all()


def test_members_do_not_depend_on_each_other():
    """A seed gives the same numbers alone and beside others."""
    em = MonteCarloEM(VAE(D, N_Z, 5, "gaussian"), Adagrad(0, "all", 1.0), N)
    x = tf.constant(X[np.newaxis])

    @tf.function(jit_compile=True, autograph=False)
    def three(seeds):
        state = em.init(seeds, tf.fill(seeds.shape, 0.1))
        for _ in range(3):
            state, _ = em.step(state, x, seeds)
        return state

    together, alone = three(tf.constant([3, 4])), three(tf.constant([4]))
    for both, one in zip(tf.nest.flatten(together), tf.nest.flatten(alone), strict=True):
        if both.shape.rank:
            np.testing.assert_allclose(both[1], one[0], rtol=1e-5, atol=1e-6)


# In the training loop

MCEM = replace(SETTINGS.with_algorithm("mcem"), n_train=100, step_sizes=(0.1,), snapshots=True)
PER_STEP = 15 * 100
POINTS = [PER_STEP * i for i in (1, 2, 4, 8)]


@pytest.fixture(scope="module")
def go(tiny):
    data = training_set(MCEM, tiny)
    trainer = experiment.trainer(MCEM, data)

    def from_scratch(**options):
        return train(
            TensorFlowBackend(trainer, data.train, data.test, [0, 1], [0.1, 0.1]),
            POINTS,
            name="tiny",
            fingerprint="print",
            snapshot_points=[POINTS[0], POINTS[2], POINTS[3]],
            **options,
        )

    return from_scratch


def test_samples_are_counted_as_in_the_papers_figure(go):
    """(10 + 5) N an iteration; no test curve, for there is no bound."""
    run, times = go()
    assert int(run.state.iteration) == 8
    assert times.samples == 8 * PER_STEP * 2
    table = curve_table(run, [0, 1], "log_joint", dataset="Tiny")
    assert set(table["split"]) == {"train"}
    assert table["training_samples"].unique().tolist() == POINTS
    assert (table["log_joint"] < 0).all()


def test_resuming_gives_the_numbers_of_an_unbroken_run(go, tmp_path, monkeypatch):
    unbroken, _ = go()
    with monkeypatch.context() as patched:
        stop_at(patched, POINTS[1])
        with pytest.raises(Interrupted):
            go(checkpoint_folder=tmp_path)
    resumed, times = go(checkpoint_folder=tmp_path)
    assert times.samples < 8 * PER_STEP * 2
    assert_identical(unbroken, resumed)
    assert unbroken.snapshots.keys() == resumed.snapshots.keys() == {POINTS[0], *POINTS[2:]}
    for samples, arrays in unbroken.snapshots.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, resumed.snapshots[samples][name])


def test_snapshots_are_the_parameters_at_their_points(go):
    run, _ = go()
    last = run.snapshots[POINTS[-1]]
    final = named_arrays(run.state.parameters)
    assert last.keys() == final.keys() == {f"decoder/{name}" for name in MLP._fields}
    for name, array in final.items():
        np.testing.assert_array_equal(last[name], array)
    first = run.snapshots[POINTS[0]]["decoder/output_bias"]
    assert (first != last["decoder/output_bias"]).any()
    assert read_snapshots(run.tensors({})).keys() == run.snapshots.keys()


def test_divergence_is_reported(go, tiny):
    data = training_set(MCEM, tiny)
    trainer = experiment.trainer(MCEM, data)
    computed = TensorFlowBackend(trainer, data.train, data.test, [0], [np.inf])
    with pytest.raises(DivergenceError, match=r"tiny: .* non-finite .* decoder/"):
        train(computed, [PER_STEP * 20], name="tiny")


def test_more_training_images_than_there_are_is_an_error_for_people(tiny):
    with pytest.raises(ConfigError, match="n_train: 201 training images are asked for, but tiny"):
        training_set(replace(MCEM, n_train=201), tiny)


def test_whole_stage_writes_curve_weights_and_snapshots(tiny):
    """Selection on the first images, then training: what the command line does."""
    candidates = experiment.select_step_size([MCEM.for_selection()], tiny)
    assert candidates["selected"].sum() == 1
    assert candidates["objective"].notna().all()
    curve, weights, snapshots, record = experiment.run_training(
        replace(MCEM, training_samples=6 * PER_STEP),
        0.1,
        tiny,
        checkpoint_folder=None,
        checkpoint_seconds=60,
    )
    assert list(curve.columns[-1:]) == ["log_joint"]
    assert sorted(snapshots) == [PER_STEP, 6 * PER_STEP]
    assert weights.keys() == {f"decoder/{name}" for name in MLP._fields}
    assert "test_lower_bound" not in record["final"]
    assert "train_log_joint" in record["final"]
