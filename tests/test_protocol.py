"""Standings of the paper's numbers among seeds of a setting, and the ranking that they make."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aevb.errors import DataError
from aevb.figures import protocol as figure
from aevb.tables import protocol
from aevb.tables.curves import read_paper_curves

ROOT = Path(__file__).parents[1]
COUNTS = np.array([1000, 2000, 4000, 8000])
PANEL = {"dataset": "MNIST", "algorithm": "AEVB", "latent_dim": 3}
SEEDS = 8
REPEATS = 100


def bounds(generator, shift=0.0):
    """One run: a rising curve, moved as a whole by its seed (standard deviation 1 nat)."""
    return -200.0 + 10 * np.log(COUNTS / 1000) + shift + generator.standard_normal()


def study(generator, shifts):
    """Eight seeds of each setting, of which each is off by a shift."""
    tables = []
    for setting, shift in shifts.items():
        for seed in range(SEEDS):
            values = bounds(generator, shift)
            for split in ("train", "test"):
                columns = {"split": split, "training_samples": COUNTS, "objective": values}
                named = {"setting": setting, "step_size": 0.02, "seed": seed}
                tables.append(pd.DataFrame({**PANEL, **named, **columns}))
    return pd.concat(tables, ignore_index=True)


def paper(values):
    """The paper's curve, with the same log points."""
    columns = {"training_samples": COUNTS, "lower_bound": values}
    return pd.concat(
        [pd.DataFrame({**PANEL, "split": split, **columns}) for split in ("train", "test")],
        ignore_index=True,
    )


def test_a_further_seed_is_inside_as_often_as_the_interval_says():
    """95 % of the time, with a tolerance of four binomial standard deviations, which a
    right interval exceeds once in 16 000 test runs. The control has the paper 3 nats off."""
    generator = np.random.default_rng(0)
    found = {0.0: 0, 3.0: 0}
    for _ in range(REPEATS):
        for shift in found:
            ours = study(generator, {"one": 0.0})
            table = protocol.standings(ours, paper(bounds(generator, shift)))
            found[shift] += table.loc[table["split"] == "test", "inside"].iloc[0]
    deviation = np.sqrt(REPEATS * 0.95 * 0.05)
    assert abs(found[0.0] - REPEATS * 0.95) < 4 * deviation
    assert found[3.0] < REPEATS * 0.95 - 8 * deviation


def test_a_training_entry_is_a_mean_since_the_one_before():
    """Ours from rows of other lengths than the paper's entries: 1500 to 3000 samples."""
    generator = np.random.default_rng(1)
    ours = study(generator, {"one": 0.0})
    theirs = paper(bounds(generator))
    theirs["training_samples"] = theirs["training_samples"].replace({1000: 1500, 2000: 3000})
    table = protocol.standings(ours, theirs)
    row = table[(table["split"] == "train") & (table["use"] == protocol.JUDGED)].iloc[0]
    train = ours[ours["split"] == "train"].pivot(
        index="seed", columns="training_samples", values="objective"
    )
    wanted = (500 * train[2000] + 1000 * train[4000]) / 1500
    assert row["training_samples"] == 3000
    assert row["mean"] == pytest.approx(wanted.mean(), abs=1e-9)
    assert row["standard_deviation"] == pytest.approx(wanted.std(), abs=1e-9)


def test_the_setting_that_made_the_curve_ranks_first(monkeypatch):
    """Among three that are off by 0, 4 and 40 nats, of which the second is the library's; numbers
    that rank do not judge. A setting whose seeds lie far apart has everything in its intervals, and
    does not rank before the one that made the curve."""
    generator = np.random.default_rng(2)
    shifts = {"far": 40.0, "true": 0.0, "near": 4.0, "wide": 0.0}
    ours = study(generator, shifts)
    wide = ours["setting"] == "wide"
    spread = ours.loc[wide].groupby("seed")["objective"].transform("mean")
    middle = spread.mean()
    ours.loc[wide, "objective"] += 30 * (spread - middle)
    monkeypatch.setitem(protocol.LIBRARY, ("MNIST", "AEVB"), ("near", 0.02))
    table = protocol.standings(ours, paper(bounds(generator)))
    assert set(table.groupby("use")["training_samples"].agg(list).apply(tuple)) == {
        (1000, 1000) * 4,
        (2000, 8000) * 4,
    }
    ranked = protocol.ranking(table)
    by_setting = ranked.set_index("setting")
    assert ranked["setting"].iloc[0] == "true"
    assert by_setting.loc["near", "gain"] == 0 < by_setting.loc["wide", "gain"]
    assert by_setting.loc["far", "gain"] < -2
    assert by_setting["judged_inside"].to_dict() == {"true": 2, "wide": 2, "near": 0, "far": 0}
    assert (ranked["library_inside"] == 0).all()


