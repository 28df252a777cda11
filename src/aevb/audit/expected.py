"""The rows that the tables of a record must have, as its configuration says.

A table is described by the columns that tell its rows apart. With these rows and the same rules it
is known how many cases each claim must have, whatever data sets the record is of.
"""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from aevb import config as configuration
from aevb.audit.tables import OUTSIDE, MissingTable, Tables, matching
from aevb.config import KL_DIMENSIONS, KL_POSTERIORS, LABELS, STUDIES, STUDY_SETTINGS, Experiment
from aevb.errors import AevbError
from aevb.likelihood.labels import BACKWARD, labels
from aevb.outputs import RESTORATIONS, Outputs, Run

SPLITS = ("train", "test")
_QUADRATURE_DIMENSIONS = 3
_ALONG = "training_samples"
_MEASURED = {
    "figures/fig2.csv": ("lower_bound",),
    "figures/fig3.csv": ("marginal_log_likelihood", "n_flagged", "n_points"),
}
"""Columns that the distance from the paper's curves is taken from."""

REPARAMETERISED = {
    ("inverse CDF", "Exponential"): ["rate"],
    ("inverse CDF", "Cauchy"): ["location", "scale"],
    ("inverse CDF", "Logistic"): ["location", "scale"],
    ("inverse CDF", "Rayleigh"): ["scale"],
    ("inverse CDF", "Pareto"): ["scale", "concentration"],
    ("inverse CDF", "Weibull"): ["concentration", "scale"],
    ("inverse CDF", "Reciprocal"): ["low", "high"],
    ("inverse CDF", "Gompertz"): ["concentration", "rate"],
    ("inverse CDF", "Gumbel"): ["location", "scale"],
    ("inverse CDF", "Erlang"): ["rate"],
    ("location-scale", "Laplace"): ["location", "scale"],
    ("location-scale", "Elliptical"): [
        *("location[0]", "location[1]"),
        *("scale_tril[0, 0]", "scale_tril[1, 0]", "scale_tril[1, 1]"),
        "df",
    ],
    ("location-scale", "Student's t"): ["location", "scale", "df"],
    ("location-scale", "Logistic"): ["location", "scale"],
    ("location-scale", "Uniform"): ["low", "high"],
    ("location-scale", "Triangular"): ["low", "high"],
    ("location-scale", "Gaussian"): ["location", "scale"],
    ("composition", "Log-Normal"): ["location", "scale"],
    ("composition", "Gamma"): ["concentration", "rate"],
    ("composition", "Dirichlet"): ["concentration[0]", "concentration[1]", "concentration[2]"],
    ("composition", "Beta"): ["concentration1", "concentration0"],
    ("composition", "Chi-Squared"): ["df"],
    ("composition", "F"): ["df1", "df2"],
}
"""The parameters of every distribution that section 2.4 names, by its way and name."""


class Gap(NamedTuple):
    """Rows that a record is known not to have, and why.

    It is a gap of the record alone whose manifest names ``checkout``.
    """

    checkout: str
    table: str
    where: dict[str, Any]
    why: str


class Rows(NamedTuple):
    """The rows of one table: their keys, and for curves how far they go."""

    keys: pd.DataFrame
    reach: str | None = None
    """The column of ``keys`` that holds a curve's end in training samples, for no other use."""


