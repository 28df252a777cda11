# Configuration, wildcards and the functions that the rules' inputs and params come from.
import json
import os
import shlex
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir, "src")))

from aevb import config as configuration
from aevb.errors import AevbError
from aevb.provenance import code_hash

try:
    SETTINGS, DATASETS = configuration.load(
        config,
        Path(workflow.basedir, "config/datasets.yaml"),
        Path(workflow.basedir, "workflow/schemas"),
    )
except AevbError as error:
    sys.exit(f"configuration error: {error}")

config |= SETTINGS
FIG2 = SETTINGS["figures"]["fig2"]
CACHE = SETTINGS["cache_dir"]
SELECTION = "results/{scale}/runs/{variant}/{dataset}/{algorithm}"
RUN = f"{SELECTION}/latent_dim_{{latent_dim}}"


wildcard_constraints:
    scale="|".join(SETTINGS["scales"]),
    variant="|".join(SETTINGS["variants"]),
    dataset="|".join(DATASETS),
    algorithm="|".join(configuration.ALGORITHMS),
    latent_dim="[1-9][0-9]*",


def experiment(wildcards, latent_dim):
    """The settings of one training run."""
    return configuration.experiment(
        SETTINGS,
        DATASETS,
        dataset=wildcards.dataset,
        latent_dim=int(latent_dim),
        algorithm=wildcards.algorithm,
        variant=wildcards.variant,
        scale=wildcards.scale,
    )


def training_settings(wildcards):
    return experiment(wildcards, wildcards.latent_dim).to_json()


def selection_settings(wildcards):
    """The experiments on which the step size is selected: Figure 2's panels of the data set."""
    if wildcards.dataset not in FIG2["latent_dims"]:
        sys.exit(
            f"configuration error: {wildcards.dataset} has no entry in figures.fig2.latent_dims,"
            " on which its step size would be selected"
        )
    return [
        experiment(wildcards, latent_dim).for_selection().to_json()
        for latent_dim in FIG2["latent_dims"][wildcards.dataset]
    ]


def definition(wildcards):
    return json.dumps(DATASETS[wildcards.dataset], sort_keys=True)


def fetch_attempt(wildcards):
    """Changes when the data set should be fetched again: what was not to be had, and local files
    without a checksum that have changed."""
    if wildcards.dataset in left_out():
        return f"again at {time.time()}"
    folder = SETTINGS["data_dir"] or os.environ.get("AEVB_DATA_DIR")
    unpinned = [
        Path(folder, name)
        for name, file in DATASETS[wildcards.dataset]["files"].items()
        if folder and not file.get("sha256")
    ]
    return [f"{path.stat().st_mtime_ns}" for path in unpinned if path.exists()]


def left_out():
    """The data sets that the last attempt could not get, with the reason."""
    records = [Path(CACHE, f"{dataset}.json") for dataset in DATASETS]
    outcomes = [json.loads(path.read_text()) for path in records if path.exists()]
    return {
        outcome["dataset"]: outcome["reason"]
        for outcome in outcomes
        if not outcome["available"]
    }


def cache_folder(wildcards):
    return CACHE


def is_available(dataset):
    """Whether the data set could be had; waits for the job that finds out."""
    checkpoints.fetch.get(dataset=dataset)
    return dataset not in left_out()


def available(datasets):
    found = [dataset for dataset in datasets if is_available(dataset)]
    if not found:
        raise WorkflowError(
            "no data set could be had; the logs in results/logs/fetch say why and what to do"
        )
    return found


def curves_of(dataset, latent_dims, scale, variant):
    return expand(
        f"{RUN}/curve.csv",
        scale=scale,
        variant=variant,
        dataset=dataset,
        algorithm=FIG2["algorithms"],
        latent_dim=latent_dims,
    )


def fig2_curves(wildcards):
    """The curves that Figure 2 shows: of one data set, or of all that can be had."""
    wanted = wildcards.get("of", "")
    datasets = [wanted.removeprefix("_")] if wanted else available(FIG2["latent_dims"])
    return [
        curve
        for dataset in datasets
        for curve in curves_of(
            dataset,
            FIG2["latent_dims"][dataset],
            wildcards.get("scale", SETTINGS["scale"]),
            SETTINGS["variant"],
        )
    ]


def step_size_tables(wildcards):
    folders = (Path(curve).parent.parent for curve in fig2_curves(wildcards))
    return [str(folder / "step_size.csv") for folder in dict.fromkeys(folders)]


def variant_curves(wildcards):
    """For the table of variants: each variant's name and its curves."""
    latent_dims = SETTINGS["figures"]["variants"]["latent_dims"]
    return {
        variant: [
            curve
            for dataset in available(latent_dims)
            for curve in curves_of(
                dataset, latent_dims[dataset], wildcards.scale, variant
            )
        ]
        for variant in SETTINGS["variants"]
    }


def named_variant_curves(wildcards):
    return [
        f"{variant}={curve}"
        for variant, curves in variant_curves(wildcards).items()
        for curve in curves
    ]


def figure_2(wildcards):
    available(FIG2["latent_dims"])
    return f"results/{SETTINGS['scale']}/figures/fig2.pdf"


def fig2_distance(wildcards):
    return f"results/{SETTINGS['scale']}/tables/fig2_distance.csv"


def tables(wildcards):
    return expand(
        "results/{scale}/tables/{table}.csv",
        scale=SETTINGS["scale"],
        table=["fig2_distance", "step_sizes"],
    )


def figure_note(wildcards):
    return f"scale {wildcards.scale}, variant {SETTINGS['variant']}"


def report_left_out_data():
    """Say loudly which data sets were left out."""
    for dataset, reason in left_out().items():
        line = "=" * 88
        print(
            f"\n{line}\nLEFT OUT: {dataset}. Its figures were not drawn.\n{reason}\n{line}",
            file=sys.stderr,
        )


# What the jobs are told outside their params, because it changes no result: where the package is
# (it may not be installed, as in --sdm conda), where checkpoints and local files lie.
ENVIRONMENT = {
    "PYTHONPATH": Path(workflow.basedir, "src"),
    "AEVB_CHECKPOINTS": SETTINGS["checkpoint_dir"],
    "AEVB_CHECKPOINT_SECONDS": SETTINGS["checkpoint_seconds"],
    "AEVB_REQUIRE_ALL_DATA": int(SETTINGS["require_all_data"]),
}
if SETTINGS["data_dir"]:
    ENVIRONMENT["AEVB_DATA_DIR"] = SETTINGS["data_dir"]
shell.prefix(
    "".join(
        f"export {name}={shlex.quote(str(value))}; "
        for name, value in ENVIRONMENT.items()
    )
)
config["left_out"] = left_out()
