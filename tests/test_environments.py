"""The environment files agree with each other and with pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LOCKS = ["lock-cpu.txt", "lock-gpu.txt"]


def locked(name: str) -> dict[str, set[str]]:
    """Every package of a lock file with its versions (there can be one for each Python)."""
    text = (ROOT / "envs" / name).read_text(encoding="utf-8")
    versions: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", text, re.M):
        versions.setdefault(package, set()).add(version)
    return versions


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_hash_and_no_address(name):
    """pip can verify everything, wherever it gets the packages from."""
    text = (ROOT / "envs" / name).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[\w.-]+(?:\[[\w,-]+\])?==)", text, flags=re.M)[1:]
    assert len(entries) > 50
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


@pytest.mark.parametrize("name", LOCKS)
def test_lock_has_all_that_the_project_asks_for(name):
    """A dependency that is added to pyproject.toml must be locked too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["workflow"] + extras["dev"]
    names = {re.match(r"[\w.-]+", requirement).group() for requirement in wanted}
    assert names <= set(locked(name))


def test_conda_environment_pins_the_locked_versions():
    """conda users get the versions that everybody else has."""
    content = yaml.safe_load((ROOT / "envs" / "aevb.yaml").read_text(encoding="utf-8"))
    pins = dict(
        re.sub(r"\[.*?\]", "", pin).split("==") for pin in content["dependencies"][-1]["pip"]
    )
    versions = locked("lock-cpu.txt")
    assert {name: version for name, version in pins.items() if version not in versions[name]} == {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {re.match(r"[\w.-]+", r).group() for r in project["dependencies"]} <= set(pins)
