"""Where a training run is computed: by TensorFlow itself, or on any device that has a PJRT plugin.

Both run the same XLA programs, traced from the same code. A backend holds one run's data, seeds
and step sizes; the training loop (:mod:`aevb.training.loop`) sees of it only what :class:`Backend`
says.
"""

from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np

from aevb.arrays import Tensors
from aevb.errors import ConfigError


class Chunk(NamedTuple):
    """What a chunk of steps reports. E is the member axis."""

    objective_sum: np.ndarray
    """Sum over the chunk's steps of their mean objective, [E], float64, nats."""
    first_non_finite: np.ndarray
    """Index of the first step whose objective was not finite, −1 when all were, [E], int32."""
    finite: np.ndarray
    """Whether each tensor of the parameters is finite at the end, [tensors, E]."""


BackendName = Literal["tensorflow", "pjrt"]
PrecisionName = Literal["highest", "fast"]


class Execution(NamedTuple):
    """How runs are to be computed; decides no number but by rounding."""

    backend: BackendName = "tensorflow"
    platform: str | None = None
    """Of PJRT: ``cpu``, ``cuda``, ``rocm``, ``metal``, ``tpu``; None takes the best there is."""
    precision: PrecisionName = "highest"
    """Of the matrix products in training by PJRT: true float32, or what is fastest for it."""

    @classmethod
    def parse(cls, text: str) -> "Execution":
        """The one that ``backend[:platform[:precision]]`` names.

        Raises:
            ConfigError: it names none.
        """
        backend, platform, precision = [*text.split(":"), "", ""][:3]
        precision = precision or "highest"
        for key, value, allowed in (
            ("backend", backend, get_args(BackendName)),
            ("precision", precision, get_args(PrecisionName)),
        ):
            if value not in allowed:
                raise ConfigError(f"{key}: {value!r} is unknown; allowed: {', '.join(allowed)}")
        if backend == "tensorflow" and (platform or precision != "highest"):
            raise ConfigError(f"backend: {text!r}: a platform and a precision are for pjrt alone")
        return cls(backend, platform or None, precision)


IN_TENSORFLOW = Execution()


def training_images(train_data: np.ndarray, test_data: np.ndarray) -> np.ndarray:
    """The fixed training images on which the bound is evaluated beside the test data: the first
    ones, as many as there are test images, repeated in order where there are fewer. [N_test, D]"""
    return np.resize(train_data, test_data.shape)


class Backend(Protocol):
    """Computes one run. A state is opaque to the loop and stays on the device between chunks; once
    it has been given to :meth:`run_chunk` it must not be used again."""

    samples_per_step: int
    """Training samples that one step counts for."""
    has_bound: bool
    """Whether there is an encoder, hence a lower bound to evaluate on test data."""
    step_sizes: np.ndarray
    """Adagrad's global step size of each member, [E]."""

    @property
    def device(self) -> str:
        """What computes: a name for the record of the run."""

    def compile(self) -> None:
        """Make the programs ready, so that what follows is computing alone."""

    def start(self) -> Any:
        """The state before the first minibatch."""

    def run_chunk(self, state: Any, n_steps: int) -> tuple[Any, Chunk]:
        """The state ``n_steps`` steps later."""

    def evaluate(self, state: Any, iteration: int) -> np.ndarray:
        """The mean bound of the test data and of :func:`training_images`, [2, E], float64, nats, by
        the noise of ``iteration``."""

    def fetch(self, state: Any) -> Tensors:
        """The state as arrays named by their path in it, such as ``parameters/decoder/…``."""

    def put(self, tensors: Tensors) -> Any:
        """The inverse of :meth:`fetch`; what else ``tensors`` holds is passed over."""
