"""Reading and checking the configuration and the data sets that it names."""

from pathlib import Path

from aevb.errors import ConfigError
from aevb.schema.reading import read_yaml, validate
from aevb.settings.configuration import Configuration
from aevb.settings.consistency import check
from aevb.settings.datasets import Datasets


def load(config: dict | Path, datasets: Path) -> tuple[dict, dict]:
    """The checked configuration and the checked data set definitions, as plain tables that the
    workflow can hand on. :meth:`Configuration.of` makes a typed one of the former.

    Args:
        config: config.yaml's path, or its content with overrides applied.
        datasets: path of datasets.yaml.

    Raises:
        ConfigError: one line that names the key and the allowed values.
    """
    name = "config"
    if not isinstance(config, dict):
        name, config = str(config), read_yaml(config)
    definitions = validate(Datasets, read_yaml(datasets), str(datasets)).model_dump()["datasets"]
    checked = validate(Configuration, config or {}, name)
    if checked.dataset:
        # Here, as reading images takes SciPy, and that a second.
        from aevb.settings.own import adapt

        checked, definitions = adapt(checked, definitions)
    elif unused := [key for key in ("observation", "latent_dims") if getattr(checked, key)]:
        raise ConfigError(
            f"{name}: {unused[0]}: is for images of your own; name their file in `dataset`"
        )
    try:
        check(checked, definitions)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
    return checked.model_dump(), definitions
