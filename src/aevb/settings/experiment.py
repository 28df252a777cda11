"""The settings of one experiment, by which its files, its checkpoints and its record know it."""

import json
from dataclasses import asdict, fields, replace
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.dataclasses import dataclass

from aevb.algorithms.settings import ALGORITHMS, AlgorithmSettings, Family, Gradient
from aevb.errors import ConfigError
from aevb.models.registry import ARCHITECTURES
from aevb.schema.explain import choice, explain, one_line
from aevb.schema.kinds import RULES, Count, Natural, Positive, Truth
from aevb.schema.writing import json_schema
from aevb.settings.protocol import Binarisation, Divisor, Prior, Window

Algorithm = Annotated[str, AfterValidator(lambda name: choice(name, ALGORITHMS, "algorithm"))]
Architecture = Annotated[
    str, AfterValidator(lambda name: choice(name, ARCHITECTURES, "architecture"))
]

_FORMERLY = {
    "estimator",
    "posterior",
    "sleep_uses_updated_decoder",
    "monte_carlo_em",
    "full_vb",
}
"""Where records of older versions have the settings of all algorithms."""


@dataclass(frozen=True, config=RULES)
class Experiment:
    """Everything that decides the numbers of one training run, and its budget."""

    dataset: str
    definition: dict[str, Any]
    """What the data set is (see :mod:`aevb.settings.datasets`), without where it comes from."""
    latent_dim: Count
    """N_z."""
    algorithm: Algorithm
    variant: str
    hidden_units: Count
    batch_size: Count
    """M."""
    pixel_divisor: Divisor
    warmup_minibatches: Natural
    weight_prior: Prior
    initial_standard_deviation: Positive
    zero_initial_log_variance: Truth
    samples_per_datapoint: Count
    """L."""
    binarisation: Binarisation
    n_train: Count | None
    """How many of the training images it learns from, the first ones; None for all."""
    snapshots: Truth
    """Whether the parameters are kept along training."""
    step_sizes: tuple[Positive, ...]
    selection_samples: Count
    seeds: tuple[Natural, ...]
    training_samples: Count
    architecture: Architecture = "mlp"
    log_variance_factor: Positive = 1.0
    """In front of the weights of the log-variance head of the encoder."""
    selection_window: Window = (0.0, 1.0)
    """The part of the ``selection_samples`` that counts, as shares."""
    selection_seeds: Count = 1
    """With how many seeds each step size is tried."""
    test_images: Count | None = None
    """On how many of the test images the bound is evaluated, the first ones; None for all."""
    settings: Annotated[AlgorithmSettings | None, Field(validate_default=True)] = None
    """Of the algorithm (see :mod:`aevb.algorithms.settings`); None or a table for its own kind."""

    @field_validator("settings", mode="plain", json_schema_input_type=dict)
    @classmethod
    def _of_the_algorithm(cls, given: Any, others: ValidationInfo) -> AlgorithmSettings:
        kind = ALGORITHMS[others.data.get("algorithm", "aevb")]
        if isinstance(given, AlgorithmSettings) and not isinstance(given, kind):
            raise ValueError(f"{given} are not settings of {kind.label}")
        try:
            return TypeAdapter(kind).validate_python({} if given is None else given)
        except ValidationError as error:
            raise ValueError(explain(error, json_schema(kind))) from None

    @property
    def name(self) -> str:
        """What progress lines call it."""
        n_train = "" if self.n_train is None else f" N={self.n_train}"
        return f"{self.dataset} {self.algorithm} N_z={self.latent_dim}{n_train}"

    @property
    def posterior(self) -> Family:
        """Family of q(z|x)."""
        return self.settings.posterior

    @property
    def estimator(self) -> Gradient:
        """What is ascended; of AEVB alone."""
        return self.settings.estimator

    def for_selection(self) -> Self:
        """These settings less the budget of the training, which no selection depends on.

        Monte Carlo EM, whose every update takes the whole training set, selects on 1000 images.
        """
        most = self.settings.selection_n_train
        n_train = self.n_train if most is None else min(self.n_train or most, most)
        return replace(
            self,
            training_samples=self.selection_samples,
            seeds=tuple(self.seeds[0] + i for i in range(self.selection_seeds)),
            n_train=n_train,
            snapshots=False,
        )

    def with_budget(self, training_samples: int) -> Self:
        """These settings with another budget, and without snapshots along training."""
        return replace(self, training_samples=training_samples, snapshots=False)

    def with_algorithm(self, algorithm: str | None = None, **settings: Any) -> Self:
        """These settings with another algorithm of such settings, or with others of the same."""
        same = algorithm in (None, self.algorithm)
        kept = asdict(self.settings) if same else {}
        return replace(self, algorithm=algorithm or self.algorithm, settings=kept | settings)

    def to_json(self) -> str:
        """One line of JSON that :meth:`from_json` reads back."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of :meth:`to_json`; ConfigError for anything else."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"the settings are not an experiment: {one_line(error)}") from None
        return cls.from_values(values)

    @classmethod
    def from_values(cls, values: Any) -> Self:
        """The experiment that a table describes, as in the record of a run, which an older version
        may have made.

        Raises:
            ConfigError: it is none.
        """
        try:
            return TypeAdapter(cls).validate_python(_present_form(values))
        except ValidationError as error:
            problem = explain(error, json_schema(cls))
        except (LookupError, TypeError, AttributeError) as error:
            problem = one_line(repr(error))
        raise ConfigError(f"the settings are not an experiment: {problem}")


def _present_form(values: dict) -> dict:
    """The settings of an experiment, where an older version has those of all algorithms in it."""
    if "settings" in values:
        return values
    kind = ALGORITHMS[values["algorithm"]]
    given = values | values.get("monte_carlo_em", {}) | values.get("full_vb", {})
    own = {one.name: given[one.name] for one in fields(kind) if one.name in given}
    kept = {key: value for key, value in values.items() if key not in _FORMERLY}
    return kept | {"settings": own}
