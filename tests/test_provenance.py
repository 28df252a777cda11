"""The hash of the code: what changes it and what does not."""

import re
import shutil
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from aevb import provenance
from aevb.algorithms.settings import ALGORITHMS

PACKAGE = Path(provenance.__file__).parent
ROOT = Path(__file__).parents[1]


@pytest.fixture
def source(tmp_path, monkeypatch) -> Path:
    """A copy of the package that the hashes are taken from."""
    copy = tmp_path / "aevb"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "_SOURCE", copy)
    provenance._module.cache_clear()
    yield copy
    provenance._module.cache_clear()


def hash_now(*modules: str) -> str:
    """The hash as a new process would take it."""
    provenance._module.cache_clear()
    return provenance.code_hash(*modules)


def add_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8") + "\n\n_ADDED_BY_A_TEST = 1\n"
    path.write_text(text, encoding="utf-8")


def test_copy_hashes_like_the_package(source):
    """The hash depends on the code, not on where it lies."""
    copied = hash_now("aevb.training.experiment")
    source.rename(source.with_name("elsewhere"))
    provenance._SOURCE = source.with_name("elsewhere")
    assert hash_now("aevb.training.experiment") == copied
    assert len(copied) == 16


def test_comments_docstrings_and_blank_lines_do_not_count(source):
    """Editing a comment, a docstring or the layout leaves the hash as it is."""
    path = source / "algorithms/optimisers.py"
    before, text = hash_now("aevb.training.experiment"), path.read_text()
    title = text.split('"""')[1]
    edited = text.replace(title, "Another docstring.", 1)
    edited = edited.replace("class Adagrad", "\n\n# A comment.\nclass Adagrad")
    edited = edited.replace("One step up the gradient.", "Another sentence.")
    assert edited.count("\n") > text.count("\n")
    assert "Another sentence." in edited
    path.write_text("# A comment first.\n\n" + edited)
    assert hash_now("aevb.training.experiment") == before


@pytest.mark.parametrize(
    "module",
    [
        "training/experiment.py",
        "training/loop.py",
        "algorithms/optimisers.py",
        "random/__init__.py",
        "algorithms/bounds.py",
        "training/schedule.py",
        "algorithms/wake_sleep.py",
        "algorithms/aevb.py",
        "models/registry.py",
        "models/architecture.py",
        "algorithms/settings.py",
        "models/mlp.py",
        "models/vae.py",
        "data/load.py",
    ],
)
def test_code_of_imported_modules_counts(source, module):
    """New code in any module that decides a run's numbers changes the hash of the training."""
    before = hash_now("aevb.training.experiment")
    add_code(source / module)
    assert hash_now("aevb.training.experiment") != before


def test_a_changed_constant_counts(source):
    """A changed number, and nothing else, changes the hash."""
    before = hash_now("aevb.training.experiment")
    path = source / "algorithms/optimisers.py"
    text = path.read_text()
    assert "EPSILON = 1e-8" in text
    path.write_text(text.replace("EPSILON = 1e-8", "EPSILON = 1e-6"))
    assert hash_now("aevb.training.experiment") != before


def test_undoing_a_change_gives_the_old_hash(source):
    """The hash depends on nothing but the content."""
    path = source / "algorithms/bounds.py"
    before, text = hash_now("aevb.training.experiment"), path.read_text()
    add_code(path)
    assert hash_now("aevb.training.experiment") != before
    path.write_text(text)
    assert hash_now("aevb.training.experiment") == before


@pytest.mark.parametrize("name", ALGORITHMS)
def test_checkpoints_do_not_depend_on_the_registry(source, name):
    """Another algorithm, or a label, leaves those valid that there are."""
    module = ALGORITHMS[name].implementation.partition(":")[0]
    before = hash_now(module)
    add_code(source / "algorithms/settings.py")
    assert hash_now(module) == before


