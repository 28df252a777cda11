"""Figures and tables of the applications, the findings and the runs, from small made-up results."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aevb.errors import DataError
from aevb.figures import anomaly, fig4, inpainting, intervals, representation, restoration, style
from aevb.figures.mosaics import mosaic
from aevb.pictures import Pictures, write_pictures
from aevb.tables import applications, findings, measurements, pages, runs, words
from aevb.tables.measurements import read_measurements
from drawn import NOTE, assert_clear, footer, grid, shown

COLUMNS = [*measurements.KEY, "value", "low", "high", "n_images"]


def row(method, quantity, value, half=0.01, **values) -> dict:
    """One measurement; ``half`` of its interval, None for a number without one."""
    ends = {"low": np.nan, "high": np.nan}
    if half is not None:
        ends = {"low": value - half, "high": value + 2 * half}
    names = {"application": "made up", "dataset": "MNIST", "latent_dim": 20, "condition": "c"}
    return (
        names
        | {"method": method, "quantity": quantity, "value": value, **ends}
        | ({"n_images": 100} | values)
    )


def table(rows) -> pd.DataFrame:
    return pd.DataFrame(rows)[COLUMNS]


def page_cells(page: str) -> list[list[str]]:
    """The rows of the one table of an HTML page, as a browser would read them."""

    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.rows, self.open = [], False

        def handle_starttag(self, tag, attributes):
            if tag == "tr":
                self.rows.append([])
            self.open = tag in ("td", "th")
            if self.open:
                self.rows[-1].append("")

        def handle_endtag(self, tag):
            self.open = False

        def handle_data(self, text):
            if self.open:
                self.rows[-1][-1] += text

    reader = Reader()
    reader.feed(page)
    return reader.rows


def dots(axes) -> dict[float, tuple]:
    """By height: value, ends of the interval (None without one), colour."""
    found = {}
    for line in axes.lines:
        x, y = line.get_xdata(), line.get_ydata()
        if line.get_marker() not in ("None", None, ""):
            assert len(x) == 1
            found.setdefault(y[0], {})["value"] = (x[0], line.get_color())
        elif len(x) == 2 and y[0] == y[1]:
            found.setdefault(y[0], {})["ends"] = tuple(x)
    return {
        at: (*parts["value"][:1], parts.get("ends"), parts["value"][1])
        for at, parts in found.items()
    }


def assert_refused(call, *texts) -> None:
    with pytest.raises(DataError) as error:
        call()
    (line,) = str(error.value).splitlines()
    for text in texts:
        assert text in line


# Measurements.


def test_a_dot_has_its_interval():
    """A dot stands at value and height, its line from low to high; none where there is none."""
    from matplotlib.figure import Figure

    axes = Figure().add_axes((0, 0, 1, 1))
    rows = table([row("a", "q", 0.5, 0.1), row("b", "q", -2.0, None)])
    intervals.dot(axes, rows.loc[0], 1.5, "#ff0000", "s")
    intervals.dot(axes, rows.loc[1], 2.5, "#0000ff")
    assert dots(axes) == {
        1.5: (0.5, (0.4, 0.7), "#ff0000"),
        2.5: (-2.0, None, "#0000ff"),
    }
    assert measurements.text(rows.loc[0], 2) == "0.50 [0.40, 0.70]"
    assert measurements.text(rows.loc[1], 1) == "−2.0"


def test_measurements_are_read_as_written(tmp_path):
    """Several tables come one below the other, with empty ends of intervals as NaN."""
    first = table([row("a", "q", 0.5), row("b", "q", -2.0, None)])
    second = table([row("a", "q", 0.7, condition="other")])
    for name, part in (("a.csv", first), ("b.csv", second)):
        part.to_csv(tmp_path / name, index=False)
    found = read_measurements([tmp_path / "a.csv", tmp_path / "b.csv"])
    expected = pd.concat([first, second], ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("0.5,", "nan,"), "line 2, column 'value': 'nan' is not finite"),
        (lambda text: text.replace("0.49,", "x,"), "line 2, column 'low': 'x' is not a number"),
        (lambda text: text.replace(",100", ",0"), "line 2, column 'n_images': '0' is not a pos"),
        (lambda text: text.replace("quantity", "amount"), "column 'quantity' is missing"),
        (lambda text: text + text.splitlines()[1] + "\n", "appears a second time"),
        (lambda text: text.splitlines()[0] + "\n", "the table has no rows"),
        (lambda text: "", "the file is empty"),
        (lambda text: text + "1,2,3,4,5,6,7,8,9,10,11,12\n", "not a CSV table"),
        (lambda text: text + '"', "not a CSV table"),
    ],
)
def test_damaged_table(tmp_path, change, said):
    """A damaged table is named in one line, with the place of the fault."""
    path = tmp_path / "a.csv"
    table([row("a", "q", 0.5)]).to_csv(path, index=False)
    path.write_text(change(path.read_text()))
    assert_refused(lambda: read_measurements([path]), str(path), said)


def test_select_names_what_is_missing():
    """Rows are found by any columns; where there are none, the message says which are missing."""
    rows = table([row("a", "q", 0.5), row("b", "q", 0.6), row("b", "r", 0.7)])
    assert measurements.select(rows, method="b", quantity="r")["value"].tolist() == [0.7]
    assert_refused(
        lambda: measurements.select(rows, method="a", quantity="r"), "method a, quantity r"
    )


# Representation.


def accuracies(dims=(2, 5, 10, 20)) -> pd.DataFrame:
    names = {"application": "representation", "condition": "probe on 10000 images"}
    rows = [row("raw pixels", "accuracy", 0.915, 0.004, latent_dim=784, **names)]
    for i, dim in enumerate(dims):
        rows.append(row("PCA", "accuracy", 0.45 + 0.1 * i, 0.005, latent_dim=dim, **names))
        rows.append(
            row("encoder's means", "accuracy", 0.6 + 0.1 * i, 0.005, latent_dim=dim, **names)
        )
    return table(rows).assign(n_images=10_000)


def test_representation_draws_the_table():
    """A line a method through its accuracies, bars at the intervals, and a band for raw pixels."""
    rows = accuracies()
    figure = representation.draw(rows.sample(frac=1, random_state=0), note=NOTE)
    (axes,) = figure.axes
    drawn = {}
    for container in axes.containers:
        line, caps, (bars,) = container.lines
        drawn[container.get_label()] = line
        wanted = rows[rows["method"] == container.get_label()]
        np.testing.assert_array_equal(line.get_xdata(), wanted["latent_dim"])
        np.testing.assert_array_equal(line.get_ydata(), wanted["value"])
        ends = np.array(bars.get_segments())
        np.testing.assert_array_equal(ends[:, 0, 0], wanted["latent_dim"])
        np.testing.assert_allclose(ends[:, 0, 1], wanted["low"], rtol=1e-12)
        np.testing.assert_allclose(ends[:, 1, 1], wanted["high"], rtol=1e-12)
        assert len(caps) == 2
    assert set(drawn) == {"PCA", "encoder's means"}
    assert drawn["PCA"].get_color() != drawn["encoder's means"].get_color()
    (raw,) = [line for line in axes.lines if line.get_label().startswith("raw pixels")]
    assert raw.get_label() == "raw pixels (784 numbers)"
    assert set(raw.get_ydata()) == {0.915}
    (band,) = axes.patches
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((0.911, 0.923))
    bottom, top = axes.get_ylim()
    assert bottom <= rows["low"].min() and top >= rows["high"].max()
    assert axes.get_title() == "MNIST: linear probe on 10000 images"
    assert "10,000 test images" in footer(figure)
    assert_clear(figure)


def test_representation_without_raw_pixels():
    """A table without one of the three methods is refused, and so is another application's."""
    rows = accuracies()
    for method in ("raw pixels", "PCA", "encoder's means"):
        assert_refused(
            lambda method=method: representation.draw(rows[rows["method"] != method]),
            f"method {method}",
        )
    assert_refused(
        lambda: representation.draw(rows.assign(application="anomaly")), "representation"
    )


