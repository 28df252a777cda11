"""Figures, drawn from finished tables alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aevb.cli.options import PAPER, PAPER_FIG3, Curves, Drawn, Likelihoods, Log, Note, Paper, Stem
from aevb.config import STUDIES
from aevb.errors import ConfigError
from aevb.files import write_atomically
from aevb.progress import LOGGER, start_logging

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    estimator: Drawn = None,
    note: Note = None,
    log: Log = None,
) -> None:
    """Figure 3: the marginal likelihood along training, over the paper's own curves."""
    from aevb.figures import fig3, style
    from aevb.figures.likelihood_curves import read_likelihoods, read_paper_likelihoods

    start_logging(log)
    ours, theirs = read_likelihoods(likelihoods, estimator), read_paper_likelihoods(paper)
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
    from aevb.figures import fig4
    from aevb.pictures import read_pictures

    start_logging(log)
    _save(fig4.draw(read_pictures(pictures), note=note), output)


@app.command("fig5")
def figure_5(
    pictures: Annotated[Path, typer.Argument(help="Images of `aevb sample` (npz).")],
    output: Stem,
    note: Note = None,
    log: Log = None,
) -> None:
    """Figure 5: samples from models with latent spaces of different sizes."""
    from aevb.figures import fig5
    from aevb.pictures import read_pictures

    start_logging(log)
    _save(fig5.draw(read_pictures(pictures), note=note), output)


@app.command("projection")
def figure_projection(
    table: Annotated[Path, typer.Argument(help="Projection of `aevb project` (CSV).")],
    output: Stem,
    note: Note = None,
    log: Log = None,
) -> None:
    """The data in a 2-D latent space."""
    from aevb.figures import projection

    start_logging(log)
    _save(projection.draw(projection.read_projection(table), note=note), output)


@app.command("latent-usage")
def figure_latent_usage(
    table: Annotated[Path, typer.Argument(help="Usage of `aevb project` (CSV).")],
    output: Stem,
    note: Note = None,
    log: Log = None,
) -> None:
    """How many latent dimensions each model uses."""
    from aevb.figures import latent_usage

    start_logging(log)
    _save(latent_usage.draw(latent_usage.read_usage(table), note=note), output)


@app.command("representation")
def figure_representation(table: Table, output: Stem, note: Note = None, log: Log = None) -> None:
    """What a linear probe reads off the latent means."""
    from aevb.figures import representation
    from aevb.figures.measurements import read_measurements

    start_logging(log)
    _save(representation.draw(read_measurements([table]), note=note), output)


@app.command("restoration")
def figure_restoration(
    table: Table, pictures: Pictures, output: Stem, note: Note = None, log: Log = None
) -> None:
    """Denoised images, or images from block means, and their errors."""
    from aevb.figures import restoration
    from aevb.figures.measurements import read_measurements
    from aevb.pictures import read_pictures

    start_logging(log)
    rows = read_measurements([table])
    _save(restoration.draw(rows, read_pictures(pictures), note=note), output)


@app.command("inpainting")
def figure_inpainting(
    table: Table, pictures: Pictures, output: Stem, note: Note = None, log: Log = None
) -> None:
    """Completions of half images, and how likely the missing half was."""
    from aevb.figures import inpainting
    from aevb.figures.measurements import read_measurements
    from aevb.pictures import read_pictures

    start_logging(log)
    rows = read_measurements([table])
    _save(inpainting.draw(rows, read_pictures(pictures), note=note), output)


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
    from aevb.figures import anomaly
    from aevb.figures.measurements import read_measurements
    from aevb.pictures import read_pictures

    start_logging(log)
    rows, all_scores = read_measurements([table]), anomaly.read_scores(scores)
    _save(anomaly.draw(rows, all_scores, read_pictures(pictures), note=note), output)


