"""The method (sections 2.2 to 2.4, Appendices B and F), tried one piece at a time."""

from aevb.catalogue import needs, rows
from aevb.catalogue.entries.common import METHOD
from aevb.catalogue.needs import budget
from aevb.catalogue.product import Command, Product, Table, figure, table
from aevb.workflow.outputs import Outputs

STUDY = (
    "estimator posterior samples_per_datapoint batch_size weight_prior dataset latent_dim"
    " algorithm split seed training_samples lower_bound seconds"
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
        code=("aevb.section2.gradients", "aevb.stages.trained"),
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


def study(
    name: str,
    section: str,
    paper: str,
    caption: str,
    summary: str,
    columns: str = STUDY,
    target: str = "section2",
    **more,
) -> Product:
    """An entry of section 2 in which one setting is changed at a time, trained by `study`."""
    return figure(
        name,
        *(section, METHOD, name.replace("_", " ")),
        rule="draw_study",
        target=target,
        wanted=lambda outputs: bool(outputs.study(name)),
        algorithm="AEVB",
        inputs={"table": f"figures/{name}.csv"},
        outputs={"summary": f"tables/{name}.csv"},
        reported=("summary",),
        tables=(
            Table(f"figures/{name}.csv", columns, rows=getattr(rows, name)),
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
by SGVB A and B (2.3), all with the step size selected for SGVB B; own_step_sizes has each with one
of its own.""",
    "estimator train test gap",
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
    "posterior train test gap",
)

WEIGHT_PRIOR = study(
    "weight_prior",
    "2.1, 5",
    "Without an experiment: MAP in place of maximum likelihood.",
    """MAP against maximum likelihood (2.1), with the step size selected for MAP.""",
    "dataset latent_dim weight_prior train test gap",
)

KL_DIVERGENCE = figure(
    "kl_divergence",
    *("App. B", "Appendix B", "analytic KL"),
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
        code=("aevb.models.posteriors.reparameterisations.table",),
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
    *("App. F", "Appendix F", "full VB against MAP"),
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
            "n_train seed method split marginal_log_likelihood standard_error gain_over_map"
            " gain_standard_error n_points",
            rows=rows.full_vb_methods,
        ),
        Table(
            "figures/weight_uncertainty_pruning.csv",
            "n_train seed method pruned marginal_log_likelihood",
            rows=rows.full_vb,
        ),
        Table(
            "figures/weight_uncertainty_signal_to_noise.csv",
            "n_train seed tensor decibels weights",
            rows=rows.full_vb,
        ),
    ),
    paper="Without an experiment: full variational Bayes over the weights.",
    told_from=("figures/weight_uncertainty.csv",),
    caption="""Appendix F: full variational Bayes, with a posterior over each weight of the
decoder, against MAP on Figure 3's network: the exact marginal likelihood of training and test
points, the weights' signal-to-noise ratio, and what is left when the least certain weights are
set to zero. Both at equal samples: neither has converged.""",
)

OWN_STEP_SIZES = study(
    "own_step_sizes",
    "2.2, 5",
    "The naive estimator is impractical.",
    """the score-function estimator (2.2), with and without a baseline, and SGVB B, each with the
step size that is selected for it by its own first bounds.""",
    "estimator step_size train test gap",
    columns=f"{STUDY} hidden_units step_size",
    target="comparisons",
)

HIDDEN_UNITS = study(
    "hidden_units",
    "5",
    "Frey Face: 200 hidden units to prevent overfitting.",
    """200 hidden units, as the paper took for Frey Face against overfitting, and 500, each with the
step size that is selected for it: the test bound, and the gap between training and test.""",
    "dataset latent_dim hidden_units step_size train test gap",
    columns=f"{STUDY} hidden_units step_size",
    target="comparisons",
)

ENTRIES = (
    *(OWN_STEP_SIZES, HIDDEN_UNITS),
    *(GRADIENT_VARIANCE, GRADIENT_ESTIMATORS, DRAWS_AND_MINIBATCHES, POSTERIORS, WEIGHT_PRIOR),
    *(KL_DIVERGENCE, REPARAMETERISATIONS, WEIGHT_UNCERTAINTY),
)
