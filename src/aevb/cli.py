"""The command line: one command for each stage of the workflow."""

import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from aevb import config as configuration
from aevb.errors import AevbError, ConfigError, DataError
from aevb.files import write_atomically
from aevb.interruption import Interrupted
from aevb.progress import LOGGER, start_logging
from aevb.startup import training_stages
from aevb.weights import read as read_weights
from aevb.weights import write as write_weights

app = typer.Typer(
    help="Replicate Auto-Encoding Variational Bayes, stage by stage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
table = typer.Typer(help="Make a table from finished curves.", no_args_is_help=True)
figure = typer.Typer(help="Draw a figure from finished curves.", no_args_is_help=True)
app.add_typer(table, name="table")
app.add_typer(figure, name="figure")

Config = Annotated[Path, typer.Option(help="Configuration file.")]
Datasets = Annotated[Path, typer.Option(help="Definitions of the data sets.")]
Schemas = Annotated[Path, typer.Option(help="Folder of the JSON schemas.")]
Settings = Annotated[str, typer.Option(help="One experiment, as `aevb settings` prints it.")]
Log = Annotated[Path | None, typer.Option(help="Also write the messages to this file.")]
Threads = Annotated[int, typer.Option(min=1, help="TensorFlow threads.")]
Record = Annotated[Path, typer.Option(help="The data set's record, written by `aevb fetch`.")]
Curves = Annotated[list[Path], typer.Argument(help="Curve tables of the experiments.")]
Likelihoods = Annotated[list[Path], typer.Argument(help="Tables of `aevb likelihood`.")]
Paper = Annotated[Path, typer.Option(help="The paper's curves.")]
_CONFIG = Path("config/config.yaml")
_DATASETS = Path("config/datasets.yaml")
_SCHEMAS = Path("workflow/schemas")
_PAPER = Path("resources/paper/fig2_lower_bound.csv")
_PAPER_FIG3 = Path("resources/paper/fig3_marginal_likelihood.csv")


@app.command()
def fetch(
    dataset: Annotated[str, typer.Argument(help="Name of the data set.")],
    record: Record,
    definition: Annotated[str | None, typer.Option(help="Its definition as JSON.")] = None,
    cache_dir: Annotated[
        Path | None, typer.Option(help="Where verified data is kept; the record's folder.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Local folder to look in first.")] = None,
    require: Annotated[
        bool,
        typer.Option(help="Fail when the data cannot be had.", envvar="AEVB_REQUIRE_ALL_DATA"),
    ] = False,
    config: Config = _CONFIG,
    datasets: Datasets = _DATASETS,
    schemas: Schemas = _SCHEMAS,
    log: Log = None,
) -> None:
    """Get a data set, verify it and keep it; write a record of where it came from."""
    from aevb import data

    start_logging(log)
    if definition is None:
        _, definitions = configuration.load(config, datasets, schemas)
        if dataset not in definitions:
            raise ConfigError(f"dataset: {dataset!r} is unknown; allowed: {', '.join(definitions)}")
        content = definitions[dataset]
    else:
        try:
            content = json.loads(definition)
        except ValueError as error:
            raise ConfigError(f"--definition is not JSON: {error}") from None
    try:
        outcome = data.fetch(dataset, content, cache_dir or record.parent, data_dir, LOGGER.info)
    except DataError as error:
        if require:
            raise
        outcome = data.unavailable_record(dataset, error)
        LOGGER.warning(f"{dataset} IS LEFT OUT: {error}")
    data.write_record(outcome, record)


@app.command()
def settings(
    dataset: Annotated[str, typer.Option(help="Data set of config/datasets.yaml.")],
    algorithm: Annotated[str, typer.Option(help="aevb, wake_sleep or mcem.")],
    latent_dim: Annotated[int, typer.Option(help="Size of the latent space, N_z.")],
    variant: Annotated[str | None, typer.Option(help="Reading of the protocol.")] = None,
    scale: Annotated[str | None, typer.Option(help="Budget.")] = None,
    n_train: Annotated[
        int | None, typer.Option(help="Number of training images, for an experiment of Figure 3.")
    ] = None,
    hidden_units: Annotated[
        int | None, typer.Option(help="Hidden units, in place of those of Figure 2.")
    ] = None,
    config: Config = _CONFIG,
    datasets: Datasets = _DATASETS,
    schemas: Schemas = _SCHEMAS,
) -> None:
    """Print all settings of one experiment as JSON, for the stages below."""
    checked, definitions = configuration.load(config, datasets, schemas)
    wanted = configuration.experiment(
        checked,
        definitions,
        dataset=dataset,
        latent_dim=latent_dim,
        algorithm=algorithm,
        variant=variant,
        scale=scale,
        n_train=n_train,
        hidden_units=hidden_units,
    )
    print(wanted.to_json())


@app.command()
def select_step_size(
    settings: Annotated[
        list[str], typer.Argument(help="The experiments, each as `aevb settings` prints it.")
    ],
    record: Record,
    output: Annotated[Path, typer.Option(help="Table of the candidates (CSV).")],
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Select Adagrad's global step size on the first training samples of a figure's panels."""
    start_logging(log)
    wanted = [configuration.Experiment.from_json(item) for item in settings]
    data = _load(wanted[0], record)
    candidates = training_stages(threads).select_step_size(wanted, data)
    write_atomically(output, candidates.to_csv(index=False))


@app.command()
def train(
    settings: Settings,
    record: Record,
    step_size_table: Annotated[Path, typer.Option(help="Table of `aevb select-step-size`.")],
    curve: Annotated[Path, typer.Option(help="Where to write the curve (CSV).")],
    run_record: Annotated[Path, typer.Option(help="Where to write the record of the run (JSON).")],
    weights: Annotated[Path, typer.Option(help="Where to write the weights (safetensors).")],
    checkpoint_dir: Annotated[Path, typer.Option(help="Folder of this run's checkpoints.")],
    snapshots: Annotated[
        Path | None, typer.Option(help="Where to write the weights along training (safetensors).")
    ] = None,
    checkpoint_seconds: Annotated[
        float, typer.Option(help="Time between checkpoints.", envvar="AEVB_CHECKPOINT_SECONDS")
    ] = 60.0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Train one experiment, from its newest checkpoint when there is one."""
    start_logging(log)
    wanted = configuration.Experiment.from_json(settings)
    data = _load(wanted, record)
    step_size = _selected_step_size(step_size_table)
    rows, parameters, kept, outcome = training_stages(threads).run_training(
        wanted,
        step_size,
        data,
        checkpoint_folder=checkpoint_dir,
        checkpoint_seconds=checkpoint_seconds,
    )
    if snapshots is not None:
        from aevb.training import snapshot_arrays

        write_weights(snapshots, snapshot_arrays(kept), wanted)
    write_weights(weights, parameters, wanted)
    write_atomically(run_record, json.dumps(outcome, indent=2) + "\n")
    write_atomically(curve, rows.to_csv(index=False, float_format="%.6f"))


@app.command()
def likelihood(
    snapshots: Annotated[Path, typer.Argument(help="Weights along training, of `aevb train`.")],
    record: Record,
    estimators: Annotated[str, typer.Option(help="Settings of each estimator by name, as JSON.")],
    points: Annotated[int, typer.Option(min=1, help="First images of each split.")],
    output: Annotated[Path, typer.Option(help="Table of the means (CSV).")],
    flagged: Annotated[Path, typer.Option(help="Table of the flagged points (CSV).")],
    checkpoint_dir: Annotated[Path, typer.Option(help="Folder of the finished snapshots.")],
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Estimate the marginal likelihood of one run along its training."""
    start_logging(log)
    settings = _estimators(estimators)
    wanted, arrays = read_weights(snapshots, "snapshots/")
    data = _load(wanted, record)
    training_stages(threads)
    from aevb.likelihood.along_training import estimate_along_training
    from aevb.training import read_snapshots

    means, points_flagged = estimate_along_training(
        wanted, read_snapshots(arrays), data, settings, points, checkpoint_dir
    )
    write_atomically(flagged, points_flagged.to_csv(index=False, float_format="%.4f"))
    write_atomically(output, means.to_csv(index=False, float_format="%.6f"))


@app.command()
def compare_estimators(
    record: Record,
    estimators: Annotated[str, typer.Option(help="Settings of each estimator by name, as JSON.")],
    points: Annotated[int, typer.Option(min=2, help="First test images.")],
    output: Annotated[Path, typer.Option(help="The table (CSV).")],
    settings: Annotated[
        str | None,
        typer.Option(help="An experiment as `aevb settings` prints it: its network, untrained."),
    ] = None,
    latent_dim: Annotated[
        int | None, typer.Option(min=1, help="With --settings: PPCA of this N_z on its data.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="In place of --settings: a trained network.")
    ] = None,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Compare estimators of log p(x) with the truth, of probabilistic PCA or of a network with
    N_z up to 3."""
    start_logging(log)
    chosen = _estimators(estimators)
    training_stages(threads)
    from aevb.likelihood import truth_table

    arrays = None
    if weights is not None:
        wanted, arrays = read_weights(weights, "decoder/")
    elif settings is not None:
        wanted = configuration.Experiment.from_json(settings)
    else:
        raise ConfigError("give --weights or --settings")
    data = _load(wanted, record)
    if latent_dim is not None and weights is None:
        rows = truth_table.compare_on_ppca(data, latent_dim, chosen, points)
    else:
        rows = truth_table.compare_on_network(wanted, arrays, data, chosen, points)
    write_atomically(output, rows.to_csv(index=False, float_format="%.6g"))


@figure.command("fig2")
def figure_2(
    curves: Curves,
    output: Annotated[Path, typer.Option(help="Picture and table, without the suffix.")],
    paper: Paper = _PAPER,
    note: Annotated[str | None, typer.Option(help="Footer of the picture.")] = None,
    log: Log = None,
) -> None:
    """Figure 2: the lower bound along training, over the paper's own curves."""
    from aevb.figures import fig2, style
    from aevb.figures.curves import read_curves, read_paper_curves

    start_logging(log)
    ours, theirs = read_curves(curves), read_paper_curves(paper)
    style.save(fig2.draw(ours, theirs, note=note), output)
    drawn = fig2.table(ours, theirs)
    write_atomically(Path(f"{output}.csv"), drawn.to_csv(index=False, float_format="%.6f"))
    LOGGER.info(f"wrote {output}.pdf, .png and .csv")


@figure.command("fig3")
def figure_3(
    likelihoods: Likelihoods,
    output: Annotated[Path, typer.Option(help="Picture and table, without the suffix.")],
    paper: Paper = _PAPER_FIG3,
    note: Annotated[str | None, typer.Option(help="Footer of the picture.")] = None,
    log: Log = None,
) -> None:
    """Figure 3: the marginal likelihood along training, over the paper's own curves."""
    from aevb.figures import fig3, style
    from aevb.figures.likelihood_curves import read_likelihoods, read_paper_likelihoods

    start_logging(log)
    ours, theirs = read_likelihoods(likelihoods), read_paper_likelihoods(paper)
    style.save(fig3.draw(ours, theirs, note=note), output)
    drawn = fig3.table(ours, theirs)
    write_atomically(Path(f"{output}.csv"), drawn.to_csv(index=False, float_format="%.6f"))
    LOGGER.info(f"wrote {output}.pdf, .png and .csv")


@figure.command("estimators")
def figure_estimators(
    tables: Annotated[list[Path], typer.Argument(help="Tables of `aevb compare-estimators`.")],
    output: Annotated[Path, typer.Option(help="Picture and table, without the suffix.")],
    page: Annotated[Path, typer.Option(help="The table to look at (HTML).")],
    note: Annotated[str | None, typer.Option(help="Footer of the picture.")] = None,
    log: Log = None,
) -> None:
    """The estimators of the marginal likelihood against known truths."""
    from aevb.figures import estimators, style

    start_logging(log)
    truths = estimators.read_truths(tables)
    style.save(estimators.draw(truths, note=note), output)
    write_atomically(page, estimators.render(truths))
    write_atomically(Path(f"{output}.csv"), truths.to_csv(index=False, float_format="%.6g"))
    LOGGER.info(f"wrote {output}.pdf, .png and .csv")


@table.command("fig2-distance")
def table_fig2_distance(
    curves: Curves,
    output: Annotated[Path, typer.Option(help="The table (CSV).")],
    paper: Paper = _PAPER,
    log: Log = None,
) -> None:
    """How far each curve is from the paper's at matched sample counts."""
    from aevb.figures.curves import read_curves, read_paper_curves
    from aevb.figures.fig2_distance import distance

    start_logging(log)
    rows = distance(read_curves(curves), read_paper_curves(paper))
    write_atomically(output, rows.to_csv(index=False, float_format="%.3f"))


@table.command("fig3-distance")
def table_fig3_distance(
    likelihoods: Likelihoods,
    output: Annotated[Path, typer.Option(help="The table of distances (CSV).")],
    orders: Annotated[Path, typer.Option(help="The table of the curves' orders (CSV).")],
    paper: Paper = _PAPER_FIG3,
    log: Log = None,
) -> None:
    """How far Figure 3's curves are from the paper's, and whether they lie in the same order."""
    from aevb.figures import fig3_distance
    from aevb.figures.likelihood_curves import read_likelihoods, read_paper_likelihoods

    start_logging(log)
    ours, theirs = read_likelihoods(likelihoods), read_paper_likelihoods(paper)
    for path, rows in (
        (output, fig3_distance.distance(ours, theirs)),
        (orders, fig3_distance.orders(ours, theirs)),
    ):
        write_atomically(path, rows.to_csv(index=False, float_format="%.3f"))


@table.command("variants")
def table_variants(
    curves: Annotated[list[str], typer.Argument(help="NAME=CURVE.csv, NAME the variant.")],
    output: Annotated[Path, typer.Option(help="The table (CSV).")],
    paper: Paper = _PAPER,
    log: Log = None,
) -> None:
    """Which reading of the protocol comes closer to the paper's curves."""
    from aevb.figures.curves import read_curves, read_paper_curves
    from aevb.figures.variants import compare

    start_logging(log)
    paths: dict[str, list[Path]] = {}
    for item in curves:
        name, separator, path = item.partition("=")
        if not separator:
            raise ConfigError(f"{item!r} is not of the form NAME=CURVE.csv")
        paths.setdefault(name, []).append(Path(path))
    theirs = read_paper_curves(paper)
    rows = compare({name: read_curves(files) for name, files in paths.items()}, theirs)
    write_atomically(output, rows.to_csv(index=False, float_format="%.3f"))


@table.command("step-sizes")
def table_step_sizes(
    tables: Annotated[list[Path], typer.Argument(help="Tables of `aevb select-step-size`.")],
    output: Annotated[Path, typer.Option(help="The table (CSV).")],
    log: Log = None,
) -> None:
    """All candidates of all experiments in one table."""
    from aevb.figures.step_sizes import collect

    start_logging(log)
    rows = collect(tables)
    write_atomically(output, rows.to_csv(index=False, float_format="%.6g"))


@app.command()
def bench(
    output: Annotated[Path, typer.Option(help="Folder of the tables.")] = Path("results/bench"),
    cache_dir: Annotated[Path, typer.Option(help="Where verified data is kept.")] = Path("data"),
    config: Config = _CONFIG,
    datasets: Datasets = _DATASETS,
    schemas: Schemas = _SCHEMAS,
    log: Log = None,
) -> None:
    """Measure the speed of training and where a quick run's time goes; print and keep a table."""
    from aevb import bench as benchmark

    start_logging(log)
    checked, definitions = configuration.load(config, datasets, schemas)
    benchmark.run(checked, definitions, cache_dir, output)


@app.command()
def document_config(
    output: Annotated[Path, typer.Option(help="The page.")] = Path("config/README.md"),
    schemas: Schemas = _SCHEMAS,
) -> None:
    """Write the page that explains every configuration key, from the schemas."""
    from aevb.documentation import configuration_page

    write_atomically(output, configuration_page(schemas))


def main() -> None:
    """Run the command line; errors meant for a person end as one message, without traceback."""
    try:
        app()
    except (AevbError, OSError) as error:
        _fail(f"error: {error}")
        sys.exit(1)
    except Interrupted as stopped:
        _fail(str(stopped))
        sys.exit(128 + stopped.signal_number)
    except KeyboardInterrupt:
        _fail("stopped")
        sys.exit(130)


def _fail(text: str) -> None:
    if not LOGGER.handlers:
        start_logging()
    LOGGER.log(logging.ERROR, text)


def _load(wanted: configuration.Experiment, record: Path):
    from aevb import data

    return data.load(wanted.dataset, wanted.definition, data.available_path(record))


def _estimators(text: str) -> dict[str, dict]:
    try:
        estimators = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"--estimators is not JSON: {error}") from None
    if not estimators or not isinstance(estimators, dict):
        raise ConfigError("--estimators holds no estimators by name")
    for name, values in estimators.items():
        if not isinstance(values, dict) or "/" in name:
            raise ConfigError(f"--estimators: {name!r} is not a name and a table of settings")
    return estimators


def _selected_step_size(path: Path) -> float:
    import pandas as pd

    try:
        rows = pd.read_csv(path)
        step_size = float(rows.loc[rows["selected"].astype(str) == "True", "step_size"].iloc[0])
        if not 0 < step_size < float("inf"):
            raise ValueError(f"{step_size} is no step size")
        return step_size
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise DataError(
            f"{path}: no selected step size can be read ({error}); make the table again with"
            " `aevb select-step-size`"
        ) from None
