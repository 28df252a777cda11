"""The claims file, verdicts, and their tables, Markdown, JUnit XML and picture."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest
import yaml

from aevb import settings as config
from aevb.audit import reports
from aevb.audit.cases import FAILS, HOLDS, UNDECIDED, Estimate, judge
from aevb.audit.claims import (
    FAILED,
    KINDS,
    KNOWN,
    NOT_DECIDED,
    NOT_REPLICATED,
    NOT_RUN,
    OPEN,
    PARTLY,
    PASSES,
    REPLICATED,
    SKIPPED,
    assess,
    assess_all,
    grade,
    read_claims,
)
from aevb.audit.expected import Expected, Rows, rows
from aevb.audit.record import OK, WRONG, Finding, read
from aevb.audit.rules import RULES
from aevb.audit.tables import Tables
from aevb.errors import ConfigError
from aevb.figures import audit as picture
from aevb.tables.seeds import ENOUGH
from aevb.workflow.outputs import Outputs

ROOT = Path(__file__).parent.parent
SCALES = ["smoke", "quick", "full", "paper"]
CLAIM = {
    "says": "The number is small.",
    "section": "1",
    "figure": "fig9",
    "scale": "quick",
    "checks": [{"within": {"table": "t.csv", "value": "v", "panels": ["n"], "most": "1e0"}}],
}


def write(folder: Path, **changes) -> Path:
    path = folder / "claims.yaml"
    path.write_text(
        yaml.safe_dump({"scales": SCALES, "claims": {"small": CLAIM | changes}}), encoding="utf-8"
    )
    return path


def verdict(folder, values, scale="quick", **changes):
    pd.DataFrame({"n": range(len(values)), "v": values}).to_csv(folder / "t.csv", index=False)
    claims = read_claims(write(folder, **changes))
    (found,) = assess_all(claims, Tables(folder, folder), scale)
    return found


@pytest.mark.parametrize(
    ("values", "expected", "status"),
    [
        ([0.1, 0.2], REPLICATED, PASSES),
        ([0.1, 2.0], PARTLY, FAILED),
        ([0.1, 2.0, 3.0], NOT_REPLICATED, FAILED),
        ([2.0, 3.0], NOT_REPLICATED, FAILED),
    ],
)
def test_verdicts(tmp_path, values, expected, status):
    """All hold: replicated; half of them: partly; fewer: not."""
    found = verdict(tmp_path, values)
    assert (found.verdict, found.status) == (expected, status)
    assert found.holding == sum(value <= 1 for value in values)


def test_the_case_that_decides(tmp_path):
    """It is one that fails, the worst, if any does; else the tightest."""
    assert verdict(tmp_path, [0.1, 2.0, 3.0]).worst.value == 3.0
    assert verdict(tmp_path, [0.1, 0.9, 0.2]).worst.value == 0.9


def test_known_differences_pass_but_not_worse_ones(tmp_path):
    """A case that is known to differ may do so at that scale; no other may, nor elsewhere."""
    known = {"known": {"quick": {"differs": [{"panels": {"n": [1, 2]}}], "why": "the dog"}}}
    assert verdict(tmp_path, [0.1, 2.0], **known).status == KNOWN
    assert verdict(tmp_path, [0.1, 2.0], **known).why == "the dog"
    assert verdict(tmp_path, [0.1, 0.2], **known).status == PASSES
    assert verdict(tmp_path, [0.1, 2.0, 2.0], **known).status == KNOWN
    some = {"known": {"quick": {"differs": [{"cases": 2}], "why": "the dog"}}}
    assert verdict(tmp_path, [2.0, 0.1, 2.0], **some).status == KNOWN
    assert verdict(tmp_path, [2.0, 2.0, 2.0], **some).status == FAILED
    worse = verdict(tmp_path, [2.0, 2.0], **known)
    assert worse.status == FAILED
    assert "1 cases fail that are not known to, such as 0: v; known: the dog" in worse.why
    assert verdict(tmp_path, [0.1, 2.0], "full", **known).status == FAILED


def test_what_is_not_run_says_why(tmp_path):
    """Too small a scale, too large a one, a missing table, nothing selected."""
    for scale, changes, why in (
        ("smoke", {}, "applies from the scale quick on"),
        ("full", {"until": "quick"}, "applies up to the scale quick"),
        ("mine", {}, "the claims know the scales smoke, quick, full, paper, not mine"),
        ("quick", {"checks": [{"within": {"table": "u.csv", "value": "v", "most": 1}}]}, "u.csv"),
        (
            "quick",
            {
                "checks": [
                    {"within": {"table": "t.csv", "value": "v", "where": {"n": 9}, "most": 1}}
                ]
            },
            "t.csv has no rows for this",
        ),
    ):
        found = verdict(tmp_path, [0.1], scale, **changes)
        assert (found.verdict, found.status) == (NOT_RUN, SKIPPED)
        assert why in found.why


WHOLE = pd.read_csv(ROOT / "results/full/figures/fig2.csv").query("source == 'ours'")
CLAIMS = read_claims(ROOT / "config/claims.yaml")


def assess_fig2(folder, table, claim, scale):
    """The verdict on one of the project's claims with this table as Figure 2's."""
    (wanted,) = [one for one in CLAIMS.claims if one.name == claim]
    (folder / "figures").mkdir(exist_ok=True)
    table.to_csv(folder / "figures/fig2.csv", index=False)
    return assess(wanted, Tables(folder, ROOT / "resources"), scale, CLAIMS.scales)


@pytest.mark.parametrize(
    ("claim", "status"),
    [
        ("aevb_above_wake_sleep", OPEN),
        ("fig2_frey_face_aevb", KNOWN),
        ("fig2_frey_face_wake_sleep", KNOWN),
        ("frey_face_wake_sleep_plateau", KNOWN),
    ],
)
def test_known_differences_are_those_of_the_data_that_are_there(tmp_path, claim, status):
    """What is known of one data set is no matter for a record of the other, and the same difference
    in another panel is a regression."""
    table = WHOLE[WHOLE["dataset"] == "FreyFace"]
    assert assess_fig2(tmp_path, table, claim, "full").status == status
    (latent_dim, algorithm), sign = {
        "aevb_above_wake_sleep": ((10, "AEVB"), -1),
        "fig2_frey_face_aevb": ((20, "AEVB"), 1),
        "fig2_frey_face_wake_sleep": ((5, "wake-sleep"), 1),
        "frey_face_wake_sleep_plateau": ((2, "wake-sleep"), 1),
    }[claim]
    inside = (table["latent_dim"] == latent_dim) & (table["algorithm"] == algorithm)
    assert inside.any()
    spoilt = table.assign(lower_bound=table["lower_bound"] + sign * 1000 * inside)
    assert assess_fig2(tmp_path, spoilt, claim, "full").status == FAILED
    if claim == "aevb_above_wake_sleep":
        mnist = WHOLE[WHOLE["dataset"] == "MNIST"]
        assert assess_fig2(tmp_path, mnist, claim, "full").verdict == NOT_DECIDED


FIG2_CLAIMS = ["aevb_above_wake_sleep", "aevb_converges_faster", "superfluous_latents_mnist"]


@pytest.mark.parametrize("claim", FIG2_CLAIMS)
@pytest.mark.parametrize(
    ("seeds", "shift", "verdict"),
    [
        # What one or two seeds show is not the question, be it clear in favour or against.
        (1, 0.0, NOT_DECIDED),
        (1, -1000.0, NOT_DECIDED),
        (2, 0.0, NOT_DECIDED),
        (3, 0.0, None),
        (3, -1000.0, NOT_REPLICATED),
    ],
)
def test_seeds_decide_claims_on_orders_gaps_and_ratios(tmp_path, claim, seeds, shift, verdict):
    """MNIST's curves of the record, repeated with a hundredth of a nat between the seeds, and with
    AEVB's curves lowered by so much, on test data where the sizes are compared, with N_z = 200."""
    mnist = WHOLE[WHOLE["dataset"] == "MNIST"]
    lowered = mnist["algorithm"] == "AEVB"
    if claim == "superfluous_latents_mnist":
        lowered &= (mnist["split"] == "test") & (mnist["latent_dim"] == 200)
    table = pd.concat(
        mnist.assign(seed=i, lower_bound=mnist["lower_bound"] + shift * lowered + 0.01 * i)
        for i in range(seeds)
    )
    found = assess_fig2(tmp_path, table, claim, "full")
    if verdict is None:
        assert not any(case.outcome == UNDECIDED for case in found.cases)
        assert found.verdict in (REPLICATED, PARTLY)
    else:
        assert found.verdict == verdict
    if verdict == NOT_DECIDED:
        told = "1 seed" if seeds == 1 else "2 seeds"
        assert (found.status, found.holding) == (OPEN, 0)
        assert found.why == f"{told} of the {ENOUGH} that a verdict takes"