@pytest.mark.parametrize("figure", sorted(p.name for p in (PACKAGE / "figures").glob("*.py")))
def test_training_does_not_depend_on_figures(source, figure):
    """New code in a figure's module leaves the hash of the training as it is."""
    before = (
        hash_now("aevb.training.experiment"),
        hash_now("aevb.figures.fig2", "aevb.figures.style"),
    )
    add_code(source / "figures" / figure)
    assert hash_now("aevb.training.experiment") == before[0]
    if figure in ("fig2.py", "style.py"):
        assert hash_now("aevb.figures.fig2", "aevb.figures.style") != before[1]


@pytest.mark.parametrize(
    "module",
    ["training/loop.py", "training/experiment.py", "algorithms/optimisers.py", "cli/stages.py"],
)
def test_figures_do_not_depend_on_training(source, module):
    """New code in training leaves the hashes of the figures and tables as they are."""
    drawn = ("aevb.figures.fig2", "aevb.tables.fig2_distance", "aevb.tables.variants")
    before = [hash_now(name) for name in drawn]
    add_code(source / module)
    assert [hash_now(name) for name in drawn] == before


def test_relevant_modules_only(source):
    """Fetching data depends on neither figures nor training."""
    before = hash_now("aevb.data")
    add_code(source / "training/loop.py")
    add_code(source / "figures" / "fig2.py")
    assert hash_now("aevb.data") == before
    add_code(source / "data" / "formats.py")
    assert hash_now("aevb.data") != before


def test_unknown_module(source):
    """A module that does not exist is an error that names it."""
    with pytest.raises(FileNotFoundError, match=r"aevb\.no_such_module"):
        hash_now("aevb.no_such_module")


def test_no_relative_imports():
    """No module imports relatively: the hash follows absolute imports alone."""
    for path in PACKAGE.rglob("*.py"):
        lines = path.read_text().splitlines()
        assert not [line for line in lines if line.lstrip().startswith("from .")], path


def test_records():
    """Versions and machine say something true of this process."""
    versions = provenance.versions()
    assert versions["python"].count(".") == 2
    assert {"tensorflow", "numpy", "safetensors"} <= versions.keys()
    assert provenance.machine()["cores"] >= 1
    assert 0.01 < provenance.peak_memory_gb() < 1000


def modules(package: Path) -> list[str]:
    paths = [path.relative_to(package.parent).with_suffix("") for path in package.rglob("*.py")]
    return [".".join(path.parts).removesuffix(".__init__") for path in paths]


def imports(package: Path) -> dict[str, set[str]]:
    """What each module imports, but for the packages that it lies in, which are there before it."""
    found = {}
    for name in modules(package):
        parts = name.split(".")
        above = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        found[name] = set(provenance._module(name).imports) - above
    return found


def test_no_module_imports_itself_in_the_end():
    """Wherever an import stands, at the top or in a function."""
    found = imports(PACKAGE)
    assert len(found) > 100
    assert list(TopologicalSorter(found).static_order())


def test_control_a_circle_is_found(source):
    """Two modules of settings that need each other."""
    with (source / "settings" / "protocol.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef late():\n    from aevb.settings.loading import load\n")
    provenance._module.cache_clear()
    with pytest.raises(CycleError, match=r"aevb\.settings\.protocol"):
        list(TopologicalSorter(imports(source)).static_order())


def folder(name: str) -> str:
    """The folder of the package that a module lies in; a module at its top is one by itself."""
    return name.split(".")[1] if "." in name else name


def test_no_folder_imports_itself_in_the_end():
    """The order of docs/architecture.md: no folder imports one that stands above it."""
    found: dict[str, set[str]] = {}
    for name, imported in imports(PACKAGE).items():
        found.setdefault(folder(name), set()).update(map(folder, imported))
    needed = {one: others - {one, "aevb"} for one, others in found.items()}
    assert len(needed) > 15
    order = list(TopologicalSorter(needed).static_order())
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = page.partition("## The way of one minibatch")[0]
    rows = [re.findall(r"\[(\w+)/\]", row) for row in rooms.splitlines() if row.startswith("| [")]
    level = {room: i for i, row in enumerate(reversed(rows)) for room in row}
    folders = {one for one in order if (PACKAGE / one).is_dir()}
    assert level.keys() == folders
    for one, others in needed.items():
        for other in others & folders:
            if one in folders:
                assert level[other] <= level[one], f"{one} imports {other}"
