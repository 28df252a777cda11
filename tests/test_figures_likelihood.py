"""Figure 3, its tables and the estimators' figure, from synthetic tables and the paper's curves."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aevb.errors import DataError
from aevb.figures import estimators, fig3, fig3_frame, style
from aevb.tables import estimators as compared
from aevb.tables.fig3_distance import SAMPLES, distance, orders
from aevb.tables.likelihood_curves import (
    ALGORITHMS,
    COLUMNS,
    CURVE,
    KEY,
    PAPER_COLUMNS,
    SPLITS,
    VALUE,
    interpolate,
    over_seeds,
    read_likelihoods,
    read_paper_likelihoods,
    without_start,
)
from drawn import footer

PAPER_CSV = Path(__file__).parents[1] / "resources" / "paper" / "fig3_marginal_likelihood.csv"
COUNTS = (100, 10_000, 100_000, 500_000, 10**6, 3 * 10**6, 10**7, 3 * 10**7, 6 * 10**7)
END = {"AEVB": -130.0, "MCEM": -135.0, "wake-sleep": -140.0}


@pytest.fixture(scope="module")
def paper() -> pd.DataFrame:
    return read_paper_likelihoods(PAPER_CSV)


def row(**values) -> dict:
    """One row of a likelihood table, with the given cells."""
    chain = values.get("estimator", "paper") != "quadrature"
    row = dict.fromkeys(("acceptance", "rhat", "ess", "divergences"), np.nan)
    if chain:
        row |= {"acceptance": 0.9, "rhat": 1.01, "ess": 40.0, "divergences": 0.0}
    row |= {
        "dataset": "MNIST",
        "latent_dim": 3,
        "n_train": 1000,
        "algorithm": "AEVB",
        "split": "test",
        "estimator": "paper",
        "seed": 0,
        "training_samples": 100,
        VALUE: -543.4,
        "standard_error": 0.02,
        "n_points": 1000,
        "n_flagged": 0,
        "seconds": 1.5,
        "likelihood_evaluations": 4000.0,
    } | values
    return {"marginal_log_likelihood_passed": row[VALUE]} | row


def synthetic(
    budget, seeds=(0,), estimator_names=("paper", "quadrature"), n_trains=(1_000, 50_000)
) -> pd.DataFrame:
    """Curves that rise linearly in log10 samples to END at 6e7; each seed lies one nat higher."""
    rows = []
    for n_train in n_trains:
        for algorithm in ALGORITHMS:
            for s, split in enumerate(SPLITS):
                for e, estimator in enumerate(estimator_names):
                    for seed in seeds:
                        for count in (c for c in COUNTS if c <= budget):
                            left = 1 - np.log10(count / 100) / np.log10(6e7 / 100)
                            value = END[algorithm] - 400 * left**3 + seed - s - 0.1 * e
                            rows.append(
                                row(
                                    n_train=n_train,
                                    algorithm=algorithm,
                                    split=split,
                                    estimator=estimator,
                                    seed=seed,
                                    training_samples=count,
                                    **{VALUE: value},
                                )
                            )
    return pd.DataFrame(rows)[COLUMNS].sort_values(KEY, ignore_index=True)


def line(axes, label):
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return found


def labels(axes, prefix) -> list[str]:
    return [x.get_label() for x in axes.lines if x.get_label().startswith(prefix)]


# Reading.


def write(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, index=False)
    return path


def test_reading_gives_back_what_was_written(tmp_path):
    table = synthetic(1e6, seeds=(0, 1))
    parts = [
        write(tmp_path / f"{seed}.csv", table[table["seed"] == seed].assign(more="ignored"))
        for seed in (1, 0)
    ]
    pd.testing.assert_frame_equal(read_likelihoods(parts), table, check_exact=True)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (VALUE, "nan", "is not finite. Did the run diverge?"),
        (VALUE, "-inf", "is not finite"),
        (VALUE, "", "is not a number"),
        ("standard_error", "-0.1", "is below 0"),
        ("n_points", "0", "is not a positive whole number"),
        ("n_flagged", "2.5", "is not a count"),
        ("n_flagged", "-1", "is not a count"),
        ("n_flagged", "1001", "is more than n_points"),
        ("n_flagged", "1000", None),
        ("marginal_log_likelihood_passed", "", "is empty, but some points passed"),
        ("marginal_log_likelihood_passed", "some", "is not a number"),
        ("acceptance", "1.2", "is above 1"),
        ("n_train", "1e3.5", "is not a number"),
        ("algorithm", "EM", "is not one of AEVB, wake-sleep, MCEM"),
        ("split", "valid", "is not one of train, test"),
        ("estimator", "", "is no name"),
        ("likelihood_evaluations", "", "is not a number"),
    ],
)
def test_bad_cell_names_file_line_and_column(tmp_path, column, value, message):
    table = pd.DataFrame([row(), row(training_samples=200)])[COLUMNS].astype(object)
    table.loc[1, column] = value
    path = write(tmp_path / "run.csv", table)
    if message is None:  # All flagged, but a mean over those that passed.
        column, value, message = "marginal_log_likelihood_passed", "-543.4", "mean of no point"
    with pytest.raises(DataError) as error:
        read_likelihoods([path])
    assert f"{path}, line 3, column '{column}': '{value}'" in str(error.value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_empty_cells_where_they_mean_something(tmp_path):
    table = pd.DataFrame(
        [row(estimator="quadrature"), row(n_flagged=1000, marginal_log_likelihood_passed=np.nan)]
    )[COLUMNS]
    read = read_likelihoods([write(tmp_path / "run.csv", table)])
    assert read["marginal_log_likelihood_passed"].isna().tolist() == [True, False]
    assert read["rhat"].isna().tolist() == [False, True]


def test_bad_files(tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv: no such file"):
        read_likelihoods([tmp_path / "absent.csv"])
    with pytest.raises(DataError, match="cannot be read"):
        read_likelihoods([tmp_path])
    with pytest.raises(DataError, match="No likelihood table"):
        read_likelihoods([])
    good = write(tmp_path / "good.csv", synthetic(1e4))
    with pytest.raises(DataError, match=r"twin\.csv: the point with dataset MNIST.*a second time"):
        read_likelihoods([good, write(tmp_path / "twin.csv", synthetic(100))])
    for text, message in (
        ("", "the file is empty"),
        (",".join(COLUMNS), "no rows"),
        (",".join(COLUMNS[:-1]), "column 'likelihood_evaluations' is missing"),
    ):
        (tmp_path / "bad.csv").write_text(text)
        with pytest.raises(DataError, match=rf"bad\.csv: .*{message}"):
            read_likelihoods([tmp_path / "bad.csv"])
    cut = good.read_text().rsplit(",", 1)[0]
    (tmp_path / "cut.csv").write_text(cut)
    with pytest.raises(DataError, match=r"cut\.csv, line 49, column 'likelihood_evaluations': ''"):
        read_likelihoods([tmp_path / "cut.csv"])


# The paper's curves.


def test_paper_table_is_complete(paper):
    assert len(paper) == 1771
    assert list(paper.columns) == PAPER_COLUMNS
    assert paper.groupby(CURVE).ngroups == 12
    assert set(paper["algorithm"]) == set(ALGORITHMS)
    for _, curve in paper.groupby(CURVE):
        assert curve["training_samples"].is_unique
    assert (without_start(paper).groupby(CURVE).size() > 20).all()
    assert without_start(paper)[VALUE].min() > -170


@pytest.mark.parametrize(
    ("n_train", "algorithm", "split", "value"),
    [
        (1_000, "wake-sleep", "train", -128.291),
        (1_000, "wake-sleep", "test", -146.632),
        (1_000, "MCEM", "train", -118.275),
        (1_000, "MCEM", "test", -142.374),
        (1_000, "AEVB", "train", -114.380),
        (1_000, "AEVB", "test", -142.904),
        (50_000, "wake-sleep", "train", -140.744),
        (50_000, "wake-sleep", "test", -143.221),
        (50_000, "AEVB", "train", -135.474),
        (50_000, "AEVB", "test", -142.267),
    ],
)
def test_paper_at_ten_million_samples(paper, n_train, algorithm, split, value):
    """Against the values that were interpolated when the figure was read off."""
    keys = [paper["n_train"] == n_train, paper["algorithm"] == algorithm, paper["split"] == split]
    (found,) = interpolate(paper[np.logical_and.reduce(keys)], [1e7])
    assert found == pytest.approx(value, abs=0.001)


def test_printed_frame_holds_what_was_printed(paper):
    for n_train, frame in fig3_frame.PAPER_FRAMES.items():
        rows = paper[paper["n_train"] == n_train]
        inside = rows["training_samples"].between(*frame.samples)
        inside &= rows[VALUE].between(*frame.likelihood)
        assert (inside == rows["in_frame"]).all()


# Figure 3.


def test_layout_and_printed_axes(paper):
    figure = fig3.draw(synthetic(6e7), paper, note="scale paper")
    assert [axes.get_title() for axes in figure.axes] == [
        f"$N_{{train}}$ = {n}" for n in (1000, 1000, 50000, 50000)
    ]
    heights = [round(axes.get_position().y0, 6) for axes in figure.axes]
    assert heights[0] == heights[2] > heights[1] == heights[3]
    for axes in figure.axes:
        frame = fig3_frame.PAPER_FRAMES[int(axes.get_title().split()[-1])]
        assert axes.get_xscale() == "linear"
        assert (axes.get_xlim(), axes.get_ylim()) == frame[:2]
    assert figure.get_supxlabel() == "# training samples evaluated (millions)"
    names = [fig3.ESTIMATORS[name] for name in ("paper", "quadrature")]
    for text in (*names, "scale paper", "to $6\\times10^{7}$ samples", "1 seed"):
        assert text in footer(figure)
    drawn = [text.get_text() for text in figure.legends[0].get_texts()]
    assert drawn == [*ALGORITHMS, *SPLITS, "ours (thick)", "paper (thin, pale)"]


def test_lines_are_the_table_and_the_paper_lies_behind_in_every_row(paper):
    ours = synthetic(6e7)
    table = fig3.table(ours, paper)
    figure = fig3.draw(ours, paper)
    panels = [(n, e) for n in (1_000, 50_000) for e in ("paper", "quadrature")]
    n_drawn = 0
    for axes, (n_train, estimator) in zip(figure.axes, panels, strict=True):
        for source in ("ours", "paper"):
            rows = table[(table["source"] == source) & (table["n_train"] == n_train)]
            rows = rows[rows["estimator"] == (estimator if source == "ours" else "paper")]
            for (algorithm, split), curve in rows.groupby(["algorithm", "split"]):
                drawn = line(axes, f"{source} {algorithm} {split}")
                np.testing.assert_array_equal(drawn.get_xdata(), curve["training_samples"])
                np.testing.assert_allclose(drawn.get_ydata(), curve[VALUE], rtol=1e-12)
                assert drawn.is_dashed() == (split == "test")
                n_drawn += 1
        for algorithm in ALGORITHMS:
            one, other = line(axes, f"ours {algorithm} test"), line(axes, f"paper {algorithm} test")
            assert one.get_linewidth() > other.get_linewidth()
            assert one.get_zorder() > other.get_zorder()
            assert one.get_color() == style.PALETTE[algorithm]
            assert other.get_color() == style.lighter(one.get_color())
    assert n_drawn == 4 * 2 * 6
    assert len(table) == len(ours) + len(without_start(paper))


def test_table_columns_and_files(paper, tmp_path):
    table = fig3.table(synthetic(1e6, seeds=(0, 1)), paper)
    assert list(table.columns) == ["source", *COLUMNS]
    theirs = table[table["source"] == "paper"]
    assert set(theirs["estimator"]) == {"paper"}
    assert theirs[["seed", "n_points", "acceptance"]].isna().all(axis=None)
    write(tmp_path / "fig3.csv", table)
    text = (tmp_path / "fig3.csv").read_text()
    assert "\nours,MNIST,3,1000,AEVB,test,quadrature,1,1000000," in text


def test_band_spans_the_seeds_and_the_line_is_their_mean(paper):
    figure = fig3.draw(synthetic(6e7, seeds=(0, 1, 5)), paper)
    alone = synthetic(6e7)
    for axes in figure.axes:
        bands = [c for c in axes.collections if str(c.get_label()).startswith("seeds ")]
        assert len(bands) == 6
        for band in bands:
            algorithm, split = band.get_label().split()[1:]
            drawn = line(axes, f"ours {algorithm} {split}").get_ydata()
            vertices = band.get_paths()[0].vertices[:, 1]
            assert vertices.min() == pytest.approx(drawn.min() - 2)
            assert vertices.max() == pytest.approx(drawn.max() + 3)
    rows = alone[(alone["n_train"] == 50_000) & (alone["estimator"] == "quadrature")]
    rows = rows[(rows["algorithm"] == algorithm) & (rows["split"] == split)]
    np.testing.assert_allclose(drawn, rows[VALUE] + 2)
    assert "min–max of seeds" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "3 seeds" in footer(figure)


def test_seeds_are_interpolated_linearly_in_samples():
    curve = pd.DataFrame(
        [
            row(seed=0, training_samples=100, **{VALUE: -200.0}, n_flagged=100),
            row(seed=0, training_samples=200, **{VALUE: -150.0}),
            row(seed=0, training_samples=300, **{VALUE: -100.0}, standard_error=0.3),
            row(seed=1, training_samples=100, **{VALUE: -220.0}, n_flagged=300),
            row(seed=1, training_samples=300, **{VALUE: -120.0}, standard_error=0.4),
        ]
    )
    summary = over_seeds(curve)
    assert summary["mean"].tolist() == [-210.0, -160.0, -110.0]
    assert summary["n_seeds"].tolist() == [2, 2, 2]
    assert summary["flagged_share"].tolist() == [0.2, 0.0, 0.0]
    assert summary["standard_error"][2] == pytest.approx(0.25)


def test_flagged_points_are_hollow_and_counted(paper):
    table = synthetic(6e7)
    bad = (table["estimator"] == "paper") & (table["algorithm"] == "MCEM")
    bad &= (table["training_samples"] >= 10**7) & (table["n_train"] == 1000)
    table.loc[bad, "n_flagged"] = 123
    table.loc[table["estimator"] == "quadrature", "n_flagged"] = 50  # 5 %, not more.
    figure = fig3.draw(table, paper)
    first, *others = figure.axes
    assert labels(first, "flagged") == ["flagged MCEM train", "flagged MCEM test"]
    assert not any(labels(axes, "flagged") for axes in others)
    hollow, ours = line(first, "flagged MCEM test"), line(first, "ours MCEM test")
    assert hollow.get_xdata().tolist() == [10**7, 3 * 10**7, 6 * 10**7]
    np.testing.assert_array_equal(hollow.get_ydata(), ours.get_ydata()[-3:])
    assert hollow.get_markerfacecolor() == "white"
    assert "paper 0–12.3 %, quadrature 5 %" in footer(figure)
    assert "hollow: more than 5 % flagged" in footer(figure)
    assert "> 5 % flagged" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "hollow" not in footer(fig3.draw(synthetic(6e7), paper))


def test_standard_errors_show_only_where_they_are_longer_than_the_line_is_wide(paper):
    table = synthetic(6e7)
    assert not any(axes.containers for axes in fig3.draw(table, paper).axes)
    wide = (table["split"] == "train") & (table["training_samples"] == 10**7)
    table.loc[wide, "standard_error"] = 4.0
    figure = fig3.draw(table, paper)
    for axes in figure.axes:
        assert len(axes.containers) == 3
        for bars in axes.containers:
            (segment,) = bars[2][0].get_segments()
            assert segment[1][1] - segment[0][1] == pytest.approx(8.0)
            assert segment[0][0] == 10**7
    assert "bars: ± 1 standard error" in footer(figure)


@pytest.mark.parametrize("budget", [100, 1e4, 1e5, 1e6, 3e6])
def test_short_run_is_logarithmic_and_inside(paper, budget):
    for axes in fig3.draw(synthetic(budget), paper).axes:
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert axes.get_xscale() == "log"
        assert right == fig3_frame.PAPER_FRAMES[int(axes.get_title().split()[-1])].samples[1]
        for label in labels(axes, "ours"):
            x, y = line(axes, label).get_data()
            assert left <= x[-1] <= right and bottom <= y[-1] <= top
            if budget >= 1e5:  # Shorter runs cannot help showing where they began.
                assert bottom > y[0] + 100
        assert not axes.texts


def test_linear_axis_ends_with_our_longest_curve(paper):
    for axes in fig3.draw(synthetic(1e7), paper).axes:
        assert axes.get_xscale() == "linear"
        assert axes.get_xlim() == (0, 1e7)


def test_a_curve_far_below_the_others_is_named_and_squeezes_nothing(paper):
    table = synthetic(6e7)
    far = (table["algorithm"] == "MCEM") & (table["n_train"] == 50_000)
    table.loc[far, VALUE] = -420.04
    *small, large, below = fig3.draw(table, paper).axes
    for axes in (large, below):
        assert axes.get_ylim() == (-160, -125)
        (text,) = axes.texts
        assert text.get_text().splitlines()[1:] == ["MCEM train −420.0", "MCEM test −420.0"]
    assert not any(axes.texts for axes in small)


def test_other_panels_and_no_paper(paper):
    table = synthetic(6e7, estimator_names=("AIS", "quadrature"), n_trains=(7,))
    quadrature, ais = fig3.draw(table, paper).axes
    assert quadrature.get_position().y0 > ais.get_position().y0
    for axes in (quadrature, ais):
        assert len(axes.lines) == 6
        assert axes.get_xlim() == (0, 6e7)
        assert axes.get_ylim() == (-150, -130)
    assert (fig3.table(table, paper)["source"] == "ours").all()
    assert len(fig3.draw(synthetic(1e7), paper.iloc[:0]).axes) == 4


def test_one_data_set_and_one_latent_dim(paper):
    table = synthetic(1e5)
    with pytest.raises(DataError, match="MNIST with N_z = 3, MNIST with N_z = 5"):
        fig3.draw(pd.concat([table, table.assign(latent_dim=5)]), paper)
    with pytest.raises(DataError, match="hold nothing"):
        fig3.table(table.iloc[:0], paper)
    frey = fig3.table(table.assign(dataset="FreyFace"), paper)
    assert (frey["source"] == "ours").all()


@pytest.mark.parametrize(
    ("budget", "names"),
    [(1e5, ("paper", "quadrature")), (6e7, ("quadrature",)), (3e6, ("paper", "AIS"))],
)
def test_nothing_overlaps_or_leaves_the_page(paper, budget, names):
    table = synthetic(budget, seeds=(0, 1), estimator_names=names)
    table.loc[table["estimator"] != "quadrature", "n_flagged"] = 400
    assert_tidy(fig3.draw(table, paper, note="scale quick, variant authors"))


def assert_tidy(figure) -> None:
    with style.theme():
        figure.canvas.draw()
    parts = [axes.get_tightbbox() for axes in figure.axes]
    parts += [figure.legends[0].get_window_extent()]
    parts += [text.get_window_extent() for text in figure.texts]
    page = figure.bbox
    for i, part in enumerate(parts):
        assert part.x0 >= page.x0 and part.y0 >= page.y0
        assert part.x1 <= page.x1 and part.y1 <= page.y1
        assert not any(part.overlaps(other) for other in parts[i + 1 :])


# Distances and orders.


def test_distance_by_hand():
    paper = pd.DataFrame(
        [
            ("MNIST", 3, 1000, "AEVB", "test", 100, -544.0, False),
            ("MNIST", 3, 1000, "AEVB", "test", 2_000_000, -150.0, True),
            ("MNIST", 3, 1000, "AEVB", "test", 6_000_000, -130.0, True),
        ],
        columns=PAPER_COLUMNS,
    )
    points = [
        (0, 1_000_000, -160.0, 0),
        (0, 5_000_000, -140.0, 200),
        (1, 1_000_000, -150.0, 0),
        (1, 3_000_000, -146.0, 100),
    ]
    table = pd.DataFrame(
        [
            row(seed=seed, training_samples=count, n_flagged=flagged, **{VALUE: value})
            for seed, count, value, flagged in points
        ]
        + [row(n_train=7, training_samples=10**6), row(latent_dim=2, training_samples=10**6)]
    )
    result = distance(table, paper, samples=(1e6, 2e6, 3e6, 4e6, 6e6))

    # The paper is unknown before 2e6; seed 1 ends at 3e6, and ours altogether at 5e6.
    assert result["training_samples"].tolist() == [2_000_000, 3_000_000, 4_000_000]
    assert result["paper"].tolist() == pytest.approx([-150.0, -145.0, -140.0])
    assert result["ours"].tolist() == pytest.approx([-151.5, -148.0, -145.0])
    assert result["difference"].tolist() == pytest.approx([-1.5, -3.0, -5.0])
    assert result["n_seeds"].tolist() == [2, 2, 1]
    assert result["flagged_share"].tolist() == pytest.approx([0.05, 0.1, 0.15])
    assert result["seed_sd"][:2].tolist() == pytest.approx([3.5 * np.sqrt(2), 2 * np.sqrt(2)])
    assert np.isnan(result["seed_sd"][2])


def as_ours(paper) -> pd.DataFrame:
    """The paper's curves as if they were our table, by both estimators."""
    rows = without_start(paper).drop(columns="in_frame").to_dict("records")
    return pd.DataFrame(
        [row(**values, estimator=e) for values in rows for e in ("paper", "quadrature")]
    )


