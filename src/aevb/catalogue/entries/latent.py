"""The latent space (sections 4 and 5): where data lie in it, what of it is used, the explorer."""

from aevb.catalogue import needs, rows
from aevb.catalogue.entries.common import EXPERIMENTS, VISUALISATION
from aevb.catalogue.product import Command, Table, figure, table
from aevb.models.registry import TANH_DECODERS

PROJECT = Command(
    "project",
    "project",
    code=("aevb.stages.encoding",),
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
    # The page computes the decoder itself.
    wanted=lambda outputs: all(
        outputs.run(dataset, 2, "aevb").experiment.architecture in TANH_DECODERS
        for dataset in outputs.named("explorer.datasets")
    ),
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

ENTRIES = (PROJECTION, LATENT_USAGE, EXPLORER)