@app.command("gradient-variance")
def figure_gradient_variance(
    table: Annotated[Path, typer.Argument(help="Table of `aevb section2 gradients` (CSV).")],
    output: Stem,
    ratios: Annotated[Path, typer.Option(help="Each variance over that of SGVB B (CSV).")],
    note: Note = None,
    log: Log = None,
) -> None:
    """The noise of the gradient estimators against L and M."""
    from aevb.figures import gradient_variance, style

    start_logging(log)
    rows = gradient_variance.read_variances(table)
    style.save(gradient_variance.draw(rows, note=note), output)
    found = gradient_variance.ratios(rows)
    write_atomically(ratios, found.to_csv(index=False, float_format="%.6g"))
    LOGGER.info(f"wrote {output}.pdf and .png")


@app.command("kl-divergence")
def figure_kl_divergence(
    table: Annotated[Path, typer.Argument(help="Table of `aevb section2 kl-divergence` (CSV).")],
    output: Stem,
    note: Note = None,
    log: Log = None,
) -> None:
    """The analytic KL of Appendix B against Monte Carlo."""
    from aevb.figures import kl_divergence

    start_logging(log)
    _save(kl_divergence.draw(kl_divergence.read_divergences(table), note=note), output)


@app.command("study")
def figure_study(
    table: Annotated[Path, typer.Argument(help="Curves of `aevb section2 study` (CSV).")],
    study: Annotated[str, typer.Option(help=f"One of {', '.join(STUDIES)}.")],
    output: Stem,
    summary: Annotated[Path, typer.Option(help="The bounds that are compared (CSV).")],
    note: Note = None,
    log: Log = None,
) -> None:
    """The bound along training with one setting changed at a time."""
    from aevb.figures import studies, style

    start_logging(log)
    if study not in STUDIES:
        raise ConfigError(f"--study: {study!r} is unknown; allowed: {', '.join(STUDIES)}")
    rows = studies.read_study(table)
    draw, compare = {
        "gradient_estimators": (
            studies.draw_estimators,
            lambda curves: studies.ends(curves, ["estimator"]),
        ),
        "draws_and_minibatches": (studies.draw_grid, studies.matched),
        "posteriors": (
            studies.draw_posteriors,
            lambda curves: studies.ends(curves, ["posterior"]),
        ),
        "weight_prior": (studies.draw_weight_prior, studies.weight_prior_table),
    }[study]
    style.save(draw(rows, note=note), output)
    write_atomically(summary, compare(rows).to_csv(index=False, float_format="%.4f"))
    LOGGER.info(f"wrote {output}.pdf and .png")


@app.command("weight-uncertainty")
def figure_weight_uncertainty(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders with the tables of `aevb section2 full-vb`.")
    ],
    output: Stem,
    note: Note = None,
    log: Log = None,
) -> None:
    """Full VB against MAP: marginal likelihood, weight uncertainty, pruning."""
    from aevb.figures import style, weight_uncertainty

    start_logging(log)
    comparison, histogram, pruning = (
        read([folder / file for folder in folders])
        for read, file in (
            (weight_uncertainty.read_comparison, "full_vb.csv"),
            (weight_uncertainty.read_histogram, "signal_to_noise.csv"),
            (weight_uncertainty.read_pruning, "pruning.csv"),
        )
    )
    style.save(weight_uncertainty.draw(comparison, histogram, pruning, note=note), output)
    for name, rows in (("", comparison), ("_pruning", pruning), ("_signal_to_noise", histogram)):
        path = Path(f"{output}{name}.csv")
        write_atomically(path, rows.to_csv(index=False, float_format="%.6g"))
    LOGGER.info(f"wrote {output}.pdf, .png and .csv")


def _save(figure: "Figure", output: Path) -> None:
    from aevb.figures import style

    style.save(figure, output)
    LOGGER.info(f"wrote {output}.pdf and .png")


@app.command("audit")
def figure_audit(
    claims: Annotated[Path, typer.Argument(help="Table of claims, of `aevb audit --output`.")],
    output: Stem,
    note: Note = None,
    log: Log = None,
) -> None:
    """All verdicts of an audit at a glance."""
    from aevb.figures import audit

    start_logging(log)
    verdicts = audit.read_verdicts(claims)
    _save(audit.draw(verdicts, note=note), output)
    write_atomically(Path(f"{output}.csv"), verdicts.to_csv(index=False))
