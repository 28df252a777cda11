# Configuration, wildcards and the functions that the rules' inputs and params come from.
import csv
import json
import os
import shlex
import sys
from pathlib import Path

from snakemake.checkpoints import Checkpoint

from aevb import config as configuration
from aevb.errors import AevbError
from aevb.likelihood.budgets import MAX_LATENT_DIM
from aevb.outputs import PROJECTIONS, Outputs
from aevb.provenance import code_hash

# What captions find in the configuration. A module has that of the importing workflow, and this is
# read again for each of its `use rule`.
CAPTIONS = ("left_out", "findings", "verdicts")


def refuse(reason):
    """End the workflow before any job, with one line."""
    sys.exit(f"configuration error: {reason}")


def asked(function, *arguments, **options):
    """What ``function`` makes of a person's settings or wishes, which it may refuse."""
    try:
        return function(*arguments, **options)
    except AevbError as error:
        refuse(error)


SETTINGS, DATASETS = asked(
    configuration.load,
    {key: value for key, value in config.items() if key not in CAPTIONS},
    configuration_file("datasets.yaml"),
)

config |= SETTINGS
FIGURES = SETTINGS["figures"]
FIG2 = FIGURES["fig2"]
CACHE = SETTINGS["cache_dir"]
SELECTION = "results/{scale}/runs/{variant}/{dataset}/{algorithm}"
RUN = f"{SELECTION}/latent_dim_{{latent_dim}}"
FIG3 = FIGURES["fig3"]
SELECTION_FIG3 = f"{SELECTION}/hidden_units_{{hidden_units}}/n_train_{{n_train}}"
RUN_FIG3 = f"{SELECTION_FIG3}/latent_dim_{{latent_dim}}"
FULL_VB = RUN_FIG3.replace("{algorithm}", "full_vb")
UNTRAINED = "results/{scale}/runs/untrained/{dataset}/hidden_units_{hidden_units}"
TRUTH_UNTRAINED = f"{UNTRAINED}/latent_dim_{{latent_dim}}/estimators.csv"
TRUTH_PPCA = (
    "results/{scale}/runs/ppca/{dataset}/latent_dim_{latent_dim}/estimators.csv"
)


OUTPUTS = Outputs(
    SETTINGS, DATASETS, SETTINGS["scale"], lambda dataset: is_available(dataset)
)


def here(path):
    """Where a file that the workflow makes is: below the prefix that an importing workflow gives."""
    return Path(str(workflow.modifier.modify_path(path)))


def given(path):
    """A file that no rule makes, as an input. No prefix is meant for it. Below the working directory
    it is relative, so that the place of the whole says nothing."""
    path, folder = Path(path).absolute(), Path.cwd()
    return local(str(path.relative_to(folder) if path.is_relative_to(folder) else path))


wildcard_constraints:
    scale="|".join(SETTINGS["scales"]),
    variant="|".join(SETTINGS["variants"]),
    dataset="|".join(DATASETS),
    algorithm="|".join(configuration.ALGORITHMS),
    latent_dim="[1-9][0-9]*",
    hidden_units="[1-9][0-9]*",
    n_train="[1-9][0-9]*",


def sizes(latent_dims):
    """The sizes of the latent space given by data set, as text: one number or a list each."""
    found = {
        n
        for dims in latent_dims.values()
        for n in (dims if isinstance(dims, list) else [dims])
    }
    return ", ".join(map(str, sorted(found)))


def labels(figure, form, dataset, algorithm, latent_dim):
    """What the report calls a figure or table."""
    return {
        "figure": figure,
        "data set": dataset,
        "algorithm": algorithm,
        "N_z": latent_dim,
        "format": form,
    }


def experiment(wildcards, latent_dim, n_train=None):
    """The settings of one training run, of Figure 3 where there is an ``n_train``."""
    return asked(
        configuration.experiment,
        SETTINGS,
        DATASETS,
        dataset=wildcards.dataset,
        latent_dim=int(latent_dim),
        algorithm=wildcards.algorithm,
        variant=wildcards.variant,
        scale=wildcards.scale,
        n_train=n_train and int(n_train),
        hidden_units=int(wildcards.hidden_units) if n_train else None,
    )


def training_settings(wildcards):
    n_train = wildcards.get("n_train")
    return experiment(wildcards, wildcards.latent_dim, n_train).to_json()


def snapshot_option(wildcards, output):
    """Where the weights along training go, of the runs that keep them."""
    path = output.get("snapshots")
    return f"--snapshots {shlex.quote(path)}" if path else ""


