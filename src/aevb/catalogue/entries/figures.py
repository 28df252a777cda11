"""The paper's figures, and how far Figures 2 and 3 are from its curves."""

from collections.abc import Iterable

from aevb.catalogue import needs, rows
from aevb.catalogue.entries.common import EXPERIMENTS, METHOD, PAPER_FIG2, PICTURES, VISUALISATION
from aevb.catalogue.needs import setting
from aevb.catalogue.product import Command, Table, figure, table
from aevb.workflow.outputs import Run

FIG2_COLUMNS = "source dataset latent_dim algorithm split seed training_samples lower_bound"
PAPER_FIG3 = {"paper": "resources/paper/fig3_marginal_likelihood.csv"}
FIG3_ESTIMATORS = {"estimator": setting("fig3.estimators")}
FURTHER_SEED = "ours lowest highest half_width n_seeds paper difference"
INTERVAL = """Dark: from the lowest to the highest seed. Pale: Student's 95 % prediction interval of
one further seed, in which the paper's curve lies where it may be one. Up to a nat the axes are
linear, beyond logarithmic."""


def _several_seeds(runs: Iterable[Run]) -> bool:
    """Whether there is a spread to tell of."""
    return any(len(run.experiment.seeds) > 1 for run in runs)


FIG1 = figure(
    "fig1",
    *("2", METHOD, "Figure 1"),
    target="fig1",
    note=False,
    tables=(Table("figures/fig1.csv", "source target model distribution"),),
    outputs={"csv": "figures/fig1.csv"},
    caption="""Figure 1: the directed graphical model. Solid: the generative model p(z) p(x|z);
dashed: the variational approximation q(z|x) of the intractable posterior. The plate is repeated
for each of the N datapoints; x, shaded, is observed. Drawn as in the paper; there is nothing to
compute.""",
)

FIG2 = figure(
    "fig2",
    *("5", EXPERIMENTS, "Figure 2"),
    target="fig2",
    content="fig2.latent_dims",
    algorithm="AEVB, wake-sleep",
    latent_dim="fig2.latent_dims",
    a_dataset_each=True,
    priority=1,
    inputs={"curves": needs.fig2_curves},
    given=PAPER_FIG2,
    outputs={"csv": "figures/fig2.csv"},
    tables=(Table("figures/fig2.csv", FIG2_COLUMNS, may_be_empty="seed", rows=rows.fig2),),
    paper="AEVB converges faster than wake-sleep and reaches a better solution in all panels.",
    told_from=("figures/fig2.csv", "tables/fig2_distance.csv"),
    caption="""Figure 2: the variational lower bound along training, AEVB against wake-sleep, for
several sizes of the latent space. Training curves are running means over the minibatches since
the previous point; test curves are means over the whole test set. The thin lines are the paper's
own curves.""",
)

LONG_RUN = figure(
    "long_run",
    *("5", EXPERIMENTS, "Figure 2, further along its axis"),
    target="fig2",
    content="long_run.latent_dims",
    wanted=lambda outputs: bool(outputs.long_runs()),
    algorithm="AEVB, wake-sleep",
    latent_dim="long_run.latent_dims",
    inputs={"curves": needs.long_curves},
    given=PAPER_FIG2,
    outputs={"csv": "figures/long_run.csv"},
    tables=(Table("figures/long_run.csv", FIG2_COLUMNS, may_be_empty="seed", rows=rows.long_run),),
    paper="On MNIST the bounds rise to the end of the axis, on test ever less.",
    told_from=("figures/long_run.csv",),
    caption="""Panels of Figure 2 further along its axis than the others, with few seeds: what
becomes of a curve, not how much such curves differ.""",
)

GENERALISATION_GAP = table(
    "generalisation_gap",
    *("5", EXPERIMENTS, "training images against test images"),
    target="fig2",
    content="overfitting.datasets",
    algorithm="AEVB, wake-sleep",
    latent_dim="fig2.latent_dims",
    inputs={"curves": needs.overfitting_curves},
    tables=(
        Table(
            "tables/generalisation_gap.csv",
            "dataset latent_dim algorithm seed training_samples train test gap",
            rows=rows.generalisation_gap,
        ),
    ),
    caption="""The bound of fixed training images, as many as there are test images, and that of the
test images, by the same parameters along training. Their difference is the gap that overfitting
opens; the training curve of Figure 2, a running mean, lags behind.""",
)

