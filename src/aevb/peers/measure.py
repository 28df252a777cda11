"""Measuring each library on one core."""

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from aevb.peers.problem import STEPS, Problem, random_weights
from aevb.process.progress import LOGGER
from aevb.provenance import machine
from aevb.settings import Experiment, experiment

PANELS = [
    {"dataset": dataset, "algorithm": algorithm, "latent_dim": latent_dim}
    for dataset, latent_dim in (("mnist", 20), ("frey_face", 10))
    for algorithm in ("aevb", "wake_sleep")
]
"""Networks of Figure 2, by what tells them apart; Monte Carlo EM has those of Figure 3."""
LIBRARIES = ("aevb", "jax", "torch")
_SECONDS = 5.0
"""How long each library is measured on each panel."""


def run(config: dict, definitions: dict, cache_dir: Path, output: Path) -> None:
    """Measure each of LIBRARIES on one core, one after the other, and write ``peers.csv``.

    One row a data set, algorithm and library: ``samples_per_second``, as Figures 2 and 3 count
    them; ``gflops`` of its matrix products, and their ``fraction_of_peak``, the fastest float32
    product of any of the libraries in this run.

    Raises:
        AevbError: no data set is in the cache, or a library is not installed.
    """
    fig3 = config["figures"]["fig3"]
    small = {key: fig3[key] for key in ("dataset", "latent_dim", "hidden_units")}
    panels = [*PANELS, small | {"algorithm": "mcem", "n_train": min(fig3["n_train"])}]
    shallow = {**config, "architecture": "mlp"}
    wanted = [
        experiment(shallow, definitions, **panel)
        for panel in panels
        if available(panel["dataset"], cache_dir)
    ]
    if not wanted:
        raise AevbError(f"no data set of Figure 2 is in {cache_dir}; run the fetch step first")
    rows, peaks = [], {}
    for library in LIBRARIES:
        LOGGER.info(f"measuring: {library}")
        measured, peaks[library] = _measured(library, wanted, cache_dir)
        rows += measured
    table = pd.DataFrame(rows)
    order = table.groupby(["dataset", "algorithm"], sort=False).ngroup()
    table = table.loc[order.sort_values(kind="stable").index]
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


def work(library: str, texts: str, cache_dir: str, result: str) -> None:
    """Measure one of LIBRARIES: experiments as JSON; writes their rows and the library's own peak,
    GFLOP/s of its float32 product."""
    rows = []
    for text in json.loads(texts):
        wanted = Experiment.from_json(text)
        data = load_data(wanted, Path(cache_dir))
        images = data.train[: wanted.n_train]
        problem = problem_of(wanted, images)
        chunk, samples = _chunk(library, wanted, data._replace(train=images), problem)
        chunk()
        speed = samples_per_second(chunk, samples, _SECONDS)
        rows.append(
            {
                "dataset": data.label,
                "algorithm": wanted.algorithm,
                "latent_dim": wanted.latent_dim,
                "library": library,
                "samples_per_second": speed,
                "gflops": speed * training_flops(wanted, images.shape[1]) / 1e9,
            }
        )
    square = np.random.default_rng(0).normal(size=(PRODUCT, PRODUCT)).astype(np.float32)
    peak = product_gflops(_product(library, square))
    Path(result).write_text(json.dumps([rows, peak]), encoding="utf-8")


def problem_of(wanted: Experiment, images: np.ndarray) -> Problem:
    """An experiment as the peers have it: images [N, D], uint8."""
    mcem = wanted.algorithm == "mcem"
    names = ("leapfrog_steps", "weight_updates") if mcem else ()
    return Problem(
        wanted.algorithm,
        images,
        wanted.latent_dim,
        wanted.definition["observation"] == "gaussian",
        wanted.batch_size,
        float(wanted.pixel_divisor),
        **{name: getattr(wanted.settings, name) for name in names},
    )


def _chunk(
    library: str, wanted: Experiment, data: Dataset, problem: Problem
) -> tuple[Callable[[], None], int]:
    """What trains each time it is called, and on how many samples."""
    if library == "aevb":
        from aevb.process.startup import start_tensorflow

        start_tensorflow(threads=1)
        return training_chunk(wanted, data, STEPS * wanted.batch_size)
    samples = STEPS * wanted.batch_size
    if wanted.algorithm == "mcem":
        samples = (problem.leapfrog_steps + problem.weight_updates) * len(problem.images)
    start = random_weights(problem, wanted.hidden_units)
    return _module(library).chunk(problem, start), samples


def _product(library: str, square: np.ndarray) -> Callable[[], Any]:
    # NumPy's BLAS for this package; XLA's product is JAX's, too.
    return (lambda: square @ square) if library == "aevb" else _module(library).product(square)


def _module(library: str) -> Any:
    if library == "jax":
        from aevb.peers import in_jax

        return in_jax
    from aevb.peers import in_torch

    return in_torch