def selection_settings(wildcards):
    """The experiments on which the step size is selected: Figure 2's panels of the data set."""
    if wildcards.dataset not in FIG2["latent_dims"]:
        refuse(
            f"{wildcards.dataset} has no entry in figures.fig2.latent_dims, on which its step size"
            " would be selected"
        )
    panels = SETTINGS["scales"][wildcards.scale]["selection_panels"]
    return [
        experiment(wildcards, latent_dim).for_selection().to_json()
        for latent_dim in FIG2["latent_dims"][wildcards.dataset][:panels]
    ]


def fig3_selection_settings(wildcards):
    """The experiment on which the step size is selected: Figure 3's with that training set."""
    panel = experiment(wildcards, FIG3["latent_dim"], wildcards.n_train)
    return panel.for_selection().to_json()


def likelihood_estimators(wildcards):
    """Settings of the estimators that Figure 3 shows, and of the bound beside them."""
    names = dict.fromkeys([*FIG3["estimators"], FIG3["bound"]])
    names.pop(None, None)
    return json.dumps(
        asked(
            configuration.estimator_settings,
            SETTINGS,
            names,
            int(wildcards.latent_dim),
        )
    )


def drawn_estimators(wildcards):
    return " ".join(f"--estimator {shlex.quote(name)}" for name in FIG3["estimators"])


def likelihood_points(wildcards):
    return SETTINGS["scales"][wildcards.scale]["fig3"]["points"]


def fig3_runs(wildcards, file, algorithms, n_train):
    """A file of each run of Figure 3; fails where its data could not be had."""
    available([FIG3["dataset"]])
    return expand(
        f"{RUN_FIG3}/{file}",
        scale=wildcards.scale,
        variant=SETTINGS["variant"],
        dataset=FIG3["dataset"],
        algorithm=algorithms,
        hidden_units=FIG3["hidden_units"],
        n_train=n_train,
        latent_dim=FIG3["latent_dim"],
    )


def fig3_likelihoods(wildcards):
    return fig3_runs(wildcards, "likelihood.csv", FIG3["algorithms"], FIG3["n_train"])


def truth_settings(wildcards):
    return SETTINGS["scales"][wildcards.scale]["truth"]


def truth_estimators(wildcards):
    """Settings of the estimators that are compared with the truth."""
    wanted = truth_settings(wildcards)["estimators"]
    return json.dumps({name: SETTINGS["estimators"][name] for name in wanted})


def network_truth_estimators(wildcards):
    """The same for a network, of which the truth is quadrature's."""
    latent_dim = int(wildcards.latent_dim)
    if latent_dim > MAX_LATENT_DIM:
        refuse(
            f"latent_dim: {latent_dim} is too large for quadrature, which the estimators are"
            f" compared with: at most {MAX_LATENT_DIM}"
        )
    return truth_estimators(wildcards)


def truth_points(wildcards):
    return truth_settings(wildcards)["points"]


def truth_network_settings(wildcards):
    """The experiment whose network, before training, the estimators are compared on; of its data
    set alone where they are compared on probabilistic PCA."""
    return asked(
        configuration.experiment,
        SETTINGS,
        DATASETS,
        dataset=wildcards.dataset,
        latent_dim=int(wildcards.latent_dim),
        algorithm="aevb",
        n_train=max(FIG3["n_train"]),
        hidden_units=int(wildcards.get("hidden_units", FIG3["hidden_units"])),
    ).to_json()


def truth_tables(wildcards):
    """Tables of the estimators on probabilistic PCA and on Figure 3's networks, before training
    and after."""
    wanted = truth_settings(wildcards)
    dataset = FIGURES["estimators"]["dataset"]
    available([dataset])
    n_train = [max(FIG3["n_train"])]
    ppca = expand(
        TRUTH_PPCA,
        scale=wildcards.scale,
        dataset=dataset,
        latent_dim=wanted["latent_dims"],
    )
    untrained = expand(
        TRUTH_UNTRAINED,
        scale=wildcards.scale,
        dataset=FIG3["dataset"],
        hidden_units=FIG3["hidden_units"],
        latent_dim=FIG3["latent_dim"],
    )
    trained = fig3_runs(wildcards, "estimators.csv", wanted["algorithms"], n_train)
    return ppca + untrained + trained


def study_datasets(wildcards):
    """The data sets of a study that can be had."""
    return available(dict.fromkeys(one.dataset for one in study_experiments(wildcards)))