# Restoration.

CONDITIONS = {
    "MNIST": {"Gaussian noise, sd 0.3": "as observed", "10% of bits flipped": "as observed"},
    "FreyFace": {"7 × 5 block means": "cubic spline"},
}
SHAPES = {"MNIST": (28, 28), "FreyFace": (28, 20)}
ERRORS = {"PCA": 0.15, "encoder": 0.13, "HMC": 0.1}


def restored(n=8, conditions=CONDITIONS) -> tuple[pd.DataFrame, Pictures]:
    rows, images, seed = [], {}, 0
    for name, kinds in conditions.items():
        for condition, first in kinds.items():
            names = {"dataset": name, "condition": condition, "application": "denoising"}
            errors = {first: 0.3} | ERRORS
            for method, value in errors.items():
                rows.append(row(method, "rmse", value + 0.01 * seed, 0.004, **names))
            rows.append(row("HMC", "share with R-hat below 1.1", 0.97, **names))
            for method in ("truth", *errors):
                seed += 1
                images[f"{name}/{condition}/{method}"] = grid(n, 1, *SHAPES[name], seed)[:, 0]
    return table(rows), Pictures(images, frozenset({"MNIST"}))


@pytest.mark.parametrize("columns", [8, 5])
def test_restoration_draws_table_and_pictures_in_one_order(columns):
    """Row i of the pictures and the dot at its height are of the same method, block by block."""
    rows, pictures = restored()
    figure = restoration.draw(rows, pictures, note=NOTE, columns=columns)
    blocks = [(name, c) for name, conditions in CONDITIONS.items() for c in conditions]
    panels = figure.axes[::2], figure.axes[1::2]
    for (name, condition), axes, beside in zip(blocks, *panels, strict=True):
        chosen = rows[
            (rows["dataset"] == name)
            & (rows["condition"] == condition)
            & (rows["quantity"] == "rmse")
        ].set_index("method")
        labels = [label.get_text() for label in axes.get_yticklabels()]
        assert labels == ["truth", *chosen.index]
        stack = np.stack([pictures.images[f"{name}/{condition}/{m}"][:columns] for m in labels])
        np.testing.assert_array_equal(shown(axes), mosaic(stack, ink=name == "MNIST"))
        found = dots(beside)
        assert sorted(found) == [i + 0.5 for i in range(1, len(labels))]
        for at, (value, ends, color) in found.items():
            method = labels[int(at)]
            wanted = chosen.loc[method]
            assert (value, ends) == (wanted["value"], (wanted["low"], wanted["high"]))
            assert color == intervals.COLORS.get(method, style.NEUTRAL)
        texts = [text.get_text() for text in beside.texts]
        assert texts == [measurements.text(chosen.loc[m], 3) for m in labels[1:]]
        # The same heights on the page, too.
        assert beside.get_ylim() == axes.get_ylim() == (len(labels), 0)
        one, other = axes.get_position(), beside.get_position()
        assert (one.y0, one.y1) == pytest.approx((other.y0, other.y1))
        left, right = beside.get_xlim()
        assert left == 0 and chosen["high"].max() < right
        title = {"FreyFace": "Frey Face"}.get(name, name)
        assert axes.get_title() == f"{title}, $N_z$=20: {condition}"
    assert NOTE in footer(figure) and "100 test images" in footer(figure)


def test_restoration_is_clear():
    """Nothing overlaps: neither with all blocks nor with a single one of narrow images."""
    assert_clear(restoration.draw(*restored(), note=NOTE))
    for conditions in ({"FreyFace": CONDITIONS["FreyFace"]}, {"MNIST": {"noise": "as observed"}}):
        assert_clear(restoration.draw(*restored(conditions=conditions), note=NOTE))


