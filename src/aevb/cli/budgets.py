"""Budgets of the applications, which commands are told as JSON."""

import json
from typing import Annotated, TypeVar

import typer

from aevb.errors import ConfigError
from aevb.likelihood.methods.ais import AIS
from aevb.likelihood.posterior_samples import PosteriorSamples
from aevb.schema.kinds import Table
from aevb.schema.reading import validate

Budget = TypeVar("Budget", bound=Table)

Hmc = Annotated[
    str,
    typer.Option(
        help="Budget of the posterior samples as JSON: samples, chains, burn_in, annealing,"
        " leapfrog_steps."
    ),
]
Ais = Annotated[
    str,
    typer.Option(
        help="Budget of annealed importance sampling as JSON: chains, steps, segments,"
        " leapfrog_steps, target_acceptance, tuning_chains, tuning_steps."
    ),
]

DEFAULT = "{}"


def samples(text: str) -> PosteriorSamples:
    """The budget that ``--hmc`` gives; ConfigError where it is none."""
    return _budget(text, PosteriorSamples, "--hmc")


def annealing(text: str) -> AIS:
    """The budget that ``--ais`` gives; ConfigError where it is none."""
    return _budget(text, AIS, "--ais")


def _budget(text: str, kind: type[Budget], option: str) -> Budget:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {text} is not JSON: {error}") from None
    return validate(kind, values, option)
