"""docs/extending.md: what it adds is one file and one line each, and works."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Document

import commands

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/extending.md"
ENTROPY = 36 * -(0.1 * math.log(0.1) + 0.9 * math.log(0.9)) + math.log(2)
"""Of the tiny images, nats: two kinds, each with a tenth of its 36 pixels inverted. No model's mean
log-likelihood of many images is above its negative."""


def sections() -> dict[str, list]:
    """The fenced blocks of each section that adds something to the package, by its heading."""
    text = PAGE.read_text(encoding="utf-8")
    starts = [(m.start(), m.group(1)) for m in re.finditer(r"^## \d\. (.+)$", text, re.M)]
    found: dict[str, list] = {heading: [] for _, heading in starts}
    for block in Document.parse(str(PAGE), commands.blocks).examples():
        before = [heading for start, heading in starts if start < block.region.start]
        if before:
            found[before[-1]].append(block.region.lexemes)
    return found


def added(patch: str) -> list[str]:
    """The lines that a patch adds to the package."""
    lines, path = [], ""
    for line in patch.splitlines():
        if line.startswith("+++ b/"):
            path = line.removeprefix("+++ b/")
        elif line.startswith(("+", "-")) and not line.startswith("---") and path.startswith("src/"):
            assert line[0] == "+", f"{path}: a line goes: {line}"
            lines.append(line[1:])
    return lines


@pytest.mark.parametrize(
    "heading", ["An estimator of log p(x)", "An algorithm", "A network", "A figure"]
)
def test_each_is_one_file_and_one_line(heading):
    """An entry of the catalogue says more than fits a line: one call."""
    blocks = sections()[heading]
    files = [one["kind"] for one in blocks if one["kind"].startswith("python file=src/")]
    assert len(files) == 1
    lines = [line for one in blocks if one["kind"] == "diff" for line in added(one["source"])]
    indents = [len(line) - len(line.lstrip()) for line in lines]
    if heading == "A figure":
        assert lines[0].strip() == "figure(" and lines[-1].strip() == "),"
        assert [i for i, indent in enumerate(indents) if indent == indents[0]] == [
            0,
            len(lines) - 1,
        ]
    else:
        assert len(lines) == 1


@pytest.fixture(scope="module")
def outcome(tmp_path_factory) -> dict:
    """What tests/extended.py prints in a copy of the project with all that the page adds."""
    copy = tmp_path_factory.mktemp("extended")
    for part in (
        "src",
        "config",
        "tests/tiny.py",
        "tests/extended.py",
        "tests/test_data_definitions.py",
    ):
        (copy / part).parent.mkdir(exist_ok=True)
        take = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        take(ROOT / part, copy / part)
    for blocks in sections().values():
        for one in blocks:
            kind, text = one["kind"], one["source"]
            if kind.startswith("python file=src/"):
                (copy / kind.removeprefix("python file=")).write_text(text, encoding="utf-8")
            elif kind == "diff":
                subprocess.run(["git", "apply", "-"], cwd=copy, input=text, text=True, check=True)
    done = subprocess.run(
        [sys.executable, "tests/extended.py", str(copy / "runs")],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "algorithm", "label", "architecture"),
    [("iwae", "iwae", "IWAE", "VAE"), ("convolutional", "aevb", "AEVB", "ConvolutionalVAE")],
)
def test_each_trains_and_is_estimated(outcome, name, algorithm, label, architecture):
    """The bound rises and stays below log p(x), which all estimators agree on."""
    found = outcome[name]
    assert (found["algorithm"], found["label"]) == (algorithm, label)
    assert (found["architecture"], found["pixels"]) == (architecture, 36)
    assert found["bounds"][-1] > found["bounds"][0] + 3
    exact = found["likelihoods"].pop("exact")
    assert found["bounds"][-1] - 1.0 < exact < -ENTROPY + 1.5
    assert len(found["likelihoods"]) == 2
    for value in found["likelihoods"].values():
        assert value == pytest.approx(exact, abs=0.1)