def test_restoration_of_different_evaluations():
    """Pictures that lack a row of the table, or whose counts differ, are refused by name."""
    rows, pictures = restored()
    key = "MNIST/10% of bits flipped/encoder"
    fewer = {k: v for k, v in pictures.images.items() if k != key}
    assert_refused(
        lambda: restoration.draw(rows, Pictures(fewer, pictures.ink)),
        "MNIST, 10% of bits flipped: the pictures lack encoder",
    )
    cut = pictures.images | {key: pictures.images[key][:5]}
    assert_refused(
        lambda: restoration.draw(rows, Pictures(cut, pictures.ink)), "lack a common shape"
    )
    other = rows.assign(condition="another condition")
    assert_refused(lambda: restoration.draw(other, pictures), "another condition", "lack truth")


# Inpainting.

LIKELIHOODS = {"marginal": -95.0, "encoder": -61.5, "HMC": -55.0, "AIS": -52.25}


def inpainted(names=("MNIST", "FreyFace"), n=8) -> tuple[pd.DataFrame, Pictures]:
    rows, images = [], {}
    for i, name in enumerate(names):
        for j, (method, value) in enumerate(LIKELIHOODS.items()):
            rows.append(row(method, "log-likelihood", value + 300 * i, 2.0, dataset=name))
            rows.append(row(method, "rmse", 0.2 + 0.01 * j, dataset=name))
            if method != "marginal":
                gain = value - LIKELIHOODS["marginal"]
                rows.append(row(method, "gain over the marginal", gain, 2.0, dataset=name))
        shape = SHAPES[name]
        truth = grid(n, 1, *shape, 10 * i)[:, 0]
        images[f"{name}/truth"] = truth
        images[f"{name}/observed"] = np.where(np.arange(shape[0])[:, None] < 14, truth, np.nan)
        images[f"{name}/encoder"] = grid(4, n, *shape, 10 * i + 1)
        images[f"{name}/HMC"] = grid(4, n, *shape, 10 * i + 2)
    return table(rows).assign(application="inpainting"), Pictures(images, frozenset({"MNIST"}))


def test_inpainting_draws_table_and_pictures():
    """Truth, what is seen (grey where not), completions; and each likelihood at its own row."""
    rows, pictures = inpainted()
    figure = inpainting.draw(rows, pictures, note=NOTE)
    for name, axes, beside in zip(
        ("MNIST", "FreyFace"), figure.axes[::2], figure.axes[1::2], strict=True
    ):
        wanted = [pictures.images[f"{name}/{what}"] for what in ("truth", "observed")]
        for method in ("encoder", "HMC"):
            wanted += list(pictures.images[f"{name}/{method}"])
        picture = shown(axes)
        np.testing.assert_array_equal(picture, mosaic(np.stack(wanted), ink=name == "MNIST"))
        # The lower half of the second row is grey: it has not been seen.
        assert (picture[29 + 14 : 29 + 28, : SHAPES[name][1]] == 0.82).all()
        assert [label.get_text() for label in axes.get_yticklabels()] == [
            *("truth", "seen"),
            *("encoder", "", "", ""),
            *("HMC", "", "", ""),
        ]
        found, texts = dots(beside), [text.get_text() for text in beside.texts]
        heights = [text.get_position()[1] for text in beside.texts]
        labels = ["encoder's draws", "HMC's draws", "annealed importance"]
        for at, (method, label) in enumerate(zip(("encoder", "HMC", "AIS"), labels, strict=True)):
            one = rows[(rows["dataset"] == name) & (rows["method"] == method)]
            value = one.set_index("quantity").loc["log-likelihood", "value"]
            gain = one.set_index("quantity").loc["gain over the marginal"]
            assert found[at][:2] == (gain["value"], (gain["low"], gain["high"]))
            # The table has none of them.
            assert texts[2 * at] == f"{label}\nhas no checks\nlog p = {words.minus(value)}"
            assert texts[2 * at + 1] == measurements.text(gain, 1)
            assert heights[2 * at] == at and at - 0.5 < heights[2 * at + 1] < at
            left, right = beside.get_xlim()
            assert left < 0 and gain["high"] < right
        nothing = {"MNIST": "−95.0", "FreyFace": "205.0"}[name]
        assert f"log p(missing half) = {nothing}" in beside.get_xlabel()
    assert "100 test images" in footer(figure) and NOTE in footer(figure)
    assert_clear(figure)


@pytest.mark.parametrize("name", ["MNIST", "FreyFace"])
def test_inpainting_of_one_data_set(name):
    """One data set is drawn without overlaps, narrow images included."""
    assert_clear(inpainting.draw(*inpainted([name]), note=NOTE))


def test_inpainting_of_different_evaluations():
    """Missing pictures, pictures of other counts and missing likelihoods are refused by name."""
    rows, pictures = inpainted()
    for what in ("truth", "observed", "encoder", "HMC"):
        fewer = {k: v for k, v in pictures.images.items() if k != f"FreyFace/{what}"}
        assert_refused(
            lambda fewer=fewer: inpainting.draw(rows, Pictures(fewer, pictures.ink)),
            f"FreyFace: the pictures lack {what}",
        )
    cut = pictures.images | {"MNIST/HMC": pictures.images["MNIST/HMC"][:, :3]}
    assert_refused(
        lambda: inpainting.draw(rows, Pictures(cut, pictures.ink)), "MNIST", "no common shape"
    )
    for quantity in ("log-likelihood", "gain over the marginal"):
        fewer = rows[(rows["quantity"] != quantity) | (rows["method"] != "AIS")]
        assert_refused(lambda fewer=fewer: inpainting.draw(fewer, pictures), "method AIS")


# Anomalies.

SCORES = ("encoder's bound", "AIS log p(x)", "PPCA log p(x)")
KINDS = ("MNIST", "shuffled pixels", "mirrored", "FreyFace")


