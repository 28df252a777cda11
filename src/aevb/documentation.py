"""The page that explains every configuration key, and the JSON schemas for editors and others;
both are written from the models that check a person's settings."""

from aevb.audit.claims_file import ClaimsFile
from aevb.schema.writing import page, schema_file
from aevb.settings import Configuration, Datasets

MODELS = {
    "config.yaml": Configuration,
    "datasets.yaml": Datasets,
    "claims.yaml": ClaimsFile,
}


def configuration_page() -> str:
    """Markdown with a table of keys for each configuration file."""
    introduction = [
        "Written by `make docs` from the models in `src/aevb/settings`, `src/aevb/algorithms`,"
        " `src/aevb/likelihood` and `src/aevb/audit`; do not edit by hand.",
        "`NAME` stands for a name of your choice. Any key of config.yaml can be overridden on the"
        " command line, as in `snakemake --cores all --config scale=full`.",
    ]
    return page("Configuration", introduction, MODELS)


def schema_files() -> dict[str, str]:
    """The JSON schema of each configuration file, by the name of its own file."""
    return {
        f"{file.removesuffix('.yaml')}.schema.yaml": schema_file(model)
        for file, model in MODELS.items()
    }