def outputs(scale, *left_out):
    settings, definitions = config.load(ROOT / "config/config.yaml", ROOT / "config/datasets.yaml")
    return Outputs(settings, definitions, scale, lambda dataset: dataset not in left_out)


@pytest.mark.parametrize("scale", ["smoke", "quick", "full"])
def test_how_many_cases_are_expected(scale):
    """Each claim that is checked at a scale has cases, all known beforehand, and those of both data
    sets are those of the one and of the other."""
    claims = read_claims(ROOT / "config/claims.yaml")
    counts = [
        {
            claim.name: [wanted.count(RULES[rule], values) for rule, values in claim.checks]
            for claim in claims.claims
        }
        for left_out in ([], ["frey_face"], ["mnist"])
        for wanted in [Expected(rows(outputs(scale, *left_out)), ROOT / "resources")]
    ]
    empty = Tables(ROOT / "none", ROOT / "none")
    for claim in claims.claims:
        both, mnist, frey_face = (each[claim.name] for each in counts)
        assert None not in both + mnist + frey_face, claim.name
        skipped = assess(claim, empty, scale, claims.scales).why.startswith("applies")
        assert sum(both) > 0 or skipped, claim.name
        without_data = all(a == b == c for a, b, c in zip(both, mnist, frey_face, strict=True))
        added = [a + b for a, b in zip(mnist, frey_face, strict=True)]
        assert without_data or both == added, claim.name