def unusual(n=8) -> tuple[pd.DataFrame, pd.DataFrame, Pictures]:
    names = {"application": "anomaly", "n_images": 200}
    areas = [
        row(method, "auroc", 0.95 - 0.1 * i - 0.02 * j, 0.01, condition=kind, **names)
        for i, kind in enumerate(KINDS[1:])
        for j, method in enumerate(SCORES)
    ]
    rng = np.random.default_rng(0)
    scores = [
        ("MNIST", method, kind, image, score)
        for j, method in enumerate(SCORES)
        for i, kind in enumerate(KINDS)
        for image, score in enumerate(rng.normal(-100 - 150 * i - 1000 * j, 20, 50).round(4))
    ]
    images = {f"MNIST/{kind}": grid(n, 1, 28, 28, i)[:, 0] for i, kind in enumerate(KINDS)}
    columns = ["dataset", "method", "kind", "image", "score"]
    return (
        table(areas),
        pd.DataFrame(scores, columns=columns),
        Pictures(images, frozenset({"MNIST"})),
    )


def test_anomaly_draws_one_row_a_kind():
    """Images, spread of log p(x) and areas of a kind stand in one row, test images first."""
    rows, scores, pictures = unusual()
    figure = anomaly.draw(rows, scores, pictures, note=NOTE)
    axes, spread, areas = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        *("MNIST test", "shuffled pixels", "mirrored", "Frey Face"),
    ]
    stack = np.stack([pictures.images[f"MNIST/{kind}"] for kind in KINDS])
    np.testing.assert_array_equal(shown(axes), mosaic(stack, ink=True))
    assert axes.get_ylim() == spread.get_ylim() == areas.get_ylim() == (4, 0)

    exact = scores[scores["method"] == "AIS log p(x)"].groupby("kind")["score"]
    medians = {
        line.get_ydata().mean(): line.get_xdata()[0]
        for line in spread.lines
        if line.get_color() == style.PALETTE["MCEM"]
    }
    assert medians == {i + 0.5: exact.get_group(k).median() for i, k in enumerate(KINDS)}

    found = dots(areas)
    assert len(found) == 9
    for i, kind in enumerate(KINDS[1:], start=1):
        for j, method in enumerate(SCORES):
            (one,) = rows[(rows["condition"] == kind) & (rows["method"] == method)].itertuples()
            assert found[i + 0.25 + 0.25 * j][:2] == (one.value, (one.low, one.high))
    left, right = areas.get_xlim()
    assert left < min(rows["low"].min(), 0.5) and rows["high"].max() < right
    texts = [text.get_text() for text in areas.get_legend().get_texts()]
    assert texts == list(SCORES)
    assert NOTE in footer(figure)
    assert_clear(figure)


def test_anomaly_without_a_foreign_data_set():
    """Where no other data set could be had, its row is left out and nothing overlaps."""
    rows, scores, pictures = unusual()
    images = {k: v for k, v in pictures.images.items() if k != "MNIST/FreyFace"}
    figure = anomaly.draw(
        rows[rows["condition"] != "FreyFace"],
        scores[scores["kind"] != "FreyFace"],
        Pictures(images, pictures.ink),
        note=NOTE,
    )
    assert len(figure.axes[0].get_yticklabels()) == 3
    assert_clear(figure)


def test_anomaly_of_different_evaluations():
    """Table, scores and pictures must tell of the same kinds of images."""
    rows, scores, pictures = unusual()
    images = {k: v for k, v in pictures.images.items() if k != "MNIST/mirrored"}
    wanted = "MNIST: table, scores and pictures are of different evaluations"
    assert_refused(lambda: anomaly.draw(rows, scores, Pictures(images, frozenset())), wanted)
    fewer = scores[scores["kind"] != "mirrored"]
    assert_refused(lambda: anomaly.draw(rows, fewer, pictures), wanted)
    fewer = rows[rows["condition"] != "mirrored"]
    assert_refused(lambda: anomaly.draw(fewer, scores, pictures), wanted)
    fewer = rows[rows["method"] != "AIS log p(x)"]
    assert_refused(lambda: anomaly.draw(fewer, scores, pictures), "method AIS log p(x)")


def test_scores_are_read_as_written(tmp_path):
    """Reading gives back the scores; an infinite one and an unknown method are refused."""
    _, scores, _ = unusual()
    path = tmp_path / "scores.csv"
    scores.to_csv(path, index=False)
    pd.testing.assert_frame_equal(anomaly.read_scores(path), scores, check_exact=True)
    good = path.read_text()
    path.write_text(re.sub(r",-[\d.]+\n", ",-inf\n", good, count=1))
    assert_refused(lambda: anomaly.read_scores(path), "line 2, column 'score': '-inf' is not fin")
    path.write_text(good.replace("PPCA log p(x)", "PPCA", 1))
    assert_refused(lambda: anomaly.read_scores(path), "column 'method': 'PPCA' is not one of")


# Pages.


def test_page_holds_the_table_and_escapes_it():
    """A page shows every cell as it is, markup included, and needs nothing from elsewhere."""
    cells = pd.DataFrame({"a": ["<b>1</b>", "x & y"], "b": ["2", "−3"]})
    page = pages.table(cells, left=1)
    assert page_cells(page) == [["a", "b"], ["<b>1</b>", "2"], ["x & y", "−3"]]
    assert "<b>" not in page
    assert not re.search(r"https?://|src=|href=", page)
    assert "nowrap" in page and "nowrap" not in pages.table(cells, wrap=True)


def test_applications_page_rounds_by_quantity():
    """Every measurement is a row with its interval, rounded as its quantity deserves."""
    rows = table(
        [
            row("PCA", "accuracy", 0.91234, 0.001, application="representation"),
            row("HMC", "log-likelihood", -61.26, 2.0, application="inpainting", n_images=1000),
            row("HMC", "share with R-hat below 1.1", 0.956, None, application="inpainting"),
        ]
    )
    head, *body = page_cells(applications.render(rows))
    assert head[:3] == ["application", "data set", "N_z"]
    assert [cells[-2] for cells in body] == [
        "0.9123 [0.9113, 0.9143]",
        "−61.3 [−63.3, −57.3]",
        "0.96",
    ]
    assert [cells[-1] for cells in body] == ["100", "1,000", "100"]
    assert body[1][:5] == ["inpainting", "MNIST", "20", "c", "HMC"]