def study_experiments(wildcards):
    shown("section2", "dataset")
    return asked(
        configuration.study, SETTINGS, DATASETS, wildcards.study, wildcards.scale
    )


def study_settings(wildcards):
    datasets = study_datasets(wildcards)
    wanted = [one for one in study_experiments(wildcards) if one.dataset in datasets]
    return [one.to_json() for one in wanted]


def study_records(wildcards):
    return records_of(study_datasets(wildcards))


def study_step_sizes(wildcards):
    return expand(
        f"{SELECTION}/step_size.csv",
        scale=wildcards.scale,
        variant=SETTINGS["variant"],
        dataset=study_datasets(wildcards),
        algorithm="aevb",
    )


def step_size_options(wildcards, input):
    return " ".join(
        f"--step-size-table {shlex.quote(table)}" for table in input.step_sizes
    )


def gradient_weights(wildcards):
    dims = shown("section2", "gradients")
    return weights_of(wildcards, {dataset: [n] for dataset, n in dims.items()})


def gradient_records(wildcards):
    return records_of(FIGURES["section2"]["gradients"])


def section2_budget(wildcards):
    return SETTINGS["scales"][wildcards.scale]["section2"]


def gradient_options(wildcards):
    budget = section2_budget(wildcards)
    options = [f"--replicates {budget['replicates']}"]
    options += [f"--draws {n}" for n in budget["gradient_draws"]]
    options += [f"--minibatch {n}" for n in budget["gradient_minibatches"]]
    return " ".join(options)


def kl_draws(wildcards):
    return section2_budget(wildcards)["kl_draws"]


def reparameterisation_draws(wildcards):
    return section2_budget(wildcards)["reparameterisation_draws"]


def full_vb_experiment(wildcards, algorithm):
    """Full VB, or AEVB beside it, on Figure 3's network with section 2's budget."""
    one = asked(
        configuration.experiment,
        SETTINGS,
        DATASETS,
        dataset=wildcards.dataset,
        latent_dim=int(wildcards.latent_dim),
        algorithm=algorithm,
        variant=wildcards.variant,
        scale=wildcards.scale,
        n_train=int(wildcards.n_train),
        hidden_units=int(wildcards.hidden_units),
    )
    return one.with_budget(section2_budget(wildcards)["full_vb_samples"]).to_json()


def full_vb_settings(wildcards):
    return full_vb_experiment(wildcards, "full_vb")


def map_settings(wildcards):
    return full_vb_experiment(wildcards, "aevb")


def selected_for(wildcards, algorithm):
    values = {key: wildcards[key] for key in wildcards.keys()}
    return expand(
        f"{SELECTION_FIG3}/step_size.csv", **{**values, "algorithm": algorithm}
    )


def full_vb_step_size(wildcards):
    return selected_for(wildcards, "full_vb")


def map_step_size(wildcards):
    return selected_for(wildcards, "aevb")


def full_vb_options(wildcards):
    budget = section2_budget(wildcards)
    return f"--points {budget['points']} --weight-draws {budget['weight_draws']}"


def full_vb_tables(wildcards, file="full_vb.csv"):
    return fig3_runs(wildcards, file, ["full_vb"], FIGURES["section2"]["full_vb"])


def full_vb_histograms(wildcards):
    return full_vb_tables(wildcards, "signal_to_noise.csv")


def full_vb_prunings(wildcards):
    return full_vb_tables(wildcards, "pruning.csv")


def full_vb_folders(wildcards, input):
    return [str(Path(table).parent) for table in input.tables]


def section2_figures(wildcards):
    """The figures of section 2 that are configured, those whose data can be had."""
    drawn = OUTPUTS.section2_figures()
    page = f"results/{SETTINGS['scale']}/tables/reparameterisations.html"
    return [*figure_files(*drawn), *([page] if drawn else [])]


def weights_of(wildcards, latent_dims):
    """The weights of the AEVB runs with these N_z, given by data set; those that can be had."""
    return [
        weights
        for dataset in available(latent_dims)
        for weights in expand(
            f"{RUN}/weights.safetensors",
            scale=wildcards.scale,
            variant=SETTINGS["variant"],
            dataset=dataset,
            algorithm="aevb",
            latent_dim=latent_dims[dataset],
        )
    ]


def records_of(datasets):
    """The records of those data sets that can be had."""
    return [f"{CACHE}/{dataset}.json" for dataset in available(datasets)]


