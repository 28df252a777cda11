"""Every figure, table and page: one entry each, in the order in which they are told."""

from collections.abc import Callable

from aevb.catalogue import needs, rows
from aevb.catalogue.needs import budget, setting
from aevb.catalogue.product import Command, Product, Table, figure, table
from aevb.outputs import Outputs

METHOD, APPLICATIONS = "2 Method", "2.1 What a trained model is for"
VISUALISATION, EXPERIMENTS = "4 Visualisation", "5 Experiments"
ESTIMATION, ANALYTIC_KL, FULL_VB = "Appendix D and E", "Appendix B", "Appendix F"

PAPER_FIG2 = {"paper": "resources/paper/fig2_lower_bound.csv"}
PAPER_FIG3 = {"paper": "resources/paper/fig3_marginal_likelihood.csv"}
FIG3_ESTIMATORS = {"estimator": setting("fig3.estimators")}

MEASUREMENTS = "application dataset latent_dim condition method quantity value low high n_images"
STUDY = (
    "estimator posterior samples_per_datapoint batch_size weight_prior dataset latent_dim"
    " algorithm split seed training_samples lower_bound seconds"
)
PICTURES = ("aevb.pictures",)


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
    tables=(
        Table(
            "figures/fig2.csv",
            "source dataset latent_dim algorithm split seed training_samples lower_bound",
            may_be_empty="seed",
            rows=rows.fig2,
        ),
    ),
    paper="AEVB converges faster than wake-sleep and reaches a better solution in all panels.",
    told_from=("figures/fig2.csv", "tables/fig2_distance.csv"),
    caption="""Figure 2: the variational lower bound along training, AEVB against wake-sleep, for
several sizes of the latent space. Training curves are running means over the minibatches since
the previous point; test curves are means over the whole test set. The thin lines are the paper's
own curves.""",
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
        code=("aevb.generation", "aevb.trained", *PICTURES),
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
        code=("aevb.generation", "aevb.trained", *PICTURES),
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

PROJECT = Command(
    "project",
    "project",
    code=("aevb.encoding",),
    inputs={"weights": needs.weights("projection.latent_dims")},
    records={"record": needs.datasets("projection.latent_dims")},
    outputs={"projection": "figures/projection.csv", "usage": "figures/latent_usage.csv"},
    threads=True,
)

PROJECTION = figure(
    "projection",
    *("4", VISUALISATION, "projection"),
    target="projection",
    content="projection.latent_dims",
    algorithm="AEVB",
    latent_dim="2",
    computed=PROJECT,
    inputs={"table": "figures/projection.csv"},
    tables=(
        Table(
            "figures/projection.csv",
            "dataset latent_dim split image label z1 z2",
            may_be_empty="label",
            rows=rows.projection,
        ),
    ),
    caption="""Section 4, visualisation of high-dimensional data: the encoder's means in a
two-dimensional latent space; the MNIST test set by digit, and Frey Face, which is a video, as a
path in time. The paper projects too, but prints only the manifolds of Figure 4.""",
)

LATENT_USAGE = figure(
    "latent_usage",
    *("5", EXPERIMENTS, "latent usage"),
    target="projection",
    content="projection.latent_dims",
    algorithm="AEVB",
    latent_dim="projection.latent_dims",
    computed=PROJECT,
    inputs={"table": "figures/latent_usage.csv"},
    tables=(
        Table(
            "figures/latent_usage.csv",
            "dataset latent_dim rank dimension kl mean_variance active",
            rows=rows.latent_usage,
        ),
    ),
    paper="Superfluous latent variables do not lead to overfitting.",
    told_from=("figures/latent_usage.csv", "figures/fig2.csv"),
    caption="""Why superfluous latent variables do not overfit (section 5): the mean KL of each
latent dimension on the test set, in descending order. A dimension that is not needed goes back to
the prior, where it costs nothing and says nothing. Filled marks: active units (posterior mean
with a variance above 0.01).""",
)