def test_the_paper_against_itself_and_shifted(paper):
    table = as_ours(paper)
    same = distance(table, paper)
    assert same["difference"].abs().max() < 1e-9
    assert set(same["training_samples"]) == {int(count) for count in SAMPLES}
    slow = same[(same["algorithm"] == "MCEM") & (same["n_train"] == 50_000)]
    assert slow["training_samples"].min() == 30_000_000
    agreement = orders(same)
    assert agreement["agrees"].all()
    first = agreement[(agreement["n_train"] == 1000) & (agreement["training_samples"] == 10**7)]
    assert set(first[first["split"] == "train"]["order"]) == {"AEVB > MCEM > wake-sleep"}
    assert set(first[first["split"] == "test"]["order"]) == {"MCEM > AEVB > wake-sleep"}
    assert set(agreement[agreement["n_train"] == 50_000]["training_samples"]) == {
        30_000_000,
        40_000_000,
        50_000_000,
        60_000_000,
        68_000_000,
    }

    moved = (table["algorithm"] == "wake-sleep") & (table["estimator"] == "quadrature")
    table.loc[moved, VALUE] += 2.5
    result = distance(table, paper)
    shifted = (result["algorithm"] == "wake-sleep") & (result["estimator"] == "quadrature")
    np.testing.assert_allclose(result["difference"], np.where(shifted, 2.5, 0.0), atol=1e-9)