def rows(outputs: Outputs) -> dict[str, Rows]:
    """By table; a table that is not made of this configuration, or not of these data, is empty."""
    figures, budget = outputs.settings["figures"], outputs.settings["scales"][outputs.scale]
    applications, section2 = figures["applications"], budget["section2"]
    found = {
        "figures/fig2.csv": _curves(
            {"source": "ours", **_labels(run.experiment), **_measured(run.experiment)}
            for run in outputs.fig2_runs()
        ),
        "figures/fig3.csv": _curves(
            {"source": "ours", **_likelihoods(run, outputs, figures["fig3"]["estimators"])}
            for run in outputs.fig3_runs()
        ),
        "figures/fig4.csv": _table(
            {"dataset": _name(outputs, dataset), "row": range(n), "column": range(n)}
            for dataset, n in _had(outputs, figures["fig4"]["rows"])
        ),
        "figures/fig5.csv": _table(
            {
                "dataset": _name(outputs, dataset),
                "latent_dim": dims,
                "row": range(figures["fig5"]["rows"]),
                "column": range(figures["fig5"]["rows"]),
            }
            for dataset, dims in _had(outputs, figures["fig5"]["latent_dims"])
        ),
        "figures/projection.csv": _table(
            {"dataset": _name(outputs, dataset), "latent_dim": 2}
            for dataset, dims in _had(outputs, figures["projection"]["latent_dims"])
            if 2 in dims
        ),
        "figures/latent_usage.csv": _table(
            {"dataset": _name(outputs, dataset), "latent_dim": dim, "rank": range(1, dim + 1)}
            for dataset, dims in _had(outputs, figures["projection"]["latent_dims"])
            for dim in dims
        ),
        "figures/estimators.csv": _table(_truths(outputs)),
        "figures/representation.csv": _table(
            {
                "dataset": _name(outputs, dataset),
                "latent_dim": dims,
                "method": ["encoder's means", "PCA"],
            }
            for dataset, dims in _had(outputs, applications["representation"])
        ),
        **{
            f"figures/{application}.csv": _table(
                {"dataset": _name(outputs, dataset), "latent_dim": dim}
                for dataset, dim in _had(outputs, applications["latent_dims"])
            )
            for application in RESTORATIONS
        },
        "figures/anomaly.csv": _table(_anomalies(outputs)),
        **{f"figures/{study}.csv": _curves(_study(outputs, study)) for study in STUDIES},
        "tables/draws_and_minibatches.csv": _table(
            {key: getattr(one, key) for key in ("samples_per_datapoint", "batch_size")}
            for one in outputs.study("draws_and_minibatches")
        ),
        "figures/gradient_variance.csv": _table(
            {
                "dataset": _name(outputs, dataset),
                "latent_dim": dim,
                "state": ["untrained", "trained"],
                "estimator": configuration.ESTIMATORS.values(),
                "samples_per_datapoint": draws,
                "batch_size": minibatch,
            }
            for dataset, dim in _had(outputs, figures["section2"]["gradients"])
            for draws, minibatch in configuration.gradient_grid(
                section2["gradient_draws"], section2["gradient_minibatches"]
            )
        ),
        **_full_vb(outputs),
        "figures/kl_divergence.csv": _table(
            [{"latent_dim": KL_DIMENSIONS, "posterior": range(KL_POSTERIORS)}]
        ),
        "tables/reparameterisations.csv": _table(
            {"family": family, "distribution": name, "parameter": parameters}
            for (family, name), parameters in REPARAMETERISED.items()
        ),
        "tables/step_sizes.csv": _table(
            {**_labels(run.experiment), "step_size": run.experiment.step_sizes}
            for run in outputs.fig2_runs() + outputs.fig3_runs()
        ),
        "tables/runs.csv": _table(
            {
                "dataset": run.experiment.definition["label"],
                "algorithm": run.experiment.algorithm,
                "latent_dim": run.experiment.latent_dim,
                "n_train": run.experiment.n_train,
            }
            for run in outputs.fig2_runs() + outputs.projected_runs() + outputs.fig3_runs()
        ),
    }
    for run in outputs.fig3_runs():
        names = dict.fromkeys([*figures["fig3"]["estimators"], figures["fig3"]["bound"]])
        wanted = [name for name in names if name is not None]
        found[f"{run.folder}/likelihood.csv"] = _curves([_likelihoods(run, outputs, wanted)])
    if not outputs.section2_figures():
        for name in ("kl_divergence", "gradient_variance"):
            found[f"figures/{name}.csv"] = _table([])
        found["tables/reparameterisations.csv"] = _table([])
    return found