# Findings.


def ramp(slope_rows=0.02, slope_columns=0.01, n=10) -> np.ndarray:
    """A grid of constant images whose brightness rises linearly along rows and columns."""
    rows, columns = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    values = 0.25 + slope_rows * rows + slope_columns * columns
    return np.broadcast_to(values[:, :, None, None], (n, n, 4, 4)).astype(np.float32)


def test_smoothness_of_a_ramp():
    """For a linear ramp both numbers have a closed form, and so has their ratio."""
    a, b, n = 0.02, 0.01, 10
    step, pairs = fig4.smoothness(ramp(a, b, n))
    assert step == pytest.approx(np.sqrt((a**2 + b**2) / 2), rel=1e-6)
    # The variance of 0 … n − 1 is (n² − 1) / 12, and the two directions are independent.
    assert pairs == pytest.approx(np.sqrt(2 * (a**2 + b**2) * (n**2 - 1) / 12), rel=1e-6)


def test_smoothness_of_noise_and_of_nothing():
    """Of unrelated images neighbours differ as any two do; of equal ones nothing differs."""
    rng = np.random.default_rng(0)
    step, pairs = fig4.smoothness(rng.random((40, 40, 5, 5)))
    assert step / pairs == pytest.approx(1, abs=0.02)
    assert pairs == pytest.approx(np.sqrt(1 / 6), abs=0.005)
    assert fig4.smoothness(np.full((4, 4, 3, 3), 0.5)) == (0, 0)


def bounds(samples=10_000_000, last_gap=3.0) -> pd.DataFrame:
    """Our curves of Figure 2: AEVB two nats above wake-sleep, another gap at the largest N_z."""
    rows = []
    for dim in (3, 10, 20, 200):
        for algorithm, lower in (("AEVB", 0.0), ("wake-sleep", 2.0)):
            for split in ("train", "test"):
                for seed in (0, 1):
                    for count in (1000, samples):
                        below = (last_gap if dim == 200 else 2.0) if split == "test" else 0
                        value = -100 - lower - below - 200 * (count == 1000) + 0.5 * seed
                        rows.append(("ours", "MNIST", dim, algorithm, split, seed, count, value))
    columns = ["source", "dataset", "latent_dim", "algorithm", "split", "seed"]
    table = pd.DataFrame(rows, columns=[*columns, "training_samples", "lower_bound"])
    # The paper's own curves are in the same table, and must not be mistaken for ours.
    paper = table[table["algorithm"] == "AEVB"].assign(source="paper", lower_bound=-500.0)
    return pd.concat([table, paper], ignore_index=True)


def distances(difference=1.5, samples=10_000_000) -> pd.DataFrame:
    rows = [
        ("MNIST", dim, algorithm, split, count, diff)
        for dim in (3, 200)
        for algorithm in ("AEVB", "wake-sleep")
        for split in ("train", "test")
        # Far from the paper's early in training and on the training set: neither counts.
        for count, diff in (
            (100_000, -60.0),
            (samples, difference if split == "test" else 77.0),
        )
    ]
    columns = ["dataset", "latent_dim", "algorithm", "split", "training_samples", "difference"]
    return pd.DataFrame(rows, columns=columns)


def orders(*last: bool, estimator="quadrature") -> pd.DataFrame:
    """Four comparisons, of which the ``last`` points agree or not; all earlier ones do not."""
    rows = []
    for (n_train, split), agrees in zip(
        [(1000, "train"), (1000, "test"), (50_000, "train"), (50_000, "test")], last, strict=True
    ):
        for count, value in ((1_000_000, False), (5_000_000, agrees)):
            order = "AEVB > MCEM > wake-sleep" if value else "MCEM > AEVB > wake-sleep"
            rows.append((n_train, split, estimator, count, order, value))
    columns = ["n_train", "split", "estimator", "training_samples", "order", "agrees"]
    return pd.DataFrame(rows, columns=columns)


def usage(name="MNIST") -> pd.DataFrame:
    rows = [
        (name, dim, rank, rank - 1, 3.0 / rank, 0.5 if rank < 15 else 0.0, rank < 15)
        for dim in (20, 200)
        for rank in range(1, dim + 1)
    ]
    columns = ["dataset", "latent_dim", "rank", "dimension", "kl", "mean_variance", "active"]
    return pd.DataFrame(rows, columns=columns)


def biases(few=0.02) -> pd.DataFrame:
    rows = [
        ("PPCA", name, dim, bias)
        for name, offset in (("harmonic kernel, 4000", 0), ("harmonic kernel, 50 (paper)", 9))
        for dim, bias in ((2, few + offset), (3, -few), (5, 0.3), (20, 5.0), (50, 5.0))
    ]
    rows.append(("VAE", "harmonic kernel, 4000", 3, 77.0))
    return pd.DataFrame(rows, columns=["model", "estimator", "latent_dim", "bias"])


def applied() -> dict[str, pd.DataFrame]:
    areas, _, _ = unusual()
    return {
        "representation": accuracies(),
        "denoising": restored()[0],
        "super_resolution": restored(conditions={"FreyFace": CONDITIONS["FreyFace"]})[0],
        "inpainting": inpainted(["MNIST"])[0],
        "anomaly": areas,
    }


