"""Reading and checking the configuration, and turning it into the settings of one experiment."""

import json
import math
import os
import re
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from aevb.checkout import SCHEMAS
from aevb.errors import ConfigError
from aevb.likelihood.budgets import BUDGETS, MAX_LATENT_DIM

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LABELS = {"aevb": "AEVB", "wake_sleep": "wake-sleep", "mcem": "MCEM", "full_vb": "full VB"}
"""What tables and figures call the algorithms."""
ALGORITHMS = tuple(LABELS)
_SELECTION_N_TRAIN = 1000
_METHODS = {
    "harmonic": (
        "samples",
        "chains",
        "leapfrog_steps",
        "burn_in",
        "target_acceptance",
        "adaptation",
        "initial_step_size",
        "indexing",
        "jitter",
        "annealing",
        "density",
        "max_rhat",
    ),
    "importance": ("samples",),
    "ais": ("chains", "steps", "segments", "leapfrog_steps", "target_acceptance"),
    "quadrature": ("tolerance",),
}
PER_DATASET = {
    "hidden_units",
    "batch_size",
    "pixel_divisor",
    "training_samples",
    "selection_samples",
    "seeds",
}


_PATHS = ("cache_dir", "checkpoint_dir", "data_dir", "dataset")
"""Settings that are paths, in which ``~`` is the home folder."""


_FAST_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; ConfigError when it is missing or no YAML."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        try:
            return yaml.load(text, _FAST_LOADER)
        except yaml.YAMLError:
            # This one's message says more.
            return yaml.safe_load(text)
    except FileNotFoundError:
        remedy = "go to the checkout, or give its path (--help names the option)"
        raise ConfigError(f"{path}: there is no such file; {remedy}") from None
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" line {place.line + 1}" if place else ""
        raise ConfigError(f"{path}:{line} is not valid YAML: {_one_line(error)}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not text in UTF-8") from None


def validate(values: dict, schema: dict, name: str) -> dict:
    """A copy of ``values`` with the schema's defaults filled in.

    Numbers that YAML reads as text (``1e6`` has no point, so YAML 1.1 takes it for a string) are
    turned into numbers first.

    Raises:
        ConfigError: one line that names the key, what is wrong and what is allowed.
    """
    values = _numbers(deepcopy(values), schema, schema)
    validator = jsonschema.Draft202012Validator(schema)
    error = jsonschema.exceptions.best_match(validator.iter_errors(values))
    if error is not None:
        raise ConfigError(f"{name}: {_explain(error, validator)}")
    _fill_defaults(values, schema, schema)
    return values


