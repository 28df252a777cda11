"""The same program by TensorFlow and by PJRT: same numbers, one kind of checkpoint."""

import json
from dataclasses import replace

import numpy as np
import pytest

from aevb.errors import ConfigError
from aevb.training import experiment
from aevb.training.assembly import backend, programs, training_set
from aevb.training.backends import Execution, pjrt
from aevb.training.backends.pjrt import Device, PjrtBackend
from aevb.training.backends.programs import (
    ProgramError,
    arguments,
    canonical,
    donating,
    with_precision,
)
from aevb.training.loop import train
from tiny import DEFINITION, SETTINGS

pytestmark = pytest.mark.long

PJRT = Execution.parse("pjrt:cpu")
STEPS = 20
TOLERANCE = 1e-5
"""Nats, after STEPS steps: rounding alone."""
MCEM = {"leapfrog_steps": 10, "weight_updates": 5, "target_acceptance": 0.9}
FULL_VB = {"form": "analytic", "initial_weight_deviation": 0.05}
CASES = {
    "aevb": SETTINGS,
    "wake_sleep": SETTINGS.with_algorithm("wake_sleep"),
    "mcem": replace(SETTINGS, n_train=50).with_algorithm("mcem", **MCEM),
    "full_vb": replace(SETTINGS, n_train=50).with_algorithm("full_vb", **FULL_VB),
    "aevb, Gaussian": replace(SETTINGS, definition=DEFINITION | {"observation": "gaussian"}),
}


@pytest.fixture(scope="module")
def lowered(tiny):
    """The programs of two members."""
    return programs(SETTINGS, tiny, 2)


def objectives(wanted, images, execution=experiment.IN_TENSORFLOW, seeds=(0, 1)):
    """Mean objective of each member over STEPS steps, and the test bound there."""
    images = training_set(wanted, images)
    computed = backend(wanted, images, seeds, [0.02] * len(seeds), execution)
    state, chunk = computed.run_chunk(computed.start(), STEPS)
    bound = computed.evaluate(state, STEPS) if computed.has_bound else np.zeros(len(seeds))
    assert chunk.finite.all() and (chunk.first_non_finite == -1).all()
    return chunk.objective_sum / STEPS, bound


@pytest.mark.parametrize("name", CASES)
def test_both_compute_the_same(tiny, name):
    """From the same seeds, both give the same numbers but for rounding."""
    ours, theirs = (objectives(CASES[name], tiny, one) for one in (experiment.IN_TENSORFLOW, PJRT))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE)


def test_another_seed_does_not_agree(tiny):
    """The negative control: what differs by its random numbers alone is told apart."""
    ours, _ = objectives(CASES["aevb"], tiny)
    theirs, _ = objectives(CASES["aevb"], tiny, PJRT, seeds=(2, 1))
    assert abs(ours[0] - theirs[0]) > 100 * TOLERANCE
    assert abs(ours[1] - theirs[1]) < TOLERANCE


@pytest.mark.parametrize("fixture", ["real_mnist", "real_frey"])
def test_both_compute_the_same_on_real_images(request, fixture):
    """The paper's data at their sizes, with fewer hidden units, in the warm-up of the protocol: the
    bounds, and the sums of squared gradients of every parameter.

    Relative, for a bound is the sum of as many roundings as there are pixels. After it, Adagrad's
    first updates have the size of the step wherever a gradient is not zero, so that a rounding may
    turn the sign of one.
    """
    images = request.getfixturevalue(fixture)
    observation = {"mnist": "bernoulli", "frey_face": "gaussian"}[images.name]
    wanted = replace(
        SETTINGS,
        dataset=images.name,
        definition=DEFINITION | {"observation": observation, "image_shape": images.image_shape},
        hidden_units=20,
        batch_size=100,
        pixel_divisor=256,
        warmup_minibatches=101,
    )
    found = []
    for execution in (experiment.IN_TENSORFLOW, PJRT):
        computed = backend(wanted, images, [0], [0.02], execution)
        state, chunk = computed.run_chunk(computed.start(), STEPS)
        found.append((chunk.objective_sum, computed.evaluate(state, STEPS), computed.fetch(state)))
    (ours, bound, state), (theirs, other_bound, other_state) = found
    np.testing.assert_allclose(theirs, ours, rtol=1e-6)
    np.testing.assert_allclose(other_bound, bound, rtol=1e-6)
    for name, array in state.items():
        np.testing.assert_allclose(other_state[name], array, rtol=1e-3, atol=1e-6, err_msg=name)


# Checkpoints


@pytest.mark.parametrize("first", ["tensorflow", "pjrt:cpu"])
def test_a_run_changes_its_backend_at_a_checkpoint(tiny, tmp_path, first):
    """A checkpoint of one goes on in the other, to the numbers of an unbroken run."""
    second = {"tensorflow": "pjrt:cpu", "pjrt:cpu": "tensorflow"}[first]

    def go(text, points, folder):
        computed = backend(SETTINGS, tiny, [0, 1], [0.02, 0.02], Execution.parse(text), folder)
        run, times = train(
            computed, points, name="tiny", checkpoint_folder=folder, fingerprint="print"
        )
        return computed, run, times

    _, whole, _ = go(second, [20, 400, 800], tmp_path / "whole")
    go(first, [20, 400], tmp_path / "parts")
    computed, run, times = go(second, [20, 400, 800], tmp_path / "parts")
    assert times.samples == 400 * 2
    assert len(run.devices) == 2 and any("PJRT" in device for device in run.devices)
    for one, other in zip(whole.rows, run.rows, strict=True):
        assert one[0] == other[0]
        np.testing.assert_allclose(one[1], other[1], rtol=0, atol=1e-4)
    assert computed.fetch(run.state).keys() == computed.fetch(whole.state).keys()