def test_swapped_curves_change_the_order(paper):
    table = as_ours(paper)
    swap = {"AEVB": "wake-sleep", "wake-sleep": "AEVB"}
    there = table["estimator"] == "quadrature"
    table.loc[there, "algorithm"] = table["algorithm"][there].replace(swap)
    result = orders(distance(table, paper))
    assert set(result["estimator"]) == {"paper", "quadrature"}
    assert (result["agrees"] == (result["estimator"] == "paper")).all()
    wrong = result[(result["n_train"] == 1000) & (result["split"] == "train") & ~result["agrees"]]
    assert set(wrong["order"]) == {"wake-sleep > MCEM > AEVB"}
    assert set(wrong["paper_order"]) == {"AEVB > MCEM > wake-sleep"}

    without = orders(distance(table[table["algorithm"] != "MCEM"], paper))
    assert without.empty and list(without.columns) == list(result.columns)


def test_short_run_has_columns_and_no_rows(paper):
    result = distance(synthetic(1e5), paper)
    assert result.empty
    assert (
        list(result.columns)
        == (
            "n_train algorithm split estimator training_samples ours seed_sd n_seeds flagged_share"
            " paper difference"
        ).split()
    )


# Estimators against the truth.

NAMES = {  # Evaluations, bias, standard deviation.
    "harmonic kernel, 50 samples (paper)": (450, 0.8, 1.5),
    "harmonic full, 4000": (36_000, 0.05, 0.2),
    "importance 1": (1, -30.0, 12.0),
    "importance 5000": (5_000, -1.0, 1.2),
    "AIS": (60_000, -0.01, 0.08),
    "AIS backward": (60_000, 0.012, 0.09),
    "quadrature": (27_000, 1e-9, 1e-8),
}