def test_expected_cases_are_those_of_the_committed_record():
    """As many as were found in it, for each claim."""
    kept = pd.read_csv(ROOT / "results/full/audit/claims.csv").set_index("claim")
    claims, asked = read_claims(ROOT / "config/claims.yaml"), outputs("full")
    record = read(
        *(ROOT / "results/full", ROOT / "resources", asked.settings, asked.definitions, "full"),
        claims.gaps,
    )
    wanted = record.expected
    for claim in claims.claims:
        told = kept.loc[claim.name]
        if told["cases"]:
            assert sum(wanted.count(RULES[r], p) for r, p in claim.checks) == told["cases"]


def test_fewer_cases_than_expected_fail(tmp_path):
    """A claim whose panels or table are not there though they are asked for; not one of which
    nothing is asked."""
    (claim,) = read_claims(write(tmp_path)).claims
    table = pd.DataFrame({"n": [0, 1], "v": [0.1, 0.2]})
    table.to_csv(tmp_path / "t.csv", index=False)
    for n, status, said in (
        (2, PASSES, ""),
        (3, FAILED, "1 of 3 cases are missing"),
    ):
        wanted = Expected({"t.csv": Rows(pd.DataFrame({"n": range(n)}))}, tmp_path)
        found = assess(claim, Tables(tmp_path, tmp_path), "quick", SCALES, wanted)
        assert (found.status, found.expected, found.why) == (status, n, said)
    (tmp_path / "t.csv").unlink()
    found = assess(claim, Tables(tmp_path, tmp_path), "quick", SCALES, wanted)
    assert (found.verdict, found.status) == (NOT_RUN, FAILED)
    assert found.why == "3 of 3 cases are missing; t.csv is not there"
    nothing = Expected({"t.csv": Rows(pd.DataFrame())}, tmp_path)
    found = assess(claim, Tables(tmp_path, tmp_path), "quick", SCALES, nothing)
    assert (found.verdict, found.status) == (NOT_RUN, SKIPPED)