def shown(figure, key):
    """What a figure is to show, which must be something where it is asked for."""
    content = FIGURES[figure][key]
    if not content:
        own = (
            "; images of your own need a 2 in latent_dims"
            if SETTINGS["dataset"]
            else ""
        )
        refuse(
            f"figures.{figure}.{key}: names no data set, so nothing can be drawn{own}"
        )
    return content


def manifold_weights(wildcards):
    rows = shown("fig4", "rows")
    return weights_of(wildcards, {dataset: [2] for dataset in rows})


def manifold_rows(wildcards):
    rows = FIGURES["fig4"]["rows"]
    return " ".join(f"--rows {rows[dataset]}" for dataset in available(rows))


def sample_weights(wildcards):
    return weights_of(wildcards, shown("fig5", "latent_dims"))


def projection_weights(wildcards):
    return weights_of(wildcards, shown("projection", "latent_dims"))


def projection_records(wildcards):
    return records_of(FIGURES["projection"]["latent_dims"])


def explorer_weights(wildcards):
    datasets = shown("explorer", "datasets")
    return weights_of(wildcards, {dataset: [2] for dataset in datasets})


def explorer_curves(wildcards):
    return [
        str(Path(weights).with_name("curve.csv"))
        for weights in explorer_weights(wildcards)
    ]


def curve_options(wildcards, input):
    return " ".join(f"--curve {shlex.quote(curve)}" for curve in input.curves)


def denoising_options(wildcards):
    content = FIGURES["applications"]
    return f"--noise {content['noise']} --bit-flips {content['bit_flips']}"


def super_resolution_options(wildcards):
    return f"--factor {FIGURES['applications']['factor']}"


def probe_weights(wildcards):
    return weights_of(wildcards, shown("applications", "representation"))


def probe_records(wildcards):
    return records_of(FIGURES["applications"]["representation"])


def application_weights(wildcards):
    latent_dims = shown("applications", "latent_dims")
    return weights_of(wildcards, {dataset: [n] for dataset, n in latent_dims.items()})


def application_records(wildcards):
    return records_of(FIGURES["applications"]["latent_dims"])


def anomaly_weights(wildcards):
    dataset = shown("applications", "anomaly")
    latent_dim = FIGURES["applications"]["latent_dims"][dataset]
    return weights_of(wildcards, {dataset: [latent_dim]})


def anomaly_record(wildcards):
    return records_of([FIGURES["applications"]["anomaly"]])


def foreign_record(wildcards):
    """The record of the other data set; none where it cannot be had."""
    foreign = FIGURES["applications"]["foreign"]
    return (
        [f"{CACHE}/{foreign}.json"]
        if foreign is not None and is_available(foreign)
        else []
    )


def foreign_option(wildcards, input):
    return f"--foreign {shlex.quote(str(input.foreign))}" if input.foreign else ""


def record_options(wildcards, input):
    return " ".join(f"--record {shlex.quote(record)}" for record in input.records)


def applications_budget(wildcards):
    return SETTINGS["scales"][wildcards.scale]["applications"]


def application_points(wildcards):
    return applications_budget(wildcards)["points"]


def probe_images(wildcards):
    return applications_budget(wildcards)["probe_images"]


def hmc_budget(wildcards):
    return json.dumps(applications_budget(wildcards)["hmc"], sort_keys=True)


def ais_budget(wildcards):
    return json.dumps(applications_budget(wildcards)["ais"], sort_keys=True)


def figure_files(*names):
    return [f"results/{SETTINGS['scale']}/figures/{name}.pdf" for name in names]


def application_figures(wildcards):
    return figure_files(*OUTPUTS.applications())


def application_tables(wildcards):
    return expand(
        "results/{scale}/figures/{application}.csv",
        scale=wildcards.scale,
        application=OUTPUTS.applications(),
    )


def applications_table(wildcards):
    if not OUTPUTS.applications():
        return []
    return f"results/{SETTINGS['scale']}/tables/applications.csv"


def explorer_page(wildcards):
    if not OUTPUTS.some(FIGURES["explorer"]["datasets"]):
        return []
    return f"results/{SETTINGS['scale']}/explorer.html"


def run_records(wildcards):
    """The records of the training runs behind the figures, of those that can be had."""
    files = fig2_curves(wildcards)
    if OUTPUTS.some(FIGURES["projection"]["latent_dims"]):
        files = files + projection_weights(wildcards)
    if is_available(FIG3["dataset"]):
        files += fig3_likelihoods(wildcards)
    runs = dict.fromkeys(str(Path(file).with_name("run.json")) for file in files)
    return list(runs)