def truths(networks=("AEVB, N=50000", "wake-sleep, N=1000")) -> pd.DataFrame:
    rows = []
    for model, dim in [*(("PPCA", d) for d in (2, 3, 5, 10, 20)), *((n, 3) for n in networks)]:
        for name, (evaluations, bias, spread) in NAMES.items():
            if name == "quadrature" and (dim > 3 or model != "PPCA"):
                continue
            flagged = 100 if name.startswith("harmonic") and dim >= 5 else 0
            exact = "closed form" if model == "PPCA" else "quadrature"
            scale = dim / 3
            errors = np.array([bias, spread / 22, spread, np.hypot(bias, spread), bias]) * scale
            budget = f"{evaluations} evaluations"
            rows.append((model, dim, name, budget, exact, 500, flagged, *errors, 2.0, evaluations))
    return pd.DataFrame(rows, columns=compared.COLUMNS)


def test_page_shows_every_row():
    """Bias, spread, flags and cost of each row, and none where no point passed."""
    table = truths()
    table.loc[0, ["n_flagged", "bias_passed"]] = [500, np.nan]
    page = compared.render(table)
    rows = [re.findall("<td>(.*?)</td>", row) for row in page.split("<tr>")[1:]]
    assert [row[2] for row in rows] == table["estimator"].tolist()
    bias, error = table["bias"][0], table["bias_standard_error"][0]
    assert rows[0][3] == f"{bias:+.3f} ± {error:.3f}"
    assert rows[0][5:7] == ["500 of 500", "none"]
    assert rows[1][6] == f"{table['bias_passed'][1]:+.3f}"