def load(config: dict | Path, datasets: Path, schemas: Path = SCHEMAS) -> tuple[dict, dict]:
    """The checked configuration and the checked data set definitions.

    Args:
        config: config.yaml's path, or its content with overrides applied.
        datasets: path of datasets.yaml.
        schemas: folder of the JSON schemas.

    Raises:
        ConfigError: one line that names the key and the allowed values.
    """
    name = "config"
    if not isinstance(config, dict):
        name, config = str(config), read_yaml(config)
    definitions = validate(
        read_yaml(datasets), read_yaml(schemas / "datasets.schema.yaml"), str(datasets)
    )["datasets"]
    config = validate(config or {}, read_yaml(schemas / "config.schema.yaml"), name)
    config |= {key: os.path.expanduser(config[key]) for key in _PATHS if config[key]}
    for key, table in (("scale", "scales"), ("variant", "variants")):
        _choice(config[key], config[table], f"{name}: {key}")
    if config["backend"] == "tensorflow":
        for key, default in (("pjrt_platform", None), ("precision", "highest")):
            if config[key] != default:
                raise ConfigError(f"{name}: {key}: is for `backend: pjrt`")
    if config["dataset"]:
        from aevb.data import own

        config, definitions = own.adapt(config, definitions)
    elif own := [key for key in ("observation", "latent_dims") if config[key] is not None]:
        raise ConfigError(
            f"{name}: {own[0]}: is for images of your own; name their file in `dataset`"
        )
    _check_per_dataset(config, definitions, name)
    for figure in ("fig3", "estimators"):
        content, where = config["figures"][figure], f"{name}: figures.{figure}"
        _choice(content["dataset"], definitions, f"{where}.dataset")
    wanted = {"figures.fig3": config["figures"]["fig3"]["estimators"]}
    wanted |= {f"scales.{k}.truth": v["truth"]["estimators"] for k, v in config["scales"].items()}
    for where, estimators in wanted.items():
        for estimator in estimators:
            _choice(estimator, config["estimators"], f"{name}: {where}.estimators")
    if config["figures"]["fig3"]["bound"]:
        bound = config["figures"]["fig3"]["bound"]
        _choice(bound, config["estimators"], f"{name}: figures.fig3.bound")
    for estimator, settings in config["estimators"].items():
        allowed = _METHODS[settings["method"]]
        for key in set(settings) - {"method"}:
            _choice(key, allowed, f"{name}: estimators.{estimator}")
        # In one order, whatever the file's: the workflow compares the text of its jobs' settings.
        config["estimators"][estimator] = {
            key: settings[key] for key in ("method", *allowed) if key in settings
        }
        _check_budget(settings, f"{name}: estimators.{estimator}")
    try:
        estimator_settings(
            config, config["figures"]["fig3"]["estimators"], config["figures"]["fig3"]["latent_dim"]
        )
    except ConfigError as error:
        raise ConfigError(f"{name}: figures.fig3.{error}") from None
    for figure in ("fig2", "variants"):
        for dataset in config["figures"][figure].get("latent_dims", {}):
            _choice(dataset, definitions, f"{name}: figures.{figure}.latent_dims")
    _check_trained_models(config["figures"], definitions, f"{name}: figures")
    for scale, budget in config["scales"].items():
        for dataset in budget["section2"]["panels"]:
            where = f"{name}: scales.{scale}.section2.panels"
            _choice(dataset, config["figures"]["fig2"]["latent_dims"], where)
        ais = budget["applications"]["ais"]
        if ais["steps"] % ais["segments"]:
            raise ConfigError(
                f"{name}: scales.{scale}.applications.ais: {ais['steps']} steps are no multiple of"
                f" {ais['segments']} segments"
            )
    _check_sizes(config, definitions, name)
    return config, definitions


@dataclass(frozen=True)
class Experiment:
    """Everything that decides the numbers of one training run, and its budget."""

    dataset: str
    definition: dict
    latent_dim: int
    algorithm: str
    variant: str
    hidden_units: int
    batch_size: int
    pixel_divisor: int
    warmup_minibatches: int
    weight_prior: str
    initial_standard_deviation: float
    zero_initial_log_variance: bool
    log_variance_factor: float
    sleep_uses_updated_decoder: bool
    samples_per_datapoint: int
    monte_carlo_em: dict
    binarisation: str
    n_train: int | None
    snapshots: bool
    step_sizes: tuple[float, ...]
    selection_samples: int
    seeds: tuple[int, ...]
    training_samples: int
    estimator: str = "B"
    posterior: str = "gaussian"
    full_vb: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What progress lines call it."""
        n_train = "" if self.n_train is None else f" N={self.n_train}"
        return f"{self.dataset} {self.algorithm} N_z={self.latent_dim}{n_train}"

    def for_selection(self) -> "Experiment":
        """These settings less the budget of the training, which no selection depends on.

        Monte Carlo EM, whose every update takes the whole training set, selects on 1000 images.
        """
        n_train = self.n_train
        if self.algorithm == "mcem":
            n_train = min(n_train or _SELECTION_N_TRAIN, _SELECTION_N_TRAIN)
        return replace(
            self,
            training_samples=self.selection_samples,
            seeds=self.seeds[:1],
            n_train=n_train,
            snapshots=False,
        )

    def with_budget(self, training_samples: int) -> "Experiment":
        """These settings with another budget, and without snapshots along training."""
        return replace(self, training_samples=training_samples, snapshots=False)

    def to_json(self) -> str:
        """One line of JSON that :meth:`from_json` reads back."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Experiment":
        """The inverse of :meth:`to_json`; ConfigError for anything else."""
        try:
            values = json.loads(text)
            return cls(
                **values
                | {"seeds": tuple(values["seeds"]), "step_sizes": tuple(values["step_sizes"])}
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"the settings are not an experiment: {_one_line(error)}") from None


