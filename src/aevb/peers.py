"""AEVB's training step of section 5 in JAX and in PyTorch, to compare speeds with.

The networks, minibatches, prior and Adagrad are those of :class:`aevb.algorithms.aevb.AEVB` with
one hidden layer, one draw and no warm-up, written as their own users would: in JAX one compiled
`lax.scan` over the steps, in PyTorch a loop of steps with the fused Adagrad. Only random numbers
and where ε is added differ. Neither library is needed for anything else.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aevb.bench import (
    PRODUCT,
    available,
    load_data,
    product_gflops,
    samples_per_second,
    training_chunk,
    training_flops,
)
from aevb.data import Dataset
from aevb.errors import AevbError
from aevb.files import write_atomically
from aevb.process.progress import LOGGER
from aevb.provenance import machine
from aevb.settings import Experiment, experiment

PANELS = {"mnist": 20, "frey_face": 10}
"""N_z of the networks, by data set."""
LIBRARIES = ("aevb", "jax", "torch")
STEP_SIZE = 0.01
_EPSILON = 1e-8
_STEPS = 50
"""In a chunk, of which all are alike."""
_SECONDS = 5.0
"""How long each library is measured."""

Weights = dict[str, Any]
"""``encoder/hidden_weights`` and so on, as :func:`aevb.arrays.named_arrays` names them."""
MATRICES = ("hidden_weights", "output_weights")


class Problem(NamedTuple):
    """What is trained."""

    images: np.ndarray
    """[N, D], uint8."""
    latent_dim: int
    gaussian: bool
    """Whether pixels are Gaussian, with means through a sigmoid, or Bernoulli."""
    batch_size: int
    pixel_divisor: float


def jax_bound(problem: Problem, weights: Weights, x: Any, noise: Any) -> Any:
    """The sum of a minibatch's bounds (eq. 10) in JAX: x [M, D], noise [M, N_z]."""
    import jax
    import jax.numpy as jnp

    def outputs(net, inputs):
        hidden = jnp.tanh(inputs @ weights[f"{net}/hidden_weights"] + weights[f"{net}/hidden_bias"])
        return hidden @ weights[f"{net}/output_weights"] + weights[f"{net}/output_bias"]

    mean, log_variance = jnp.split(outputs("encoder", x), 2, axis=-1)
    decoded = outputs("decoder", mean + jnp.exp(0.5 * log_variance) * noise)
    negative_kl = 0.5 * jnp.sum(1 + log_variance - mean**2 - jnp.exp(log_variance))
    if not problem.gaussian:
        return negative_kl + jnp.sum(x * decoded - jax.nn.softplus(decoded))
    location, log_scale = jnp.split(decoded, 2, axis=-1)
    squares = (x - jax.nn.sigmoid(location)) ** 2 * jnp.exp(-log_scale)
    return negative_kl - 0.5 * jnp.sum(squares + log_scale + np.log(2 * np.pi))


def jax_step(problem: Problem, weights: Weights, squares: Weights, x: Any, noise: Any) -> tuple:
    """One step of Adagrad up the bound and the prior on the matrices: the new weights, and the new
    sums of squared gradients."""
    import jax

    gradients = jax.grad(lambda weights: jax_bound(problem, weights, x, noise))(weights)
    share = problem.batch_size / len(problem.images)
    new, summed = {}, {}
    for name, value in weights.items():
        prior = share * value if name.endswith(MATRICES) else 0
        gradient = gradients[name] - prior
        summed[name] = squares[name] + gradient**2
        new[name] = value + STEP_SIZE * gradient * jax.lax.rsqrt(summed[name] + _EPSILON)
    return new, summed


def jax_chunk(problem: Problem, weights: Weights) -> Callable[[], None]:
    """Runs a chunk of steps each time it is called."""
    import jax
    import jax.numpy as jnp

    images, n, m = jnp.asarray(problem.images), len(problem.images), problem.batch_size

    def step(state, _):
        weights, squares, key = state
        key, drawn, noise = jax.random.split(key, 3)
        x = images[jax.random.randint(drawn, (m,), 0, n)].astype(jnp.float32)
        noise = jax.random.normal(noise, (m, problem.latent_dim))
        new = jax_step(problem, weights, squares, x / problem.pixel_divisor, noise)
        return (*new, key), None

    run = jax.jit(lambda state: jax.lax.scan(step, state, None, length=_STEPS)[0])
    weights = {name: jnp.asarray(value) for name, value in weights.items()}
    state = weights, {name: 0 * value for name, value in weights.items()}, jax.random.key(0)

    def chunk() -> None:
        nonlocal state
        state = jax.block_until_ready(run(state))

    return chunk