def test_truths_keep_the_order_of_the_files(tmp_path):
    table = truths()
    parts = [
        write(tmp_path / "networks.csv", table[table["model"] != "PPCA"]),
        write(
            tmp_path / "ppca.csv", table[table["model"] == "PPCA"].sample(frac=1.0, random_state=1)
        ),
    ]
    read = compared.read_truths(parts)
    assert read["model"].unique().tolist() == ["AEVB, N=50000", "wake-sleep, N=1000", "PPCA"]
    first = read[read["model"] == "AEVB, N=50000"]
    assert first["estimator"].tolist() == [name for name in NAMES if name != "quadrature"]
    key = compared.KEY
    pd.testing.assert_frame_equal(
        read.sort_values(key, ignore_index=True),
        table.sort_values(key, ignore_index=True),
        check_dtype=False,
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("bias", "inf", "is not finite. Did the estimator overflow?"),
        ("rmse", "-1", "is below 0"),
        ("truth", "guess", "is not one of closed form, quadrature"),
        ("n_flagged", "501", "is more than n_points"),
        ("budget", "", "is no name"),
    ],
)
def test_bad_truth_names_file_line_and_column(tmp_path, column, value, message):
    table = truths().astype(object)
    table.loc[1, column] = value
    path = write(tmp_path / "truth.csv", table)
    with pytest.raises(DataError) as error:
        compared.read_truths([path])
    assert f"{path}, line 3, column '{column}': '{value}' {message}" in str(error.value)