def test_settings_of_fewer_panels_are_compared_on_these(monkeypatch):
    """A panel on which the library's does badly does not count against those of others."""
    generator = np.random.default_rng(5)
    monkeypatch.setitem(protocol.LIBRARY, ("MNIST", "AEVB"), ("present", 0.02))
    both = study(generator, {"present": 0.0, "everywhere": 3.0})
    hard = both.assign(latent_dim=5, objective=both["objective"] + 30)
    few = study(generator, {"somewhere": 0.0})
    theirs = paper(-200.0 + 10 * np.log(COUNTS / 1000))
    table = protocol.standings(
        pd.concat([both, hard, few]), pd.concat([theirs, theirs.assign(latent_dim=5)])
    )
    ranked = protocol.ranking(table).set_index("setting")
    assert ranked["panels"].to_dict() == {"present": 2, "everywhere": 2, "somewhere": 1}
    assert abs(ranked.loc["somewhere", "gain"]) < 1 and ranked.loc["everywhere", "gain"] < 0


def test_the_longest_run_of_a_member_counts(tmp_path):
    """A study may have trained a setting twice, to different ends."""
    rows = [
        f"{stage}/mnist/aevb/latent_dim_3/one,0,0.02,{split},{samples},{value}"
        for stage, end, value in (("long", 3000, -2.0), ("short", 1000, -1.0))
        for split in ("train", "test", "train_images")
        for samples in range(1000, end + 1, 1000)
    ]
    path = tmp_path / "curves.csv"
    path.write_text("\n".join(["run,seed,step_size,split,training_samples,objective", *rows, ""]))
    found = protocol.read_study(path)
    assert found["training_samples"].max() == 3000 and len(found) == 6
    assert (found["objective"] == -2.0).all()


def test_seeds_that_diverged_do_not_count():
    """With three that are left there is no standing."""
    ours = study(np.random.default_rng(3), {"one": 0.0})
    lost = ours[(ours["seed"] < 3) | (ours["training_samples"] < 8000)]
    table = protocol.standings(lost, paper(bounds(np.random.default_rng(4))))
    assert sorted(table["training_samples"]) == [1000, 1000, 2000]
    assert (table["n_seeds"] == SEEDS).all()


def test_the_committed_study_ranks_and_is_drawn():
    """All panels of Figure 2 for the settings in question; the ranking beside the study is this."""
    curves = protocol.read_study(ROOT / "resources/protocol_study/curves.csv.gz")
    theirs = read_paper_curves(ROOT / "resources/paper/fig2_lower_bound.csv")
    table = protocol.standings(curves, theirs)
    assert (table["n_seeds"] >= 4).all() and table["n_seeds"].max() == SEEDS
    ranked = protocol.ranking(table)
    for (dataset, algorithm), library in protocol.LIBRARY.items():
        rows = ranked[(ranked["dataset"] == dataset) & (ranked["algorithm"] == algorithm)]
        assert library in set(zip(rows["setting"], rows["step_size"], strict=True))
        assert rows["panels"].max() == {"MNIST": 5, "FreyFace": 4}[dataset]
        assert (rows["judged"] >= 2).all()
    kept = pd.read_csv(ROOT / "resources/protocol_study/ranking.csv")
    pd.testing.assert_frame_equal(kept, ranked, rtol=1e-3)
    drawn = figure.draw(protocol.bands(curves), theirs, ranked)
    assert len(drawn.axes) == 18


def test_damaged_study(tmp_path):
    """One line that names the cell."""
    path = tmp_path / "curves.csv"
    head = "run,seed,step_size,split,training_samples,objective\n"
    path.write_text(head + "p1/mnist/aevb,0,0.01,train,100,-1\n")
    with pytest.raises(DataError, match="STAGE/DATASET/ALGORITHM"):
        protocol.read_study(path)