UNSURE = judge("x", Estimate(1.0, 0.5), most=1.2)
SURE, FAILING = judge("y", Estimate(1.0), most=1.2), judge("z", Estimate(2.0), most=1.2)


@pytest.mark.parametrize(
    ("cases", "mostly", "expected"),
    [
        ([SURE, SURE], 0.9, REPLICATED),
        ([UNSURE, SURE], 0.5, PARTLY),
        ([UNSURE, SURE], 0.9, NOT_DECIDED),
        ([UNSURE, FAILING], 0.5, NOT_REPLICATED),
        ([UNSURE, UNSURE, FAILING], 0.5, NOT_DECIDED),
        ([UNSURE, SURE, FAILING], 0.5, PARTLY),
        ([UNSURE, UNSURE], 0.0, NOT_DECIDED),
    ],
)
def test_undecided_cases_are_no_verdict(cases, mostly, expected):
    """Where too many of the cases are undecided so is the claim; else the others say."""
    assert [case.outcome for case in (UNSURE, SURE, FAILING)] == [UNDECIDED, HOLDS, FAILS]
    assert grade(cases, mostly) == expected


def test_what_is_undecided_neither_passes_nor_fails(tmp_path):
    """Nothing is known of a difference, and nothing regresses, whatever the reason: seeds that are
    too few, though they agree, and an interval that reaches over the limit."""
    claims = read_claims(write(tmp_path))
    for values, why in (
        ([2.0], "1 seed of the 3 that a verdict takes"),
        ([0.0, 0.0], "2 seeds of the 3 that a verdict takes"),
        ([0.0, 0.1, 1.9], "the interval reaches over the limit"),
    ):
        table = pd.DataFrame({"n": 0, "v": values, "seed": range(len(values))})
        table.to_csv(tmp_path / "t.csv", index=False)
        (found,) = assess_all(claims, Tables(tmp_path, tmp_path), "quick")
        assert (found.verdict, found.status, found.holding) == (NOT_DECIDED, OPEN, 0)
        assert found.why == why
    table = pd.DataFrame({"n": 0, "v": [2.0, 2.0, 2.0], "seed": range(3)})
    table.to_csv(tmp_path / "t.csv", index=False)
    assert assess_all(claims, Tables(tmp_path, tmp_path), "quick")[0].status == FAILED


def test_three_kinds_are_told_apart(tmp_path):
    """Each has a table of its own, and checks of the software are no claims of the paper."""
    content = {kind: CLAIM | {"kind": kind} for kind in KINDS}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump({"scales": SCALES, "claims": content}))
    pd.DataFrame({"n": [0], "v": [0.5]}).to_csv(tmp_path / "t.csv", index=False)
    claims = read_claims(tmp_path / "claims.yaml")
    verdicts = assess_all(claims, Tables(tmp_path, tmp_path), "quick")
    told = reports.summary(verdicts, [])
    for kind, title in KINDS.items():
        assert f"{title}: 1, 1 replicated." in told
        page = reports.markdown(verdicts, [], "quick").split(f"## {title}\n")[1].split("\n## ")[0]
        assert page.count("The number is small.") == 1
        assert f"## {title}" in reports.verdicts_markdown(reports.claims_table(verdicts))
        assert title in reports.terminal(verdicts, [], "quick"), kind


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": "huge"}, r"claims.small: scale 'huge' is unknown; allowed: smoke, quick"),
        (
            {"known": {"huge": {"differs": [{}], "why": "x"}}},
            "scale 'huge' is unknown",
        ),
        ({"colour": 1}, r"claims.small: unknown key 'colour'; allowed: says, "),
        ({"checks": [{"beauty": {}}]}, r"claims.small.checks.0: unknown key 'beauty'; allowed: "),
        ({"checks": [{"within": {"table": "t.csv", "value": "v"}}]}, "claims.small.checks.0"),
        ({"checks": []}, "claims.small.checks"),
        ({"says": "x" * 200}, "claims.small.says"),
        (
            {"known": {"quick": {"differs": [], "why": "x"}}},
            "claims.small.known.quick.differs",
        ),
    ],
)
def test_a_bad_claims_file_is_refused_in_one_line(tmp_path, changes, message):
    """The claim, the key, what is allowed."""
    with pytest.raises(ConfigError, match=message) as refused:
        read_claims(write(tmp_path, **changes))
    assert "\n" not in str(refused.value)