def test_no_truths_and_repeated_truths(tmp_path):
    path = write(tmp_path / "truth.csv", truths())
    with pytest.raises(DataError, match="a second time"):
        compared.read_truths([path, path])
    with pytest.raises(DataError, match="No table of estimators"):
        compared.read_truths([])
    with pytest.raises(DataError, match="no rows"):
        estimators.draw(truths().iloc[:0])


def values(axes, name, axis) -> list[float]:
    """What the marks of one estimator show, sorted."""
    found = [x for x in axes.lines if x.get_label() == name]
    return sorted(v for x in found for v in (x.get_ydata() if axis == "y" else x.get_xdata()))


def test_every_truth_is_drawn_once():
    table = truths()
    linear, first, second, cost = estimators.draw(table, note="scale quick").axes
    panels = [
        (linear, "PPCA", "y"),
        (first, "AEVB, N=50000", "x"),
        (second, "wake-sleep, N=1000", "x"),
    ]
    for axes, model, axis in panels:
        here = table[table["model"] == model]
        for name in NAMES:
            rows = here[here["estimator"] == name]
            assert values(axes, name, axis) == sorted(rows["bias"])
            bars = [c for c in axes.containers if c.get_label() == f"spread {name}"]
            assert len(bars) == (len(rows) > 0)
            i = "xy".index(axis)
            lengths = [s[1][i] - s[0][i] for b in bars for s in b[2][0].get_segments()]
            np.testing.assert_allclose(sorted(lengths), sorted(2 * rows["standard_deviation"]))
    networks = table[table["model"] != "PPCA"]
    for name, rows in networks.groupby("estimator"):
        assert values(cost, name, "x") == pytest.approx([rows["likelihood_evaluations"].mean()])
        assert values(cost, name, "y") == pytest.approx([np.sqrt((rows["rmse"] ** 2).mean())])
        assert values(cost, f"single {name}", "y") == sorted(rows["rmse"])
    assert {text.get_text() for text in cost.texts} == {n for n in NAMES if n != "quadrature"}


