"""What section 2.1 says that a trained model is for, measured."""

from collections.abc import Callable

from aevb.catalogue import needs, rows
from aevb.catalogue.entries.common import PICTURES
from aevb.catalogue.needs import budget, setting
from aevb.catalogue.product import Command, Product, Table, figure, table
from aevb.workflow.outputs import Outputs

APPLICATIONS = "2.1 What a trained model is for"
MEASUREMENTS = "application dataset latent_dim condition method quantity value low high n_images"


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
log-likelihood of the missing half against that of a model that has seen nothing. The one of
annealed importance sampling is a difference of two estimates that are low on average, and so no
bound.""",
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

MEASURED = (REPRESENTATION, DENOISING, SUPER_RESOLUTION, INPAINTING, ANOMALY)

ALL_APPLICATIONS = table(
    "applications",
    *("2.1", APPLICATIONS, "all numbers"),
    target="applications",
    algorithm="AEVB",
    latent_dim="several",
    wanted=lambda outputs: any(one.is_made(outputs) for one in MEASURED),
    inputs={
        "tables": lambda outputs: [
            f"figures/{one.name}.csv" for one in MEASURED if one.is_made(outputs)
        ]
    },
    outputs={"output": "tables/applications.csv", "page": "tables/applications.html"},
    tables=(Table("tables/applications.csv", MEASUREMENTS, may_be_empty="low high"),),
    caption="""Every number of section 2.1's applications, with 95 % intervals over test images.""",
)

ENTRIES = (*MEASURED, ALL_APPLICATIONS)
