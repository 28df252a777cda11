"""Which settings that the paper leaves open explain its curves: standings and their ranking (§5).

A setting is trained with several seeds. Each number of the paper's curve, one run of one seed, is
then a plausible further seed of that setting or not (Student's 95 % prediction interval). Settings
are ranked by some of the numbers, and judged by the others, so that the best of many is not best
by chance alone.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from aevb.algorithms.settings import BOUNDED, LABELS
from aevb.tables import seeds, tidy
from aevb.tables.curves import SPLITS, TRAINING_IMAGES, interpolate

SETTING = ["dataset", "algorithm", "setting", "step_size"]
"""What is ranked against each other within a data set and an algorithm."""

RANKED, JUDGED = "ranked", "judged"
"""What a number of the paper is used for."""

LIBRARY = {
    ("MNIST", "AEVB"): ("factor_1", 0.01),
    ("MNIST", "wake-sleep"): ("factor_0.1", 0.02),
    ("FreyFace", "AEVB"): ("factor_1", 0.01),
    ("FreyFace", "wake-sleep"): ("factor_0.1", 0.02),
}
"""What the variant ``library`` takes, with the step sizes that the full scale selects."""

_DATASETS = {"mnist": "MNIST", "frey_face": "FreyFace"}
_PANEL = ["dataset", "algorithm", "latent_dim"]
_FEWEST = 4
"""Seeds without which there is no standing: with fewer the interval says nothing."""


def _run(text: str) -> list[str]:
    parts = text.split("/")
    if len(parts) < 4 or parts[1] not in _DATASETS or parts[2] not in BOUNDED:
        raise ValueError("is not STAGE/DATASET/ALGORITHM/latent_dim_N/SETTING.")
    return [*parts[1:4], "/".join(parts[4:]), parts[0]]


_PARSERS: dict[str, tidy.Parser] = {
    "run": _run,
    "seed": tidy.whole,
    "step_size": tidy.number(least=0.0),
    "split": tidy.one_of(*SPLITS, TRAINING_IMAGES),
    "training_samples": tidy.positive,
    "objective": tidy.number("Did the run diverge?"),
}


def make(curves: list[Path]) -> dict[str, str]:
    """The curves of all runs of a study in one table, as :func:`read_study` reads it.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read`.
    """
    for path in curves:
        read_study(path)
    table = pd.concat([pd.read_csv(path) for path in curves], ignore_index=True)
    return {"output": table.to_csv(index=False, float_format="%.6f")}


def read_study(path: Path) -> pd.DataFrame:
    """The curves of ``resources/protocol_study`` that were trained under named settings.

    Returns:
        Columns ``dataset, algorithm, latent_dim, setting, step_size, seed, split,
        training_samples, objective`` (nats; of the training split the mean since the row before).

    Raises:
        DataError: see :func:`aevb.tables.tidy.read`.
    """
    rows = tidy.read(path, _PARSERS)
    parts = pd.DataFrame(rows["run"].tolist(), index=rows.index)
    stages = rows.pop("run").map("/".join)
    named = {
        "dataset": parts[0].map(_DATASETS),
        "algorithm": parts[1].map(LABELS),
        "latent_dim": parts[2].str.removeprefix("latent_dim_").astype(int),
        "setting": parts[3],
    }
    table = pd.DataFrame(named).join(rows)
    table["run"] = stages
    wanted = (table["setting"] != "") & table["split"].isin(SPLITS)
    return _longest(table[wanted]).reset_index(drop=True)


def _longest(table: pd.DataFrame) -> pd.DataFrame:
    """Of runs of the same setting, panel and member the longest, which has the others in it."""
    member = [*_PANEL, "setting", "step_size", "seed"]
    reach = table.groupby([*member, "run"])["training_samples"].max().reset_index()
    kept = reach.sort_values("training_samples").drop_duplicates(member, keep="last")
    return table.merge(kept[[*member, "run"]]).drop(columns="run")


def numbers(paper: pd.DataFrame, longest: int) -> pd.DataFrame:
    """The numbers of one panel that are compared: the first two training entries, and the test
    bound at the first and the last of its points, up to ``longest`` samples.

    A training entry is a mean since the entry before. Settings are ranked by the first of each
    kind, and judged by the other.

    Returns:
        Columns ``split, since, training_samples, paper, use``; nats per datapoint.
    """
    rows = []
    for split, kept in (("train", [0, 1]), ("test", [0, -1])):
        curve = paper[(paper["split"] == split) & (paper["training_samples"] <= longest)]
        points = curve.sort_values("training_samples")[["training_samples", "lower_bound"]]
        points = points.to_numpy().tolist()
        if len(points) < 2:
            continue
        for place, use in zip(kept, (RANKED, JUDGED), strict=True):
            since = points[place - 1][0] if split == "train" and place else 0
            rows.append((split, since, *points[place], use))
    return pd.DataFrame(rows, columns=["split", "since", "training_samples", "paper", "use"])


def standings(study: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """Where the paper stands among the seeds of each setting, for each number.

    Args:
        study: of :func:`read_study`.
        paper: of :func:`aevb.tables.curves.read_paper_curves`.

    Returns:
        One row a panel, setting, step size and number: ``dataset, algorithm, latent_dim, setting,
        step_size, split, training_samples, use, paper, mean, standard_deviation, n_seeds,
        half_width`` of the 95 % prediction interval, ``distance`` (mean minus paper, in standard
        deviations of a further seed), ``log_density`` of the paper's number as a further seed
        (Student's t) and ``inside``. Nats per datapoint. Where seeds diverged only the others
        count, and there is no row with fewer than four.
    """
    rows = []
    for panel, ours in study.groupby(_PANEL):
        theirs = paper[(paper[_PANEL] == list(panel)).all(axis=1)]
        for (setting, step_size), members in ours.groupby(["setting", "step_size"]):
            for number in numbers(theirs, members["training_samples"].max()).itertuples():
                values = _values(members, number)
                if len(values) < _FEWEST:
                    continue
                spread = values.std(ddof=1)
                half_width = seeds.half_width(spread, len(values))
                difference = values.mean() - number.paper
                further = spread * np.sqrt(1 + 1 / len(values))
                rows.append(
                    {
                        **dict(zip(_PANEL, panel, strict=True)),
                        "setting": setting,
                        "step_size": step_size,
                        "split": number.split,
                        "training_samples": int(number.training_samples),
                        "use": number.use,
                        "paper": number.paper,
                        "mean": values.mean(),
                        "standard_deviation": spread,
                        "n_seeds": len(values),
                        "half_width": half_width,
                        "distance": difference / further,
                        "log_density": stats.t.logpdf(
                            number.paper, len(values) - 1, values.mean(), further
                        ),
                        "inside": abs(difference) <= half_width,
                    }
                )
    return pd.DataFrame(rows)


def _values(members: pd.DataFrame, number: Any) -> np.ndarray:
    """The number that each seed gives: [n], of those that got so far."""
    values = []
    for _, curve in members[members["split"] == number.split].groupby("seed"):
        if number.split == "test":
            values.append(interpolate(curve, [number.training_samples], "objective")[0])
        else:
            ordered = curve.sort_values("training_samples")
            ends = np.concatenate([[0], ordered["training_samples"]])
            sums = np.concatenate([[0], np.cumsum(np.diff(ends) * ordered["objective"])])
            between = np.interp([number.since, number.training_samples], ends, sums, right=np.nan)
            values.append(np.diff(between)[0] / (number.training_samples - number.since))
    found = np.array(values)
    return found[np.isfinite(found)]


def ranking(table: pd.DataFrame) -> pd.DataFrame:
    """The settings of each data set and algorithm, the best first.

    A score is the mean log density of the paper's numbers as further seeds, so that a setting
    whose seeds lie far apart gains little from containing everything. Settings were trained on
    different panels: each is compared with the library's on the numbers that both have.

    Args:
        table: of :func:`standings`.

    Returns:
        One row a setting and step size: ``dataset, algorithm, setting, step_size, panels``;
        ``gain``, the score of the numbers that rank less that of the library's setting;
        ``judged_inside`` of ``judged`` other numbers that lie in the prediction interval,
        ``library_inside`` of them in the library's setting's, and ``judged_gain``. Nats a number.
    """
    number = [*_PANEL, "split", "training_samples", "use"]
    rows = []
    for (dataset, algorithm), group in table.groupby(["dataset", "algorithm"]):
        is_library = (group["setting"] == LIBRARY[dataset, algorithm][0]) & (
            group["step_size"] == LIBRARY[dataset, algorithm][1]
        )
        library = group.loc[is_library, [*number, "log_density", "inside"]]
        pairs = group.merge(library, on=number, suffixes=("", "_library"))
        pairs["gain"] = pairs["log_density"] - pairs["log_density_library"]
        for (setting, step_size), ours in pairs.groupby(["setting", "step_size"]):
            ranked, judged = (ours[ours["use"] == use] for use in (RANKED, JUDGED))
            rows.append(
                {
                    "dataset": dataset,
                    "algorithm": algorithm,
                    "setting": setting,
                    "step_size": step_size,
                    "panels": ours["latent_dim"].nunique(),
                    "gain": ranked["gain"].mean(),
                    "judged_inside": int(judged["inside"].sum()),
                    "library_inside": int(judged["inside_library"].sum()),
                    "judged": len(judged),
                    "judged_gain": judged["gain"].mean(),
                }
            )
    order = ["dataset", "algorithm", "gain"]
    return pd.DataFrame(rows).sort_values(order, ascending=[False, True, False], ignore_index=True)


def bands(study: pd.DataFrame) -> pd.DataFrame:
    """The 95 % prediction interval of a further seed's test bound, at the study's log points.

    Returns:
        One row a panel, setting, step size and count: ``dataset, algorithm, latent_dim, setting,
        step_size, training_samples, mean, half_width``, nats per datapoint.
    """
    test = study[study["split"] == "test"]
    keys = [*_PANEL, "setting", "step_size", "training_samples"]
    found = test.groupby(keys)["objective"].agg(["mean", "std", "count"]).reset_index()
    found = found[found["count"] >= _FEWEST]
    found["half_width"] = seeds.half_width(found["std"], found["count"])
    return found.drop(columns=["std", "count"])