def test_axes_show_a_hundredth_and_a_hundred_nats():
    axes = estimators.draw(truths()).axes[0]
    assert axes.get_yscale() == "symlog"
    low, high = axes.get_ylim()
    assert low < -200 - 80 and high > 0.8 * 20 / 3
    assert {-100.0, -0.01, 0.0, 0.01, 1.0} <= set(axes.get_yticks())
    place = axes.transAxes.inverted().transform
    heights = [place(axes.transData.transform((0, v)))[1] for v in (0.0, 0.01, 0.1)]
    assert min(np.diff(heights)) > 0.03
    (band,) = [patch for patch in axes.patches]
    assert band.get_y() == -estimators.TOLERANCE
    assert band.get_height() == pytest.approx(2 * estimators.TOLERANCE)


def test_families_share_marker_and_hue_and_flagged_marks_are_hollow():
    figure = estimators.draw(truths())
    looks = {
        text.get_text(): handle
        for text, handle in zip(
            figure.legends[0].get_texts(), figure.legends[0].legend_handles, strict=True
        )
    }
    assert [*looks][:-1] == list(NAMES)
    markers = {name.split()[0]: looks[name].get_marker() for name in NAMES}
    assert len(set(markers.values())) == 4
    assert all(looks[name].get_marker() == markers[name.split()[0]] for name in NAMES)
    assert len({looks[name].get_color() for name in NAMES}) == len(NAMES)
    name = "harmonic full, 4000"
    linear = figure.axes[0]
    hollow = [
        x for x in linear.lines if x.get_label() == name if x.get_markerfacecolor() == "white"
    ]
    assert [len(x.get_xdata()) for x in hollow] == [3]
    assert "hollow: > 5 % flagged" in looks