def place(folder: Path, **changes) -> Path:
    """The results of a scale, much like the paper's, with ``changes``."""
    parts = {
        "figures/fig2.csv": bounds(),
        "tables/fig2_distance.csv": distances(),
        "tables/fig3_orders.csv": orders(True, True, True, True),
        "figures/fig4.npz": {"MNIST": ramp()},
        "figures/fig5.npz": {
            "MNIST/2": np.full((2, 2, 4, 4), 0.5),
            "MNIST/20": np.eye(4)[None, None],
        },
        "figures/latent_usage.csv": usage(),
        "figures/estimators.csv": biases(),
        **{f"figures/{name}.csv": rows for name, rows in applied().items()},
    } | {key.replace("__", "/"): value for key, value in changes.items()}
    for name, content in parts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pd.DataFrame):
            content.to_csv(path, index=False)
        elif content is not None:
            write_pictures(path, content, set())
    return folder


def told(folder: Path) -> pd.DataFrame:
    found = findings.find(folder)
    assert found.columns.tolist() == ["figure", "section", "paper", "ours"]
    assert not found["figure"].duplicated().any()
    return found.set_index("figure")


def test_every_figure_has_its_line(tmp_path):
    """Each figure has one line, which says where the paper has no experiment."""
    paper = told(place(tmp_path))["paper"]
    claims = {"fig2", "fig3", "fig4", "fig5", "latent_usage", "estimators"}
    assert set(paper.index) == claims | set(applied())
    assert set(paper.index[paper.str.startswith("Without an experiment: ")]) == set(applied())


def test_sentences_hold_the_numbers(tmp_path):
    """The sentences are filled with the numbers of the tables: means over seeds, last points."""
    ours = told(place(tmp_path))["ours"]
    assert "above wake-sleep on the test set in 4 of 4 panels, at 10,000,000 s" in ours["fig2"]
    assert "at 10,000,000 samples, nats: AEVB +1.5, wake-sleep +1.5." in ours["fig2"]
    assert "in 4 of 4 comparisons of their last common points." in ours["fig3"]
    step, pairs = fig4.smoothness(ramp())
    assert f"differ by {step:.3f} (rms per pixel), any two images by {pairs:.3f}" in ours["fig4"]
    assert "100.0% for N_z = 2, 0.0% for N_z = 20" in ours["fig5"]
    assert "14 of 20, 14 of 200" in ours["latent_usage"]
    assert "+3.0 (test −102.8) for N_z = 200, +2.0 (test −101.8)" in ours["latent_usage"]
    assert "+0.020 for N_z = 2, −0.020 for N_z = 3" in ours["estimators"]
    assert "PCA 0.750 (N_z = 20)" in ours["representation"]
    assert "encoder's means 0.900 (N_z = 20)" in ours["representation"]
    assert "rmse: MNIST, Gaussian noise, sd 0.3: as observed 0.300, PCA 0.150" in ours["denoising"]
    assert "Frey Face, 7 × 5 block means: cubic spline 0.300" in ours["super_resolution"]
    assert "marginal −95.0, encoder −61.5, HMC −55.0, AIS −52.2" in ours["inpainting"]
    assert "auroc: MNIST, shuffled pixels: encoder's bound 0.950" in ours["anomaly"]


def swapped(rows: pd.DataFrame, dims=(3, 10, 20, 200)) -> pd.DataFrame:
    """The curves with AEVB and wake-sleep changed for each other in some panels."""
    other = rows["algorithm"].map({"AEVB": "wake-sleep", "wake-sleep": "AEVB"})
    chosen = rows["latent_dim"].isin(dims) & (rows["source"] == "ours")
    return rows.assign(algorithm=rows["algorithm"].where(~chosen, other))


def nearer(rows: pd.DataFrame) -> pd.DataFrame:
    """The distances with AEVB three nats higher in one panel."""
    chosen = (rows["latent_dim"] == 200) & (rows["algorithm"] == "AEVB")
    return rows.assign(difference=rows["difference"] + 3 * chosen)


