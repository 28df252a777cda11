"""Each rule of the audit on tables whose verdict is known, and on the same tables spoilt."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from aevb.audit.cases import (
    FAILS,
    HOLDS,
    UNDECIDED,
    Estimate,
    judge,
    judge_further,
    judge_share,
    over_seeds,
)
from aevb.audit.rules import RULES
from aevb.audit.rules.curves import first_reached
from aevb.audit.tables import MissingTable, Tables
from aevb.errors import ConfigError, DataError

COUNTS = np.array([1e2, 1e3, 1e4, 1e5])


def curves(shift=0.0, seeds=(0,), noise=()) -> pd.DataFrame:
    """Two algorithms and two splits; AEVB above by one nat and ``shift``."""
    rows = []
    for seed, spread in zip(seeds, [*noise, *[0.0] * len(seeds)], strict=False):
        for algorithm, above in (("AEVB", 1.0 + shift), ("wake-sleep", 0.0)):
            for split, offset in (("train", 0.5), ("test", 0.0)):
                for dim in (2, 20):
                    for count in COUNTS:
                        extra = spread if algorithm == "AEVB" else 0.0
                        value = -100.0 + 10 * np.log10(count) + above + offset + extra
                        rows.append(("ours", "Tiny", dim, algorithm, split, seed, count, value))
    names = "source dataset latent_dim algorithm split seed training_samples lower_bound"
    return pd.DataFrame(rows, columns=names.split())


def run(folder, rule, table, **parameters):
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / "table.csv", index=False)
    defaults = {"table": "table.csv", "where": {}}
    if rule != "reference":
        defaults["panels"] = []
    return RULES[rule](Tables(folder, folder), **defaults | parameters)


def outcomes(cases):
    return [case.outcome for case in cases]


ORDER = {
    "panels": ["dataset", "latent_dim", "split"],
    "value": "lower_bound",
    "by": "algorithm",
    "higher": "AEVB",
    "lower": ["wake-sleep"],
    "along": "training_samples",
    "cost": None,
    "at": None,
    "margin": 0.0,
}
SEEDS = {"seeds": (0, 1, 2)}


@pytest.mark.parametrize(
    ("shift", "margin", "expected"),
    [(0.0, 0.0, HOLDS), (0.0, 0.9, HOLDS), (0.0, 1.1, FAILS), (-2.0, 0.0, FAILS)],
)
def test_order(tmp_path, shift, margin, expected):
    """A difference of 1 + shift nats against the margin, in each of four panels."""
    cases = run(tmp_path, "order", curves(shift, **SEEDS), **ORDER | {"margin": margin})
    assert outcomes(cases) == [expected] * 4
    assert [case.value for case in cases] == pytest.approx([1.0 + shift] * 4)
    assert "Tiny, N_z = 2, test: AEVB − wake-sleep at 100,000 samples" in [c.name for c in cases]


def test_order_at_counts_that_both_reach(tmp_path):
    """Only counts that both curves reach are compared, interpolated in log10 of the count."""
    table = curves()
    short = (table["algorithm"] == "wake-sleep") & (table["training_samples"] > 1e4)
    at = {"at": [316.227766, 1e4, 1e5], "panels": ["latent_dim", "split"]}
    cases = run(tmp_path, "order", table[~short], **ORDER | at)
    assert len(cases) == 8
    assert [case.value for case in cases] == pytest.approx([1.0] * 8)


def test_seeds_decide_by_an_interval(tmp_path):
    """Differences of three seeds have Student's interval: one that straddles the margin decides
    nothing, one that clears it holds, and what all seeds share cancels."""
    wide = run(tmp_path, "order", curves(-0.8, (0, 1, 2), (-1.0, 0.0, 1.0)), **ORDER)
    assert outcomes(wide) == [UNDECIDED] * 4
    half = stats.t.ppf(0.975, 2) / math.sqrt(3)
    assert wide[0].low == pytest.approx(0.2 - half) and wide[0].high == pytest.approx(0.2 + half)
    narrow = run(tmp_path, "order", curves(-0.8, (0, 1, 2), (-0.01, 0.0, 0.01)), **ORDER)
    assert outcomes(narrow) == [HOLDS] * 4
    table = curves(-0.8, (0, 1, 2))
    table["lower_bound"] += 50 * table["seed"]
    assert outcomes(run(tmp_path, "order", table, **ORDER)) == [HOLDS] * 4


@pytest.mark.parametrize(
    ("seeds", "drop", "expected"),
    [(1, [], UNDECIDED), (2, [], UNDECIDED), (3, [], HOLDS), (1, ["seed"], UNDECIDED)],
)
@pytest.mark.parametrize("shift", [0.0, -2.0])
def test_fewer_than_three_seeds_decide_no_order(tmp_path, seeds, drop, expected, shift):
    """However large the difference, and though a table of ours may not say what seeds it is of."""
    table = curves(shift, tuple(range(seeds))).drop(columns=drop)
    cases = run(tmp_path, "order", table, **ORDER)
    clear = {0.0: HOLDS, -2.0: FAILS}[shift]
    assert outcomes(cases) == [clear if expected == HOLDS else UNDECIDED] * 4
    assert all((f"{seeds} seed" in case.why) == (expected == UNDECIDED) for case in cases)


def test_order_at_equal_cost(tmp_path):
    """Curves whose samples cost 1 and 4: the second is taken where it has a quarter of them."""
    one = curves(seeds=(0, 1, 2)).query("algorithm == 'AEVB'").drop(columns="algorithm")
    table = pd.concat([one.assign(draws=1), one.assign(draws=4)])
    parameters = ORDER | {"by": "draws", "higher": 1, "lower": [4], "cost": "draws"}
    cases = run(tmp_path, "order", table, **parameters)
    assert [case.value for case in cases] == pytest.approx([10 * math.log10(4)] * 4)
    equal = run(tmp_path, "order", table, **parameters | {"cost": None})
    assert [case.value for case in equal] == pytest.approx([0.0] * 4)


FASTER = {
    "panels": ["latent_dim", "split"],
    "value": "lower_bound",
    "by": "algorithm",
    "faster": "AEVB",
    "slower": "wake-sleep",
    "along": "training_samples",
    "factor": 1.0,
}


def test_faster_is_the_ratio_of_the_counts(tmp_path):
    """One nat above a curve that gains ten nats a decade: 10^0.1 times faster."""
    cases = run(tmp_path, "faster", curves(**SEEDS), **FASTER)
    assert [case.value for case in cases] == pytest.approx([10**0.1] * 4)
    assert outcomes(cases) == [HOLDS] * 4
    assert (
        outcomes(run(tmp_path, "faster", curves(**SEEDS), **FASTER | {"factor": 1.3}))
        == [FAILS] * 4
    )


def test_never_there_is_not_faster(tmp_path):
    """A curve that never comes to the other's end has the ratio 0."""
    cases = run(tmp_path, "faster", curves(-3.0, **SEEDS), **FASTER)
    assert [case.value for case in cases] == [0.0] * 4 and set(outcomes(cases)) == {FAILS}