EXPLORER = table(
    "explorer",
    *("4", VISUALISATION, "latent explorer"),
    target="explorer",
    words="explorer",
    rule="build_explorer",
    code=("aevb.explorer.build",),
    content="explorer.datasets",
    algorithm="AEVB",
    latent_dim="2",
    inputs={
        "weights": needs.weights("explorer.datasets", 2),
        "curve": needs.curves("explorer.datasets", 2),
        "projection": "figures/projection.csv",
    },
    unasked={"template": "src/aevb/explorer/template.html"},
    outputs={"output": "explorer.html"},
    caption="""The latent explorer: drag the point (or use the arrow keys) and see what the
decoder makes of it. It works without a network.""",
)

ESTIMATORS = figure(
    "estimators",
    *("App. D", ESTIMATION, "estimators against the truth"),
    target="estimators",
    content="estimators.dataset",
    algorithm="all",
    latent_dim="several",
    inputs={"tables": needs.truths},
    outputs={"page": "tables/estimators.html", "csv": "figures/estimators.csv"},
    tables=(
        Table(
            "figures/estimators.csv",
            "model latent_dim estimator budget truth n_points n_flagged bias bias_standard_error"
            " standard_deviation rmse bias_passed seconds likelihood_evaluations",
            may_be_empty="bias_passed n_points n_flagged seconds likelihood_evaluations",
            rows=rows.estimators,
        ),
    ),
    paper="The estimator of the marginal likelihood is good for fewer than five dimensions.",
    told_from=("figures/estimators.csv",),
    caption="""Estimators of the marginal likelihood against the truth: probabilistic PCA in
closed form for several sizes of the latent space, and the trained networks of Figure 3 by
quadrature. Bias is the mean of estimate minus truth in nats per datapoint; bars are one standard
deviation of a single datapoint's error. The last panel sets the error against its cost.""",
)


def application(
    name: str,
    heading: str,
    content: str,
    promise: str,
    caption: str,
    computed: Command,
    **more,
) -> Product:
    """An entry of section 2.1, which is drawn from the table of ``aevb evaluate``."""
    made = {"table": f"figures/{name}.csv", "pictures": f"figures/{name}.npz"}
    return figure(
        name,
        *("2.1", APPLICATIONS, heading),
        target="applications",
        content=content,
        algorithm="AEVB",
        latent_dim=more.pop("latent_dim", "applications.latent_dims"),
        computed=computed,
        inputs={option: made[option] for option in made if option in computed.outputs}
        | more.pop("inputs", {}),
        tables=(
            Table(
                f"figures/{name}.csv",
                MEASUREMENTS,
                may_be_empty="low high",
                rows=more.pop("rows", rows.restoration),
            ),
            *more.pop("tables", ()),
        ),
        paper=f"Without an experiment: {promise}.",
        told_from=(f"figures/{name}.csv",),
        caption=caption,
        **more,
    )


def evaluation(name: str, code: str, options: dict[str, Callable[[Outputs], object]]) -> Command:
    """The command that measures how well images are restored."""
    return Command(
        f"evaluate {name.replace('_', '-')}",
        f"evaluate_{name}",
        code=(f"aevb.applications.{code}", *PICTURES),
        inputs={"weights": needs.weights("applications.latent_dims")},
        records={"record": needs.datasets("applications.latent_dims")},
        options={"points": budget("applications.points"), **options},
        outputs={"table": f"figures/{name}.csv", "pictures": f"figures/{name}.npz"},
        stem=True,
        threads=True,
    )


HMC, AIS = {"hmc": budget("applications.hmc")}, {"ais": budget("applications.ais")}