PANELS = "MNIST: AEVB ends above wake-sleep on the test set in {} of 4 panels, at {} samples."
DIFFERENCE = " Ours minus the paper's at {} samples, nats: {}."
ORDERS = "The algorithms rank as in the paper in {} of 4 comparisons of their last common points"
GAPS = (
    " Running training bound minus test bound at the end, nats:"
    " {} (test {}) for N_z = 200, +2.0 (test −101.8) for N_z = 20."
)
LONG, CLOSE = "10,000,000", "AEVB +1.5, wake-sleep +1.5"
CHANGES = {
    "swapped curves": (
        "fig2",
        PANELS.format(0, LONG) + DIFFERENCE.format(LONG, CLOSE),
        {"figures__fig2.csv": swapped(bounds())},
    ),
    "half of them": (
        "fig2",
        PANELS.format(2, LONG) + DIFFERENCE.format(LONG, CLOSE),
        {"figures__fig2.csv": swapped(bounds(), (3, 10))},
    ),
    "short curves": (
        "fig2",
        PANELS.format(4, "500,000") + DIFFERENCE.format("500,000", CLOSE),
        {
            "figures__fig2.csv": bounds(samples=500_000),
            "tables__fig2_distance.csv": distances(samples=500_000),
        },
    ),
    "unequal distances": (
        "fig2",
        PANELS.format(4, LONG) + DIFFERENCE.format(LONG, "AEVB −4.0 to −1.0, wake-sleep −4.0"),
        {"tables__fig2_distance.csv": nearer(distances(-4.0))},
    ),
    "no distance": (
        "fig2",
        PANELS.format(4, LONG),
        {"tables__fig2_distance.csv": distances().iloc[:0]},
    ),
    "half of the orders": (
        "fig3",
        ORDERS.format(2) + "; not for N = 50000, train: MCEM > AEVB > wake-sleep,"
        " N = 50000, test: MCEM > AEVB > wake-sleep.",
        {"tables__fig3_orders.csv": orders(True, True, False, False)},
    ),
    "exact values count": (
        "fig3",
        ORDERS.format(3) + "; not for N = 1000, train: MCEM > AEVB > wake-sleep.",
        {
            "tables__fig3_orders.csv": pd.concat(
                [
                    orders(False, True, True, True),
                    orders(True, True, False, False, estimator="paper"),
                ]
            )
        },
    ),
    "no exact values": (
        "fig3",
        ORDERS.format(3) + "; not for N = 1000, test: MCEM > AEVB > wake-sleep.",
        {"tables__fig3_orders.csv": orders(True, False, True, True, estimator="paper")},
    ),
    "no common points": (
        "fig3",
        "The curves are too short.",
        {"tables__fig3_orders.csv": orders(True, True, True, True).iloc[:0]},
    ),
    "collapsed manifold": (
        "fig4",
        "MNIST: neighbours on the grid differ by 0.000 (rms per pixel), any two images by 0.000.",
        {"figures__fig4.npz": {"MNIST": np.full((4, 4, 4, 4), 0.5)}},
    ),
    "large gap": (
        "latent_usage",
        "MNIST: active latent dimensions: 14 of 20, 14 of 200." + GAPS.format("+7.0", "−106.8"),
        {"figures__fig2.csv": bounds(last_gap=7.0)},
    ),
    "no curves": (
        "latent_usage",
        "MNIST: active latent dimensions: 14 of 20, 14 of 200.",
        {"figures__fig2.csv": None},
    ),
    "one latent space": (
        "latent_usage",
        "MNIST: active latent dimensions: 14 of 200.",
        {"figures__latent_usage.csv": usage()[usage()["latent_dim"] == 200]},
    ),
    "all dimensions active": (
        "latent_usage",
        "MNIST: active latent dimensions: 20 of 20, 200 of 200."
        + GAPS.format("+3.0", "−102.8")
        + " No dimension is superfluous.",
        {"figures__latent_usage.csv": usage().assign(active=True)},
    ),
    "biased estimator": (
        "estimators",
        "Bias on probabilistic PCA with 4000 samples, nats: +0.200 for N_z = 2, −0.200 for N_z = 3,"
        " +0.300 for N_z = 5, +5.000 for N_z = 20, +5.000 for N_z = 50.",
        {"figures__estimators.csv": biases(few=0.2)},
    ),
    "small budget": (
        "estimators",
        "The large budget is not tried.",
        {"figures__estimators.csv": biases()[biases()["estimator"].str.contains("50")]},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_sentences_follow_the_tables(tmp_path, change):
    """One change to the results changes its own sentence as stated, and no other."""
    name, said, changes = CHANGES[change]
    before = told(place(tmp_path / "before"))["ours"]
    after = told(place(tmp_path / "after", **changes))["ours"]
    assert before[name] != after[name] == said
    # Two sentences are made of the curves.
    touched = {"fig2", "latent_usage"} if "figures__fig2.csv" in changes else {name}
    others = before.index.difference(touched)
    assert after[others].equals(before[others])


def test_dissent_is_named(tmp_path):
    """Where an order is not the paper's, the sentence says where and what it is instead."""
    changes = {"tables__fig3_orders.csv": orders(True, True, True, False)}
    ours = told(place(tmp_path, **changes)).loc["fig3", "ours"]
    assert "in 3 of 4 comparisons" in ours
    assert ours.endswith("not for N = 50000, test: MCEM > AEVB > wake-sleep.")


def test_absent_results_are_left_out(tmp_path):
    """Findings are made of what is there; a folder without results is an error."""
    assert_refused(lambda: findings.find(tmp_path), str(tmp_path), "holds no figures and tables")
    place(tmp_path)
    for path in tmp_path.rglob("*.*"):
        if path.name != "fig4.npz":
            path.unlink()
    assert list(told(tmp_path).index) == ["fig4"]


@pytest.mark.parametrize(
    "name",
    [
        "figures/fig2.csv",
        "tables/fig2_distance.csv",
        "tables/fig3_orders.csv",
        "figures/latent_usage.csv",
        "figures/estimators.csv",
        "figures/denoising.csv",
        "figures/fig4.npz",
    ],
)
@pytest.mark.parametrize("damage", ["text", "cut", "binary", "empty"])
def test_damaged_results(tmp_path, name, damage):
    """A damaged file of any kind is named in one line."""
    path = place(tmp_path) / name
    damages = {
        "text": b"no,table,of\nthis,kind,at all\n",
        "cut": b'a,b\n1,2\n1,2,3\n"',
        "binary": b"\x00\xff\xfe\x9d\n\n",
        "empty": b"",
    }
    path.write_bytes(damages[damage])
    assert_refused(lambda: findings.find(tmp_path), str(path))


@pytest.mark.parametrize(
    "name", ["figures/fig2.csv", "tables/fig2_distance.csv", "tables/fig3_orders.csv"]
)
def test_missing_columns(tmp_path, name):
    """A table that lacks any column that is read is named with the column."""
    path = place(tmp_path) / name
    whole = pd.read_csv(path)
    unused = {"seed"} if "fig2.csv" in name else {"latent_dim"}
    for column in set(whole) - unused:
        whole.drop(columns=column).to_csv(path, index=False)
        assert_refused(lambda: findings.find(tmp_path), str(path), f"column '{column}' is missing")


def test_a_table_without_its_quantity(tmp_path):
    """A table of an application that lacks the quantity its finding is made of is refused."""
    rows = applied()["anomaly"].assign(quantity="something else")
    place(tmp_path, **{"figures__anomaly.csv": rows})
    assert_refused(lambda: findings.find(tmp_path), "no row with quantity auroc")


# Runs.


def record(**changes) -> dict:
    """The record of a run as training writes it."""
    return {
        "experiment": {
            "dataset": "mnist",
            "definition": {"label": "MNIST"},
            "latent_dim": 20,
            "algorithm": "aevb",
            "variant": "authors",
            "n_train": 1000,
            "seeds": [0, 1],
        },
        "step_size": 0.01,
        "package": {"version": "0.1.0", "code": "2ce0fa7534e6145c"},
        "versions": {"tensorflow": "2.21.0"},
        "machine": {"processor": "AMD EPYC"},
        "threads": 1,
        "final": {"training_samples": 6_000_000},
        "training_seconds": 600.0,
        "samples_per_second": 20_000.0,
        "last_process": {"training_seconds": 100.0, "peak_memory_gb": 1.25},
    } | changes


def older_record(seconds=600.0, samples=12_000_000) -> dict:
    """As earlier versions wrote it: speed and time are the last process's alone."""
    old = record()
    for key in ("training_seconds", "samples_per_second", "last_process"):
        del old[key]
    del old["experiment"]["n_train"]
    return old | {
        "this_process": {
            "training_seconds": seconds,
            "training_samples_all_seeds": samples,
            "samples_per_second": samples / seconds,
            "peak_memory_gb": 1.25,
        }
    }


def collect(folder: Path, *records) -> pd.DataFrame:
    paths = []
    for i, content in enumerate(records):
        paths.append(folder / f"{i}.json")
        paths[-1].write_text(content if isinstance(content, str) else json.dumps(content))
    return runs.collect(paths)


def test_runs_are_collected(tmp_path):
    """A row a run with its settings, speed and machine; minutes are of all processes together."""
    (one,) = collect(tmp_path, record()).to_dict("records")
    assert one == {
        "dataset": "MNIST",
        "algorithm": "aevb",
        "latent_dim": 20,
        "n_train": 1000,
        "variant": "authors",
        "seeds": "0 1",
        "step_size": 0.01,
        "training_samples": 6_000_000,
        "samples_per_second": 20_000.0,
        "training_minutes": 10.0,
        "peak_memory_gb": 1.25,
        "threads": 1,
        "processor": "AMD EPYC",
        "tensorflow": "2.21.0",
        "code": "2ce0fa7534e6145c",
    }


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        (["/device:CPU:0"], "AMD EPYC"),
        (["cpu (PJRT cpu, cpu)"], "AMD EPYC"),
        (["NVIDIA H200 (PJRT gpu, cuda 13000)"], "NVIDIA H200 (PJRT gpu, cuda 13000)"),
        (["/device:CPU:0, /device:GPU:0"], "/device:CPU:0, /device:GPU:0"),
        (["/device:CPU:0", "TPU v5 (PJRT tpu, 1)"], "AMD EPYC, then TPU v5 (PJRT tpu, 1)"),
        (["/device:CPU:0", "cpu (PJRT cpu, cpu)"], "AMD EPYC"),
    ],
)
def test_what_computed_a_run_is_told(tmp_path, devices, said):
    """The machine's processor, or the device; of a run that went on elsewhere, both in order."""
    assert list(collect(tmp_path, record(devices=devices))["processor"]) == [said]