def torch_bound(problem: Problem, weights: Weights, x: Any, noise: Any) -> Any:
    """The same in PyTorch."""
    import torch
    from torch.nn import functional

    def outputs(net, inputs):
        bias, matrix = weights[f"{net}/hidden_bias"], weights[f"{net}/hidden_weights"]
        hidden = torch.tanh(torch.addmm(bias, inputs, matrix))
        bias, matrix = weights[f"{net}/output_bias"], weights[f"{net}/output_weights"]
        return torch.addmm(bias, hidden, matrix)

    mean, log_variance = outputs("encoder", x).chunk(2, dim=-1)
    decoded = outputs("decoder", mean + torch.exp(0.5 * log_variance) * noise)
    negative_kl = 0.5 * (1 + log_variance - mean**2 - torch.exp(log_variance)).sum()
    if not problem.gaussian:
        entropy = functional.binary_cross_entropy_with_logits(decoded, x, reduction="sum")
        return negative_kl - entropy
    location, log_scale = decoded.chunk(2, dim=-1)
    squares = (x - torch.sigmoid(location)) ** 2 * torch.exp(-log_scale)
    return negative_kl - 0.5 * (squares + log_scale + np.log(2 * np.pi)).sum()


def torch_step(problem: Problem, weights: Weights) -> Callable[[Any, Any], None]:
    """A step that changes ``weights``, leaves that ask for gradients: x [M, D], noise [M, N_z]."""
    import torch

    matrices = [value for name, value in weights.items() if name.endswith(MATRICES)]
    biases = [value for name, value in weights.items() if not name.endswith(MATRICES)]
    decay = problem.batch_size / len(problem.images)
    groups = [{"params": matrices, "weight_decay": decay}, {"params": biases}]
    # Its ε is outside of the root, which makes no difference to speed.
    optimiser = torch.optim.Adagrad(groups, lr=STEP_SIZE, eps=_EPSILON**0.5, fused=True)

    def step(x, noise) -> None:
        optimiser.zero_grad()
        (-torch_bound(problem, weights, x, noise)).backward()
        optimiser.step()

    return step


def torch_chunk(problem: Problem, weights: Weights) -> Callable[[], None]:
    """Runs a chunk of steps each time it is called."""
    import torch

    torch.set_num_threads(1)
    images, m = torch.from_numpy(problem.images), problem.batch_size
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
    step = torch_step(problem, leaves)

    def chunk() -> None:
        for _ in range(_STEPS):
            x = images[torch.randint(len(images), (m,))].float() / problem.pixel_divisor
            step(x, torch.randn(m, problem.latent_dim))

    return chunk


def run(config: dict, definitions: dict, cache_dir: Path, output: Path) -> None:
    """Measure each of LIBRARIES on one core, one after the other, and write ``peers.csv``.

    One row a data set and library: ``samples_per_second``; ``gflops`` of its matrix products, and
    their ``fraction_of_peak``, the fastest float32 product of any of the libraries in this run.

    Raises:
        AevbError: no data set is in the cache, or a library is not installed.
    """
    wanted = [
        experiment(
            {**config, "architecture": "mlp"},
            definitions,
            dataset=dataset,
            latent_dim=latent_dim,
            algorithm="aevb",
        )
        for dataset, latent_dim in PANELS.items()
        if available(dataset, cache_dir)
    ]
    if not wanted:
        raise AevbError(f"none of {', '.join(PANELS)} is in {cache_dir}; run the fetch step first")
    rows, peaks = [], {}
    for library in LIBRARIES:
        LOGGER.info(f"measuring: {library}")
        measured, peaks[library] = _measured(library, wanted, cache_dir)
        rows += measured
    table = pd.DataFrame(rows).sort_values("dataset", kind="stable", ascending=False)
    table["fraction_of_peak"] = table["gflops"] / max(peaks.values())
    write_atomically(output / "peers.csv", table.to_csv(index=False, float_format="%.4g"))
    about = {"machine": machine(), "peak_gflops": peaks}
    write_atomically(output / "peers.json", json.dumps(about, indent=2) + "\n")
    print(table.to_string(index=False, float_format="{:,.3g}".format))
    listed = ", ".join(f"{name} {peak:.0f}" for name, peak in peaks.items())
    print(f"float32 products, GFLOP/s of one core: {listed}. Written to {output}")


