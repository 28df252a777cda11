"""What section 2 and the appendices B and F say without an experiment."""

import json
from pathlib import Path
from typing import Annotated

import typer

from aevb import settings as configuration
from aevb.cli.models import data_of, read_models
from aevb.cli.options import (
    Backend,
    CheckpointSeconds,
    Log,
    Record,
    Records,
    Table,
    Threads,
    Weights,
)
from aevb.errors import ConfigError
from aevb.files import write_atomically
from aevb.process.progress import LOGGER, start_logging
from aevb.process.startup import start_tensorflow
from aevb.settings.section2 import GRADIENT_MINIBATCH, gradient_grid
from aevb.training.backends import Execution

app = typer.Typer(help="Show what section 2 of the paper says.", no_args_is_help=True)

Seed = Annotated[int, typer.Option(min=0, help="Of all draws.")]


@app.command()
def study(
    settings: Annotated[
        list[str], typer.Argument(help="The experiments, each as `aevb settings` prints it.")
    ],
    record: Records,
    output: Annotated[Path, typer.Option(help="Curves of all experiments (CSV).")],
    checkpoint_dir: Annotated[Path, typer.Option(help="Folder of the study's checkpoints.")],
    step_size_table: Annotated[
        list[Path] | None,
        typer.Option(
            help="Table of `aevb select-step-size` of each data set, in order; without one the step"
            " size is selected for each experiment."
        ),
    ] = None,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    backend: Backend = "tensorflow",
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Train experiments that differ in one setting each, from their checkpoints."""
    from aevb import data
    from aevb.cli.stages import selected_step_size
    from aevb.data.record import dataset_of

    start_logging(log)
    execution = Execution.parse(backend)
    wanted = [configuration.Experiment.from_json(item) for item in settings]
    if step_size_table and len(record) != len(step_size_table):
        raise ConfigError("--step-size-table: give one for each --record, in the same order")
    records = {dataset_of(path): path for path in record}
    tables = dict(zip(records, step_size_table or [], strict=bool(step_size_table)))
    missing = {one.dataset for one in wanted} - set(records)
    if missing:
        raise ConfigError(f"--record: there is none of {', '.join(sorted(missing))}")
    start_tensorflow(threads)
    from aevb.section2.study import run

    loaded = {
        one.dataset: data.load(
            one.dataset, one.definition, data.available_path(records[one.dataset])
        )
        for one in wanted
    }
    curves = run(
        wanted,
        {name: selected_step_size(path) for name, path in tables.items()} or None,
        lambda one: loaded[one.dataset],
        checkpoint_folder=checkpoint_dir,
        checkpoint_seconds=checkpoint_seconds,
        execution=execution,
    )
    write_atomically(output, curves.to_csv(index=False, float_format="%.6f"))


@app.command()
def gradients(
    weights: Weights,
    record: Records,
    output: Table,
    draws: Annotated[list[int], typer.Option(min=1, help="L, at the minibatch of --at-minibatch.")],
    minibatch: Annotated[list[int], typer.Option(min=1, help="M, at L = 1.")],
    at_minibatch: Annotated[
        int, typer.Option(min=1, help="M at which L varies.")
    ] = GRADIENT_MINIBATCH,
    replicates: Annotated[int, typer.Option(min=2, help="Estimates for each variance.")] = 50,
    seed: Seed = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Variance of the estimators of the bound's gradient in φ, before and after training."""
    start_logging(log)
    start_tensorflow(threads)
    import pandas as pd
    import tensorflow as tf

    from aevb.likelihood.model import Model
    from aevb.section2.gradients import measure

    models = read_models(weights)
    pairs = gradient_grid(draws, minibatch, at_minibatch)
    tables = []
    for trained, data in zip(models, data_of(models, record), strict=True):
        network = trained.model.architecture
        untrained = Model(network, network.init(tf.constant([seed])))
        states = {"untrained": untrained, "trained": trained.model}
        found = measure(states, trained.pixels(data.train), pairs, replicates, seed)
        names = {"dataset": trained.label, "latent_dim": trained.model.latent_dim}
        tables.append(found.assign(**names)[[*names, *found.columns]])
    write_atomically(output, pd.concat(tables).to_csv(index=False, float_format="%.6g"))
    LOGGER.info(f"wrote {output}")


@app.command("kl-divergence")
def kl_divergence(
    output: Table,
    draws: Annotated[int, typer.Option(min=2, help="Of z for each posterior.")] = 20_000,
    seed: Seed = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """The analytic KL of Appendix B against Monte Carlo, for 1 to 200 dimensions."""
    start_logging(log)
    start_tensorflow(threads)
    from aevb.section2.kl_divergence import compare

    write_atomically(
        output, compare(draws=draws, seed=seed).to_csv(index=False, float_format="%.6g")
    )


@app.command("reparameterisations")
def reparameterisations(
    output: Table,
    draws: Annotated[int, typer.Option(min=100, help="For each gradient.")] = 20_000,
    seed: Seed = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Every distribution of section 2.4: its pathwise gradients against exact ones."""
    start_logging(log)
    start_tensorflow(threads)
    from aevb.models.posteriors.reparameterisations.table import gradient_table

    table = gradient_table(draws, seed)
    write_atomically(output, table.to_csv(index=False, float_format="%.6g"))


@app.command("pathwise-gradient")
def pathwise_gradient(
    distribution: Annotated[str, typer.Argument(help="As section 2.4 calls it: Log-Normal, …")],
    parameters: Annotated[str, typer.Option(help="Its parameters as JSON.")],
    family: Annotated[
        str | None, typer.Option(help="inverse CDF, location-scale or composition.")
    ] = None,
    draws: Annotated[int, typer.Option(min=100, help="For the gradient.")] = 20_000,
    seed: Seed = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """The pathwise gradient of one distribution, for parameters of your own, against the exact
    one; printed as a table (CSV)."""
    start_logging(log)
    try:
        values = json.loads(parameters)
    except ValueError as error:
        raise ConfigError(f"--parameters is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError('--parameters: give a table such as {"rate": 2}')
    start_tensorflow(threads)
    from aevb.models.posteriors.reparameterisations import find
    from aevb.models.posteriors.reparameterisations.table import gradient_rows

    entry = find(distribution, family)
    rows = gradient_rows(entry, values, draws, seed)
    print(rows.to_csv(index=False, float_format="%.6g"), end="")


@app.command("full-vb")
def full_vb(
    settings: Annotated[str, typer.Argument(help="The full VB experiment (`aevb settings`).")],
    map_settings: Annotated[str, typer.Argument(help="The AEVB experiment, which is MAP's.")],
    record: Record,
    step_size_table: Annotated[Path, typer.Option(help="Selected step size of full VB.")],
    map_step_size_table: Annotated[Path, typer.Option(help="Selected step size of AEVB.")],
    output: Annotated[Path, typer.Option(help="Table of the marginal likelihoods (CSV).")],
    histogram: Annotated[Path, typer.Option(help="Table of the signal-to-noise ratios (CSV).")],
    pruning: Annotated[Path, typer.Option(help="Table of the pruning curve (CSV).")],
    curve: Annotated[Path, typer.Option(help="Bounds of both along training (CSV).")],
    weights: Annotated[Path, typer.Option(help="Encoder and q(θ) of full VB (safetensors).")],
    checkpoint_dir: Annotated[Path, typer.Option(help="Folder of both runs' checkpoints.")],
    checkpoint_seconds: CheckpointSeconds = 60.0,
    points: Annotated[int, typer.Option(min=2, help="First images of each split.")] = 500,
    weight_draws: Annotated[int, typer.Option(min=2, help="Draws of the weights.")] = 10,
    backend: Backend = "tensorflow",
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Train full VB and MAP on the same data, from their checkpoints, and compare them seed by
    seed: marginal likelihood, weight uncertainty, pruning (Appendix F)."""
    from aevb.cli.stages import load_data, selected_step_size
    from aevb.stages.weights import write

    start_logging(log)
    execution = Execution.parse(backend)
    wanted = [configuration.Experiment.from_json(text) for text in (settings, map_settings)]
    data = load_data(wanted[0], record)
    step_sizes = [selected_step_size(path) for path in (step_size_table, map_step_size_table)]
    start_tensorflow(threads)
    import pandas as pd

    from aevb.section2 import weight_uncertainty
    from aevb.training.experiment import run_training

    weight_uncertainty.check_comparable(*wanted)
    runs, curves = [], []
    for experiment, step_size in zip(wanted, step_sizes, strict=True):
        outcome = run_training(
            experiment,
            step_size,
            data,
            checkpoint_folder=checkpoint_dir / experiment.algorithm,
            checkpoint_seconds=checkpoint_seconds,
            execution=execution,
        )
        runs.append((experiment, outcome.parameters))
        curves.append(outcome.curve)
    learned = weight_uncertainty.read(*runs)
    tables = weight_uncertainty.evaluate(learned, wanted[0], data, points, weight_draws)
    write(weights, runs[0][1], wanted[0])
    write_atomically(curve, pd.concat(curves).to_csv(index=False, float_format="%.6f"))
    for path, table in zip((histogram, pruning, output), (*tables[1:], tables[0]), strict=True):
        write_atomically(path, table.to_csv(index=False, float_format="%.6g"))
