"""From a trainer to the StableHLO of its programs: TensorFlow traces, anything may compile."""

import tensorflow as tf

from aevb.arrays import named
from aevb.training.backends.programs import (
    ProgramError,
    Programs,
    arguments,
    canonical,
    with_precision,
)
from aevb.training.backends.tensorflow import Trainer


def lower(trainer: Trainer, n_train: int, n_test: int, data_dim: int, members: int) -> Programs:
    """The programs of a run of ``members`` on data of the given size, at highest precision.

    Raises:
        ProgramError: TensorFlow's lowering dropped an argument or a result.
    """
    seeds = tf.TensorSpec([members], tf.int32)
    scalar = tf.TensorSpec([], tf.int32)
    step_sizes = tf.TensorSpec([members], tf.float32)

    def init(seeds, step_sizes, zero):
        # A result that does not depend on the arguments would be left out of the program.
        state = trainer.algorithm.init(seeds, step_sizes)
        return tf.nest.map_structure(lambda t: t + tf.cast(zero, t.dtype), state)

    traced = tf.function(init, jit_compile=True, autograph=False)
    state = traced.get_concrete_function(seeds, step_sizes, scalar).structured_outputs
    state = tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), state)
    names = tuple(named(state))
    train_data = tf.TensorSpec([n_train, data_dim], tf.uint8)
    test_data = tf.TensorSpec([n_test, data_dim], tf.uint8)
    texts = {
        "init": (init, (seeds, step_sizes, scalar)),
        "chunk": (trainer.run_chunk.python_function, (state, train_data, seeds, scalar)),
    }
    if trainer.has_bound:
        texts["evaluate"] = (
            trainer.evaluate.python_function,
            (state.parameters, test_data, seeds, scalar),
        )
    lowered = {name: _text(*program) for name, program in texts.items()}
    return Programs(
        init=lowered["init"],
        chunk=lowered["chunk"],
        evaluate=lowered.get("evaluate"),
        state=names,
        samples_per_step=trainer.samples_per_step,
    )


def _text(function, specifications) -> str:
    flat = tf.nest.flatten(specifications)

    def of_flat(*tensors):
        return function(*tf.nest.pack_sequence_as(specifications, tensors))

    program = tf.function(of_flat, jit_compile=True, autograph=False)
    text = program.experimental_get_compiler_ir(*flat)(stage="stablehlo")
    text = with_precision(canonical(text), "highest")
    if arguments(text) != [(spec.dtype.name, tuple(spec.shape.as_list())) for spec in flat]:
        raise ProgramError("TensorFlow has left out an argument in lowering a program")
    return text
