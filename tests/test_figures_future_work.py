"""The figures of section 7's studies, drawn from tables of known content."""

import numpy as np
import pandas as pd
import pytest

from aevb import catalogue
from aevb.errors import DataError
from aevb.figures import hierarchy
from aevb.pictures import write_pictures
from aevb.settings.future_work import hierarchy_models


def tables(folder, models):
    """Two seeds each; two layers are 3 nats above one, in the bound and in log p(x)."""
    curves, ends = [], []
    for model in models:
        level = -100.0 + 3 * model.startswith("hierarchy")
        for seed in (0, 1):
            one = {"dataset": "MNIST", "model": model, "seed": seed}
            curves += [
                {**one, "split": split, "training_samples": n, "lower_bound": level + np.log10(n)}
                for split in ("train", "test")
                for n in (100, 1000, 5000, 20_000)
            ]
            known = {"parameters": 9, "step_size": 0.1, "training_samples": 20_000, "n_points": 5}
            known |= {"n_flagged": 0, "standard_error": 0.1, "seconds_per_sample": 1e-3}
            known |= {"train_lower_bound": level, "test_lower_bound": level, "lower_bound": level}
            known |= {"marginal_log_likelihood": level + 2, "gap": 0.1 if seed == 0 else np.nan}
            used = {"active_1": 9, "active_2": 2, "kl_1": 9.0, "kl_2": 1.0}
            ends.append(one | known | used)
    paths = [folder / name for name in ("curves.csv", "ends.csv", "samples.npz")]
    pd.DataFrame(curves).to_csv(paths[0], index=False)
    pd.DataFrame(ends).to_csv(paths[1], index=False)
    grids = {f"MNIST/{model}": np.full((8, 8, 4, 4), i / 9) for i, model in enumerate(models)}
    write_pictures(paths[2], grids, {"MNIST"})
    return paths


@pytest.mark.parametrize("networks", [["MLP"], ["MLP", "conv."]])
def test_hierarchy_shows_every_model_once(tmp_path, networks):
    """A curve, an end with its log p(x), and samples of each; the table has the entry's columns."""
    models = hierarchy_models(networks)
    paths = tables(tmp_path, models)
    wanted = catalogue.tables()["tables/hierarchy.csv"].columns.split()
    assert sorted(pd.read_csv(paths[1])) == sorted(wanted)
    figure = hierarchy.make(*paths, note="a note")["picture"]
    along, ends, *samples = figure.axes
    assert [axes.get_title() for axes in samples] == models
    assert len(along.lines) == len(models)
    for line, model in zip(along.lines, models, strict=True):
        level = -100.0 + 3 * model.startswith("hierarchy")
        np.testing.assert_allclose(line.get_ydata(), level + np.log10([5000, 20_000]))
    assert {line.get_color() for line in along.lines} == set(hierarchy._COLORS.values())
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == [*models, "bound", "log p(x), AIS"]
    assert [label.get_text().replace("\n", " ") for label in ends.get_yticklabels()] == models


def test_hierarchy_finding_is_the_difference_of_means(tmp_path):
    _, ends, _ = tables(tmp_path, hierarchy_models(["MLP"]))
    (told,) = hierarchy.finding(ends)
    assert told == (
        "MNIST, two layers minus one at 20,000 samples: MLP bound +3.0, log p(x) +3.0 nats."
    )


def test_hierarchy_refuses_another_model(tmp_path):
    curves, *_ = tables(tmp_path, hierarchy_models(["MLP"]))
    curves.write_text(curves.read_text().replace("hierarchy, MLP", "three layers"))
    with pytest.raises(DataError, match="column 'model': 'three layers' is not one of"):
        hierarchy.read_curves(curves)