def test_first_reached():
    """Linear in log10 of the count; the first point where a curve starts above; else infinite."""
    curve = pd.DataFrame({"n": [10, 1000], "v": [0.0, 2.0]})
    assert first_reached(curve, "v", "n", 1.0) == pytest.approx(100.0)
    assert first_reached(curve, "v", "n", -1.0) == 10.0
    assert first_reached(curve, "v", "n", 3.0) == math.inf


@pytest.mark.parametrize(("growth", "expected"), [(1.5, HOLDS), (2.5, FAILS)])
def test_gap(tmp_path, growth, expected):
    """The larger model's gap raised by so much at the end."""
    table = curves(**SEEDS)
    table = table[table["split"] == "test"].drop(columns="split").assign(gap=1.0)
    table.loc[table["latent_dim"] == 20, "gap"] += growth
    cases = run(
        tmp_path,
        "gap",
        table,
        where={"algorithm": "AEVB"},
        value="gap",
        by="latent_dim",
        larger=20,
        smaller=[2, 7],
        along="training_samples",
        tolerance=2.0,
    )
    assert outcomes(cases) == [expected] and cases[0].value == pytest.approx(growth)


@pytest.mark.parametrize(("images", "expected"), [(True, FAILS), (False, HOLDS)])
def test_gap_of_a_table_with_splits(tmp_path, images, expected):
    """That of the fixed training images where they are there, else of the running mean, which has
    not the gap that the images have here."""
    table = curves(**SEEDS)
    table = table[table["algorithm"] == "AEVB"]
    fixed = table[table["split"] == "train"].assign(split="train_images")
    fixed.loc[fixed["latent_dim"] == 20, "lower_bound"] += 3
    limits = {"larger": 20, "smaller": [2, 7], "tolerance": 2.0}
    cases = run(
        tmp_path,
        "gap",
        pd.concat([table, fixed]) if images else table,
        value="lower_bound",
        by="latent_dim",
        along="training_samples",
        **limits,
    )
    assert outcomes(cases) == [expected]


