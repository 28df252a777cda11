"""The commands of README and docs, run: a plugin for pytest (`make commands`).

Every fenced block of the pages is of a kind, which its first line names:

- ``sh``: run for real, on the smoke run, which must have been made (`quick` is read as `smoke`);
- ``sh dry``: run with Snakemake and make in dry-run mode, which checks targets, keys and files;
- ``python``: run; ``python file=NAME``: written to that file;
- ``diff``: applied to the checkout;
- ``bibtex``: to be read only.

A page has a copy of the checkout to itself, in which its blocks are done in turn.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "docs/*.md")
_FENCES = RawFencedCodeBlockLexer(re.compile(r"[ \t]*(?P<kind>[^\n]*)\n"))


def blocks(document: Document) -> Iterator[Region]:
    """The fenced blocks of a page, each with what is to be done with it."""
    for region in _FENCES(document):
        region.parsed = region.lexemes["source"]
        region.evaluator = evaluator(region.lexemes["kind"])
        yield region


def evaluator(kind: str) -> Callable[[Example], None]:
    """What is to be done with a block of this kind.

    Raises:
        ValueError: the kind is unknown.
    """
    if kind.startswith("python file="):
        return _write
    if kind not in _EVALUATORS:
        raise ValueError(f"a block is {kind!r}; allowed: {', '.join(_EVALUATORS)}")
    return _EVALUATORS[kind]


def prepare(namespace: dict) -> None:
    """Copy the checkout with its smoke run, and put two files of images beside."""
    if not (ROOT / "results/smoke/runs").is_dir():
        raise FileNotFoundError("results/smoke is not there; make reproduce SCALE=smoke")
    folder = namespace["folder"] = Path(tempfile.mkdtemp(prefix="aevb-commands-"))
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    wanted = [name for name in names.split("\0") if (ROOT / name).is_file()]
    for part in ("results/smoke", ".checkpoints/results/smoke", "data"):
        files = (ROOT / part).rglob("*")
        wanted += [str(path.relative_to(ROOT)) for path in files if path.is_file()]
    for name in wanted:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "dry").mkdir()
    (folder / "dry/profile.yaml").write_text("dry-run: true\nquiet: [all]\n", encoding="utf-8")
    with np.load(folder / "data/mnist.npz") as data:
        digits = data["test_images"][:100].reshape(-1, 28, 28)
    np.save(folder / "images.npy", digits[:9])
    np.savez(folder / "images.npz", digits)


def remove(namespace: dict) -> None:
    shutil.rmtree(namespace["folder"])


def _do(example: Example, *words: str, **environment: str) -> None:
    folder = example.namespace["folder"]
    path = f"{folder / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    # What is installed is not to be installed again, from the copy.
    usual = {"PATH": path, "PYTHONPATH": str(folder / "src")}
    usual["MAKEFLAGS"] = "--old-file=.venv/installed-lock-cpu.txt"
    outcome = subprocess.run(
        words,
        cwd=folder,
        env=os.environ | usual | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert outcome.returncode == 0, f"exit status {outcome.returncode}:\n{outcome.stdout}"


def _shell(example: Example) -> None:
    text = re.sub(r"\bquick\b", "smoke", example.parsed)
    _do(example, "bash", "-euo", "pipefail", "-c", text)


def _dry(example: Example) -> None:
    text = example.parsed
    _do(example, "bash", "-euo", "pipefail", "-c", text, MAKEFLAGS="n", SNAKEMAKE_PROFILE="dry")


def _python(example: Example) -> None:
    _do(example, sys.executable, "-c", example.parsed)


def _write(example: Example) -> None:
    name = example.region.lexemes["kind"].removeprefix("python file=")
    (example.namespace["folder"] / name).write_text(example.parsed, encoding="utf-8")


def _patch(example: Example) -> None:
    (example.namespace["folder"] / "block.diff").write_text(example.parsed, encoding="utf-8")
    _do(example, "git", "apply", "block.diff")


def _read_only(example: Example) -> None:
    pass


_EVALUATORS = {
    "sh": _shell,
    "sh dry": _dry,
    "python": _python,
    "diff": _patch,
    "bibtex": _read_only,
}

pytest_collect_file = Sybil(
    parsers=[blocks], path=str(ROOT), patterns=PAGES, setup=prepare, teardown=remove
).pytest()