def absent(table: str, wanted: Rows, tables: Tables) -> list[str]:
    """The rows that a record lacks, in words; a table that it lacks is one."""
    if wanted.keys.empty:
        return []
    keys = [column for column in wanted.keys if column != wanted.reach]
    try:
        found = tables.read(table)
    except MissingTable:
        return [f"{table} is missing"]
    without = [column for column in keys if column not in found]
    if without:
        return [f"{table} has no column {without[0]!r}"]
    there = set(_texts(found[keys].drop_duplicates()))
    lacking = [row for row in dict.fromkeys(_texts(wanted.keys[keys])) if row not in there]
    named = [", ".join(f"{k} {v}" for k, v in zip(keys, row, strict=True)) for row in lacking]
    return [f"{table} has no row with {name}" for name in named]


def rows_of(gap: Gap, wanted: Rows) -> pd.DataFrame:
    """The keys of a table's rows that a gap is made of."""
    found = wanted.keys
    for column, value in gap.where.items():
        found = matching(found, column, value)
    return found


class Expected(Tables):
    """The rows that a record must have in place of its tables, each number 1.

    Args:
        wanted: see :func:`rows`.
        resources: where the paper's curves and the reference numbers lie.
        gaps: of the record; their rows are not expected.
    """

    def __init__(self, wanted: Mapping[str, Rows], resources: Path, gaps: Sequence[Gap] = ()):
        super().__init__(Path(), resources)
        self.gaps = tuple(gaps)
        self.wanted = dict(wanted)
        self._columns: list[str] = []
        for gap in gaps:
            for name in self.names(gap.table):
                rest = self.wanted[name].keys.drop(rows_of(gap, self.wanted[name]).index)
                self.wanted[name] = self.wanted[name]._replace(keys=rest)

    def names(self, pattern: str) -> list[str]:
        """The tables that are meant by a name with or without wildcards."""
        return sorted(fnmatch.filter(self.wanted, pattern))

    def count(self, rule: Any, parameters: Mapping[str, Any]) -> int | None:
        """How many cases a rule must find in the record; None where nothing is known of its table
        or of a column."""
        table = parameters.get("table") or f"figures/{parameters.get('figure')}.csv"
        if not table.startswith(OUTSIDE):
            named = self.names(table)
            if not named and "*" not in table:
                return None
            if all(self.wanted[name].keys.empty for name in named):
                return 0
        given = [parameters.get(key) for key in ("value", "standard_error", "truth")]
        self._columns = [column for column in given if column]
        try:
            return len(rule(self, **parameters))
        except (AevbError, ValueError, LookupError, TypeError, AttributeError):
            return None

    def read(self, name: str) -> pd.DataFrame:
        """See Tables.read."""
        if name.startswith(OUTSIDE):
            return super().read(name)
        if not self.names(name):
            raise MissingTable(f"{name} is not there")
        return pd.concat([self._frame(one, "*" in name) for one in self.names(name)])

    def _frame(self, name: str, wild: bool) -> pd.DataFrame:
        keys, reach = self.wanted[name]
        if reach:
            start = keys.assign(**{reach: 1})
            keys = pd.concat([start, keys], ignore_index=True)
        if wild:
            keys = keys.assign(run=str(Path(name).parent.relative_to("runs")))
        more = [c for c in (*_MEASURED.get(name, ()), *self._columns) if c not in keys]
        return keys.assign(**dict.fromkeys(more, 1.0))


def _name(outputs: Outputs, dataset: str) -> str:
    return outputs.definitions[dataset]["label"]


def _had(outputs: Outputs, content: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(dataset, content[dataset]) for dataset in outputs.available(content)]