def experiment(
    config: dict,
    definitions: dict,
    *,
    dataset: str,
    latent_dim: int,
    algorithm: str,
    variant: str | None = None,
    scale: str | None = None,
    n_train: int | None = None,
    hidden_units: int | None = None,
) -> Experiment:
    """The settings of one experiment, from a configuration that :func:`load` has checked.

    With ``n_train`` (and its ``hidden_units``) it is one of Figure 3: it learns from the first
    ``n_train`` training images with that figure's budget, and keeps the parameters along the way.
    Without, it is one of Figure 2.

    Raises:
        ConfigError: for an unknown data set, algorithm, variant or scale, a count below 1, more
            latent dimensions than pixels or training images than there are, or Monte Carlo EM
            without ``n_train``: it has no bound, and so no curve in Figure 2.
    """
    variant_name = _choice(variant or config["variant"], config["variants"], "variant")
    scale = _choice(scale or config["scale"], config["scales"], "scale")
    _choice(dataset, definitions, "dataset")
    _choice(algorithm, ALGORITHMS, "algorithm")
    counts = {"latent_dim": latent_dim, "n_train": n_train, "hidden_units": hidden_units}
    for key, count in counts.items():
        if count is not None and count < 1:
            raise ConfigError(f"{key}: {count} is below the minimum of 1")
    _at_most_the_pixels(latent_dim, dataset, definitions, "latent_dim")
    _at_most_the_images(n_train, dataset, definitions, "n_train")
    if algorithm == "mcem" and n_train is None:
        raise ConfigError("mcem: give n_train, the number of training images, as in Figure 3")
    reading, budget = config["variants"][variant_name], config["scales"][scale]
    samples = {
        key: for_dataset(budget[key], dataset, key)
        for key in ("training_samples", "selection_samples")
    }
    if n_train is not None:
        # Full VB has the budget of AEVB, which it is compared with.
        like = "aevb" if algorithm == "full_vb" else algorithm
        samples = {key: budget["fig3"][key][like] for key in samples}
    if config["training_samples"]:
        samples["training_samples"] = for_dataset(
            config["training_samples"], dataset, "training_samples"
        )
    seeds = config["seeds"] or (n_train is not None and budget["fig3"]["seeds"])
    seeds = seeds or for_dataset(budget["seeds"], dataset, "seeds")
    warmup = reading["warmup_minibatches"]
    observation = definitions[dataset]["observation"]
    if observation == "gaussian" and config["binarisation"] == "dynamic":
        binarisation = "none"
    else:
        binarisation = config["binarisation"]
    return Experiment(
        dataset=dataset,
        definition=_content(definitions[dataset]),
        latent_dim=int(latent_dim),
        algorithm=algorithm,
        variant=variant_name,
        hidden_units=hidden_units or for_dataset(config["hidden_units"], dataset, "hidden_units"),
        batch_size=for_dataset(reading["batch_size"], dataset, "batch_size"),
        pixel_divisor=for_dataset(reading["pixel_divisor"], dataset, "pixel_divisor"),
        warmup_minibatches=(
            warmup["aevb" if algorithm == "full_vb" else algorithm]
            if isinstance(warmup, dict)
            else warmup
        ),
        weight_prior=reading["weight_prior"],
        initial_standard_deviation=reading["initial_standard_deviation"],
        zero_initial_log_variance=reading["zero_initial_log_variance"],
        log_variance_factor=(
            reading["wake_sleep_log_variance_factor"] if algorithm == "wake_sleep" else 1.0
        ),
        sleep_uses_updated_decoder=reading["sleep_uses_updated_decoder"],
        samples_per_datapoint=config["samples_per_datapoint"],
        monte_carlo_em=config["monte_carlo_em"],
        binarisation=binarisation,
        n_train=n_train,
        snapshots=n_train is not None,
        step_sizes=tuple(config["step_sizes"]),
        seeds=tuple(seeds),
        posterior=config["posterior"] if algorithm == "aevb" else "gaussian",
        full_vb=config["full_vb"] if algorithm == "full_vb" else {},
        **samples,
    )


