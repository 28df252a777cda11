"""Figures, drawn from finished tables alone."""

from pathlib import Path
from typing import Annotated

import typer

from aevb.cli.options import PAPER, PAPER_FIG3, Curves, Likelihoods, Log, Note, Paper, Stem
from aevb.files import write_atomically
from aevb.progress import LOGGER, start_logging

app = typer.Typer(help="Draw a figure from finished tables.", no_args_is_help=True)


@app.command("fig2")
def figure_2(
    curves: Curves,
    output: Stem,
    paper: Paper = PAPER,
    note: Note = None,
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


@app.command("fig3")
def figure_3(
    likelihoods: Likelihoods,
    output: Stem,
    paper: Paper = PAPER_FIG3,
    note: Note = None,
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


@app.command("estimators")
def figure_estimators(
    tables: Annotated[list[Path], typer.Argument(help="Tables of `aevb compare-estimators`.")],
    output: Stem,
    page: Annotated[Path, typer.Option(help="The table to look at (HTML).")],
    note: Note = None,
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


Table = Annotated[Path, typer.Argument(help="Table of `aevb evaluate` (CSV).")]
Pictures = Annotated[Path, typer.Option(help="Pictures of the same command (npz).")]


@app.command("fig1")
def figure_1(output: Stem, log: Log = None) -> None:
    """Figure 1: the directed graphical model."""
    from aevb.figures import fig1, style

    start_logging(log)
    style.save(fig1.draw(), output)
    write_atomically(Path(f"{output}.csv"), fig1.table().to_csv(index=False))
    LOGGER.info(f"wrote {output}.pdf, .png and .csv")


@app.command("fig4")
def figure_4(
    pictures: Annotated[Path, typer.Argument(help="Images of `aevb manifold` (npz).")],
    output: Stem,
    note: Note = None,
    log: Log = None,
) -> None:
    """Figure 4: the learned manifolds of models with a 2-D latent space."""
    from aevb.figures import fig4, style
    from aevb.pictures import read_pictures

    start_logging(log)
    style.save(fig4.draw(read_pictures(pictures), note=note), output)
    LOGGER.info(f"wrote {output}.pdf and .png")


@app.command("fig5")
def figure_5(
    pictures: Annotated[Path, typer.Argument(help="Images of `aevb sample` (npz).")],
    output: Stem,
    note: Note = None,
    log: Log = None,
) -> None:
    """Figure 5: samples from models with latent spaces of different sizes."""
    from aevb.figures import fig5, style
    from aevb.pictures import read_pictures

    start_logging(log)
    style.save(fig5.draw(read_pictures(pictures), note=note), output)
    LOGGER.info(f"wrote {output}.pdf and .png")


@app.command("projection")
def figure_projection(
    table: Annotated[Path, typer.Argument(help="Projection of `aevb project` (CSV).")],
    output: Stem,
    note: Note = None,
    log: Log = None,
) -> None:
    """The data in a 2-D latent space."""
    from aevb.figures import projection, style

    start_logging(log)
    style.save(projection.draw(projection.read_projection(table), note=note), output)
    LOGGER.info(f"wrote {output}.pdf and .png")


@app.command("latent-usage")
def figure_latent_usage(
    table: Annotated[Path, typer.Argument(help="Usage of `aevb project` (CSV).")],
    output: Stem,
    note: Note = None,
    log: Log = None,
) -> None:
    """How many latent dimensions each model uses."""
    from aevb.figures import latent_usage, style

    start_logging(log)
    style.save(latent_usage.draw(latent_usage.read_usage(table), note=note), output)
    LOGGER.info(f"wrote {output}.pdf and .png")


@app.command("representation")
def figure_representation(table: Table, output: Stem, note: Note = None, log: Log = None) -> None:
    """What a linear probe reads off the latent means."""
    from aevb.figures import representation, style
    from aevb.figures.measurements import read_measurements

    start_logging(log)
    style.save(representation.draw(read_measurements([table]), note=note), output)
    LOGGER.info(f"wrote {output}.pdf and .png")


@app.command("restoration")
def figure_restoration(
    table: Table, pictures: Pictures, output: Stem, note: Note = None, log: Log = None
) -> None:
    """Denoised images, or images from block means, and their errors."""
    from aevb.figures import restoration, style
    from aevb.figures.measurements import read_measurements
    from aevb.pictures import read_pictures

    start_logging(log)
    rows = read_measurements([table])
    style.save(restoration.draw(rows, read_pictures(pictures), note=note), output)
    LOGGER.info(f"wrote {output}.pdf and .png")


@app.command("inpainting")
def figure_inpainting(
    table: Table, pictures: Pictures, output: Stem, note: Note = None, log: Log = None
) -> None:
    """Completions of half images, and how likely the missing half was."""
    from aevb.figures import inpainting, style
    from aevb.figures.measurements import read_measurements
    from aevb.pictures import read_pictures

    start_logging(log)
    rows = read_measurements([table])
    style.save(inpainting.draw(rows, read_pictures(pictures), note=note), output)
    LOGGER.info(f"wrote {output}.pdf and .png")


@app.command("anomaly")
def figure_anomaly(
    table: Table,
    pictures: Pictures,
    scores: Annotated[Path, typer.Option(help="All scores, of the same command (CSV).")],
    output: Stem,
    note: Note = None,
    log: Log = None,
) -> None:
    """Unusual images, and how well they are told by how likely the model finds them."""
    from aevb.figures import anomaly, style
    from aevb.figures.measurements import read_measurements
    from aevb.pictures import read_pictures

    start_logging(log)
    rows, all_scores = read_measurements([table]), anomaly.read_scores(scores)
    style.save(anomaly.draw(rows, all_scores, read_pictures(pictures), note=note), output)
    LOGGER.info(f"wrote {output}.pdf and .png")
