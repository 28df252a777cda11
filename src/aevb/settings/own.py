"""A person's own images in place of the paper's: the data set, and the configuration for it."""

import re
from pathlib import Path

from aevb.data.formats import content_sha256, flat, image_parts
from aevb.data.reading import FOLDER, Arrays, FormatError
from aevb.errors import ConfigError
from aevb.schema.kinds import for_dataset
from aevb.schema.reading import validate
from aevb.settings.configuration import PER_DATASET, Configuration

_NAME = "images"
_MANIFOLD_ROWS = 10
_LATENT_DIMS = (2, 5, 10, 20)
_BLOCKS = (4, 3, 2, 1)
"""Sides of the blocks of super-resolution, of which the first that divides the images is taken."""


def adapt(given: Configuration, definitions: dict) -> tuple[Configuration, dict]:
    """The configuration and the data set definitions for the file that ``dataset`` names.

    Every figure and table is made of its images alone. The scale is called ``<name>_<scale>``, so
    that the results lie beside the paper's, not over them. Pixels are divided by 255, whatever the
    variant, so that numbers in [0, 1] stay what they are.

    Raises:
        ConfigError: one line that says what is wrong with the file.
    """
    name, definition, arrays = describe(Path(given.dataset), given.observation or "bernoulli")
    if name in definitions:
        name = f"own_{name}"
    if list(given.scales) == [given.scale] and given.scale.startswith(f"{name}_"):
        # The workflow hands its jobs the configuration that this has already adapted.
        return given, {name: definition}
    config = given.model_dump()
    groups = [config, *config["scales"].values(), *config["variants"].values()]
    for group in groups:
        for key in PER_DATASET & set(group):
            value = for_dataset(group[key], name, key)
            # A table by algorithm would be taken for one by data set.
            group[key] = {name: value} if isinstance(value, dict) else value
    for variant in config["variants"].values():
        variant["pixel_divisor"] = 255
    n_train, n_pixels = arrays["train"].shape
    scale = config["scale"]
    budget = config["scales"][scale]
    dims = config["latent_dims"] or [n for n in _LATENT_DIMS if n <= n_pixels]
    if n_pixels < 2 or max(dims) > n_pixels:
        raise ConfigError(
            f"dataset: {config['dataset']}: has images of {n_pixels} pixels; two or more are"
            " needed, and no size in latent_dims above their number"
        )
    chosen = 10 if 10 in dims else dims[-1]
    budget["section2"]["panels"] = {name: [chosen]}
    figures = _figures(config["figures"], name, definition["image_shape"], dims, chosen, n_train)
    named = f"{name}_{scale}"
    own = {"scale": named, "scales": {named: budget}, "figures": figures}
    return validate(Configuration, config | own, "config"), {name: definition}


def describe(path: Path, observation: str) -> tuple[str, dict, Arrays]:
    """What a file of images is: a name for it, its definition as in config/datasets.yaml, and its
    arrays, uint8 [n, pixels] by part.

    Raises:
        ConfigError: the file is missing, unreadable, or no file of images.
    """
    try:
        parts, understood = image_parts(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(f"dataset: {path}: there is no such file") from None
    except IsADirectoryError:
        raise ConfigError(f"dataset: {path}: {FOLDER}") from None
    except OSError as error:
        raise ConfigError(f"dataset: {path} cannot be read: {error.strerror}") from None
    except FormatError as error:
        raise ConfigError(f"dataset: {path}: {error}") from None
    arrays = {part: flat(images) for part, images in parts.items()}
    stem = Path(path.name.removesuffix(".gz")).stem
    name = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or _NAME
    name = name if name[0].isalpha() else f"{_NAME}_{name}"
    definition = {
        "format": "npz",
        "image_shape": list(parts["train"].shape[1:]),
        "label": stem,
        "understood": understood,
        "observation": observation,
        "sources": [{"kind": "local", "folder": str(path.parent)}],
        "split": None,
    }
    definition["files"] = {path.name: {"sha256": content_sha256(arrays, {}, definition)}}
    return name, definition, arrays


def _figures(
    figures: dict, name: str, image_shape: list[int], dims: list[int], chosen: int, n_train: int
) -> dict:
    """What the figures show, of the one data set with these sizes of the latent space."""
    factor = next(n for n in _BLOCKS if not any(side % n for side in image_shape))
    sizes = list(dict.fromkeys(min(n, n_train) for n in figures["fig3"]["n_train"]))
    plane = 2 in dims
    changes = {
        "fig2": {"latent_dims": {name: dims}},
        "fig3": {"dataset": name, "n_train": sizes},
        "fig4": {"rows": {name: _MANIFOLD_ROWS} if plane else {}},
        "fig5": {"latent_dims": {name: dims}},
        "projection": {"latent_dims": {name: dims} if plane else {}},
        "overfitting": {"datasets": [name]},
        "explorer": {"datasets": [name] if plane else []},
        "applications": {
            "latent_dims": {name: chosen},
            "representation": {},
            "anomaly": name,
            "foreign": None,
            "factor": factor,
        },
        "section2": {
            "dataset": name,
            "latent_dim": chosen,
            "gradients": {name: chosen},
            "full_vb": sizes,
        },
        "estimators": {"dataset": name},
        "variants": {"latent_dims": {name: [chosen]}},
    }
    found = {figure: content | changes.get(figure, {}) for figure, content in figures.items()}
    # Section 7's studies are of the paper's data, and so are the comparisons and the long runs.
    return found | {"future_work": {}, "comparisons": {}, "long_run": {}}