WITHIN = {
    "value": "bias",
    "panels": ["n"],
    "absolute": True,
    "standard_error": "error",
    "along": None,
    "at": None,
    "most": 0.1,
}


@pytest.mark.parametrize(
    ("bias", "error", "expected"),
    [
        (0.02, 0.01, HOLDS),
        (-0.02, 0.01, HOLDS),
        (0.09, 0.01, UNDECIDED),
        (-0.3, 0.01, FAILS),
        (math.nan, 0.01, FAILS),
    ],
)
def test_within(tmp_path, bias, error, expected):
    """A number with its standard error against a limit; NaN never holds."""
    table = pd.DataFrame({"n": [1], "bias": [bias], "error": [error]})
    cases = run(tmp_path, "within", table, **WITHIN)
    assert outcomes(cases) == [expected]


@pytest.mark.parametrize(("top", "expected"), [(2.0, HOLDS), (1.02, UNDECIDED), (0.5, FAILS)])
def test_ratio(tmp_path, top, expected):
    """A ratio's error follows from those of both numbers, by the delta method for the correlation
    that is worst: 3 % and 4 % are 7 %."""
    table = pd.DataFrame({"kind": ["A", "B"], "v": [top, 1.0], "e": [0.03 * top, 0.04]})
    parameters = {"value": "v", "by": "kind", "over": "A", "under": "B", "standard_error": "e"}
    parameters |= {"repeats": [], "alike": []}
    (case,) = run(tmp_path, "ratio", table, least=1.0, **parameters)
    assert case.outcome == expected
    assert case.high - case.value == pytest.approx(stats.norm.ppf(0.975) * 0.07 * top)


@pytest.mark.parametrize(("excess", "expected"), [(0.0, HOLDS), (0.2, FAILS)])
def test_bounded(tmp_path, excess, expected):
    """One point of a curve above the exact value is enough to fail."""
    counts = [1, 10, 100]
    table = pd.DataFrame(
        {
            "estimator": ["bound"] * 3 + ["exact"] * 3,
            "seed": 0,
            "n": counts * 2,
            "v": [-9.0, -8.0 + excess, -7.5, -8.5, -8.0, -7.0],
        }
    )
    parameters = {"by": "estimator", "bound": "bound", "exact": "exact", "along": "n"}
    (case,) = run(tmp_path, "bounded", table, value="v", tolerance=0.05, **parameters)
    assert case.outcome == expected and "3 points" in case.name


@pytest.mark.parametrize(
    ("beyond", "fall", "expected"),
    [(1e4, 30.0, [HOLDS, HOLDS]), (1e4, 5.0, [FAILS, HOLDS]), (1e5, 30.0, [])],
)
def test_decline(tmp_path, beyond, fall, expected):
    """A test value that falls while training rises; a shorter curve says nothing, and nor does one
    seed of ours. The paper's curve is one, and is meant itself."""
    rows = [
        ("test", 0, 1e3, 0.0),
        ("test", 0, 1e4, 50.0),
        ("test", 0, 1e5, 50.0 - fall),
        ("train", 0, 1e4, 60.0),
        ("train", 0, 1e5, 70.0),
    ]
    one = pd.DataFrame(rows, columns=["split", "seed", "n", "v"])
    limits = {"value": "v", "along": "n", "beyond": beyond, "least": 20.0}
    table = pd.concat(one.assign(seed=seed) for seed in range(3))
    assert outcomes(run(tmp_path, "decline", table, **limits)) == expected
    assert outcomes(run(tmp_path, "decline", one, **limits)) == [UNDECIDED] * len(expected)
    (tmp_path / "paper").mkdir()
    one.drop(columns="seed").to_csv(tmp_path / "paper/table.csv", index=False)
    theirs = {"table": "paper/table.csv", "where": {}, "panels": []}
    cases = RULES["decline"](Tables(tmp_path, tmp_path), **theirs, **limits)
    assert outcomes(cases) == expected