def findings_inputs(wildcards):
    """All that is drawn of what can be had."""
    figures = ["fig2.csv"]
    tables = ["fig2_distance.csv"]
    if is_available(FIG3["dataset"]):
        tables.append("fig3_orders.csv")
    if is_available(FIGURES["estimators"]["dataset"]):
        figures.append("estimators.csv")
    pictures = {
        "fig4.npz": "fig4",
        "fig5.npz": "fig5",
        "latent_usage.csv": "projection",
    }
    keys = {"fig4": "rows", "fig5": "latent_dims", "projection": "latent_dims"}
    figures += [
        file
        for file, name in pictures.items()
        if OUTPUTS.some(FIGURES[name][keys[name]])
    ]
    return (
        expand("results/{scale}/figures/{file}", scale=wildcards.scale, file=figures)
        + expand("results/{scale}/tables/{file}", scale=wildcards.scale, file=tables)
        + application_tables(wildcards)
        + section2_tables(wildcards)
    )


def section2_tables(wildcards):
    """The tables of section 2's figures."""
    pictures = [
        Path(path) for path in section2_figures(wildcards) if path.endswith(".pdf")
    ]
    tables = [f"results/{wildcards.scale}/figures/{path.stem}.csv" for path in pictures]
    if tables:
        tables.append(f"results/{wildcards.scale}/tables/reparameterisations.csv")
    return tables


def everything(wildcards):
    """All that the default target draws and tabulates, of the data sets that can be had."""
    available(FIG2["latent_dims"])
    return [f"results/{SETTINGS['scale']}/{file}" for file in OUTPUTS.files()]


def record_files(wildcards):
    """What a manifest waits for: all that is made of this scale."""
    if wildcards.scale != SETTINGS["scale"]:
        refuse(
            f"the manifest and the audit of {wildcards.scale} need --config"
            f" scale={wildcards.scale}"
        )
    return everything(wildcards)


def all_records(wildcards):
    """The records of all data sets that a figure may want, whether they can be had or not."""
    for dataset in OUTPUTS.datasets():
        fetched(dataset)
    return [f"{CACHE}/{dataset}.json" for dataset in OUTPUTS.datasets()]


def reference_numbers(wildcards):
    return sorted(map(given, RESOURCES.glob("reference/*.csv")))


def audit_files(wildcards):
    folder = f"results/{SETTINGS['scale']}"
    return [f"{folder}/audit/claims.csv", f"{folder}/figures/audit.pdf"]


def settings_json(wildcards):
    """The checked configuration, as it decides numbers."""
    return json.dumps(
        {k: v for k, v in SETTINGS.items() if k != "checkpoint_seconds"}, sort_keys=True
    )


def definition(wildcards):
    return json.dumps(DATASETS[wildcards.dataset], sort_keys=True)


def fetch_attempt(wildcards):
    """What the local folder holds of the data set, as text: where it changes, the data set is
    fetched again. Of one that was had it stays what it was then, wherever that folder is now,
    unless its files have no checksums and others are there."""
    definition = DATASETS[wildcards.dataset]
    default = SETTINGS["data_dir"] or os.environ.get("AEVB_DATA_DIR")
    sources = [one for one in definition["sources"] if one["kind"] == "local"]
    folders = [source.get("folder") or default for source in sources]
    candidates = [
        Path(os.path.expanduser(folder), f"{name}{suffix}")
        for folder in filter(None, folders)
        for name in definition["files"]
        for suffix in ("", ".gz")
    ]
    found = [
        f"{path.name} of {path.stat().st_mtime_ns}"
        for path in candidates
        if path.exists()
    ]
    outcome = outcomes().get(wildcards.dataset, {"available": False})
    pinned = all(file.get("sha256") for file in definition["files"].values())
    if outcome["available"] and "attempt" in outcome and (pinned or not found):
        return outcome["attempt"]
    return ", ".join(found) or "no local file"


RECORDS = [here(f"{CACHE}/{dataset}.json") for dataset in DATASETS]


def outcomes():
    """What the last attempt to get each data set came to, of those that were tried."""
    found = {}
    for path in RECORDS:
        if path.exists():
            try:
                outcome = json.loads(path.read_text(encoding="utf-8"))
                found[outcome["dataset"]] = {"reason": None} | outcome
                outcome["available"]
            except (ValueError, LookupError, TypeError):
                sys.exit(
                    f"{path} is damaged; delete it, and the data set is fetched again"
                )
    return found


