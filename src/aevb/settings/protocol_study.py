"""Which settings that the paper leaves open are tried against its curves: the protocol study."""

import itertools
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from aevb.algorithms.settings import BOUNDED
from aevb.errors import ConfigError
from aevb.schema.explain import choice
from aevb.schema.kinds import Count, Counts, Positive, Seeds, SomeOf, Table
from aevb.schema.reading import read_yaml, validate
from aevb.settings.configuration import Configuration
from aevb.settings.experiment import Experiment
from aevb.settings.experiments import experiment


class Group(Table):
    """Settings that are tried on some panels of Figure 2, with the same budget."""

    stage: str
    """What the group is for, the first part of the names of its runs."""
    dataset: str
    algorithm: Literal[BOUNDED]
    latent_dims: Counts
    """N_z, a panel each."""
    training_samples: Count
    step_sizes: SomeOf[Positive]
    """Adagrad's, each with every seed."""
    settings: SomeOf[str]
    """Names in ``settings`` of the study."""


class Study(Table):
    """The protocol study."""

    variant: str
    """Entry of ``variants`` of which the settings are told apart."""
    seeds: Seeds
    settings: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    """By name, what differs from the variant: fields of an experiment."""
    groups: Annotated[list[Group], Field(min_length=1)]


class StudyRun(NamedTuple):
    """One setting on one panel, with every seed and step size side by side."""

    name: str
    """``STAGE/DATASET/ALGORITHM/latent_dim_N/SETTING``."""
    experiment: Experiment
    step_sizes: tuple[float, ...]


def read(path: Path) -> Study:
    """The study that a file describes.

    Raises:
        ConfigError: it is missing or describes none, in one line.
    """
    return validate(Study, read_yaml(path), str(path))


def runs(study: Study, config: Mapping[str, Any], definitions: dict) -> list[StudyRun]:
    """All runs of a study, none longer than the configured scale's.

    Args:
        study: which.
        config, definitions: of :func:`aevb.settings.load`.

    Raises:
        ConfigError: a group names a setting, data set or variant that there is not, or a setting
            is none of an experiment.
    """
    checked = Configuration.of(config)
    return [_run(study, name, place, checked, definitions) for name, place in _named(study).items()]


def run(study: Study, name: str, config: Mapping[str, Any], definitions: dict) -> StudyRun | None:
    """The run of a study with this name, None where it has none; see :func:`runs`."""
    place = _named(study).get(name)
    return place and _run(study, name, place, Configuration.of(config), definitions)


def _named(study: Study) -> dict[str, tuple[Group, int, str]]:
    """Group, N_z and setting of each run, by its name."""
    found = {}
    for group in study.groups:
        for latent_dim, setting in itertools.product(group.latent_dims, group.settings):
            choice(setting, study.settings, "settings")
            panel = f"{group.dataset}/{group.algorithm}/latent_dim_{latent_dim}"
            name = f"{group.stage}/{panel}/{setting}"
            if name in found:
                raise ConfigError(f"groups: two of them have {name}")
            found[name] = group, latent_dim, setting
    return found


def _run(
    study: Study,
    name: str,
    place: tuple[Group, int, str],
    config: Configuration,
    definitions: dict,
) -> StudyRun:
    group, latent_dim, setting = place
    base = experiment(
        config,
        definitions,
        dataset=group.dataset,
        latent_dim=latent_dim,
        algorithm=group.algorithm,
        variant=study.variant,
    )
    base = replace(
        base,
        training_samples=min(group.training_samples, base.training_samples),
        step_sizes=tuple(group.step_sizes),
        seeds=tuple(study.seeds),
    )
    changed = _changed(base, study.settings[setting], f"settings.{setting}")
    return StudyRun(name, changed, changed.step_sizes)


def _changed(base: Experiment, differs: Mapping[str, Any], where: str) -> Experiment:
    values = asdict(base) | differs
    values["settings"] = asdict(base.settings) | differs.get("settings", {})
    try:
        return Experiment.from_values(values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
