"""The runs of a configuration at one scale, of those data sets that can be had. What is made of
them is listed in :mod:`aevb.catalogue`."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, NamedTuple

from aevb import settings as configuration
from aevb.errors import ConfigError, UnavailableError
from aevb.schema.kinds import for_dataset
from aevb.settings import protocol_study
from aevb.settings.experiment import Experiment
from aevb.settings.future_work import SYNTHETIC
from aevb.workflow.checkout import ROOT


class Run(NamedTuple):
    """One training run, and its folder below that of the scale."""

    folder: str
    experiment: Experiment


class Outputs(NamedTuple):
    """The outputs of a checked configuration, by their paths below ``results/<scale>``.

    Args:
        settings, definitions: as :func:`aevb.settings.load` gives them.
        scale: a key of ``settings["scales"]``.
        has: whether a data set can be had.
    """

    settings: dict
    definitions: dict
    scale: str
    has: Callable[[str], bool]

    def available(self, datasets: Iterable[str]) -> list[str]:
        """Those of these data sets that can be had."""
        return [dataset for dataset in datasets if self.has(dataset)]

    def content(self, place: str) -> Any:
        """The value at a place below ``figures`` in the configuration, ``fig4.rows``."""
        return reduce(getitem, place.split("."), self.settings["figures"])

    def budget(self, place: str) -> Any:
        """The value at a place below the scale in the configuration, ``section2.kl_draws``."""
        return reduce(getitem, place.split("."), self.settings["scales"][self.scale])

    def named(self, place: str) -> list[str]:
        """The data sets that the configuration names at this place, whether they can be had or
        not: the keys of a table, the items of a list, or one alone."""
        content = self.content(place)
        names = [content] if content is None or isinstance(content, str) else content
        return [name for name in names if name is not None]

    def shown(self, place: str) -> list[str]:
        """Those of the data sets named at this place that can be had.

        Raises:
            ConfigError: none is named.
            UnavailableError: none can be had.
        """
        names = self.named(place)
        if not names:
            own = self.settings["dataset"] and "; images of your own need a 2 in latent_dims"
            raise ConfigError(
                f"figures.{place}: names no data set, so nothing can be drawn{own or ''}"
            )
        found = self.available(names)
        if not found:
            raise UnavailableError(
                "no data set could be had; the logs in results/logs/fetch say why and what to do"
            )
        return found

    def fig2_runs(self) -> list[Run]:
        """The runs of Figure 2."""
        return self.panels("fig2.latent_dims")

    def panels(self, place: str, algorithms: str = "fig2.algorithms") -> list[Run]:
        """The runs of each of some algorithms, of Figure 2's by default, with the N_z that a place
        gives by data set."""
        latent_dims = self.content(place)
        return [
            self.run(dataset, latent_dim, algorithm)
            for dataset in self.available(latent_dims)
            for algorithm in self.content(algorithms)
            for latent_dim in latent_dims[dataset]
        ]

    def long_runs(self) -> list[Run]:
        """The runs of Figure 2 that go further along its axis; none where the scale has none, or
        another budget than its own is asked for."""
        if self.budget("long_run") is None or self.settings["training_samples"]:
            return []
        panels = self.panels("long_run.latent_dims", "long_run.algorithms")
        return [Run(f"{run.folder}_long", self.longer(run.experiment)) for run in panels]

    def longer(self, experiment: Experiment) -> Experiment:
        """An experiment of Figure 2 with the budget and the seeds of a long run.

        Raises:
            ConfigError: the scale has no long runs.
        """
        budget = self.budget("long_run")
        if budget is None:
            raise ConfigError(
                f"scales.{self.scale}.long_run: is null, so no run goes further than the others"
            )
        longer = experiment.with_budget(budget["training_samples"])
        return replace(longer, seeds=tuple(self.settings["seeds"] or budget["seeds"]))

    def with_variant(self, variant: str) -> "Outputs":
        """The same by another reading of the protocol."""
        return self._replace(settings=self.settings | {"variant": variant})

    def fig3_runs(self) -> list[Run]:
        """The runs of Figure 3."""
        sizes, algorithms = self.content("fig3.n_train"), self.content("fig3.algorithms")
        return [
            self.run(dataset, self.content("fig3.latent_dim"), algorithm, n_train)
            for dataset in self.available(self.named("fig3.dataset"))
            for algorithm, n_train in itertools.product(algorithms, sizes)
        ]

    def models(self, place: str, latent_dim: int | None = None) -> list[Run]:
        """AEVB's runs of the data sets named at a place, with the N_z given there, one or several,
        or with ``latent_dim``."""
        content = self.content(place)
        return [
            self.run(dataset, dim, "aevb")
            for dataset in self.available(self.named(place))
            for dim in several(latent_dim or content[dataset])
        ]

    def runs(self) -> list[Run]:
        """All runs that a figure is drawn from, but those of section 2, which are no curves."""
        found = [
            *self.fig2_runs(),
            *self.long_runs(),
            *self.fig3_runs(),
            *self.models("projection.latent_dims"),
            *self.models("fig5.latent_dims"),
            *self.models("comparisons.samples"),
            *self.models("applications.representation"),
            *self.models("fig4.rows", 2),
            *self.models("explorer.datasets", 2),
            *self.models("applications.latent_dims"),
            *(self.models("section2.gradients") if self.named("section2.dataset") else []),
        ]
        return _distinct(found)

    def recorded(self) -> list[Run]:
        """The runs behind Figures 2 and 3 and the latent spaces, whose records are tabulated."""
        projected = self.models("projection.latent_dims")
        return [*self.fig2_runs(), *self.long_runs(), *projected, *self.fig3_runs()]

    def kept(self) -> list[Run]:
        """The runs whose weights a record keeps in half precision."""
        algorithms = self.content("weights.algorithms")
        if not algorithms:
            return []
        found = [
            *(run for run in self.fig2_runs() if run.experiment.algorithm in algorithms),
            *self.fig3_runs(),
            *self.models("fig4.rows", 2),
            *self.models("fig5.latent_dims"),
        ]
        return _distinct(found)

    def run(self, dataset: str, latent_dim: int, algorithm: str, n_train: int | None = None) -> Run:
        """One run, of Figure 3 where there is an ``n_train``."""
        hidden_units = self.settings["figures"]["fig3"]["hidden_units"] if n_train else None
        experiment = configuration.experiment(
            self.settings,
            self.definitions,
            dataset=dataset,
            latent_dim=latent_dim,
            algorithm=algorithm,
            scale=self.scale,
            n_train=n_train,
            hidden_units=hidden_units,
        )
        folder = f"runs/{self.settings['variant']}/{dataset}/{algorithm}"
        if n_train:
            folder += f"/hidden_units_{hidden_units}/n_train_{n_train}"
        return Run(f"{folder}/latent_dim_{latent_dim}", experiment)

    def protocol_runs(self) -> list[protocol_study.StudyRun]:
        """The runs of the protocol study, of those data sets that can be had, with no more training
        samples than the scale has.

        Raises:
            ConfigError: see :func:`aevb.settings.protocol_study.runs`.
        """
        runs = protocol_study.runs(self._protocol_study(), self._scaled(), self.definitions)
        return [run for run in runs if self.has(run.experiment.dataset)]

    def protocol_run(self, name: str) -> Experiment:
        """The experiment of the run of the protocol study that has this name.

        Raises:
            ConfigError: there is none; or see :func:`aevb.settings.protocol_study.runs`.
        """
        study = self._protocol_study()
        found = protocol_study.run(study, name, self._scaled(), self.definitions)
        if found is None:
            raise ConfigError(f"{self.content('protocol.study')}: has no run {name}")
        return found.experiment

    def _protocol_study(self) -> protocol_study.Study:
        own = Path(self.content("protocol.study"))
        return protocol_study.read(own if own.exists() else ROOT / own)

    def _scaled(self) -> dict:
        return self.settings | {"scale": self.scale}

    def study(self, name: str) -> list[Experiment]:
        """The experiments of a study of section 2."""
        if not self.settings["figures"]["section2"]["dataset"]:
            return []
        wanted = configuration.study(self.settings, self.definitions, name, self.scale)
        return [one for one in wanted if self.has(one.dataset)]

    def future_work(self, name: str) -> list[Experiment]:
        """AEVB's experiment of Figure 2 on each data set of a study of section 7, with the study's
        N_z, budget and seeds."""
        seeds = self.settings["seeds"] or self.budget("future_work.seeds")
        samples = self.budget(f"future_work.{name}.training_samples")

        def studied(one: Experiment) -> Experiment:
            budget = for_dataset(samples, one.dataset, "training_samples")
            return replace(one.with_budget(budget), seeds=tuple(seeds or one.seeds))

        return [studied(run.experiment) for run in self.models(f"future_work.{name}.latent_dims")]

    def film_stands_in(self) -> bool:
        """Whether section 7's film is a synthetic one: at smoke, where it cannot be had."""
        named = self.named("future_work.film.latent_dims")
        return bool(named) and self.scale == "smoke" and not self.available(named)

    def film(self) -> list[Experiment]:
        """The experiment of section 7's film, or of the one that stands in for it."""
        if not self.film_stands_in():
            return self.future_work("film")
        (one,) = self._replace(has=lambda dataset: True).future_work("film")
        definition = one.definition | {"label": SYNTHETIC}
        return [replace(one, dataset=SYNTHETIC, definition=definition)]

    def datasets(self) -> list[str]:
        """All data sets that an output may want, whether they can be had or not."""
        figures = self.settings["figures"]
        applications = figures["applications"]
        wanted = [
            *figures["fig2"]["latent_dims"],
            figures["fig3"]["dataset"],
            figures["estimators"]["dataset"],
            *([applications["foreign"]] if applications["anomaly"] else []),
        ]
        return list(dict.fromkeys(dataset for dataset in wanted if dataset is not None))


def several(value: Any) -> list:
    """One value or a list of them, as a list."""
    return value if isinstance(value, list) else [value]


def _distinct(runs: Iterable[Run]) -> list[Run]:
    return list({run.folder: run for run in runs}.values())