def _measured(library: str, wanted: list[Experiment], cache_dir: Path) -> tuple[list[dict], float]:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        texts = json.dumps([one.to_json() for one in wanted])
        command = [sys.executable, "-m", "aevb.peers", library, texts, str(cache_dir), str(result)]
        # Before it starts any thread: one core for all that a library starts.
        core = {min(os.sched_getaffinity(0))}
        pinned = functools.partial(os.sched_setaffinity, 0, core)
        if subprocess.run(command, check=False, preexec_fn=pinned).returncode:
            raise AevbError(
                f"{library} could not be measured; pip install -e '.[peers]' installs it"
            )
        rows, peak = json.loads(result.read_text(encoding="utf-8"))
    return rows, peak


def _work(library: str, texts: str, cache_dir: str, result: str) -> None:
    rows = []
    for text in json.loads(texts):
        wanted = Experiment.from_json(text)
        data = load_data(wanted, Path(cache_dir))
        chunk = _chunk(library, wanted, data)
        chunk()
        speed = samples_per_second(chunk, _STEPS * wanted.batch_size, _SECONDS)
        gflops = speed * training_flops(wanted, data.train.shape[1]) / 1e9
        rows.append(
            {
                "dataset": data.label,
                "latent_dim": wanted.latent_dim,
                "library": library,
                "samples_per_second": speed,
                "gflops": gflops,
            }
        )
    Path(result).write_text(json.dumps([rows, _peak(library)]), encoding="utf-8")


def _chunk(library: str, wanted: Experiment, data: Dataset) -> Callable[[], None]:
    if library == "aevb":
        from aevb.process.startup import start_tensorflow

        start_tensorflow(threads=1)
        return training_chunk(wanted, data, _STEPS * wanted.batch_size)[0]
    problem = Problem(
        data.train,
        wanted.latent_dim,
        wanted.definition["observation"] == "gaussian",
        wanted.batch_size,
        float(wanted.pixel_divisor),
    )
    start = random_weights(problem, wanted.hidden_units)
    return (jax_chunk if library == "jax" else torch_chunk)(problem, start)


def random_weights(problem: Problem, hidden_units: int) -> dict[str, np.ndarray]:
    """N(0, 0.01²) for every parameter, float32."""
    pixels = problem.images.shape[1]
    sizes = {
        "encoder": (pixels, hidden_units, 2 * problem.latent_dim),
        "decoder": (problem.latent_dim, hidden_units, pixels * (2 if problem.gaussian else 1)),
    }
    generator = np.random.default_rng(0)
    shapes = {}
    for net, (inputs, hidden, outputs) in sizes.items():
        shapes |= {f"{net}/hidden_weights": (inputs, hidden), f"{net}/hidden_bias": (hidden,)}
        shapes |= {f"{net}/output_weights": (hidden, outputs), f"{net}/output_bias": (outputs,)}
    return {
        name: generator.normal(0, 0.01, shape).astype(np.float32) for name, shape in shapes.items()
    }


def _peak(library: str) -> float:
    """GFLOP/s of the library's own float32 product."""
    square = np.random.default_rng(0).normal(size=(PRODUCT, PRODUCT)).astype(np.float32)
    return product_gflops(_product(library, square))


def _product(library: str, square: np.ndarray) -> Callable[[], Any]:
    if library == "jax":
        import jax

        on_device, product = jax.numpy.asarray(square), jax.jit(lambda matrix: matrix @ matrix)
        return lambda: product(on_device).block_until_ready()
    if library == "torch":
        import torch

        tensor = torch.from_numpy(square)
        return lambda: tensor @ tensor
    # NumPy's BLAS; XLA's product is JAX's, too.
    return lambda: square @ square


if __name__ == "__main__":
    _work(*sys.argv[1:])