REPRESENTATION = application(
    "representation",
    "representation",
    "applications.representation",
    "the latent variables are useful for data representation",
    """Section 2.1, representation: a linear probe (multinomial logistic regression) reads the
digit off the encoder's means, as many principal components, or all pixels.""",
    Command(
        "evaluate representation",
        "evaluate_representation",
        code=("aevb.applications.representation",),
        inputs={"weights": needs.weights("applications.representation")},
        records={"record": needs.datasets("applications.representation")},
        options={"probe_images": budget("applications.probe_images")},
        outputs={"output": "figures/representation.csv"},
        threads=True,
        mem_mb=6000,
    ),
    latent_dim="applications.representation",
    inputs={"table": "figures/representation.csv"},
    rows=rows.representation,
)

DENOISING = application(
    "denoising",
    "denoising",
    "applications.latent_dims",
    "inference of x serves denoising",
    """Section 2.1, denoising: test images with Gaussian noise or inverted pixels. The encoder
takes them for clean images; Hamiltonian Monte Carlo samples the posterior of z given what is
seen, with the noise in its likelihood.""",
    evaluation(
        "denoising",
        "restoration",
        {
            **HMC,
            "noise": setting("applications.noise"),
            "bit_flips": setting("applications.bit_flips"),
        },
    ),
    module="restoration",
)

SUPER_RESOLUTION = application(
    "super_resolution",
    "super-resolution",
    "applications.latent_dims",
    "inference of x serves super-resolution",
    """Section 2.1, super-resolution: only the means of blocks of pixels are seen. The encoder
takes an image enlarged by a spline; Hamiltonian Monte Carlo samples the posterior of z given the
block means.""",
    evaluation(
        "super_resolution", "restoration", {**HMC, "factor": setting("applications.factor")}
    ),
    module="restoration",
)

INPAINTING = application(
    "inpainting",
    "inpainting",
    "applications.latent_dims",
    "inference of x serves inpainting",
    """Section 2.1, inpainting: the lower half is missing. Completions by the encoder, in turn
with the decoder, and by Hamiltonian Monte Carlo given the pixels that are seen; and the
log-likelihood of the missing half against that of a model that has seen nothing.""",
    evaluation("inpainting", "inpainting", {**HMC, **AIS}),
)

ANOMALY = application(
    "anomaly",
    "anomaly ranking",
    "applications.anomaly",
    "the marginal likelihood tells what the data are like",
    """Section 2.1, the marginal likelihood: images unlike the data, told by the encoder's bound,
by annealed importance sampling, and by probabilistic PCA of the same size.""",
    Command(
        "evaluate anomaly",
        "evaluate_anomaly",
        code=("aevb.applications.anomaly", *PICTURES),
        inputs={"weights": needs.anomaly_weights},
        records={"record": needs.datasets("applications.anomaly"), "foreign": needs.foreign},
        options={"points": budget("applications.points"), **AIS},
        outputs={
            "table": "figures/anomaly.csv",
            "pictures": "figures/anomaly.npz",
            "scores": "figures/anomaly_scores.csv",
        },
        arguments=False,
        stem=True,
        threads=True,
    ),
    inputs={"scores": "figures/anomaly_scores.csv"},
    rows=rows.anomaly,
    tables=(Table("figures/anomaly_scores.csv", "dataset method kind image score"),),
)

OF_SECTION_2_1 = (REPRESENTATION, DENOISING, SUPER_RESOLUTION, INPAINTING, ANOMALY)

ALL_APPLICATIONS = table(
    "applications",
    *("2.1", APPLICATIONS, "all numbers"),
    target="applications",
    algorithm="AEVB",
    latent_dim="several",
    wanted=lambda outputs: any(one.is_made(outputs) for one in OF_SECTION_2_1),
    inputs={
        "tables": lambda outputs: [
            f"figures/{one.name}.csv" for one in OF_SECTION_2_1 if one.is_made(outputs)
        ]
    },
    outputs={"output": "tables/applications.csv", "page": "tables/applications.html"},
    tables=(Table("tables/applications.csv", MEASUREMENTS, may_be_empty="low high"),),
    caption="""Every number of section 2.1's applications, with 95 % intervals over test images.""",
)


def has_section_2(outputs: Outputs) -> bool:
    """Whether the configuration has section 2 run at all."""
    return bool(outputs.named("section2.dataset"))