def test_a_run_of_no_tensorflow_says_so(tmp_path):
    """What a bundle has trained is told without TensorFlow's version, in table and page."""
    table = collect(tmp_path, record(versions={"jax": "0.11.2"}))
    assert table["tensorflow"].isna().all()
    head, cells = page_cells(runs.render(table))
    assert dict(zip(head, cells, strict=True))["tensorflow"] == "none"


def test_older_records_are_read_too(tmp_path):
    """An older record gives the same row; of a resumed run the minutes are those of the whole."""
    new, old, resumed = collect(
        tmp_path, record(), older_record(), older_record(60.0, 1_200_000)
    ).to_dict("records")
    # There was no such setting at the time.
    assert pd.isna(old.pop("n_train"))
    expected = {key: value for key, value in new.items() if key != "n_train"}
    assert old == pytest.approx(expected)
    assert {k: v for k, v in resumed.items() if k != "n_train"} == pytest.approx(expected)


def test_runs_page(tmp_path):
    """The page rounds the numbers and says `all` where no smaller training set was asked for."""
    table = collect(tmp_path, record(), older_record())
    head, first, second = page_cells(runs.render(table))
    shown = [dict(zip(head, cells, strict=True)) for cells in (first, second)]
    assert [cells["n train"] for cells in shown] == ["1,000", "all"]
    assert shown[0]["training samples"] == "6,000,000"
    assert shown[0]["samples per second"] == "20,000"
    assert (shown[1]["training minutes"], shown[1]["peak memory gb"]) == ("10.0", "1.25")


@pytest.mark.parametrize("missing", [*record(), *record()["experiment"]])
def test_records_that_lack_something(tmp_path, missing):
    """A record without a part that is needed is named in one line; n_train need not be there."""
    content = json.loads(json.dumps(record()))
    for part in (content, content["experiment"]):
        part.pop(missing, None)
    if missing in ("dataset", "n_train", "training_seconds"):
        assert len(collect(tmp_path, content)) == 1
    else:
        assert_refused(lambda: collect(tmp_path, content), "0.json", "not the record of a run")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "3", record(samples_per_second=0), record(final=[])]
)
def test_damaged_records(tmp_path, content):
    """A file that is no record of a run is named in one line; so is a missing one."""
    assert_refused(lambda: collect(tmp_path, content), "0.json", "not the record of a run")
    assert_refused(lambda: runs.collect([tmp_path / "absent.json"]), "absent.json", "no such rec")


# Files.


@pytest.mark.parametrize(
    "draw",
    [
        lambda: representation.draw(accuracies(), note=NOTE),
        lambda: restoration.draw(*restored(), note=NOTE),
        lambda: inpainting.draw(*inpainted(), note=NOTE),
        lambda: anomaly.draw(*unusual(), note=NOTE),
    ],
    ids=["representation", "restoration", "inpainting", "anomaly"],
)
def test_the_same_figure_is_the_same_bytes(tmp_path, draw):
    """Drawn anew from the same table and pictures, the files are the same to the last byte."""
    pairs = [style.save(draw(), tmp_path / run / "figure") for run in "ab"]
    for one, other in zip(*pairs, strict=True):
        assert one.read_bytes() == other.read_bytes()
