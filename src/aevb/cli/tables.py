"""Tables, made from finished tables alone."""

from pathlib import Path
from typing import Annotated

import typer

from aevb.cli.options import PAPER, PAPER_FIG3, Curves, Drawn, Likelihoods, Log, Paper, Table
from aevb.errors import ConfigError
from aevb.files import write_atomically
from aevb.progress import start_logging

app = typer.Typer(help="Make a table from finished tables.", no_args_is_help=True)


@app.command("fig2-distance")
def table_fig2_distance(
    curves: Curves,
    output: Table,
    paper: Paper = PAPER,
    log: Log = None,
) -> None:
    """How far each curve is from the paper's at matched sample counts."""
    from aevb.figures.curves import read_curves, read_paper_curves
    from aevb.figures.fig2_distance import distance

    start_logging(log)
    rows = distance(read_curves(curves), read_paper_curves(paper))
    write_atomically(output, rows.to_csv(index=False, float_format="%.3f"))


@app.command("fig3-distance")
def table_fig3_distance(
    likelihoods: Likelihoods,
    output: Annotated[Path, typer.Option(help="The table of distances (CSV).")],
    orders: Annotated[Path, typer.Option(help="The table of the curves' orders (CSV).")],
    paper: Paper = PAPER_FIG3,
    estimator: Drawn = None,
    log: Log = None,
) -> None:
    """How far Figure 3's curves are from the paper's, and whether they lie in the same order."""
    from aevb.figures import fig3_distance
    from aevb.figures.likelihood_curves import read_likelihoods, read_paper_likelihoods

    start_logging(log)
    ours, theirs = read_likelihoods(likelihoods, estimator), read_paper_likelihoods(paper)
    for path, rows in (
        (output, fig3_distance.distance(ours, theirs)),
        (orders, fig3_distance.orders(ours, theirs)),
    ):
        write_atomically(path, rows.to_csv(index=False, float_format="%.3f"))


@app.command("variants")
def table_variants(
    curves: Annotated[list[str], typer.Argument(help="NAME=CURVE.csv, NAME the variant.")],
    output: Table,
    paper: Paper = PAPER,
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


@app.command("step-sizes")
def table_step_sizes(
    tables: Annotated[list[Path], typer.Argument(help="Tables of `aevb select-step-size`.")],
    output: Table,
    log: Log = None,
) -> None:
    """All candidates of all experiments in one table."""
    from aevb.figures.step_sizes import collect

    start_logging(log)
    rows = collect(tables)
    write_atomically(output, rows.to_csv(index=False, float_format="%.6g"))


Page = Annotated[Path, typer.Option(help="The table to look at (HTML).")]


@app.command("applications")
def table_applications(
    tables: Annotated[list[Path], typer.Argument(help="Tables of `aevb evaluate`.")],
    output: Table,
    page: Page,
    log: Log = None,
) -> None:
    """All numbers of what a trained model is for."""
    from aevb.figures.applications import render
    from aevb.figures.measurements import read_measurements

    start_logging(log)
    rows = read_measurements(tables)
    write_atomically(page, render(rows))
    write_atomically(output, rows.to_csv(index=False, float_format="%.6g"))


@app.command("findings")
def table_findings(
    folder: Annotated[Path, typer.Argument(help="Folder of the results of one scale.")],
    output: Table,
    page: Page,
    log: Log = None,
) -> None:
    """What the paper shows and what we show, a line a figure."""
    from aevb.figures import pages
    from aevb.figures.findings import find

    start_logging(log)
    rows = find(folder)
    write_atomically(page, pages.table(rows, left=len(rows.columns), wrap=True))
    write_atomically(output, rows.to_csv(index=False))


@app.command("runs")
def table_runs(
    records: Annotated[list[Path], typer.Argument(help="Records of training runs (run.json).")],
    output: Table,
    page: Page,
    log: Log = None,
) -> None:
    """Settings, speed, versions and machine of each training run."""
    from aevb.figures.runs import collect, render

    start_logging(log)
    rows = collect(records)
    write_atomically(page, render(rows))
    write_atomically(output, rows.to_csv(index=False, float_format="%.6g"))


@app.command("reference")
def table_reference(
    figure: Annotated[Path, typer.Argument(help="The table of Figure 2 or 3 (CSV).")],
    output: Table,
    log: Log = None,
) -> None:
    """Keep the ends of our curves as the numbers that must come out again."""
    from aevb.audit.tables import read_csv
    from aevb.figures.reference import ends

    start_logging(log)
    write_atomically(output, ends(read_csv(figure)).to_csv(index=False, float_format="%.4f"))


@app.command("reparameterisations")
def table_reparameterisations(
    table: Annotated[
        Path, typer.Argument(help="Table of `aevb section2 reparameterisations` (CSV).")
    ],
    page: Page,
    log: Log = None,
) -> None:
    """Every distribution of section 2.4, its transformation and its gradients' errors."""
    from aevb.figures import reparameterisation

    start_logging(log)
    rows = reparameterisation.read_gradients(table)
    write_atomically(page, reparameterisation.render(rows))