GRADIENT_VARIANCE = figure(
    "gradient_variance",
    *("2.2, 2.3", METHOD, "gradient variance"),
    target="section2",
    content="section2.gradients",
    wanted=has_section_2,
    algorithm="AEVB",
    latent_dim="section2.gradients",
    computed=Command(
        "section2 gradients",
        "gradient_variance",
        code=("aevb.section2.gradients", "aevb.trained"),
        inputs={"weights": needs.weights("section2.gradients")},
        records={"record": needs.datasets("section2.gradients")},
        options={
            "replicates": budget("section2.replicates"),
            "draws": budget("section2.gradient_draws"),
            "minibatch": budget("section2.gradient_minibatches"),
        },
        outputs={"output": "figures/gradient_variance.csv"},
        threads=True,
        log="gradients",
    ),
    inputs={"table": "figures/gradient_variance.csv"},
    outputs={"ratios": "tables/gradient_variance.csv"},
    tables=(
        Table(
            "figures/gradient_variance.csv",
            "dataset latent_dim state estimator samples_per_datapoint batch_size variance"
            " standard_error signal replicates",
            rows=rows.gradient_variance,
        ),
        Table(
            "tables/gradient_variance.csv",
            "dataset state estimator samples_per_datapoint batch_size ratio",
        ),
    ),
    paper="The naive estimator has a very high variance and is impractical; SGVB B typically has"
    " less than A.",
    told_from=("figures/gradient_variance.csv",),
    caption="""Section 2.2 and 2.3: the variance of each estimator of the bound's gradient in φ,
before and after training, against L and against M. All are unbiased.""",
)


def study(name: str, section: str, paper: str, caption: str, summary: str, **more) -> Product:
    """An entry of section 2 in which one setting is changed at a time, trained by `study`."""
    return figure(
        name,
        *(section, METHOD, name.replace("_", " ")),
        rule="draw_study",
        target="section2",
        wanted=lambda outputs: bool(outputs.study(name)),
        algorithm="AEVB",
        inputs={"table": f"figures/{name}.csv"},
        outputs={"summary": f"tables/{name}.csv"},
        reported=("summary",),
        tables=(
            Table(f"figures/{name}.csv", STUDY, rows=getattr(rows, name)),
            Table(f"tables/{name}.csv", summary, **more),
        ),
        paper=paper,
        told_from=(f"figures/{name}.csv",),
        caption=f"Section 2, one setting changed at a time: {caption}",
    )


GRADIENT_ESTIMATORS = study(
    "gradient_estimators",
    "2.2, 2.3",
    "The naive estimator is impractical.",
    """the same training by the score-function estimator (2.2), with and without a baseline, and
by SGVB A and B (2.3), all with the step size selected for SGVB B.""",
    "estimator test train gap",
)

DRAWS_AND_MINIBATCHES = study(
    "draws_and_minibatches",
    "2.3",
    "L = 1 is enough if M is large, e.g. 100.",
    """L and M, at equal samples and at equal cost ("L = 1 if M is large enough, e.g. 100"), with
the step size selected for L = 1, M = 100.""",
    "samples_per_datapoint batch_size training_samples at_equal_samples evaluations at_equal_cost",
    may_be_empty="at_equal_samples at_equal_cost",
    rows=rows.grid,
)

POSTERIORS = study(
    "posteriors",
    "2.4",
    "Without an experiment: any location-scale family can serve as q(z|x).",
    """other location-scale families of q(z|x) (2.4), with the step size selected for the
Gaussian.""",
    "posterior test train gap",
)

WEIGHT_PRIOR = study(
    "weight_prior",
    "2.1, 5",
    "Without an experiment: MAP in place of maximum likelihood.",
    """MAP against maximum likelihood (2.1), with the step size selected for MAP.""",
    "dataset latent_dim weight_prior test train gap",
)

