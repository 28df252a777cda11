"""Training on any device that has a PJRT plugin: NVIDIA, AMD, Intel and Apple GPUs, TPUs, CPUs.

The plugins are those that JAX installs; what is compiled is StableHLO that TensorFlow has traced
(:mod:`aevb.training.backends.programs`). Nothing here needs TensorFlow.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxlib import _jax

from aevb.arrays import Tensors
from aevb.files import write_atomically
from aevb.process.progress import LOGGER
from aevb.training.backends import Chunk, training_images
from aevb.training.backends.programs import (
    ProgramError,
    Programs,
    check_arguments,
    donating,
    with_precision,
)
from aevb.training.loop import PARAMETERS

# The bounds are summed in float64, which JAX would cut to float32 in copying arrays.
jax.config.update("jax_enable_x64", True)


_GPU_OPTIONS = {"xla_gpu_enable_triton_gemm": False}
"""With Triton's kernels among the candidates for every product, a chunk took half a minute to
compile on an H200; without them it takes three seconds."""


class Device:
    """One device and its compiler.

    Args:
        platform: ``cpu``, ``cuda``, ``rocm``, ``metal``, ``tpu``, …; None takes the best there is.
        cache: folder in which compiled programs are kept for the next process; None keeps none.
        options: XLA's compiler options by name, in place of ours for GPUs.

    Raises:
        ProgramError: there is no such platform.
    """

    def __init__(
        self, platform: str | None = None, cache: Path | None = None, options: dict | None = None
    ):
        try:
            self._device = jax.devices(platform)[0]
        except RuntimeError as error:
            raise ProgramError(
                f"pjrt_platform: no device {platform or ''!r} can be had ({_first_line(error)});"
                " install JAX's plugin for it, for example jax[cuda13], or name another platform"
            ) from None
        self._client, self._cache = self._device.client, cache
        self._devices = _jax.DeviceList((self._device,))
        if options is None:
            options = {} if self._device.platform == "cpu" else _GPU_OPTIONS
        self._options = dict(sorted(options.items()))

    @property
    def name(self) -> str:
        """Kind of the device and what drives it."""
        version = " ".join(self._client.platform_version.split())
        return f"{self._device.device_kind} (PJRT {self._client.platform}, {version})"

    def put(self, array: np.ndarray) -> jax.Array:
        """The array on the device."""
        with _out_of_memory():
            return jax.device_put(np.asarray(array), self._device)

    def compile(self, text: str, name: str) -> "Executable":
        """A program, from the cache where it has been compiled before.

        Raises:
            ProgramError: it cannot be compiled.
        """
        options = _jax.CompileOptions()
        options.env_option_overrides = list(self._options.items())
        about = (text, self.name, jax.__version__, repr(self._options))
        key = hashlib.sha256("\n".join(about).encode()).hexdigest()
        path = self._cache / f"{key[:32]}.executable" if self._cache else None
        if path is not None and path.exists():
            try:
                content = path.read_bytes()
                found = self._client.deserialize_executable(content, self._devices, options)
                return Executable(self, text, found, name)
            except (OSError, RuntimeError, ValueError):
                path.unlink(missing_ok=True)
        began = time.monotonic()
        with _out_of_memory():
            try:
                compiled = self._client.compile_and_load(text, self._devices, options)
            except (RuntimeError, ValueError) as error:
                if "RESOURCE_EXHAUSTED" in str(error):
                    raise
                raise ProgramError(
                    f"{name}: the program cannot be compiled for {self.name}: {_first_line(error)}"
                ) from None
        LOGGER.debug(f"{name}: compiled in {time.monotonic() - began:.1f} s")
        if path is not None:
            write_atomically(path, compiled.serialize())
        return Executable(self, text, compiled, name)


class Executable:
    """A compiled program."""

    def __init__(self, device: Device, text: str, compiled: Any, name: str):
        self._device, self._text, self._compiled, self._name = device, text, compiled, name

    def __call__(self, arguments: Sequence[Any]) -> list[jax.Array]:
        """Its results, on the device.

        Raises:
            ProgramError: the arguments are of other shapes, or the device has too little memory.
        """
        check_arguments(self._text, list(arguments), self._name)
        on_device = [
            argument if isinstance(argument, jax.Array) else self._device.put(argument)
            for argument in arguments
        ]
        with _out_of_memory():
            results = self._compiled.execute_sharded(on_device)
            return [parts[0] for parts in results.disassemble_into_single_device_arrays()]


class PjrtBackend:
    """Runs a run's programs on a device (see :class:`aevb.training.backends.Backend`).

    Args:
        programs: of the run.
        device: where.
        train_data, test_data: uint8 pixels, [N, D] and [N_test, D].
        seeds: one for each member, [E].
        step_sizes: Adagrad's global step size of each member, [E].
        precision: of training, ``highest`` or ``fast``; evaluation is always at the highest.
    """

    def __init__(
        self,
        programs: Programs,
        device: Device,
        train_data: np.ndarray,
        test_data: np.ndarray,
        seeds: Sequence[int],
        step_sizes: Sequence[float],
        precision: str = "highest",
    ):
        self.samples_per_step = programs.samples_per_step
        self.has_bound = programs.evaluate is not None
        self.step_sizes = np.asarray(step_sizes, np.float32)
        self._programs, self._place, self._precision = programs, device, precision
        self._seeds = np.asarray(seeds, np.int32)
        self._arrays = train_data, test_data, training_images(train_data, test_data)
        self._data: list[jax.Array] | None = None
        self._compiled: dict[str, Executable] = {}

    @property
    def device(self) -> str:
        """What computes, and how exactly."""
        return self._place.name + (", fast products" if self._precision == "fast" else "")

    def compile(self) -> None:
        """Compile what is run more than once."""
        for name in self._programs.texts():
            if name != "init":
                self._executable(name)

    def start(self) -> list[jax.Array]:
        """The state before the first minibatch, the same on all devices: the CPU computes it."""
        init = Device("cpu").compile(self._programs.init, "init")
        state = init([self._seeds, self.step_sizes, np.int32(0)])
        return [self._place.put(array) for array in state]

    def run_chunk(self, state: list[jax.Array], n_steps: int) -> tuple[list[jax.Array], Chunk]:
        """The state ``n_steps`` steps later; the memory of the old one is used again."""
        results = self._executable("chunk")(
            [*state, self._on_device()[0], self._seeds, np.int32(n_steps)]
        )
        n = len(self._programs.state)
        return results[:n], Chunk(*(np.asarray(part) for part in results[n:]))

    def evaluate(self, state: list[jax.Array], iteration: int) -> np.ndarray:
        """The mean bound of the test data and of the training images, [2, E], float64, nats."""
        parameters = [
            array
            for name, array in zip(self._programs.state, state, strict=True)
            if name.startswith(PARAMETERS)
        ]
        program, rest = self._executable("evaluate"), [self._seeds, np.int32(iteration)]
        bounds = [program([*parameters, data, *rest])[0] for data in self._on_device()[1:]]
        return np.stack([np.asarray(bound) for bound in bounds])

    def fetch(self, state: list[jax.Array]) -> Tensors:
        """The state as arrays named by their path in it."""
        return {
            name: np.array(array) for name, array in zip(self._programs.state, state, strict=True)
        }

    def put(self, tensors: Tensors) -> list[jax.Array]:
        """The inverse of :meth:`fetch`."""
        return [self._place.put(tensors[name]) for name in self._programs.state]

    def _on_device(self) -> list[jax.Array]:
        if self._data is None:
            self._data = [self._place.put(array) for array in self._arrays]
        return self._data

    def _executable(self, name: str) -> Executable:
        if name not in self._compiled:
            text = self._programs.texts()[name]
            if name == "chunk":
                text = donating(with_precision(text, self._precision), len(self._programs.state))
            self._compiled[name] = self._place.compile(text, name)
        return self._compiled[name]


@contextmanager
def _out_of_memory() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise ProgramError(
            f"the device has too little memory ({_first_line(error)}); train fewer seeds at once"
            " (seeds in config/config.yaml), or free the device of other programs"
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
