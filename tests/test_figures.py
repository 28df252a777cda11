"""The figures, from synthetic curves: what is drawn is what the table says, on the right axes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from aevb.errors import DataError
from aevb.figures import fig2, style
from aevb.tables.curves import (
    ALGORITHMS,
    COLUMNS,
    CURVE,
    SPLITS,
    interpolate,
    over_seeds,
    read_curves,
    read_paper_curves,
)
from aevb.tables.fig2 import table as fig2_table
from aevb.tables.fig2_distance import SAMPLES, distance
from drawn import footer

PAPER_CSV = Path(__file__).parents[1] / "resources" / "paper" / "fig2_lower_bound.csv"
LATENT_DIMS = {"MNIST": (3, 5, 10, 20, 200), "FreyFace": (2, 5, 10, 20)}
START = {"MNIST": -543.4, "FreyFace": -526.0}
END = {"MNIST": -110.0, "FreyFace": 900.0}


@pytest.fixture(scope="module")
def paper() -> pd.DataFrame:
    return read_paper_curves(PAPER_CSV)


def synthetic(budget, seeds=(0,), latent_dims=LATENT_DIMS) -> pd.DataFrame:
    """Curves that rise linearly in log10 samples to END at 1e7; each seed lies one nat higher."""
    counts = [count for count in (200, 1_000, 50_000, 500_000, 10**6, 10**7) if count <= budget]
    rows = []
    for name, dims in latent_dims.items():
        for dim in dims:
            for a, algorithm in enumerate(ALGORITHMS):
                for s, split in enumerate(SPLITS):
                    for seed in seeds:
                        for count in counts:
                            done = np.log10(count / 200) / np.log10(1e7 / 200)
                            bound = START.get(name, -500) * (1 - done) + END.get(name, -90) * done
                            bound += seed - 5 * a - s - dim / 100
                            rows.append((name, dim, algorithm, split, seed, count, bound))
    return pd.DataFrame(rows, columns=COLUMNS)


def lines(axes, prefix) -> dict:
    return {
        line.get_label().removeprefix(prefix): line
        for line in axes.lines
        if line.get_label().startswith(prefix)
    }


def legend_texts(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


# The layout of the paper.


def test_layout_titles_and_axes_are_the_papers(paper):
    figure = fig2.draw(synthetic(1e7), paper)
    assert [axes.get_title() for axes in figure.axes] == [
        *(f"MNIST, $N_z$={dim}" for dim in LATENT_DIMS["MNIST"]),
        *(f"Frey Face, $N_z$={dim}" for dim in LATENT_DIMS["FreyFace"]),
    ]
    tops = [round(axes.get_position().y0, 6) for axes in figure.axes]
    assert len(set(tops[:5])) == len(set(tops[5:])) == 1
    assert tops[0] > tops[5]
    for i, axes in enumerate(figure.axes):
        assert axes.get_xscale() == "log"
        assert axes.get_yscale() == "linear"
        assert axes.get_xlim() == ((1e5, 2.5e8) if i < 5 else (1e5, 1e8))
        assert axes.get_ylim() == ((-150, -95) if i < 5 else (0, 1600))
        assert axes.get_ylabel() == (r"$\mathcal{L}$ (nats per datapoint)" if i in (0, 5) else "")
    assert figure.get_supxlabel() == "# training samples evaluated"


def test_printed_frame_holds_all_that_was_printed(paper):
    printed = paper[paper["in_frame"]]
    for name, frame in fig2.PAPER_FRAMES.items():
        rows = printed[printed["dataset"] == name]
        assert rows["training_samples"].between(*frame.samples).all()
        assert rows["lower_bound"].between(*frame.bound).all()
    # The vertices just outside show that the limits are not merely wide enough.
    mnist = paper[(paper["dataset"] == "MNIST") & (paper["training_samples"] <= 2.5e8)]
    assert not mnist["in_frame"][mnist["lower_bound"] < -150].any()
    assert mnist["in_frame"][mnist["lower_bound"] > -150].all()


def test_lines_are_the_tables_and_the_paper_lies_behind(paper):
    curves = synthetic(1e7)
    figure = fig2.draw(curves, paper)
    panels = [(name, dim) for name, dims in LATENT_DIMS.items() for dim in dims]
    for axes, (name, dim) in zip(figure.axes, panels, strict=True):
        assert len(axes.lines) == 8
        for table, prefix in ((curves, "ours "), (paper, "paper ")):
            drawn = lines(axes, prefix)
            assert set(drawn) == {f"{a} {s}" for a in ALGORITHMS for s in SPLITS}
            for label, line in drawn.items():
                algorithm, split = label.split()
                rows = table[
                    (table["dataset"] == name)
                    & (table["latent_dim"] == dim)
                    & (table["algorithm"] == algorithm)
                    & (table["split"] == split)
                ]
                np.testing.assert_array_equal(line.get_xdata(), rows["training_samples"])
                np.testing.assert_allclose(line.get_ydata(), rows["lower_bound"], rtol=1e-12)
        for label, ours in lines(axes, "ours ").items():
            theirs = lines(axes, "paper ")[label]
            assert ours.get_linewidth() > theirs.get_linewidth()
            assert ours.get_zorder() > theirs.get_zorder()
            assert ours.get_color() == style.PALETTE[label.split()[0]]
            assert theirs.get_color() == style.lighter(ours.get_color())
            assert ours.is_dashed() == theirs.is_dashed() == label.endswith("test")


def test_legend_and_footer_explain_what_is_drawn(paper):
    one = fig2.draw(synthetic(1e7), paper, note="scale full, variant authors")
    entries = ["AEVB", "wake-sleep", "train", "test", "ours (thick)", "paper (thin, pale)"]
    assert legend_texts(one) == entries
    assert "scale full, variant authors" in footer(one)
    assert "Frey Face: to $10^{7}$ samples a curve, 1 seed" in footer(one)

    several = fig2.draw(synthetic(1e6, seeds=(0, 1, 2)), paper)
    assert legend_texts(several) == [*entries, "min–max of seeds"]
    assert "MNIST: to $10^{6}$ samples a curve, 3 seeds" in footer(several)


@pytest.mark.parametrize(
    ("curves", "datasets"),
    [
        (synthetic(1e7), None),
        (synthetic(1e6, seeds=(0, 1)), None),
        (synthetic(5e4), ["MNIST"]),
        (synthetic(1e6, seeds=(0, 1)), ["FreyFace"]),
        (synthetic(1e6, latent_dims={"A": range(2, 7), "B": range(2, 7), "C": range(2, 7)}), None),
        (synthetic(1e7, latent_dims={"MNIST": (3, 7)}), None),
        (synthetic(1e7, latent_dims={"Fashion": (5,)}), None),
    ],
    ids=["full", "quick", "smoke MNIST", "Frey Face", "no free cell", "mixed", "one panel"],
)
def test_nothing_overlaps_or_leaves_the_page(paper, curves, datasets):
    figure = fig2.draw(curves, paper, datasets=datasets, note="scale quick, variant paper")
    with style.theme():
        figure.canvas.draw()
    parts = [axes.get_tightbbox() for axes in figure.axes]
    parts += [figure.legends[0].get_window_extent()]
    parts += [text.get_window_extent() for text in figure.texts]
    assert len(figure.texts) == 2
    page = figure.bbox
    for i, part in enumerate(parts):
        assert part.x0 >= page.x0 and part.y0 >= page.y0
        assert part.x1 <= page.x1 and part.y1 <= page.y1
        assert not any(part.overlaps(other) for other in parts[i + 1 :])


# Seeds.


def test_band_spans_the_seeds_and_the_line_is_their_mean(paper):
    curves = synthetic(1e6, seeds=(0, 1, 5), latent_dims={"MNIST": (20,)})
    (axes,) = fig2.draw(curves, paper).axes
    assert len(axes.collections) == 4
    lowest = curves[curves["seed"] == 0]
    for band in axes.collections:
        algorithm, split = band.get_label().removeprefix("seeds ").split()
        rows = lowest[(lowest["algorithm"] == algorithm) & (lowest["split"] == split)]
        vertices = band.get_paths()[0].vertices
        assert vertices[:, 1].min() == pytest.approx(rows["lower_bound"].min())
        assert vertices[:, 1].max() == pytest.approx(rows["lower_bound"].max() + 5)
        assert to_hex(band.get_facecolor()[0]) == style.PALETTE[algorithm]
        line = lines(axes, "ours ")[f"{algorithm} {split}"]
        np.testing.assert_allclose(line.get_ydata(), rows["lower_bound"] + 2)


def test_no_band_with_one_seed(paper):
    assert all(not axes.collections for axes in fig2.draw(synthetic(1e7), paper).axes)


def test_a_seed_counts_only_as_far_as_it_was_trained():
    curve = pd.DataFrame(
        {
            "seed": [0, 0, 0, 1, 1],
            "training_samples": [100, 1_000, 10_000, 100, 1_000],
            "lower_bound": [-500.0, -300.0, -200.0, -510.0, -320.0],
        }
    )
    summary = over_seeds(curve)
    assert summary["training_samples"].tolist() == [100, 1_000, 10_000]
    assert summary["mean"].tolist() == [-505.0, -310.0, -200.0]
    assert summary["low"].tolist() == [-510.0, -320.0, -200.0]
    assert summary["high"].tolist() == [-500.0, -300.0, -200.0]
    assert summary["n_seeds"].tolist() == [2, 2, 1]


# Other layouts and budgets.


@pytest.mark.parametrize(("name", "n_panels"), [("MNIST", 5), ("FreyFace", 4)])
def test_one_data_set_is_one_row(paper, name, n_panels):
    curves = synthetic(1e7)
    asked = fig2.draw(curves, paper, datasets=[name])
    alone = fig2.draw(curves[curves["dataset"] == name], paper)
    for figure in (asked, alone):
        assert len(figure.axes) == n_panels
        assert len({round(axes.get_position().y0, 6) for axes in figure.axes}) == 1
        assert figure.get_figwidth() == pytest.approx(fig2.draw(curves, paper).get_figwidth())
        assert figure.axes[0].get_xlim() == fig2.PAPER_FRAMES[name].samples


def test_short_run_lies_inside_the_axes(paper):
    curves = synthetic(5e4)
    for axes in fig2.draw(curves, paper).axes:
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        for line in lines(axes, "ours ").values():
            assert left <= min(line.get_xdata()) and max(line.get_xdata()) <= right
            assert bottom <= min(line.get_ydata()) and max(line.get_ydata()) <= top
        frame = fig2.PAPER_FRAMES["MNIST" if "MNIST" in axes.get_title() else "FreyFace"]
        assert (right, top) == (frame.samples[1], frame.bound[1])


def test_axes_are_the_papers_from_a_million_samples_on(paper):
    below = fig2.draw(synthetic(5e5), paper).axes[0]
    above = fig2.draw(synthetic(1e6), paper).axes[0]
    assert below.get_xlim()[0] < 1e5 and below.get_ylim()[0] < -150
    assert (above.get_xlim(), above.get_ylim()) == fig2.PAPER_FRAMES["MNIST"]


def test_a_curve_below_the_papers_axes_is_named(paper):
    curves = synthetic(1e6, latent_dims={"MNIST": (3, 20)})
    hidden = (curves["latent_dim"] == 3) & (curves["algorithm"] == "AEVB")
    curves["lower_bound"] = np.where(curves["training_samples"] == 10**6, -140.0, -300.0)
    curves.loc[hidden, "lower_bound"] = -152.34
    first, second = fig2.draw(curves, paper).axes
    (text,) = first.texts
    assert text.get_text().splitlines()[1:] == ["AEVB train −152.3", "AEVB test −152.3"]
    assert not second.texts
    assert lines(first, "ours ")["wake-sleep test"].get_marker() == "o"


def test_panels_that_the_paper_does_not_have(paper):
    curves = synthetic(1e7, latent_dims={"MNIST": (3, 7), "Fashion": (5,)})
    known, other, fashion = fig2.draw(curves, paper).axes
    assert known.get_ylim() == (-150, -95)
    assert len(known.lines) == 8
    for axes in (other, fashion):
        assert len(axes.lines) == 4
        assert axes.get_xscale() == "log"
        assert axes.get_xlim() == (1e5, 1e7)
        shown = [
            y
            for line in axes.lines
            for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
            if x >= 1e5
        ]
        bottom, top = axes.get_ylim()
        assert bottom < min(shown) and max(shown) < top
    assert fashion.get_title() == "Fashion, $N_z$=5"
    without = fig2.draw(curves, paper.iloc[:0])
    assert "paper (thin, pale)" not in legend_texts(without)


def test_a_single_point_can_be_drawn(paper):
    curves = synthetic(200, latent_dims={"Fashion": (5,)})
    (axes,) = fig2.draw(curves, paper).axes
    left, right = axes.get_xlim()
    assert left <= 200 <= right


def test_more_than_five_panels_wrap(paper):
    figure = fig2.draw(synthetic(1e7, latent_dims={"Fashion": range(2, 9)}), paper)
    assert len(figure.axes) == 7
    assert len({round(axes.get_position().y0, 6) for axes in figure.axes}) == 2


def test_asking_for_an_absent_data_set_is_an_error(paper):
    curves = synthetic(1e6, latent_dims={"MNIST": (3,)})
    with pytest.raises(DataError, match="no curves of FreyFace; there are some of MNIST"):
        fig2.draw(curves, paper, datasets=["MNIST", "FreyFace"])
    with pytest.raises(DataError, match="no curves"):
        fig2_table(curves.iloc[:0], paper)


# Tables.


def test_table_holds_everything_drawn(paper, tmp_path):
    curves = synthetic(1e6, seeds=(0, 1), latent_dims={"MNIST": (3, 20)})
    table = fig2_table(curves, paper)
    assert list(table.columns) == ["source", *COLUMNS]
    ours = table[table["source"] == "ours"].drop(columns="source")
    expected = curves.sort_values(COLUMNS[:-1], ignore_index=True)
    pd.testing.assert_frame_equal(ours.reset_index(drop=True), expected, check_dtype=False)
    theirs = table[table["source"] == "paper"]
    drawn = paper[(paper["dataset"] == "MNIST") & paper["latent_dim"].isin([3, 20])]
    assert len(theirs) == len(drawn)
    assert theirs["lower_bound"].sum() == pytest.approx(drawn["lower_bound"].sum())
    assert theirs["seed"].isna().all()

    table.to_csv(tmp_path / "fig2.csv", index=False)
    assert "ours,MNIST,3,AEVB,train,1,1000000," in (tmp_path / "fig2.csv").read_text()


def test_distance_by_hand():
    paper = pd.DataFrame(
        [
            ("MNIST", 3, "AEVB", "test", 100_000, -200.0, True),
            ("MNIST", 3, "AEVB", "test", 10_000_000, -100.0, True),
        ],
        columns=[*CURVE, "training_samples", "lower_bound", "in_frame"],
    )
    rows = [
        ("MNIST", 3, "AEVB", "test", seed, count, bound)
        for seed, count, bound in (
            (0, 100, -500.0),
            (0, 1_000_000, -140.0),
            (1, 100, -500.0),
            (1, 1_000_000, -146.0),
            (1, 100_000_000, -126.0),
        )
    ]
    rows.append(("MNIST", 7, "AEVB", "test", 0, 1_000_000, -140.0))
    result = distance(pd.DataFrame(rows, columns=COLUMNS), paper, samples=(1e6, 1e7, 1e8))

    # The paper's line is halfway at 1e6; seed 1 is halfway between its last two points at 1e7;
    # the paper ends before 1e8, and has no N_z = 7.
    assert result["training_samples"].tolist() == [1_000_000, 10_000_000]
    assert result["paper"].tolist() == pytest.approx([-150.0, -100.0])
    assert result["ours"].tolist() == pytest.approx([-143.0, -136.0])
    assert result["difference"].tolist() == pytest.approx([7.0, -36.0])
    assert result["n_seeds"].tolist() == [2, 1]
    assert result["seed_sd"][0] == pytest.approx(np.sqrt(18.0))
    assert np.isnan(result["seed_sd"][1])


def test_distance_of_the_paper_from_itself_is_zero(paper):
    result = distance(paper.assign(seed=0)[COLUMNS], paper)
    assert (result["difference"] == 0).all()
    assert set(result["training_samples"]) == {int(count) for count in SAMPLES}
    assert result.groupby(CURVE).ngroups == 36


def test_distance_of_a_short_run_has_columns_and_no_rows(paper):
    result = distance(synthetic(5e4), paper)
    assert result.empty
    assert list(result.columns) == [
        *CURVE,
        "training_samples",
        "ours",
        "seed_sd",
        "n_seeds",
        "paper",
        "difference",
    ]


def test_interpolation_is_linear_in_log_samples_and_does_not_extrapolate():
    curve = pd.DataFrame({"training_samples": [10_000, 100], "lower_bound": [-100.0, -300.0]})
    result = interpolate(curve, [99, 100, 1_000, 10_000, 10_001])
    assert np.isnan(result[[0, 4]]).all()
    np.testing.assert_allclose(result[1:4], [-300.0, -200.0, -100.0])


# Reading.


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


HEADER = ",".join(COLUMNS) + "\n"


def test_read_curves_gives_back_what_was_written(tmp_path):
    curves = synthetic(1e7, seeds=(0, 1))
    parts = [tmp_path / "mnist.csv", tmp_path / "frey.csv"]
    for path, name in zip(parts, LATENT_DIMS, strict=True):
        curves[curves["dataset"] == name].to_csv(path, index=False)
    expected = curves.sort_values(COLUMNS[:-1], ignore_index=True)
    pd.testing.assert_frame_equal(read_curves(parts), expected, check_exact=True)


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        ("MNIST,3,AEVB,test,0,100,nan", "lower_bound", "nan"),
        ("MNIST,3,AEVB,test,0,100,-inf", "lower_bound", "-inf"),
        ("MNIST,3,AEVB,test,0,100,", "lower_bound", ""),
        ("MNIST,3,AEVB,test,0,0,-1", "training_samples", "0"),
        ("MNIST,2.5,AEVB,test,0,100,-1", "latent_dim", "2.5"),
        ("MNIST,3,MCEM,test,0,100,-1", "algorithm", "MCEM"),
        ("MNIST,3,AEVB,valid,0,100,-1", "split", "valid"),
        (",3,AEVB,test,0,100,-1", "dataset", ""),
    ],
)
def test_bad_value_names_file_line_and_column(tmp_path, row, column, value):
    path = write(tmp_path / "run.csv", HEADER + "MNIST,3,AEVB,train,0,100,-543\n" + row + "\n")
    with pytest.raises(DataError) as error:
        read_curves([path])
    assert f"{path}, line 3, column '{column}': '{value}'" in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset,latent_dim,algorithm,split,seed,lower_bound\n", "column 'training_samples' is m"),
        (HEADER, "no rows"),
        ("", "empty"),
    ],
)
def test_bad_table_names_the_file(tmp_path, text, message):
    path = write(tmp_path / "run.csv", text)
    with pytest.raises(DataError, match=message) as error:
        read_curves([path])
    assert str(path) in str(error.value)


def test_missing_file_repeated_point_and_no_file(tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv: no such file"):
        read_curves([tmp_path / "absent.csv"])
    first = write(tmp_path / "first.csv", HEADER + "MNIST,3,AEVB,test,0,100,-543\n")
    second = write(tmp_path / "second.csv", HEADER + "MNIST,3,AEVB,test,0,100,-540\n")
    with pytest.raises(DataError, match=r"second\.csv: the point with dataset MNIST"):
        read_curves([first, second])
    with pytest.raises(DataError, match="No curve table"):
        read_curves([])


def test_paper_table_is_complete(paper):
    assert len(paper) == 16_140
    assert paper["in_frame"].dtype == bool
    assert {name: tuple(g["latent_dim"].unique()) for name, g in paper.groupby("dataset")} == (
        LATENT_DIMS
    )
    for _, curve in paper.groupby(CURVE):
        assert curve["training_samples"].is_unique


# Files and imports.


def test_files_are_reproducible_and_undated(paper, tmp_path):
    curves = synthetic(1e6, seeds=(0, 1), latent_dims={"MNIST": (3,)})
    pairs = [style.save(fig2.draw(curves, paper), tmp_path / run / "fig2.v1") for run in "ab"]
    assert [path.name for path in pairs[0]] == ["fig2.v1.pdf", "fig2.v1.png"]
    for one, other in zip(*pairs, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert b"CreationDate" not in pairs[0][0].read_bytes()
    assert pairs[0][1].read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "a").iterdir())) == 2


def test_drawing_leaves_global_settings_alone(paper, tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    style.save(fig2.draw(synthetic(5e4, latent_dims={"MNIST": (3,)}), paper), tmp_path / "fig2")
    assert dict(matplotlib.rcParams) == before


def test_figures_import_no_tensorflow():
    code = (
        "import sys, aevb.figures, aevb.figures.fig2, aevb.tables.fig2_distance\n"
        "print([m for m in sys.modules if m.split('.')[0] in"
        " ('tensorflow', 'tensorflow_probability', 'tf_keras')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"