@pytest.mark.parametrize(
    ("networks", "n_axes"), [((), 2), (("A",), 3), (("A", "B"), 4), (("A", "B", "C", "D"), 6)]
)
def test_parts_without_data_are_left_out_and_nothing_overlaps(networks, n_axes):
    figure = estimators.draw(truths(networks), note="scale quick")
    assert len(figure.axes) == n_axes
    assert_tidy(figure)
    names = [text.get_window_extent() for text in figure.axes[-1].texts]
    assert not any(a.overlaps(b) for i, a in enumerate(names) for b in names[i + 1 :])
    if not networks:  # The smallest N_z; its quadrature is better than the axis is long.
        assert r"quadrature: $6.7\times10^{-9}$ nats" in [
            text.get_text() for text in figure.axes[-1].texts
        ]


def test_networks_alone():
    table = truths()
    assert len(estimators.draw(table[table["model"] != "PPCA"]).axes) == 3


# Files and imports.


def test_same_bytes_twice(paper, tmp_path):
    for draw in (
        lambda: fig3.draw(synthetic(1e6, (0, 1), ["paper"], [1000]), paper),
        lambda: estimators.draw(truths(["AEVB, N=1000"]).tail(6)),
    ):
        pairs = [style.save(draw(), tmp_path / run / "figure") for run in "ab"]
        for one, other in zip(*pairs, strict=True):
            assert one.read_bytes() == other.read_bytes()


def test_figures_import_no_tensorflow():
    code = (
        "import sys, aevb.figures.fig3, aevb.tables.fig3_distance, aevb.figures.estimators\n"
        "print([m for m in sys.modules if m.split('.')[0] in"
        " ('tensorflow', 'tensorflow_probability', 'tf_keras')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"
