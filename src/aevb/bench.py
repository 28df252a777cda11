"""How fast training is on this machine, against the machine's own matrix-product peak."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd

from aevb.data import Dataset, available_path, load
from aevb.errors import AevbError, DataError
from aevb.files import write_atomically
from aevb.process.progress import LOGGER
from aevb.process.startup import start_tensorflow
from aevb.provenance import machine, peak_memory_gb, versions
from aevb.settings import Experiment, experiment

_CHUNK_SAMPLES = 5000
_SECONDS = 2.0
"""How long each training loop is measured."""
_RUN_SAMPLES = 1_000_000
"""Training samples of the run whose time is taken apart."""
_LIKELIHOOD_POINTS = 1000
_LIKELIHOOD_SAMPLES = 100_000
"""Training samples of the network on which the estimators are measured."""
PRODUCT = 2048
"""Size of the square float32 product that gives the peak."""
_EXPERIMENT = ["dataset", "latent_dim", "hidden_units", "n_train", "algorithm"]


def run(config: dict, definitions: dict, cache_dir: Path, output: Path) -> None:
    """Measure, print and write ``{speed,likelihood,overhead}.csv`` and ``machine.json``.

    ``speed.csv`` has one row an experiment of Figures 2 and 3 and way of using the cores: ``one
    thread``, and ``all cores`` with a process each, which is how the workflow runs.
    ``likelihood.csv`` has a row for HMC and for each estimator of the marginal likelihood, on a
    network of Figure 3 that has seen 10⁵ samples and on 1000 images, or 100 for the estimators
    that the figure does not show. ``overhead.csv`` says where the
    time of one run of 10⁶ samples goes.

    A data set that could not be had is left out.

    Raises:
        DataError: no data set is in the cache.
    """
    cores = os.cpu_count() or 1
    experiments = [
        experiment(config, definitions, dataset=d, latent_dim=n, algorithm=a)
        for d, latent_dims in config["figures"]["fig2"]["latent_dims"].items()
        if available(d, cache_dir)
        for n in latent_dims
        for a in config["figures"]["fig2"]["algorithms"]
    ]
    fig3 = config["figures"]["fig3"]
    if available(fig3["dataset"], cache_dir):
        experiments += [
            experiment(
                config,
                definitions,
                dataset=fig3["dataset"],
                latent_dim=fig3["latent_dim"],
                hidden_units=fig3["hidden_units"],
                n_train=n_train,
                algorithm=algorithm,
            )
            for n_train in fig3["n_train"]
            for algorithm in fig3["algorithms"]
        ]
    if not experiments:
        raise DataError(f"no data set of Figure 2 is in {cache_dir}; run the fetch step first")
    work = [wanted.to_json() for wanted in experiments]
    rows = []
    for name, processes in {"one thread": 1, "all cores": cores}.items():
        LOGGER.info(f"measuring: {name}")
        with _workers("speed", work, cache_dir, processes) as results:
            measured = pd.concat([pd.DataFrame(result) for result in results])
        totals = measured.groupby(_EXPERIMENT, sort=False).agg(
            samples_per_second=("samples_per_second", "sum"),
            gflops=("gflops", "sum"),
            peak_gflops=("peak_gflops", "sum"),
        )
        totals["fraction_of_peak"] = totals["gflops"] / totals["peak_gflops"]
        rows.append(totals.reset_index().assign(cores=name))
    speed = pd.concat(rows, ignore_index=True)

    LOGGER.info("measuring: the estimators of the marginal likelihood")
    likelihood = pd.DataFrame()
    networks = [e for e in experiments if e.snapshots and e.algorithm == "aevb"]
    if networks:
        points = {
            name: _LIKELIHOOD_POINTS // (1 if name in fig3["estimators"] else 10)
            for name in config["estimators"]
        }
        estimators = json.dumps([points, config["estimators"]])
        request = [networks[-1].to_json(), estimators]
        with _workers("likelihood", request, cache_dir, 1) as results:
            likelihood = pd.DataFrame(results[0])

    LOGGER.info("measuring: where a run's time goes")
    mnist = (e for e in experiments if e.dataset == "mnist" and e.latent_dim == 20)
    first = next(mnist, experiments[0])
    with _workers("overhead", [first.to_json()], cache_dir, 1) as results:
        parts, peak_memory = results[0]
    overhead = pd.DataFrame(parts)

    write_atomically(output / "speed.csv", speed.to_csv(index=False, float_format="%.4g"))
    write_atomically(output / "likelihood.csv", likelihood.to_csv(index=False, float_format="%.4g"))
    write_atomically(output / "overhead.csv", overhead.to_csv(index=False, float_format="%.4g"))
    about = {"machine": machine(), "versions": versions(), "peak_memory_gb": peak_memory}
    write_atomically(output / "machine.json", json.dumps(about, indent=2) + "\n")
    with pd.option_context("display.width", 200, "display.float_format", "{:,.3g}".format):
        shown = speed.assign(samples_per_second=speed["samples_per_second"].map("{:,.0f}".format))
        print(shown.to_string(index=False))
        print(likelihood.to_string(index=False))
        print(overhead.to_string(index=False))
    print(f"Peak memory of a training run: {peak_memory:.2f} GB. Written to {output}")


def training_flops(wanted: Experiment, data_dim: int) -> int:
    """Floating-point operations of the matrix products of one training sample.

    Each weight costs two operations in the forward pass, two for its gradient and, in all layers
    but the first that is learned in a phase, two for passing the gradient on.
    """
    hidden, latent = wanted.hidden_units, wanted.latent_dim
    outputs = data_dim * (2 if wanted.definition["observation"] == "gaussian" else 1)
    encoder = (data_dim * hidden, hidden * 2 * latent)
    decoder = (latent * hidden, hidden * outputs)
    draws = wanted.samples_per_datapoint
    if wanted.algorithm == "mcem":
        leapfrog, updates = wanted.settings.leapfrog_steps, wanted.settings.weight_updates
        # Each move also computes the gradient that it starts from.
        move = (leapfrog + 1) * 2 * sum(decoder)
        maximise = updates * (2 * decoder[0] + 3 * decoder[1])
        return 2 * (move + maximise) // (leapfrog + updates)
    if wanted.algorithm == "aevb":
        return 2 * (2 * encoder[0] + 3 * encoder[1] + draws * 3 * sum(decoder))
    wake = sum(encoder) + draws * (2 * decoder[0] + 3 * decoder[1])
    sleep = sum(decoder) + 2 * encoder[0] + 3 * encoder[1]
    return 2 * (wake + sleep)


@contextmanager
def _workers(task: str, work: list[str], cache_dir: Path, processes: int) -> Iterator[list]:
    """Results of ``processes`` workers, one thread each, that do the same work at the same time."""
    with tempfile.TemporaryDirectory() as folder:
        request = Path(folder, "request.json")
        request.write_text(json.dumps(work), encoding="utf-8")
        outputs = [Path(folder, f"{i}.json") for i in range(processes)]
        command = [sys.executable, "-m", "aevb.bench", task, str(request), str(cache_dir)]
        started = [subprocess.Popen([*command, str(output)]) for output in outputs]
        codes = [process.wait() for process in started]
        if any(codes):
            raise AevbError(f"a benchmark process failed with exit code {max(codes)}")
        yield [json.loads(output.read_text(encoding="utf-8")) for output in outputs]


def _work(task: str, request: str, cache_dir: str, output: str) -> None:
    began = time.monotonic()
    start_tensorflow(threads=1)
    imported = time.monotonic() - began
    work = json.loads(Path(request).read_text(encoding="utf-8"))
    if task == "speed":
        result = [_speed(Experiment.from_json(text), Path(cache_dir)) for text in work]
    elif task == "likelihood":
        network, estimators = work
        wanted = Experiment.from_json(network)
        result = _likelihood(wanted, *json.loads(estimators), Path(cache_dir))
    else:
        result = _overhead(Experiment.from_json(work[0]), Path(cache_dir), imported)
    Path(output).write_text(json.dumps(result), encoding="utf-8")


def available(dataset: str, cache_dir: Path) -> bool:
    """Whether a data set is in the cache; a warning says what is wrong where it is not."""
    try:
        available_path(cache_dir / f"{dataset}.json")
    except DataError as error:
        LOGGER.warning(f"left out: {error}")
        return False
    return True


def load_data(wanted: Experiment, cache_dir: Path) -> Dataset:
    """The data set of an experiment, from the cache."""
    record = cache_dir / f"{wanted.dataset}.json"
    return load(wanted.dataset, wanted.definition, available_path(record))


def _speed(wanted: Experiment, cache_dir: Path) -> dict:
    from aevb.training.assembly import training_data

    data = training_data(wanted, load_data(wanted, cache_dir))
    chunk, samples = training_chunk(wanted, data, _CHUNK_SAMPLES)
    chunk()
    peak = _peak_gflops()
    speed = samples_per_second(chunk, samples, _SECONDS)
    return {
        "dataset": data.label,
        "latent_dim": wanted.latent_dim,
        "hidden_units": wanted.hidden_units,
        "n_train": len(data.train),
        "algorithm": wanted.algorithm,
        "samples_per_second": speed,
        "gflops": speed * training_flops(wanted, data.train.shape[1]) / 1e9,
        "peak_gflops": max(peak, _peak_gflops()),
    }


def training_chunk(
    wanted: Experiment, data: Dataset, samples: int
) -> tuple[Callable[[], None], int]:
    """What trains on about ``samples`` training samples each time it is called, and how many."""
    from aevb.training.experiment import backend

    made = backend(wanted, data, seeds=[0], step_sizes=[0.01])
    n_steps = max(1, samples // made.samples_per_step)
    state = made.start()

    def chunk() -> None:
        nonlocal state
        state, _ = made.run_chunk(state, n_steps)

    return chunk, n_steps * made.samples_per_step


def samples_per_second(chunk: Callable[[], None], samples: int, seconds: float) -> float:
    """Of calls with so many samples each, for ``seconds`` or a little longer."""
    done, began = 0, time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        chunk()
        done += samples
    return done / elapsed


def _likelihood(wanted: Experiment, points: dict, estimators: dict, cache_dir: Path) -> list[dict]:
    import tensorflow as tf

    from aevb.likelihood import hmc
    from aevb.likelihood.methods.registry import read_method
    from aevb.likelihood.model import Model, log_joint
    from aevb.stages.along_training import observations, parameters_of
    from aevb.training import experiment as stages
    from aevb.training.assembly import architecture

    data = load_data(wanted, cache_dir)
    short = replace(wanted, seeds=(0,), training_samples=_LIKELIHOOD_SAMPLES)
    outcome = stages.run_training(
        short, 0.02, data, checkpoint_folder=None, checkpoint_seconds=60.0
    )
    x = observations(short, data, _LIKELIHOOD_POINTS)["test"]
    network = architecture(short)
    model = Model(network, parameters_of(network, outcome.parameters, 0))
    leapfrog_steps, transitions = 4, 100

    @tf.function(jit_compile=True, autograph=False)
    def move(parameters, x, chains, seed):
        target = Model(model.architecture, parameters)
        return hmc.sample(
            lambda z: log_joint(target, x, z),
            chains,
            seed,
            samples=transitions,
            burn_in=0,
            leapfrog_steps=leapfrog_steps,
        )

    chains = hmc.Chains(tf.zeros([1, len(x), model.latent_dim]), tf.fill([len(x)], 0.02))
    arguments = model.parameters, x, chains, tf.constant([0, 1])
    seconds = _seconds(lambda: move(*arguments)[1].acceptance.numpy())
    rows = [
        {
            "estimator": "HMC transitions",
            "points": len(x),
            "seconds": seconds,
            "milliseconds_a_transition": 1e3 * seconds / transitions,
            "likelihood_evaluations_per_second": len(x)
            * hmc.evaluations(transitions, 0, leapfrog_steps)
            / seconds,
            "peak_gflops": _peak_gflops(),
        }
    ]
    for name, settings in estimators.items():
        method = read_method(settings, name)
        some = x.numpy()[: points[name]]
        evaluations = []
        seconds = _seconds(
            lambda method=method, some=some, evaluations=evaluations: evaluations.append(
                method.estimate(model, some, seed=0).likelihood_evaluations
            )
        )
        rows.append(
            {
                "estimator": name,
                "points": len(some),
                "seconds": seconds,
                "likelihood_evaluations_per_second": evaluations[-1] / seconds,
                "peak_gflops": _peak_gflops(),
            }
        )
    return rows


def _seconds(call: Callable[[], object]) -> float:
    """Of the second call, which compiles nothing."""
    call()
    began = time.monotonic()
    call()
    return time.monotonic() - began


def _peak_gflops() -> float:
    import tensorflow as tf

    product = tf.function(tf.matmul, jit_compile=True)
    square = tf.random.stateless_normal((PRODUCT, PRODUCT), (0, 0))
    return product_gflops(lambda: product(square, square).numpy())


def product_gflops(multiply: Callable[[], object]) -> float:
    """GFLOP/s of a product of two square matrices of size PRODUCT, the fastest of five."""
    multiply()
    fastest = float("inf")
    for _ in range(5):
        began = time.monotonic()
        multiply()
        fastest = min(fastest, time.monotonic() - began)
    return 2 * PRODUCT**3 / fastest / 1e9


def _overhead(wanted: Experiment, cache_dir: Path, imported: float) -> tuple[list[dict], float]:
    from aevb.training import experiment as stages

    began = time.monotonic()
    data = load_data(wanted, cache_dir)
    loaded = time.monotonic() - began
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        outcome = stages.run_training(
            replace(wanted, seeds=(0,), training_samples=_RUN_SAMPLES),
            0.01,
            data,
            checkpoint_folder=Path(folder),
            checkpoint_seconds=60.0,
        )
        ran = time.monotonic() - began
    process = outcome.record["last_process"]
    seconds = {
        "import": imported,
        "data": loaded,
        "compilation": process["compilation_seconds"],
        "training": process["training_seconds"],
        "evaluation": process["evaluation_seconds"],
        "checkpoints": process["checkpoint_seconds"],
    }
    total = imported + loaded + ran
    seconds["rest"] = total - sum(seconds.values())
    rows = [{"part": k, "seconds": v, "share": v / total} for k, v in seconds.items()]
    rows.append({"part": "total", "seconds": total, "share": 1.0})
    return rows, peak_memory_gb()


if __name__ == "__main__":
    _work(*sys.argv[1:])