@pytest.mark.parametrize(("power", "expected"), [(-1.0, HOLDS), (-0.5, FAILS)])
def test_slope(tmp_path, power, expected):
    """A power law has its exponent as slope."""
    n = np.array([1, 3, 10, 30, 100])
    jitter = np.array([1.01, 0.99, 1.0, 1.01, 0.99])
    table = pd.DataFrame({"n": n, "v": jitter * n**power})
    (case,) = run(tmp_path, "slope", table, value="v", along="n", target=-1.0, tolerance=0.1)
    assert case.outcome == expected and case.value == pytest.approx(power, abs=0.02)


@pytest.mark.parametrize(("scale", "expected"), [(1.0, HOLDS), (3.0, FAILS), (0.2, FAILS)])
def test_coverage(tmp_path, scale, expected):
    """Standard errors that are right cover as often as they say; too small or too large ones do
    not. Fixed numbers: the quantiles of the normal distribution."""
    n = 1000
    z = stats.norm.ppf((np.arange(n) + 0.5) / n)
    table = pd.DataFrame({"v": z * scale, "truth": 0.0, "e": 1.0})
    parameters = {"value": "v", "truth": "truth", "standard_error": "e", "level": 0.95}
    (case,) = run(tmp_path, "coverage", table, **parameters)
    assert case.outcome == expected


@pytest.mark.parametrize(("change", "expected"), [(0.0, HOLDS), (0.4, HOLDS), (0.6, FAILS)])
def test_reference(tmp_path, change, expected):
    """The numbers at the ends of the curves against those kept; one that is missing fails."""
    ends = curves().query("training_samples == 100000")
    key = ["latent_dim", "algorithm", "split"]
    (tmp_path / "reference").mkdir()
    kept = ends[[*key, "lower_bound"]]
    extra = kept.iloc[:1].assign(latent_dim=7)
    pd.concat([kept, extra]).to_csv(tmp_path / "reference/kept.csv", index=False)
    table = curves().assign(lower_bound=lambda rows: rows["lower_bound"] + change)
    cases = run(
        tmp_path,
        "reference",
        table,
        value="lower_bound",
        key=key,
        along="training_samples",
        numbers="reference/kept.csv",
        tolerance=0.5,
    )
    assert sorted(outcomes(cases)) == sorted([expected] * 8 + [FAILS])


def test_missing_tables_and_columns_are_told(tmp_path):
    """A table that is not there, one that is no table, and a column that it does not have."""
    tables = Tables(tmp_path, tmp_path)
    with pytest.raises(MissingTable, match=r"figures/none.csv is not there"):
        tables.read("figures/none.csv")
    with pytest.raises(MissingTable, match="is not there"):
        tables.read("runs/*/none.csv")
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(DataError, match=r"bad.csv: not a CSV table"):
        tables.read("bad.csv")
    with pytest.raises(ConfigError, match="has no column 'size'; it has source, "):
        run(tmp_path, "order", curves(), **ORDER | {"by": "size"})
    with pytest.raises(ConfigError, match="rows where one is meant"):
        run(tmp_path, "within", curves(), **WITHIN | {"value": "lower_bound", "panels": []})


def test_judge_refuses_what_is_no_number():
    """NaN and infinity never hold."""
    for value in (math.nan, math.inf, -math.inf):
        assert judge("x", Estimate(value), least=-1.0).outcome == FAILS