FIG2_DISTANCE = table(
    "fig2_distance",
    *("5", EXPERIMENTS, "Figure 2: distance to the paper"),
    target="fig2",
    content="fig2.latent_dims",
    algorithm="AEVB, wake-sleep",
    latent_dim="fig2.latent_dims",
    inputs={"curves": needs.fig2_curves},
    given=PAPER_FIG2,
    tables=(
        Table(
            "tables/fig2_distance.csv",
            "dataset latent_dim algorithm split training_samples ours seed_sd n_seeds paper"
            " difference",
            may_be_empty="seed_sd",
        ),
    ),
    reported=("output",),
    caption="""Our lower bound minus the paper's, in nats per datapoint, for each panel and curve
of Figure 2 at matched numbers of training samples.""",
)

FIG2_SEEDS = figure(
    "fig2_seeds",
    *("5", EXPERIMENTS, "Figure 2: the paper's curves as further seeds"),
    target="fig2",
    content="fig2.latent_dims",
    wanted=lambda outputs: _several_seeds(outputs.fig2_runs()),
    algorithm="AEVB, wake-sleep",
    latent_dim="fig2.latent_dims",
    inputs={"curves": needs.fig2_curves},
    given=PAPER_FIG2,
    outputs={"csv": "figures/fig2_seeds.csv"},
    tables=(
        Table(
            "figures/fig2_seeds.csv",
            f"dataset latent_dim algorithm split training_samples {FURTHER_SEED}",
            may_be_empty="half_width",
        ),
    ),
    paper="One run of each curve is shown.",
    told_from=("figures/fig2_seeds.csv",),
    caption=f"""The paper's test curves of Figure 2 minus the mean of our seeds. {INTERVAL}""",
)

FIG3 = figure(
    "fig3",
    *("5, App. E", EXPERIMENTS, "Figure 3"),
    target="fig3",
    content="fig3.dataset",
    algorithm="all",
    latent_dim="fig3.latent_dim",
    inputs={"likelihoods": needs.fig3_likelihoods},
    given=PAPER_FIG3,
    options=FIG3_ESTIMATORS,
    outputs={"csv": "figures/fig3.csv"},
    tables=(
        Table(
            "figures/fig3.csv",
            "source dataset latent_dim n_train algorithm split estimator seed training_samples"
            " marginal_log_likelihood standard_error n_points n_flagged"
            " marginal_log_likelihood_passed acceptance rhat ess divergences seconds"
            " likelihood_evaluations",
            may_be_empty="seed standard_error n_points n_flagged marginal_log_likelihood_passed"
            " acceptance rhat ess divergences seconds likelihood_evaluations",
            rows=rows.fig3,
        ),
    ),
    paper="N = 1000: AEVB above MCEM above wake-sleep on training points; N = 50 000: MCEM far"
    " below both.",
    told_from=("tables/fig3_orders.csv",),
    caption="""Figure 3: the marginal log-likelihood of the first 1000 training and test points
along training, for AEVB, wake-sleep and Monte Carlo EM with small and large training sets. Above
by the paper's own estimator (Appendix D, 50 posterior samples), below by quadrature, which is
exact for these three latent dimensions. The thin lines are the paper's own curves, always by its
estimator. Hollow points: the estimator's own checks flagged more than 5 % of the datapoints.""",
)

FIG3_SEEDS = figure(
    "fig3_seeds",
    *("5, App. E", EXPERIMENTS, "Figure 3: the paper's curves as further seeds"),
    target="fig3",
    content="fig3.dataset",
    wanted=lambda outputs: _several_seeds(outputs.fig3_runs()),
    algorithm="all",
    latent_dim="fig3.latent_dim",
    inputs={"likelihoods": needs.fig3_likelihoods},
    given=PAPER_FIG3,
    options=FIG3_ESTIMATORS,
    outputs={"csv": "figures/fig3_seeds.csv"},
    tables=(
        Table(
            "figures/fig3_seeds.csv",
            f"dataset latent_dim n_train algorithm split estimator training_samples {FURTHER_SEED}",
            may_be_empty="half_width",
        ),
    ),
    paper="One run of each curve is shown.",
    told_from=("figures/fig3_seeds.csv",),
    caption=f"""The paper's curves of Figure 3 minus the mean of our seeds, by the first of the
estimators, the paper's own as its authors' library computes it. {INTERVAL}""",
)

