"""README and docs: links lead somewhere, and what they say of the record is what it holds."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from sybil import Document

import commands
import render
from aevb import settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += [ROOT / "config/README.md", ROOT / "resources/paper/README.md"]
SETTINGS, _ = settings.load(ROOT / "config/config.yaml", ROOT / "config/datasets.yaml")
RENDERED = render.pages()
CLAIMS = pd.read_csv(ROOT / "results/full/audit/claims.csv")


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    headings = [
        "".join(part.content for part in tokens[i + 1].children)
        for i, token in enumerate(tokens)
        if token.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """The addresses of the links and pictures of a page."""
    tokens = MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))
    parts = [part for token in tokens for part in token.children or []]
    found = [part.attrs.get("href", part.attrs.get("src")) for part in parts]
    return [str(address) for address in found if address]


def broken(page: Path) -> list[str]:
    """The links of a page to files that are not there or headings that the file does not have."""
    wrong = []
    for address in links(page):
        if re.match(r"[a-z]+:", address):
            continue
        path, _, anchor = address.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(address)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """Files and anchors, of links and of pictures."""
    assert broken(page) == []


def test_control_broken_links_are_found(tmp_path):
    """A missing file, a missing picture, a missing heading in the page and in another."""
    (tmp_path / "other.md").write_text("# A heading, here\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](none.md) ![b](none.png) [c](#two) [d](other.md#none)\n\n"
        "| [e](gone.md) |\n| --- |\n\n"
        "[good](other.md#a-heading-here) [good](#one) [good](https://example.org/none)\n"
    )
    assert broken(page) == ["none.md", "none.png", "#two", "other.md#none", "gone.md"]


@pytest.mark.parametrize("path", RENDERED, ids=lambda path: path.name)
def test_pages_are_those_of_the_record(path):
    """`make docs` would change nothing: every number in them is the record's."""
    assert path.read_text(encoding="utf-8") == RENDERED[path]


def test_readme_counts_the_verdicts():
    """README's counts of the verdicts on claims, and of the comparisons that decide nothing."""
    kinds = dict(tuple(CLAIMS.groupby("kind")["verdict"]))
    claims, curves = Counter(kinds["claim"]), Counter(kinds["curves"])
    told = (
        f"Of {claims.total()} claims of the paper {claims['replicated']} are replicated,"
        f" {claims['partly']} partly, {claims['not replicated']} is not, {claims['undecided']} are"
        f" undecided, and {claims['not run at this scale']} were not run at this scale."
        f" Of {curves.total()} comparisons with its curves {curves['undecided']} are undecided."
    )
    assert told in " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert len(claims) == 5


def test_readme_tells_the_verdicts_of_single_claims():
    """Each `(verdict, n of m cases<!-- claim -->)` is that of claims.csv."""
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    told = re.findall(r"\(([a-z ]+), (\d+) of (\d+) cases<!-- (\w+) -->", readme)
    assert len(told) == len(re.findall(r"cases<!--", readme)) > 5
    held = CLAIMS.set_index("claim")
    found = [held.loc[claim, ["verdict", "holding", "cases"]].tolist() for *_, claim in told]
    assert [(verdict, int(n), int(m)) for verdict, n, m, _ in told] == [tuple(row) for row in found]


@pytest.mark.parametrize("scale", SETTINGS["scales"])
def test_pages_tell_the_budgets_of_the_scales(scale):
    """The training samples a curve, in README of Figure 2 on MNIST, in docs/usage.md of both."""
    budget = SETTINGS["scales"][scale]
    samples, fig3 = budget["training_samples"], budget["fig3"]["training_samples"]
    if not isinstance(samples, dict):
        samples = {"mnist": samples, "frey_face": samples}
    readme, usage = (
        next(line for line in (ROOT / page).read_text("utf-8").splitlines() if start in line)
        for page, start in (("README.md", f"| `{scale}` | "), ("docs/usage.md", f"| `{scale}`"))
    )
    assert render.power(samples["mnist"]) in readme
    told = set(re.findall(r"(?:[\d.]+·)?10[⁰¹²³⁴⁵⁶⁷⁸⁹]+", usage))
    assert told == {render.power(value) for value in (*samples.values(), *fig3.values())}


def test_readme_is_short():
    """README is a front page; the rest is in docs/."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_is_of_a_kind(page):
    """`make commands` knows what to do with each fenced block, and does it."""
    found = list(Document.parse(str(page), commands.blocks).examples())
    run = any(page.relative_to(ROOT).match(pattern) for pattern in commands.PAGES)
    assert run or not found


@pytest.mark.parametrize("kind", ["", "bash", "sh long", "console", "dry"])
def test_control_other_blocks_are_refused(tmp_path, kind):
    """A block without a kind, or of another one."""
    page = tmp_path / "page.md"
    page.write_text(f"```{kind}\nmake\n```\n")
    with pytest.raises(ValueError, match="allowed: sh, sh dry"):
        Document.parse(str(page), commands.blocks)


def test_patches_of_the_worked_examples_apply(tmp_path):
    """One after the other, to the files of the checkout."""
    page = Document.parse(str(ROOT / "docs/extending.md"), commands.blocks)
    patches = [one.parsed for one in page.examples() if one.region.lexemes["kind"] == "diff"]
    assert len(patches) > 2
    for patch in patches:
        for name in re.findall(r"^--- a/(.+)$", patch, re.M):
            if not (tmp_path / name).exists():
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, tmp_path / name)
        apply = ["git", "apply", "-"]
        outcome = subprocess.run(apply, cwd=tmp_path, input=patch, text=True, capture_output=True)
        assert outcome.returncode == 0, outcome.stderr