def _table(parts: Iterable[Mapping[str, Any]]) -> Rows:
    """The union of products: each part gives one value or several for each column."""
    frames = []
    for part in parts:
        values = [
            [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
            for value in part.values()
        ]
        frames.append(pd.DataFrame(product(*values), columns=list(part)))
    return Rows(pd.concat(frames, ignore_index=True) if frames else pd.DataFrame())


def _curves(parts: Iterable[Mapping[str, Any]]) -> Rows:
    return Rows(_table(parts).keys, _ALONG)


def _labels(experiment: Experiment) -> dict[str, Any]:
    return {
        "dataset": experiment.definition["label"],
        "latent_dim": experiment.latent_dim,
        "algorithm": LABELS[experiment.algorithm],
    }


def _measured(experiment: Experiment) -> dict[str, Any]:
    return {
        "split": SPLITS,
        "seed": experiment.seeds,
        _ALONG: experiment.training_samples,
    }


def _likelihoods(run: Run, outputs: Outputs, estimators: Sequence[str]) -> dict[str, Any]:
    settings = {name: outputs.settings["estimators"][name] for name in estimators}
    return {
        **_labels(run.experiment),
        "n_train": run.experiment.n_train,
        "estimator": _applying(settings, run.experiment.algorithm),
        **_measured(run.experiment),
    }


def _applying(estimators: Mapping[str, Mapping[str, Any]], algorithm: str) -> list[str]:
    """The estimators that can be taken: importance sampling needs an encoder."""
    encoder = algorithm != "mcem"
    return [n for n, one in estimators.items() if encoder or one["method"] != "importance"]


def _truths(outputs: Outputs) -> Iterable[dict[str, Any]]:
    figures = outputs.settings["figures"]
    wanted = outputs.settings["scales"][outputs.scale]["truth"]
    if not outputs.some([figures["estimators"]["dataset"]]):
        return
    settings = {name: outputs.settings["estimators"][name] for name in wanted["estimators"]}
    called = labels(settings)
    exact = [name for name, one in settings.items() if one["method"] == "quadrature"]

    def shown(names: Iterable[str]) -> list[str]:
        backward = [f"{called[n]}{BACKWARD}" for n in names if settings[n]["method"] == "ais"]
        return [called[n] for n in names] + backward

    for dim in wanted["latent_dims"]:
        names = [n for n in settings if n not in exact or dim <= _QUADRATURE_DIMENSIONS]
        yield {"model": "PPCA", "latent_dim": dim, "estimator": shown(names)}
    n_train, dim = max(figures["fig3"]["n_train"]), figures["fig3"]["latent_dim"]
    models = {"untrained": "aevb"}
    models |= {f"{LABELS[one]}, N={n_train}": one for one in wanted["algorithms"]}
    for model, algorithm in models.items():
        names = [n for n in _applying(settings, algorithm) if n not in exact]
        yield {"model": model, "latent_dim": dim, "estimator": shown(names)}


def _anomalies(outputs: Outputs) -> Iterable[dict[str, Any]]:
    content = outputs.settings["figures"]["applications"]
    foreign = content["foreign"]
    kinds = ["shuffled pixels", "mirrored"]
    if foreign is not None and outputs.has(foreign):
        kinds.append(_name(outputs, foreign))
    for dataset in outputs.available([content["anomaly"]] if content["anomaly"] else []):
        dim = content["latent_dims"][dataset]
        yield {"dataset": _name(outputs, dataset), "latent_dim": dim, "condition": kinds}


def _study(outputs: Outputs, study: str) -> Iterable[dict[str, Any]]:
    for one in outputs.study(study):
        settings = {key: getattr(one, key) for key in STUDY_SETTINGS}
        yield {**settings, **_labels(one), **_measured(one)}


def _full_vb(outputs: Outputs) -> dict[str, Rows]:
    drawn = "weight_uncertainty" in outputs.section2_figures()
    n_train = outputs.settings["figures"]["section2"]["full_vb"] if drawn else []
    methods = ["MAP", "full VB, at the mean weights", "full VB, averaged over weights"]
    compared = {"n_train": n_train, "method": methods, "split": SPLITS}
    return {
        "figures/weight_uncertainty.csv": _table([compared]),
        "figures/weight_uncertainty_pruning.csv": _table([{"n_train": n_train}]),
        "figures/weight_uncertainty_signal_to_noise.csv": _table([{"n_train": n_train}]),
    }


def _texts(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """The distinct rows of a table as text, numbers in one form whatever their type."""
    return list(zip(*(map(_text, table[c]) for c in table), strict=True)) if len(table) else []


def _text(value: Any) -> str:
    if value is None or value != value:
        return "none"
    try:
        return f"{float(value):.12g}"
    except (TypeError, ValueError):
        return str(value)
