"""Which settings that the paper leaves open are tried against its curves: the protocol study."""

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
    found: dict[str, StudyRun] = {}
    for group in study.groups:
        for latent_dim in group.latent_dims:
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
            for name in group.settings:
                choice(name, study.settings, "settings")
                panel = f"{group.dataset}/{group.algorithm}/latent_dim_{latent_dim}"
                run = f"{group.stage}/{panel}/{name}"
                if run in found:
                    raise ConfigError(f"groups: two of them have {run}")
                changed = _changed(base, study.settings[name], f"settings.{name}")
                found[run] = StudyRun(run, changed, changed.step_sizes)
    return list(found.values())


def _changed(base: Experiment, differs: Mapping[str, Any], where: str) -> Experiment:
    values = asdict(base) | differs
    values["settings"] = asdict(base.settings) | differs.get("settings", {})
    try:
        return Experiment.from_values(values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