FIG3_DISTANCE = table(
    "fig3_distance",
    *("5, App. E", EXPERIMENTS, "Figure 3: distance to the paper"),
    target="fig3",
    rule="fig3_tables",
    content="fig3.dataset",
    algorithm="all",
    latent_dim="fig3.latent_dim",
    inputs={"likelihoods": needs.fig3_likelihoods},
    given=PAPER_FIG3,
    options=FIG3_ESTIMATORS,
    outputs={"output": "tables/fig3_distance.csv", "orders": "tables/fig3_orders.csv"},
    tables=(
        Table(
            "tables/fig3_distance.csv",
            "n_train algorithm split estimator training_samples ours seed_sd n_seeds flagged_share"
            " paper difference",
            may_be_empty="seed_sd",
        ),
        Table(
            "tables/fig3_orders.csv",
            "n_train split estimator training_samples order paper_order agrees",
        ),
    ),
    reported=("output", "orders"),
    caption="""Our marginal log-likelihood minus the paper's, in nats per datapoint, for each
curve of Figure 3 and each of our estimators at matched numbers of training samples; and whether
the three algorithms rank as in the paper there.""",
)

FIG4 = figure(
    "fig4",
    *("4", VISUALISATION, "Figure 4"),
    target="fig4",
    content="fig4.rows",
    algorithm="AEVB",
    latent_dim="2",
    computed=Command(
        "manifold",
        "manifold",
        code=("aevb.stages.generation", "aevb.stages.trained", *PICTURES),
        inputs={"weights": needs.weights("fig4.rows", 2)},
        options={"rows": needs.manifold_rows},
        outputs={"output": "figures/fig4.npz", "table": "figures/fig4.csv"},
        threads=True,
    ),
    inputs={"pictures": "figures/fig4.npz"},
    tables=(Table("figures/fig4.csv", "dataset row column z1 z2 mean_pixel", rows=rows.fig4),),
    paper="A two-dimensional latent space is a smooth manifold of images.",
    told_from=("figures/fig4.npz",),
    caption="""Figure 4: the learned manifolds of models with a two-dimensional latent space: the
decoder's means at the quantiles (i + ½)/n of the prior, z₁ down the rows and z₂ along the
columns; Frey Face 10 × 10, MNIST 20 × 20, as in the paper.""",
)

FIG5 = figure(
    "fig5",
    *("4", VISUALISATION, "Figure 5"),
    target="fig5",
    content="fig5.latent_dims",
    algorithm="AEVB",
    latent_dim="fig5.latent_dims",
    computed=Command(
        "sample",
        "sample",
        code=("aevb.stages.generation", "aevb.stages.trained", *PICTURES),
        inputs={"weights": needs.weights("fig5.latent_dims")},
        options={"rows": setting("fig5.rows"), "seed": setting("fig5.seed")},
        outputs={"output": "figures/fig5.npz", "table": "figures/fig5.csv"},
        threads=True,
    ),
    inputs={"pictures": "figures/fig5.npz"},
    tables=(
        Table(
            "figures/fig5.csv",
            "dataset latent_dim seed row column squared_norm mean_pixel",
            rows=rows.fig5,
        ),
    ),
    paper="Samples for N_z = 2, 5, 10 and 20, to be judged by eye.",
    told_from=("figures/fig5.npz",),
    caption="""Figure 5: random samples from the generative models for several sizes of the latent
space: the decoder's means at draws from the prior, as in the paper.""",
)

LIKENESS = table(
    "likeness",
    *("4", VISUALISATION, "Figure 5: samples and test images"),
    target="comparisons",
    rule="likeness_page",
    log="likeness_page",
    content="comparisons.samples",
    algorithm="AEVB",
    latent_dim="comparisons.samples",
    computed=Command(
        "likeness",
        "likeness",
        code=("aevb.stages.likeness", "aevb.stages.generation", "aevb.stages.trained"),
        inputs={"weights": needs.weights("comparisons.samples")},
        records={"record": needs.datasets("comparisons.samples")},
        options={"samples": lambda outputs: setting("fig5.rows")(outputs) ** 2},
        outputs={"output": "tables/likeness.csv"},
        threads=True,
    ),
    inputs={"table": "tables/likeness.csv"},
    outputs={"page": "tables/likeness.html"},
    tables=(
        Table(
            "tables/likeness.csv",
            "dataset latent_dim kind nearest nearest_standard_error apart apart_standard_error"
            " images",
            rows=rows.likeness,
        ),
    ),
    paper="Samples for N_z = 2, 5, 10 and 20, to be judged by eye.",
    told_from=("tables/likeness.csv",),
    caption="""Figure 5's samples in numbers: how far each is from the nearest test image, and the
samples from one another, in root mean squared differences of pixels; beside them the same samples
with every pixel drawn from a sample of its own, which keeps each pixel's distribution and nothing
else, and test images.""",
)

ENTRIES = (
    FIG1,
    FIG2,
    FIG2_SEEDS,
    FIG2_DISTANCE,
    LONG_RUN,
    FIG3,
    FIG3_SEEDS,
    FIG3_DISTANCE,
    GENERALISATION_GAP,
    FIG4,
    FIG5,
    LIKENESS,
)