def estimator_settings(config: dict, names: Iterable[str], latent_dim: int) -> dict[str, dict]:
    """The settings of these estimators of log p(x), for models with ``latent_dim`` dimensions.

    Raises:
        ConfigError: quadrature is among them, and there are too many dimensions for it.
    """
    chosen = {name: config["estimators"][name] for name in names}
    for name, settings in chosen.items():
        if settings["method"] == "quadrature" and latent_dim > MAX_LATENT_DIM:
            raise ConfigError(
                f"latent_dim: {latent_dim} is too large for quadrature (the estimator {name}): at"
                f" most {MAX_LATENT_DIM}"
            )
    return chosen


ESTIMATORS = {
    "B": "SGVB B",
    "A": "SGVB A",
    "score_baseline": "score function, baseline",
    "score": "score function",
}
"""Estimators of the gradient in φ (§2.2, §2.3), and what tables and figures call them."""

GRADIENT_MINIBATCH = 10
"""M at which the noise of a gradient is taken for each L."""

KL_DIMENSIONS = (1, 2, 3, 5, 10, 20, 50, 100, 200)
"""J for which the KL divergence of Appendix B is held against Monte Carlo."""

KL_POSTERIORS = 20
"""Posteriors for each J."""

STUDY_SETTINGS = (
    "estimator",
    "posterior",
    "samples_per_datapoint",
    "batch_size",
    "weight_prior",
)
"""What may differ between the experiments of a study."""

STUDIES = ("gradient_estimators", "draws_and_minibatches", "posteriors", "weight_prior")


def study(config: dict, definitions: dict, name: str, scale: str | None = None) -> list[Experiment]:
    """The experiments of one study of section 2, which differ in one thing each.

    ``gradient_estimators``: what is ascended (§2.2, §2.3); ``draws_and_minibatches``: L and M
    (§2.3), with Adagrad's warm-up over the same number of samples; ``posteriors``: the family of
    q(z|x) (§2.4); ``weight_prior``: MAP against maximum likelihood (§2.1), on several panels of
    Figure 2.

    Raises:
        ConfigError: for an unknown study or scale.
    """
    _choice(name, STUDIES, "study")
    scale = _choice(scale or config["scale"], config["scales"], "scale")
    content, budget = config["figures"]["section2"], config["scales"][scale]["section2"]

    def panel(dataset: str, latent_dim: int) -> Experiment:
        base = experiment(
            config,
            definitions,
            dataset=dataset,
            latent_dim=latent_dim,
            algorithm="aevb",
            scale=scale,
        )
        seeds = config["seeds"] or budget["seeds"] or base.seeds
        return replace(base.with_budget(budget["training_samples"]), seeds=tuple(seeds))

    base = panel(content["dataset"], content["latent_dim"])
    if name == "gradient_estimators":
        return [replace(base, estimator=kind) for kind in content["estimators"]]
    if name == "posteriors":
        return [replace(base, posterior=kind) for kind in budget["posteriors"]]
    if name == "weight_prior":
        panels = [panel(dataset, dim) for dataset, dims in budget["panels"].items() for dim in dims]
        return [replace(one, weight_prior=p) for one in panels for p in (one.weight_prior, "none")]
    warmup_samples = base.warmup_minibatches * base.batch_size
    return [
        replace(
            base,
            samples_per_datapoint=draws,
            batch_size=minibatch,
            warmup_minibatches=-(-warmup_samples // minibatch),
        )
        for draws in budget["draws"]
        for minibatch in budget["minibatches"]
    ]


def gradient_grid(
    draws: list[int], minibatches: list[int], at_minibatch: int = GRADIENT_MINIBATCH
) -> list[tuple[int, int]]:
    """Pairs of L and M: each L at one M, and each M at L = 1."""
    return sorted({(n, at_minibatch) for n in draws} | {(1, n) for n in minibatches})


def execution(config: dict) -> str:
    """What computes the training runs, as the option ``--backend`` takes it."""
    if config["backend"] == "tensorflow":
        return "tensorflow"
    return f"pjrt:{config['pjrt_platform'] or ''}:{config['precision']}"


def resolve(schema: dict, root: dict) -> dict:
    """``schema`` with its ``$ref`` into ``root`` replaced by what it points to."""
    if "$ref" not in schema:
        return schema
    target = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**resolve(target, root), **{k: v for k, v in schema.items() if k != "$ref"}}