def test_the_projects_own_claims_are_sound():
    """They are read, cover what the paper claims, and every rule is used by one."""
    found = read_claims(ROOT / "config/claims.yaml").claims
    names = {claim.name for claim in found}
    assert len(names) >= 28
    rules = {check.rule for claim in found for check in claim.checks}
    assert rules == set(RULES)
    for known in (known for claim in found for known in claim.known.values()):
        assert len(known.why) > 20


@pytest.fixture
def verdicts(tmp_path):
    known = {"known": {"quick": {"differs": [{"panels": {"n": 1}}], "why": "the dog"}}}
    return [
        verdict(tmp_path, [0.1, 0.2]),
        verdict(tmp_path, [0.1, 2.0], **known),
        verdict(tmp_path, [2.0, 2.0]),
        verdict(tmp_path, [0.1], "smoke"),
    ]


FINDINGS = [Finding("hashes", OK, "3 files"), Finding("curves", WRONG, "a [curve] is short")]


def test_junit_tells_failures_from_known_differences(verdicts):
    """Failing claims and record checks are failures, with their cases; what is known or not run is
    skipped with the reason."""
    root = ET.fromstring(reports.junit(verdicts, FINDINGS, "quick"))
    claims, record = root.findall("testsuite")
    assert (claims.get("tests"), claims.get("failures"), claims.get("skipped")) == ("4", "1", "2")
    assert (record.get("tests"), record.get("failures")) == ("2", "1")
    assert "0: v: 2, wanted ≤ 1" in claims.find("testcase/failure").text
    skipped = [item.get("message") for item in claims.findall("testcase/skipped")]
    assert skipped == ["partly: the dog", f"{NOT_RUN}: applies from the scale quick on"]


def test_markdown_and_terminal_say_everything(verdicts):
    """Verdicts, the deciding case, the reasons, the record's checks, and the sum."""
    for text in (
        reports.markdown(verdicts, FINDINGS, "quick"),
        reports.terminal(verdicts, FINDINGS, "quick"),
    ):
        flat = " ".join(text.split())
        for part in ("the dog", "a [curve] is short", "not replicated", "wanted ≤ 1"):
            assert part in flat, part
        assert "the paper: 4, 1 replicated, 1 partly, 1 not replicated, 1 not run" in flat
        assert "1 verdicts regress; 1 checks of the record fail" in flat


def test_tables(verdicts):
    """A row a claim and a row a case."""
    claims, cases = reports.claims_table(verdicts), reports.cases_table(verdicts)
    assert claims["status"].tolist() == [PASSES, KNOWN, FAILED, SKIPPED]
    assert claims["holding"].tolist() == [2, 1, 0, 0] and claims["cases"].tolist() == [2, 2, 2, 0]
    assert len(cases) == 6 and (cases["outcome"] == HOLDS).sum() == 3


def test_picture(tmp_path, verdicts):
    """A bar a claim as long as the share of cases that hold, and no text outside the page or over
    another, for as long sentences as the schema allows."""
    claims = reports.claims_table(verdicts).assign(says=["W" * 5 + "i" * 90, "b", "c", "d"])
    claims.assign(claim=list("abcd")).to_csv(tmp_path / "claims.csv", index=False)
    table = picture.read_verdicts(tmp_path / "claims.csv")
    figure = picture.draw(table, note="scale quick")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    widths = [patch.get_width() for patch in axes.patches]
    assert widths[1::2] == [1.0, 0.5, 0.0, 0.0]
    page = figure.bbox
    boxes = [text.get_window_extent() for text in axes.texts]
    assert all(box.x0 >= page.x0 and box.x1 <= page.x1 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