@pytest.mark.statistical
def test_intervals_of_seeds_cover_as_they_say():
    """Student's interval of three normal draws covers the truth in 95 % of 4000 cases, within four
    standard deviations of the binomial (false-failure rate 6e-5)."""
    draws = np.random.default_rng(1).normal(size=(4000, 3))
    hits = 0
    for values in draws:
        estimate = over_seeds(values)
        hits += abs(estimate.value) <= estimate.half_width
    assert abs(hits - 3800) < 4 * math.sqrt(4000 * 0.95 * 0.05)


def test_share_by_the_exact_binomial():
    """19 of 20 agree with 95 %, 10 of 20 do not."""
    assert judge_share("x", 19, 20, 0.95).outcome == HOLDS
    assert judge_share("x", 10, 20, 0.95).outcome == FAILS


@pytest.mark.statistical
@pytest.mark.parametrize("n", [3, 4, 8])
def test_a_further_run_is_refused_once_in_twenty(n):
    """Of 4000 further draws of the same distribution 5 % fail: 200 ± 5 · 14."""
    draws = np.random.default_rng(n).normal(-120, 2, (4000, n + 1))
    ours, other = draws[:, :n], draws[:, n]
    found = [
        judge_further("x", mean - one, spread, n, widest=math.inf).outcome
        for mean, one, spread in zip(
            ours.mean(axis=1), other, ours.std(axis=1, ddof=1), strict=True
        )
    ]
    assert set(found) == {HOLDS, FAILS}
    assert abs(found.count(FAILS) - 200) < 70


@pytest.mark.parametrize(
    ("difference", "spread", "n", "outcome"),
    [
        (1.0, 1.0, 5, HOLDS),
        # t(4) √(1 + 1/5) = 3.04 at 95 %.
        (3.0, 1.0, 5, HOLDS),
        (3.1, 1.0, 5, FAILS),
        (-3.1, 1.0, 5, FAILS),
        (-50.0, 1.0, 5, FAILS),
        (0.0, 4.0, 5, UNDECIDED),
        (0.0, math.nan, 1, UNDECIDED),
        (50.0, math.nan, 1, UNDECIDED),
        (0.0, 0.1, 2, UNDECIDED),
        (50.0, 0.1, 2, UNDECIDED),
        (math.nan, 1.0, 5, FAILS),
        (math.nan, math.nan, 1, FAILS),
        (1.0, math.nan, 3, FAILS),
    ],
)
def test_a_plausible_further_run(difference, spread, n, outcome):
    """One or two seeds decide nothing, nor does agreement within a wide interval; what is no number
    agrees with nothing."""
    case = judge_further("x", difference, spread, n, widest=10.0)
    assert case.outcome == outcome
    if n == 5 and math.isfinite(difference):
        assert case.high - difference == pytest.approx(3.0414 * spread, rel=1e-3)


@pytest.mark.parametrize(
    ("shift", "seeds", "expected"), [(0.0, 5, HOLDS), (6.0, 5, FAILS), (0.0, 1, UNDECIDED)]
)
def test_distance_from_the_papers_curve(tmp_path, shift, seeds, expected):
    """Seeds around the paper's own curve, with a standard deviation of 1 nat, and beside it."""
    resources = Path(__file__).parents[1] / "resources"
    where = {"dataset": "MNIST", "algorithm": "AEVB", "latent_dim": 20, "split": "test"}
    paper = pd.read_csv(resources / "paper/fig2_lower_bound.csv")
    paper = paper[(paper[list(where)] == pd.Series(where)).all(axis=1)]
    noise = np.array([-1.3, -0.6, 0.0, 0.7, 1.2])[-seeds:] if seeds > 1 else [0.0]
    ours = pd.concat(
        paper.assign(source="ours", seed=seed, lower_bound=paper["lower_bound"] + shift + extra)
        for seed, extra in enumerate(noise)
    )
    (tmp_path / "figures").mkdir()
    ours.to_csv(tmp_path / "figures/fig2.csv", index=False)
    cases = RULES["distance"](
        Tables(tmp_path, resources), figure="fig2", at=[1e6, 1e7], where=where, widest=10.0
    )
    assert outcomes(cases) == [expected] * 2
    assert [case.panel["at"] for case in cases] == [1e6, 1e7]