KL_DIVERGENCE = figure(
    "kl_divergence",
    *("App. B", ANALYTIC_KL, "analytic KL"),
    target="section2",
    wanted=has_section_2,
    latent_dim="1 to 200",
    computed=Command(
        "section2 kl-divergence",
        "kl_divergence",
        code=("aevb.section2.kl_divergence",),
        options={"draws": budget("section2.kl_draws")},
        outputs={"output": "figures/kl_divergence.csv"},
        threads=True,
        log="kl_divergence_draws",
        mem_mb=2000,
        runtime="1h",
    ),
    inputs={"table": "figures/kl_divergence.csv"},
    tables=(
        Table(
            "figures/kl_divergence.csv",
            "latent_dim posterior analytic monte_carlo standard_error standard_deviation",
            rows=rows.kl_divergence,
        ),
    ),
    paper="The KL divergence of two Gaussians has a closed form.",
    told_from=("figures/kl_divergence.csv",),
    caption="""Appendix B: the KL divergence of a diagonal Gaussian to the prior, in closed form
and by Monte Carlo, for 1 to 200 latent dimensions.""",
)

REPARAMETERISATIONS = table(
    "reparameterisations",
    *("2.4", METHOD, "reparameterisations"),
    target="section2",
    rule="reparameterisations_page",
    log="reparameterisations_page",
    wanted=has_section_2,
    computed=Command(
        "section2 reparameterisations",
        "reparameterisations",
        code=("aevb.reparameterisation",),
        options={"draws": budget("section2.reparameterisation_draws")},
        outputs={"output": "tables/reparameterisations.csv"},
        threads=True,
        mem_mb=2000,
        runtime="1h",
    ),
    inputs={"table": "tables/reparameterisations.csv"},
    outputs={"page": "tables/reparameterisations.html"},
    tables=(
        Table(
            "tables/reparameterisations.csv",
            "family distribution transformation noise source parameter gradient exact"
            " standard_error z_score ks_p_value",
            rows=rows.reparameterisations,
        ),
    ),
    paper="Three families of distributions have a reparameterisation.",
    told_from=("tables/reparameterisations.csv",),
    caption="""Section 2.4: every distribution that the paper lists, its transformation of
auxiliary noise, and how far its pathwise gradients are from the exact ones, in standard errors of
the Monte Carlo mean.""",
)

WEIGHT_UNCERTAINTY = figure(
    "weight_uncertainty",
    *("App. F", FULL_VB, "full VB against MAP"),
    target="section2",
    content="fig3.dataset",
    wanted=lambda outputs: has_section_2(outputs) and bool(outputs.content("section2.full_vb")),
    algorithm="full VB",
    latent_dim="fig3.latent_dim",
    inputs={
        "tables": needs.full_vb("full_vb.csv"),
        "histograms": needs.full_vb("signal_to_noise.csv"),
        "prunings": needs.full_vb("pruning.csv"),
    },
    outputs={
        "csv": "figures/weight_uncertainty.csv",
        "pruning_table": "figures/weight_uncertainty_pruning.csv",
        "histogram_table": "figures/weight_uncertainty_signal_to_noise.csv",
    },
    tables=(
        Table(
            "figures/weight_uncertainty.csv",
            "n_train method split marginal_log_likelihood standard_error gain_over_map"
            " gain_standard_error n_points",
            rows=rows.full_vb_methods,
        ),
        Table(
            "figures/weight_uncertainty_pruning.csv",
            "n_train method pruned marginal_log_likelihood",
            rows=rows.full_vb,
        ),
        Table(
            "figures/weight_uncertainty_signal_to_noise.csv",
            "tensor decibels weights n_train",
            rows=rows.full_vb,
        ),
    ),
    paper="Without an experiment: full variational Bayes over the weights.",
    told_from=("figures/weight_uncertainty.csv",),
    caption="""Appendix F: full variational Bayes, with a posterior over each weight of the
decoder, against MAP on Figure 3's network: the exact marginal likelihood of training and test
points, the weights' signal-to-noise ratio, and what is left when the least certain weights are
set to zero.""",
)

