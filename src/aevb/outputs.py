"""What is made of a configuration at one scale: its runs, figures and tables, of those data sets
that can be had. The workflow makes these, and the audit wants to see them."""

import itertools
from collections.abc import Callable, Iterable
from typing import NamedTuple

from aevb import config as configuration
from aevb.config import STUDIES, Experiment

RESTORATIONS = ("denoising", "super_resolution", "inpainting")
PROJECTIONS = ("projection", "latent_usage")
_MORE = {
    "fig2": ["tables/fig2_distance.csv"],
    "fig3": ["tables/fig3_distance.csv", "tables/fig3_orders.csv"],
    "anomaly": ["figures/anomaly_scores.csv"],
    "gradient_variance": ["tables/gradient_variance.csv"],
    "weight_uncertainty": [
        "figures/weight_uncertainty_pruning.csv",
        "figures/weight_uncertainty_signal_to_noise.csv",
    ],
    "estimators": ["tables/estimators.html"],
    **{study: [f"tables/{study}.csv"] for study in STUDIES},
}
"""What is made with a figure besides its picture and the numbers in it."""


class Run(NamedTuple):
    """One training run, and its folder below that of the scale."""

    folder: str
    experiment: Experiment


class Outputs(NamedTuple):
    """The outputs of a checked configuration, by their paths below ``results/<scale>``.

    Args:
        settings, definitions: as :func:`aevb.config.load` gives them.
        scale: a key of ``settings["scales"]``.
        has: whether a data set can be had.
    """

    settings: dict
    definitions: dict
    scale: str
    has: Callable[[str], bool]

    def some(self, datasets: Iterable[str | None]) -> bool:
        """Whether any of these data sets, None aside, can be had."""
        return any([self.has(dataset) for dataset in datasets if dataset is not None])

    def available(self, datasets: Iterable[str]) -> list[str]:
        """Those of these data sets that can be had."""
        return [dataset for dataset in datasets if self.has(dataset)]

    def fig2_runs(self) -> list[Run]:
        """The runs of Figure 2."""
        content = self.settings["figures"]["fig2"]
        return [
            self.run(dataset, latent_dim, algorithm)
            for dataset in self.available(content["latent_dims"])
            for latent_dim in content["latent_dims"][dataset]
            for algorithm in content["algorithms"]
        ]

    def fig3_runs(self) -> list[Run]:
        """The runs of Figure 3."""
        content = self.settings["figures"]["fig3"]
        return [
            self.run(dataset, content["latent_dim"], algorithm, n_train)
            for dataset in self.available([content["dataset"]])
            for n_train, algorithm in itertools.product(content["n_train"], content["algorithms"])
        ]

    def runs(self) -> list[Run]:
        """All runs that a figure is drawn from, but those of section 2, which are no curves."""
        figures = self.settings["figures"]
        applications, section2 = figures["applications"], figures["section2"]
        several = [
            figures["fig5"]["latent_dims"],
            applications["representation"],
            {d: [2] for d in [*figures["fig4"]["rows"], *figures["explorer"]["datasets"]]},
            {d: [n] for d, n in applications["latent_dims"].items()},
            {d: [n] for d, n in section2["gradients"].items() if section2["dataset"]},
        ]
        more = [
            self.run(dataset, latent_dim, "aevb")
            for latent_dims in several
            for dataset in self.available(latent_dims)
            for latent_dim in latent_dims[dataset]
        ]
        found = self.fig2_runs() + self.fig3_runs() + self.projected_runs() + more
        return list({run.folder: run for run in found}.values())

    def projected_runs(self) -> list[Run]:
        """The runs whose latent space is shown; some are Figure 2's."""
        latent_dims = self.settings["figures"]["projection"]["latent_dims"]
        return [
            self.run(dataset, latent_dim, "aevb")
            for dataset in self.available(latent_dims)
            for latent_dim in latent_dims[dataset]
        ]

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

    def study(self, name: str) -> list[Experiment]:
        """The experiments of a study of section 2."""
        if not self.settings["figures"]["section2"]["dataset"]:
            return []
        wanted = configuration.study(self.settings, self.definitions, name, self.scale)
        return [one for one in wanted if self.has(one.dataset)]

    def latent_figures(self) -> list[str]:
        """Names of Figures 4 and 5 and of the projections."""
        figures = self.settings["figures"]
        wanted = {
            ("fig4",): figures["fig4"]["rows"],
            ("fig5",): figures["fig5"]["latent_dims"],
            PROJECTIONS: figures["projection"]["latent_dims"],
        }
        return [n for names, datasets in wanted.items() if self.some(datasets) for n in names]

    def applications(self) -> list[str]:
        """Names of the figures of section 2.1."""
        content = self.settings["figures"]["applications"]
        return [
            *(["representation"] if self.some(content["representation"]) else []),
            *(RESTORATIONS if self.some(content["latent_dims"]) else []),
            *(["anomaly"] if self.some([content["anomaly"]]) else []),
        ]

    def section2_figures(self) -> list[str]:
        """Names of the figures of section 2 and of the appendices B and F."""
        figures = self.settings["figures"]
        content = figures["section2"]
        if not content["dataset"]:
            return []
        full_vb = content["full_vb"] and self.some([figures["fig3"]["dataset"]])
        return [
            *(study for study in STUDIES if self.study(study)),
            "kl_divergence",
            *(["gradient_variance"] if self.some(content["gradients"]) else []),
            *(["weight_uncertainty"] if full_vb else []),
        ]

    def figures(self) -> list[str]:
        """Names of all figures."""
        figures = self.settings["figures"]
        return [
            "fig1",
            *(["fig2"] if self.some(figures["fig2"]["latent_dims"]) else []),
            *(["fig3"] if self.some([figures["fig3"]["dataset"]]) else []),
            *self.latent_figures(),
            *self.applications(),
            *self.section2_figures(),
            *(["estimators"] if self.some([figures["estimators"]["dataset"]]) else []),
        ]

    def files(self) -> list[str]:
        """All figures, tables and pages."""
        drawn = self.figures()
        explored = self.some(self.settings["figures"]["explorer"]["datasets"])
        pages = [
            *(["reparameterisations"] if self.settings["figures"]["section2"]["dataset"] else []),
            *(["applications"] if self.applications() else []),
            *("findings", "runs"),
        ]
        return [
            *(f"figures/{name}.{form}" for name in drawn for form in ("pdf", "png", "csv")),
            *(file for name in drawn for file in _MORE.get(name, ())),
            *(f"tables/{name}.{form}" for name in pages for form in ("csv", "html")),
            "tables/step_sizes.csv",
            *(["explorer.html"] if explored else []),
        ]

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