def left_out():
    """The data sets that the last attempt could not get, with the reason."""
    return {
        dataset: outcome["reason"]
        for dataset, outcome in outcomes().items()
        if not outcome["available"]
    }


def fetched(dataset):
    """Wait for the job that gets the data set, or finds that it cannot be had."""
    # A rule that another workflow imports by itself finds no `checkpoints.fetch`.
    Checkpoint(rules.fetch.rule, checkpoints).get(dataset=dataset)


def is_available(dataset):
    """Whether the data set could be had; waits for the job that finds out."""
    fetched(dataset)
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
    """The selections behind Figures 2 and 3, those whose data could be had."""
    runs = fig2_curves(wildcards)
    if is_available(FIG3["dataset"]):
        runs = runs + fig3_likelihoods(wildcards)
    folders = (Path(run).parent.parent for run in runs)
    return [str(folder / "step_size.csv") for folder in dict.fromkeys(folders)]


def variant_curves(wildcards):
    """For the table of variants: each variant's name and its curves."""
    latent_dims = shown("variants", "latent_dims")
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


def figure_3(wildcards):
    available([FIG3["dataset"]])
    return f"results/{SETTINGS['scale']}/figures/fig3.pdf"


def fig3_tables(wildcards):
    return expand(
        "results/{scale}/tables/{table}.csv",
        scale=SETTINGS["scale"],
        table=["fig3_distance", "fig3_orders"],
    )


def estimators_figure(wildcards):
    available([FIGURES["estimators"]["dataset"]])
    return f"results/{SETTINGS['scale']}/figures/estimators.pdf"


def figure_2(wildcards):
    available(FIG2["latent_dims"])
    return f"results/{SETTINGS['scale']}/figures/fig2.pdf"


def fig2_distance(wildcards):
    return f"results/{SETTINGS['scale']}/tables/fig2_distance.csv"


def by_figure(path):
    """The rows of a finished table for each figure, for its caption; nothing before that."""
    lines = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                lines.setdefault(row["figure"], []).append(row)
    return lines


def figure_note(wildcards):
    return f"scale {wildcards.scale}, variant {SETTINGS['variant']}"


def report_left_out_data():
    """Say loudly which data sets were left out."""
    for dataset, reason in left_out().items():
        line = "=" * 88
        print(
            f"\n{line}\nLEFT OUT: {dataset}. Its figures were not drawn.\n{reason}\nIt is asked for"
            " again by `make reproduce`, or when a file of it comes into the local folder or"
            f" {CACHE}/{dataset}.json is deleted.\n{line}",
            file=sys.stderr,
        )


# What the jobs are told outside their params, because it changes no result: where the package is
# (it may not be installed, as in --sdm conda), where checkpoints and local files lie, what computes.
ENVIRONMENT = {
    "AEVB_CHECKPOINTS": SETTINGS["checkpoint_dir"],
    "AEVB_COMPILED": Path(SETTINGS["checkpoint_dir"]) / "compiled",
    "AEVB_CHECKPOINT_SECONDS": SETTINGS["checkpoint_seconds"],
    "AEVB_REQUIRE_ALL_DATA": int(SETTINGS["require_all_data"]),
    "AEVB_BACKEND": configuration.execution(SETTINGS),
}
if SETTINGS["data_dir"]:
    ENVIRONMENT["AEVB_DATA_DIR"] = SETTINGS["data_dir"]
EXPORTS = "".join(
    f"export {name}={shlex.quote(str(value))}; " for name, value in ENVIRONMENT.items()
)
EXPORTS += f'export PYTHONPATH={shlex.quote(str(ROOT / "src"))}'
EXPORTS += '"${PYTHONPATH:+:$PYTHONPATH}"; '
# A prefix takes the place of the one before, that of an importing workflow or Snakemake's own, which
# makes bash strict. It is a format.
PREFIX = shell._process_prefix or "set -euo pipefail; "
if EXPORTS not in PREFIX:
    shell.prefix((PREFIX + EXPORTS).replace("{", "{{").replace("}", "}}"))

RESULTS = here(f"results/{SETTINGS['scale']}")
config |= {
    "left_out": left_out(),
    "findings": by_figure(RESULTS / "tables/findings.csv"),
    "verdicts": by_figure(RESULTS / "audit/claims.csv"),
}
