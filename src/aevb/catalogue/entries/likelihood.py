"""The marginal likelihood (Appendix D and E): its estimators against the truth."""

from aevb.catalogue import needs, rows
from aevb.catalogue.product import Table, figure

ESTIMATORS = figure(
    "estimators",
    *("App. D", "Appendix D and E", "estimators against the truth"),
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

ENTRIES = (ESTIMATORS,)