STEP_SIZES = table(
    "step_sizes",
    *("5", EXPERIMENTS, "step size selection"),
    rule="step_size_table",
    algorithm="all",
    latent_dim="several",
    inputs={"tables": needs.step_sizes},
    tables=(
        Table(
            "tables/step_sizes.csv",
            "dataset latent_dim n_train algorithm variant seed step_size training_samples objective"
            " status mean_over_panels selected",
            may_be_empty="n_train objective mean_over_panels",
            rows=rows.step_sizes,
        ),
    ),
    reported=("output",),
    caption="""The candidates for Adagrad's global step size and their mean training bound over
the first training samples of each panel. The best candidate on average over the panels of a data
set and algorithm is selected; one that became non-finite anywhere loses.""",
)

VARIANTS = table(
    "variants",
    *("5", "Protocol variants", "variants against the paper"),
    target="variants",
    rule="variant_table",
    content="variants.latent_dims",
    of_record=False,
    algorithm="AEVB, wake-sleep",
    latent_dim="variants.latent_dims",
    inputs={"curves": needs.variant_curves},
    given=PAPER_FIG2,
    word=needs.variant_named,
    reported=("output",),
    caption="""The readings of the protocol that are configured, against the paper's own curves:
for each point the difference in nats per datapoint and which reading is closest.""",
)

RUNS = table(
    "runs",
    *("", "Provenance", "training runs"),
    algorithm="all",
    inputs={"records": needs.run_records},
    outputs={"output": "tables/runs.csv", "page": "tables/runs.html"},
    tables=(
        Table(
            "tables/runs.csv",
            "dataset algorithm latent_dim n_train variant seeds step_size training_samples"
            " samples_per_second training_minutes peak_memory_gb threads processor tensorflow code",
            may_be_empty="n_train",
            rows=rows.runs,
        ),
    ),
    caption="""Every training run behind Figures 2 to 5 and the applications: settings, budget,
speed, memory, machine, library version and the hash of the code that trained it. Each has a
``run.json`` with everything.""",
)

SHOWN = (
    *(FIG1, FIG2, FIG2_DISTANCE, FIG3, FIG3_DISTANCE, FIG4, FIG5),
    *(PROJECTION, LATENT_USAGE, EXPLORER, ESTIMATORS, *OF_SECTION_2_1, ALL_APPLICATIONS),
    *(GRADIENT_VARIANCE, GRADIENT_ESTIMATORS, DRAWS_AND_MINIBATCHES, POSTERIORS, WEIGHT_PRIOR),
    *(KL_DIVERGENCE, REPARAMETERISATIONS, WEIGHT_UNCERTAINTY, STEP_SIZES, VARIANTS, RUNS),
)

FINDINGS = table(
    "findings",
    *("", "Findings", "paper and replication"),
    rule="findings",
    folder=True,
    inputs={
        "tables": lambda outputs: [
            file for one in SHOWN if one.is_made(outputs) for file in one.told_from
        ]
    },
    code=("aevb.tables.findings", *(one.drawn.code[0] for one in SHOWN if one.told_from)),
    outputs={"output": "tables/findings.csv", "page": "tables/findings.html"},
    tables=(Table("tables/findings.csv", "figure section paper ours"),),
    caption="""For each figure: what the paper shows and what this replication shows, in numbers
from the finished tables. Whether the paper's claims hold is told by the audit's verdicts.""",
)

AUDIT = figure(
    "audit",
    *("", "Audit", "all verdicts"),
    of_record=False,
    inputs={"claims": "audit/claims.csv"},
    outputs={"csv": "figures/audit.csv"},
    tables=(Table("figures/audit.csv", "claim kind section says verdict holding cases"),),
    log="draw_audit",
    caption="""Every claim of the paper as a check on the finished tables, with its verdict, and
whether the record is whole and unaltered. Rules and tolerances are those of
``config/claims.yaml``.""",
)

PRODUCTS = (*SHOWN, FINDINGS, AUDIT)