def _content(definition: dict) -> dict:
    """What a data set is, without where it comes from or under which terms."""
    content = {k: v for k, v in definition.items() if k not in ("sources", "terms")}
    files = {
        name: {k: v for k, v in file.items() if v is not None and not k.startswith("packed")}
        for name, file in definition["files"].items()
    }
    return content | {"files": files}


def _check_trained_models(figures: dict, definitions: dict, name: str) -> None:
    """What trained models are used for names data sets that they can be trained on."""
    applications, projection = figures["applications"], figures["projection"]["latent_dims"]
    wanted = {
        "fig4.rows": figures["fig4"]["rows"],
        "fig5.latent_dims": figures["fig5"]["latent_dims"],
        "projection.latent_dims": projection,
        "explorer.datasets": figures["explorer"]["datasets"],
        "applications.latent_dims": applications["latent_dims"],
        "applications.representation": applications["representation"],
        "applications.anomaly": [applications["anomaly"]] if applications["anomaly"] else [],
    }
    trainable = [dataset for dataset in figures["fig2"]["latent_dims"] if dataset in definitions]
    for key, datasets in wanted.items():
        for dataset in datasets:
            _choice(dataset, definitions, f"{name}.{key}")
            if dataset not in trainable:
                raise ConfigError(
                    f"{name}.{key}: {dataset} has no entry in figures.fig2.latent_dims, on which"
                    " its step size would be selected"
                )
    if projection and not any(2 in dims for dims in projection.values()):
        raise ConfigError(f"{name}.projection.latent_dims: no data set has a 2, which is drawn")
    for dataset in figures["explorer"]["datasets"]:
        if 2 not in projection.get(dataset, ()):
            raise ConfigError(
                f"{name}.explorer.datasets: projection.latent_dims has no 2 for {dataset}"
            )
    section2 = figures["section2"]
    if section2["dataset"]:
        _choice(section2["dataset"], trainable, f"{name}.section2.dataset")
    for dataset in section2["gradients"]:
        _choice(dataset, trainable, f"{name}.section2.gradients")
    for dataset in wanted["applications.anomaly"]:
        _choice(dataset, applications["latent_dims"], f"{name}.applications.anomaly")
    if applications["foreign"]:
        _choice(applications["foreign"], definitions, f"{name}.applications.foreign")
    factor = applications["factor"]
    for dataset in applications["latent_dims"]:
        rows, columns = definitions[dataset]["image_shape"]
        if rows % factor or columns % factor:
            raise ConfigError(
                f"{name}.applications.factor: blocks of {factor} × {factor} pixels do not divide"
                f" the images of {dataset}, {rows} × {columns}"
            )


