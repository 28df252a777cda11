"""The site: all its links lead somewhere, its numbers are the record's, and nothing is loaded from
elsewhere when it is read."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import site_pages
from aevb.audit.claims import KINDS
from aevb.errors import AevbError

ROOT = Path(__file__).parents[1]
VIEWPORTS = {"wide": (1280, 900), "narrow": (390, 800)}


def mkdocs(pages: Path, target: Path) -> subprocess.CompletedProcess:
    """The strict build of assembled pages."""
    config = (ROOT / "docs/mkdocs.yml").read_text(encoding="utf-8")
    config = config.replace("../results/site/pages", str(pages))
    given = pages.parent / "mkdocs.yml"
    given.write_text(config.replace("../results/site/html", str(target)), encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(given)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """The assembled pages and the site."""
    pages, target = (tmp_path_factory.mktemp("site") / name for name in ("pages", "html"))
    site_pages.assemble(pages)
    done = mkdocs(pages, target)
    assert done.returncode == 0, done.stderr
    return pages, target


def test_it_opens_with_figure_2_and_the_verdicts_of_the_record(built):
    text = (built[0] / "index.md").read_text(encoding="utf-8")
    assert text.index("figures/fig2.png") < text.index("## The verdicts")
    claims = pd.read_csv(ROOT / "results/full/audit/claims.csv")
    counts = claims[claims["kind"] == "claim"]["verdict"].value_counts()
    (row,) = (line for line in text.splitlines() if line.startswith(f"| {KINDS['claim']} "))
    shown = [int(cell) for cell in row.strip("| ").split("|")[1:]]
    assert shown == [counts.get(verdict, 0) for verdict in site_pages.VERDICTS]
    assert sum(shown) == len(claims[claims["kind"] == "claim"])


def test_it_shows_every_picture_of_the_record(built):
    pictures = {path.name for path in (ROOT / "results/full/figures").glob("*.png")}
    text = "".join(path.read_text(encoding="utf-8") for path in built[0].glob("*.md"))
    assert pictures == {name for name in pictures if f"figures/{name})]" in text}
    for name in pictures:
        assert (built[1] / "files/results/full/figures" / name).exists()


def test_a_link_to_a_file_that_is_not_there_stops_it(tmp_path):
    """Beside it a link in a code block is none."""
    page = "```sh\n[a](b)\n```\n\n[dead](missing.md)\n"
    with pytest.raises(AevbError, match=r"^docs/a\.md: missing\.md: there is no such file"):
        site_pages.page("docs/a.md", page, tmp_path)


@pytest.mark.parametrize(
    ("link", "told"),
    [("[a](usage.md#no-such-heading)", "no-such-heading"), ("![a](files/no.png)", "files/no.png")],
)
def test_a_dead_anchor_or_picture_stops_it(built, tmp_path, link, told):
    pages = shutil.copytree(built[0], tmp_path / "pages")
    page = pages / "verdicts.md"
    page.write_text(page.read_text(encoding="utf-8") + f"\n\n{link}\n", encoding="utf-8")
    done = mkdocs(pages, tmp_path / "html")
    assert done.returncode != 0 and told in done.stderr


def test_a_page_that_the_menu_lacks_stops_it(built, tmp_path):
    pages = shutil.copytree(built[0], tmp_path / "pages")
    (pages / "more.md").write_text("# More\n", encoding="utf-8")
    done = mkdocs(pages, tmp_path / "html")
    assert done.returncode != 0 and "more.md" in done.stderr


def test_code_is_shown_as_code(built):
    """A fence with words after its language is no fence to Python-Markdown."""
    assert "```" not in (built[1] / "start.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("size", VIEWPORTS)
def test_a_browser_reads_it_without_a_network(browser, built, size):
    """Nothing is requested from elsewhere, nothing reaches beyond the window, no picture is
    missing."""
    width, height = VIEWPORTS[size]
    for path in sorted(built[1].glob("*.html")):
        page = browser.new_page(viewport={"width": width, "height": height})
        requests: list[str] = []
        page.on("request", lambda request, seen=requests: seen.append(request.url))
        page.goto(path.as_uri())
        assert [url for url in requests if not url.startswith(("file:", "data:"))] == [], path.name
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), path.name
        shown = "Array.from(document.images).every((i) => i.complete && i.naturalWidth > 0)"
        assert page.evaluate(shown), path.name
        page.close()
