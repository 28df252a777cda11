"""The training runs: how their step sizes were selected, variants of the protocol, provenance."""

from aevb.catalogue import needs, rows
from aevb.catalogue.entries.common import EXPERIMENTS, PAPER_FIG2
from aevb.catalogue.product import Command, Table, figure, table

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
            may_be_empty="n_train tensorflow",
            rows=rows.runs,
        ),
    ),
    caption="""Every training run behind Figures 2 to 5 and the applications: settings, budget,
speed, memory, machine, library version and the hash of the code that trained it. Each has a
``run.json`` with everything.""",
)

WEIGHTS = table(
    "weights",
    *("", "Provenance", "trained weights"),
    algorithm="AEVB, wake-sleep, MCEM",
    latent_dim="several",
    wanted=lambda outputs: bool(outputs.kept()),
    computed=Command(
        "keep-weights",
        "keep_weights",
        code=("aevb.stages.weights",),
        inputs={"weights": needs.kept_weights},
        outputs={"output": "weights"},
        mem_mb=1000,
        runtime="10m",
    ),
    inputs={"folder": "weights"},
    tables=(
        Table(
            "tables/weights.csv",
            "file dataset latent_dim algorithm n_train hidden_units seed training_samples encoder"
            " parameters bytes",
            may_be_empty="n_train",
            rows=rows.weights,
        ),
    ),
    reported=("output",),
    caption="""Trained models in half precision, of the first seed, in the folder ``weights``:
``aevb apply``, the manifolds, the samples and the explorer work with them as with others.""",
)

PROTOCOL = figure(
    "protocol",
    *("5", "Protocol variants", "settings against the paper"),
    target="protocol",
    of_record=False,
    algorithm="AEVB, wake-sleep",
    given={"study": "resources/protocol_study/curves.csv.gz", **PAPER_FIG2},
    outputs={"csv": "figures/protocol.csv", "ranking": "tables/protocol.csv"},
    caption="""Settings that the paper leaves open, trained with up to eight seeds each: the paper's
test curve in the 95 % prediction interval of a further seed, for the setting that ranks best and
for the library's. Settings are ranked by the first of the paper's training entries and test
values, and judged by others.""",
)

PROTOCOL_CURVES = table(
    "protocol_curves",
    *("5", "Protocol variants", "curves of the protocol study"),
    target="protocol_study",
    module="protocol",
    content="fig2.latent_dims",
    of_record=False,
    algorithm="AEVB, wake-sleep",
    inputs={"curves": needs.protocol_curves},
    caption="""The curves of all settings of the protocol study, with all their seeds and step
sizes.""",
)

PROTOCOL_STUDY = figure(
    "protocol_study",
    *("5", "Protocol variants", "settings against the paper, trained anew"),
    target="protocol_study",
    module="protocol",
    content="fig2.latent_dims",
    of_record=False,
    algorithm="AEVB, wake-sleep",
    inputs={"study": "tables/protocol_curves.csv"},
    arguments=False,
    given=PAPER_FIG2,
    outputs={"csv": "figures/protocol_study.csv", "ranking": "tables/protocol_study.csv"},
    caption="""The same as the figure of the protocol, of curves that were trained here.""",
)

ENTRIES = (STEP_SIZES, VARIANTS, RUNS, WEIGHTS, PROTOCOL, PROTOCOL_CURVES, PROTOCOL_STUDY)