def _check_sizes(config: dict, definitions: dict, name: str) -> None:
    """No latent space has more dimensions than an image pixels, no training set more images than
    there are, and a linear probe has labels."""
    figures = config["figures"]
    fig3, section2, representation = (
        figures["fig3"],
        figures["section2"],
        figures["applications"]["representation"],
    )
    wanted = {
        f"figures.{figure}.latent_dims": figures[figure]["latent_dims"]
        for figure in ("fig2", "fig5", "projection", "applications", "variants")
    }
    wanted |= {
        "figures.fig3.latent_dim": {fig3["dataset"]: fig3["latent_dim"]},
        "figures.applications.representation": representation,
        "figures.section2.gradients": section2["gradients"],
    }
    if section2["dataset"]:
        wanted["figures.section2.latent_dim"] = {section2["dataset"]: section2["latent_dim"]}
    for scale, budget in config["scales"].items():
        wanted[f"scales.{scale}.section2.panels"] = budget["section2"]["panels"]
        dataset, sizes = figures["estimators"]["dataset"], budget["truth"]["latent_dims"]
        pixels = math.prod(definitions[dataset]["image_shape"])
        if max(sizes, default=0) >= pixels:
            raise ConfigError(
                f"{name}: scales.{scale}.truth.latent_dims: {max(sizes)} leaves probabilistic PCA"
                f" no noise in the {pixels} pixels of an image of {dataset}"
            )
    for where, latent_dims in wanted.items():
        for dataset, sizes in latent_dims.items():
            for size in sizes if isinstance(sizes, list) else [sizes]:
                _at_most_the_pixels(size, dataset, definitions, f"{name}: {where}")
    images = {"fig3.n_train": fig3["n_train"], "section2.full_vb": section2["full_vb"]}
    for where, counts in images.items():
        for n_train in counts:
            _at_most_the_images(n_train, fig3["dataset"], definitions, f"{name}: figures.{where}")
    for dataset in representation:
        arrays = {file.get("array") for file in definitions[dataset]["files"].values()}
        if not {"train_labels", "test_labels"} <= arrays:
            raise ConfigError(
                f"{name}: figures.applications.representation: {dataset} has no labels, which a"
                " linear probe learns"
            )


def _at_most_the_pixels(latent_dim: int, dataset: str, definitions: dict, where: str) -> None:
    pixels = math.prod(definitions[dataset]["image_shape"])
    if latent_dim > pixels:
        raise ConfigError(
            f"{where}: {latent_dim} is more than the {pixels} pixels of an image of {dataset}"
        )


def _at_most_the_images(n_train: int | None, dataset: str, definitions: dict, where: str) -> None:
    # How many a file of its own parts holds is known when it has been read.
    split = definitions[dataset].get("split")
    if n_train is not None and split and n_train > split["train"]:
        raise ConfigError(
            f"{where}: {n_train} is more than the {split['train']} training images of {dataset}"
        )


def _check_budget(settings: dict, where: str) -> None:
    budget = BUDGETS.get(settings["method"])
    if budget:
        try:
            budget(**{key: value for key, value in settings.items() if key != "method"}).check()
        except ValueError as error:
            raise ConfigError(f"{where}: {error}") from None


def _check_per_dataset(config: dict, definitions: dict, name: str) -> None:
    """Values given for each data set name known ones, and leave out none that a figure needs."""
    groups = {"": config} | {
        f"{table}.{key}.": group
        for table in ("scales", "variants")
        for key, group in config[table].items()
    }
    allowed = [*definitions, "default"]
    needed = {d for figure in config["figures"].values() for d in figure.get("latent_dims", ())}
    needed |= {config["figures"][figure]["dataset"] for figure in ("fig3", "estimators")}
    for prefix, group in groups.items():
        for key in PER_DATASET & set(group):
            if not isinstance(group[key], dict):
                continue
            for dataset in group[key]:
                _choice(dataset, allowed, f"{name}: {prefix}{key}")
            for dataset in needed & set(definitions):
                for_dataset(group[key], dataset, f"{name}: {prefix}{key}")


