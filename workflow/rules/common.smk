# Configuration, wildcards, and how rules ask the package what they read, make and are told.
import json
import os
import secrets
import shlex
import sys
from functools import partial, wraps
from pathlib import Path

from snakemake.checkpoints import Checkpoint

from aevb import catalogue
from aevb import settings as configuration
from aevb.data import attempts
from aevb.errors import AevbError, ConfigError, UnavailableError
from aevb.process import fork_server
from aevb.workflow.jobs import PROTOCOL_RUN, Jobs, exports
from aevb.workflow.outputs import Outputs
from aevb.provenance import code_hash

# What captions find in the configuration. A module has that of the importing workflow, and this is
# read again for each of its `use rule`.
CAPTIONS = ("left_out", "captions")


def refuse(reason):
    """End the workflow before any job, with one line."""
    sys.exit(f"configuration error: {reason}")


def asked(function, *arguments, **options):
    """What ``function`` makes of a person's settings or wishes, which it may refuse."""
    try:
        return function(*arguments, **options)
    except UnavailableError as error:
        raise WorkflowError(str(error))
    except ConfigError as error:
        refuse(error)
    except AevbError as error:
        sys.exit(str(error))


def asking(function):
    """The same as a function of a job's wildcards."""
    return wraps(function)(partial(asked, function))


SETTINGS, DATASETS = asked(
    configuration.load,
    {key: value for key, value in config.items() if key not in CAPTIONS},
    configuration_file("datasets.yaml"),
)

config |= SETTINGS
FIG2, FIG3 = SETTINGS["figures"]["fig2"], SETTINGS["figures"]["fig3"]
CACHE = SETTINGS["cache_dir"]
SELECTION = "results/{scale}/runs/{variant}/{dataset}/{algorithm}"
RUN = f"{SELECTION}/latent_dim_{{latent_dim}}"
SELECTION_FIG3 = f"{SELECTION}/hidden_units_{{hidden_units}}/n_train_{{n_train}}"
RUN_FIG3 = f"{SELECTION_FIG3}/latent_dim_{{latent_dim}}"


OUTPUTS = Outputs(
    SETTINGS, DATASETS, SETTINGS["scale"], lambda dataset: is_available(dataset)
)
JOBS = Jobs(OUTPUTS)


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


def snapshot_option(wildcards, output):
    """Where the weights along training go, of the runs that keep them."""
    path = output.get("snapshots")
    return f"--snapshots {shlex.quote(path)}" if path else ""


def study_step_sizes(wildcards):
    if wildcards.study in configuration.SELECTING:
        return []
    return expand(
        f"{SELECTION}/step_size.csv",
        scale=wildcards.scale,
        variant=SETTINGS["variant"],
        dataset=asked(JOBS.study_datasets, wildcards),
        algorithm="aevb",
    )


def step_size_options(wildcards, input):
    return " ".join(
        f"--step-size-table {shlex.quote(table)}" for table in input.step_sizes
    )


def selected_for(wildcards, algorithm):
    values = {key: wildcards[key] for key in wildcards.keys()}
    return expand(
        f"{SELECTION_FIG3}/step_size.csv", **{**values, "algorithm": algorithm}
    )


def full_vb_step_size(wildcards):
    return selected_for(wildcards, "full_vb")


def map_step_size(wildcards):
    return selected_for(wildcards, "aevb")


def product_outputs(one):
    """What it makes, by name; pictures and pages with what the report says of them."""
    said = {"caption": "../report/product.rst", "category": one.category}
    made = {
        k: path if Path(path).suffix else directory(path)
        for k, path in one.outputs.items()
    }
    for option in filter(one.is_reported, made):
        made[option] = report(made[option], labels=one.labels(option), **said)
    return made


def results(files, wildcards=None):
    return [f"results/{SETTINGS['scale']}/{file}" for file in files]


def target_files(target, wildcards):
    return results(asked(catalogue.asked_for, target, OUTPUTS))


def everything(wildcards):
    """All that the default target draws and tabulates, of the data sets that can be had."""
    asked(OUTPUTS.shown, "fig2.latent_dims")
    return results(catalogue.files(OUTPUTS))


def record_files(wildcards):
    """What a manifest waits for: all that is made of this scale."""
    asked(JOBS.check_scale, wildcards)
    return everything(wildcards)


def all_records(wildcards):
    """The records of all data sets that a figure may want, whether they can be had or not."""
    for dataset in OUTPUTS.datasets():
        fetched(dataset)
    return [f"{CACHE}/{dataset}.json" for dataset in OUTPUTS.datasets()]


def record_options(wildcards, input):
    return " ".join(f"--record {shlex.quote(record)}" for record in input.records)


RECORDS = [here(f"{CACHE}/{dataset}.json") for dataset in DATASETS]


def fetch_attempt(wildcards):
    """What an attempt to fetch the data set depends on, as text."""
    outcome = asked(attempts.outcomes, RECORDS).get(wildcards.dataset)
    folder = SETTINGS["data_dir"] or os.environ.get("AEVB_DATA_DIR")
    return attempts.attempt(DATASETS[wildcards.dataset], folder, outcome)


def left_out():
    """The data sets that the last attempt could not get, with the reason."""
    return asked(attempts.left_out, RECORDS)


def fetched(dataset):
    """Wait for the job that gets the data set, or finds that it cannot be had."""
    # A rule that another workflow imports by itself finds no `checkpoints.fetch`.
    Checkpoint(rules.fetch.rule, checkpoints).get(dataset=dataset)


def is_available(dataset):
    """Whether the data set could be had; waits for the job that finds out."""
    fetched(dataset)
    return dataset not in left_out()


def report_left_out_data():
    """Say loudly which data sets were left out."""
    for dataset, reason in left_out().items():
        print(attempts.banner(dataset, reason, CACHE), file=sys.stderr)


# A prefix takes the place of the one before, that of an importing workflow or Snakemake's own, which
# makes bash strict. It is a format.
EXPORTS = exports(SETTINGS, ROOT / "src")
PREFIX = shell._process_prefix or "set -euo pipefail; "
if EXPORTS not in PREFIX:
    shell.prefix((PREFIX + EXPORTS).replace("{", "{{").replace("}", "}}"))


def start_fork_server():
    """One process loads the libraries for all jobs that run here, with the Python of this shell,
    unless the environment names one or none."""
    shared = workflow.local_exec and not workflow.deployment_settings.deployment_method
    if shared and fork_server.is_possible() and fork_server.VARIABLE not in os.environ:
        name = secrets.token_hex(16)
        shell(
            f"python -m aevb.process.fork_server {name} {os.getpid()}"
            " < /dev/null > /dev/null 2>&1 &"
        )
        os.environ[fork_server.VARIABLE] = name


AUDITED = partial(results, ["audit/claims.csv", "figures/audit.pdf"])
RESULTS = here(f"results/{SETTINGS['scale']}")
config |= {"left_out": left_out(), "captions": catalogue.captions(RESULTS)}