def test_programs_are_compiled_once(tiny, lowered, tmp_path):
    """What has been compiled is read from the disk, and a damaged file is compiled anew."""
    arrays = tiny.train, tiny.test, [0, 1], [0.02, 0.02]

    def chunk():
        computed = PjrtBackend(lowered, Device("cpu", tmp_path), *arrays)
        computed.compile()
        return computed.run_chunk(computed.start(), STEPS)[1].objective_sum

    first = chunk()
    kept = sorted(tmp_path.glob("*.executable"))
    assert len(kept) == 2
    times = [path.stat().st_mtime_ns for path in kept]
    np.testing.assert_array_equal(chunk(), first)
    assert [path.stat().st_mtime_ns for path in kept] == times
    kept[0].write_bytes(b"no program")
    np.testing.assert_array_equal(chunk(), first)
    assert kept[0].stat().st_size > 1000


def test_compiler_options_are_taken(tiny, lowered):
    """Those for GPUs have names that XLA knows; one that it does not know is refused."""
    Device("cpu", options=pjrt._GPU_OPTIONS).compile(lowered.chunk, "chunk")
    with pytest.raises(ProgramError, match="cannot be compiled"):
        Device("cpu", options={"xla_gpu_no_such_thing": True}).compile(lowered.chunk, "chunk")


# Programs


def test_programs_do_not_depend_on_the_process(tiny, lowered):
    """Lowered twice, with other functions traced in between, the texts are the same."""
    other = programs(replace(SETTINGS, weight_prior="none"), tiny, 2)
    assert other.chunk != lowered.chunk and other.init == lowered.init
    assert programs(SETTINGS, tiny, 2) == lowered
    assert "loc(" not in lowered.chunk and "__" not in lowered.chunk


def test_programs_are_as_precise_as_asked(lowered):
    """Every matrix product is at the highest precision; ``fast`` changes them all."""
    text = lowered.chunk
    products = text.count("dot_general")
    assert products > 5
    assert text.count("precision = [HIGHEST, HIGHEST]") == products
    assert with_precision(text, "fast").count("precision = [DEFAULT, DEFAULT]") == products


def test_arguments_are_told_apart_and_donated():
    text = "func.func @main(%arg0: tensor<2x3xf32>, %arg1: tensor<i32>) -> (tensor<2x3xf32>) {"
    assert arguments(text) == [("float32", (2, 3)), ("int32", ())]
    assert "%arg0: tensor<2x3xf32> {tf.aliasing_output = 0 : i32}, %arg1: tensor<i32>)" in donating(
        text, 1
    )
    assert arguments(donating(text, 1)) == arguments(text)


def test_symbols_are_numbered():
    text = 'func @main() { call @a_12() loc("x") }\n#loc = loc(unknown)\nfunc @a_12() loc(#loc3)'
    assert canonical(text) == "func @main() { call @f0() }\nfunc @f0()"


# Errors for people


def test_arrays_of_another_shape_are_refused(tiny, lowered):
    wrong = PjrtBackend(lowered, Device("cpu"), tiny.train[:100], tiny.test, [0, 1], [0.1, 0.1])
    with pytest.raises(ProgramError, match=r"of other shapes: argument \d+ is uint8\[100, 36\]"):
        wrong.run_chunk(wrong.start(), 1)


def test_no_such_platform():
    with pytest.raises(ProgramError, match="pjrt_platform: no device 'abacus' can be had"):
        Device("abacus")


@pytest.mark.parametrize("text", ["this is no program", "func.func @main() -> () { nonsense }"])
def test_text_that_is_no_program(text):
    with pytest.raises(ProgramError):
        Device("cpu").compile(text, "chunk")([])


def test_too_little_memory_on_the_device(tiny, lowered):
    """What the device says becomes one line that says what to do."""
    computed = PjrtBackend(lowered, Device("cpu"), tiny.train, tiny.test, [0, 1], [0.1, 0.1])
    state = computed.start()

    class Full:
        def execute_sharded(self, arguments):
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory allocating 8 GiB\nmore")

    computed.compile()
    computed._compiled["chunk"]._compiled = Full()
    with pytest.raises(ProgramError, match=r"too little memory .* train fewer seeds at once"):
        computed.run_chunk(state, 1)


@pytest.mark.parametrize("text", ["torch", "pjrt:cpu:exact", "tensorflow:cpu", ""])
def test_unknown_backends_are_refused(text):
    with pytest.raises(ConfigError, match=r"^(backend|precision): "):
        Execution.parse(text)


def test_whole_stage(tiny, tmp_path):
    """Selection and training by PJRT end in TensorFlow's numbers, and the record says where."""
    candidates = [experiment.select_step_size([SETTINGS], tiny, one) for one in (Execution(), PJRT)]
    np.testing.assert_allclose(*(table["objective"] for table in candidates), atol=1e-4)
    wanted = replace(SETTINGS, training_samples=400)
    curves = [
        experiment.run_training(
            wanted, 0.02, tiny, checkpoint_folder=None, checkpoint_seconds=60, execution=one
        )
        for one in (Execution(), PJRT)
    ]
    values = [curve["lower_bound"] for curve, *_ in curves]
    np.testing.assert_allclose(*values, rtol=0, atol=1e-4)
    assert "PJRT" in json.dumps(curves[1][3]["devices"])