def for_dataset(value: Any, dataset: str, key: str) -> Any:
    """A setting's value for one data set, where it may be given for each.

    Raises:
        ConfigError: it has no entry for this one, and no default.
    """
    if not isinstance(value, dict):
        return value
    if dataset in value:
        return value[dataset]
    if "default" in value:
        return value["default"]
    raise ConfigError(f"{key}: has no entry for {dataset} and no `default`")


def _choice(value: str, allowed: Any, where: str) -> str:
    if value not in allowed:
        raise ConfigError(f"{where}: {value!r} is unknown; allowed: {', '.join(allowed)}")
    return value


def _numbers(value: Any, schema: dict, root: dict) -> Any:
    """``value`` with text that looks like a number made one, where the schema has no text."""
    schema = resolve(schema, root)
    if isinstance(value, dict):
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
        rest = rest if isinstance(rest, dict) else {}
        return {key: _numbers(item, properties.get(key, rest), root) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item, schema.get("items", {}), root) for item in value]
    if isinstance(value, str) and "string" not in schema.get("type", ()):
        value = float(value) if _NUMBER.fullmatch(value) else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _fill_defaults(value: Any, schema: dict, root: dict) -> None:
    schema = resolve(schema, root)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for key, part in properties.items():
            part = resolve(part, root)
            if key not in value and "default" in part:
                value[key] = deepcopy(part["default"])
        rest = schema.get("additionalProperties")
        for key, item in value.items():
            part = properties.get(key, rest if isinstance(rest, dict) else {})
            _fill_defaults(item, part, root)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            _fill_defaults(item, schema["items"], root)


def _explain(error: jsonschema.ValidationError, validator: Any) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(allowed))
        return (
            f"{where}: unknown key {', '.join(map(repr, unknown))}; allowed: {', '.join(allowed)}"
        )
    if error.validator == "enum":
        allowed = ", ".join(map(str, error.validator_value))
        return f"{where}: {error.instance!r} is unknown; allowed: {allowed}"
    if error.validator in _BOUNDS:
        bound = f"{_BOUNDS[error.validator]} {error.validator_value}"
        return f"{where}: {error.instance!r} must be {bound}"
    if error.validator == "uniqueItems":
        repeated = {str(item) for item in error.instance if error.instance.count(item) > 1}
        return f"{where}: {', '.join(sorted(repeated))} is named more than once"
    if error.validator in ("type", "oneOf"):
        listed = validator.evolve(schema=error.schema).is_valid([error.instance])
        hint = f"; write [{error.instance}]" if listed else ""
        return f"{where}: {error.instance!r} must be {_kind(error.schema, validator.schema)}{hint}"
    return f"{where}: {_one_line(error.message)}"


_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "greater than",
    "exclusiveMaximum": "less than",
}
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a table",
}


def _kind(schema: dict, root: dict) -> str:
    """What a schema allows, in words."""
    schema = resolve(schema, root)
    if "oneOf" in schema:
        return ", or ".join(_kind(option, root) for option in schema["oneOf"])
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    types = schema.get("type", [])
    rest = schema.get("additionalProperties")
    parts = {"array": schema.get("items"), "object": rest if isinstance(rest, dict) else None}
    words = []
    for kind in [types] if isinstance(types, str) else types:
        word = _KINDS[kind]
        if kind in ("integer", "number"):
            bounds = [f"{text} {schema[key]}" for key, text in _BOUNDS.items() if key in schema]
            word += f" ({' and '.join(bounds)})" if bounds else ""
        elif parts.get(kind):
            word += f", each item {_kind(parts[kind], root)}"
        words.append(word)
    return " or ".join(words)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
