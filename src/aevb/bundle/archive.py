"""The file format of a bundle: a zip archive with a manifest, every part named by its sha256.

``manifest.json`` lists the runs; ``parts/<sha256>`` are what they share: programs (text), data
(``.npy``) and checkpoints (safetensors).
"""

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from aevb.errors import DataError
from aevb.files import writing
from aevb.training.backends.programs import Programs

FORMAT = "aevb bundle 1"
SELECTING = "aevb bundle 2"
"""Of a bundle by whose runs a step size is selected, which older versions do not know."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, EOFError)


@dataclass(frozen=True)
class BundledRun:
    """What one training run needs. E is the member axis."""

    name: str
    """Where it belongs below ``runs/``, for example ``authors/mnist/aevb/latent_dim_20``."""
    label: str
    """What progress lines call it."""
    experiment: dict
    """The settings, as JSON."""
    objective: str
    """What its curve is called in tables."""
    seeds: list[int]
    """[E]"""
    step_sizes: list[float]
    """Adagrad's global step size of each member, [E]."""
    log_points: list[int]
    """Training samples at which the bound is evaluated; the last is the budget."""
    snapshot_points: list[int]
    """Those at which the parameters are kept."""
    programs: dict[str, Any]
    """The fields of :class:`~aevb.training.backends.programs.Programs`, with names of parts for
    texts."""
    train_data: tuple[str, int]
    """The part with the training images and how many of the first are used."""
    test_data: str
    """The part with the test images."""
    fingerprint: str
    """What checkpoints are bound to."""
    checkpoint: tuple[int, str] | None = None
    """Training samples and part of the checkpoint that it goes on from."""
    panels: list[str] = field(default_factory=list)
    """The names of all runs by which, with this one, a step size is selected; of others empty."""

    @property
    def selects_for(self) -> str | None:
        """The table of candidates that this run is for; None where it is no such run."""
        return f"{self.name.rpartition('/')[0]}.csv" if self.panels else None

    @property
    def identity(self) -> str:
        """A hash of everything that decides the numbers, the budget included."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass
class Writer:
    """Collects runs and their parts, then writes them as one file."""

    runs: list[BundledRun] = field(default_factory=list)
    _parts: dict[str, bytes] = field(default_factory=dict)

    def part(self, content: bytes | str) -> str:
        """Add a part, once; its name."""
        content = content.encode() if isinstance(content, str) else content
        name = hashlib.sha256(content).hexdigest()
        self._parts[name] = content
        return name

    def array(self, array: np.ndarray) -> str:
        """Add an array as a part; its name."""
        file = io.BytesIO()
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        return self.part(file.getvalue())

    def programs(self, programs: Programs) -> dict[str, Any]:
        """Add the texts of programs as parts; the programs' fields with their names for texts."""
        named = {name: self.part(text) for name, text in programs.texts().items()}
        return asdict(programs.replace_texts(**named))

    def write(self, path: Path) -> None:
        """Write the bundle, whole or not at all."""
        form = SELECTING if any(run.panels for run in self.runs) else FORMAT
        manifest = {"format": form, "runs": [_fields(run) for run in self.runs]}
        with writing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, True, 9) as z:
            z.writestr("manifest.json", json.dumps(manifest, indent=1))
            for name, content in self._parts.items():
                z.writestr(f"parts/{name}", content)


class Bundle:
    """A bundle that has been written.

    Raises:
        DataError: the file is missing, damaged or no bundle.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        try:
            self._zip = zipfile.ZipFile(self.path)
            manifest = json.loads(self._zip.read("manifest.json"))
            if manifest["format"] not in (FORMAT, SELECTING):
                raise DataError(
                    f"{self.path}: is a bundle of another version ({manifest['format']!r}, not"
                    f" {FORMAT!r}); read it with the version of the package that wrote it"
                )
            self.runs = [run_of(values) for values in manifest["runs"]]
        except FileNotFoundError:
            raise DataError(f"{self.path}: there is no such file") from None
        except (TypeError, *_DAMAGED) as error:
            raise DataError(
                f"{self.path}: is no bundle, or a damaged one ({_one_line(error)}); export it"
                " again with `aevb export`"
            ) from None

    def part(self, name: str) -> bytes:
        """The content of a part, verified.

        Raises:
            DataError: it is missing or damaged.
        """
        try:
            content = self._zip.read(f"parts/{name}")
        except _DAMAGED as error:
            detail = _one_line(error)
            raise DataError(f"{self.path}: is damaged ({detail}); export it again") from None
        if hashlib.sha256(content).hexdigest() != name:
            raise DataError(f"{self.path}: part {name[:12]} is damaged; export it again")
        return content

    def array(self, name: str) -> np.ndarray:
        """A part that is an array."""
        return np.load(io.BytesIO(self.part(name)), allow_pickle=False)

    def programs(self, run: BundledRun) -> Programs:
        """The programs of a run."""
        fields = run.programs | {"state": tuple(run.programs["state"])}
        stored = Programs(**fields)
        texts = {name: self.part(part).decode() for name, part in stored.texts().items()}
        return stored.replace_texts(**texts)


def _fields(run: BundledRun) -> dict:
    """What the manifest says of a run; nothing that only selections have, of others."""
    return {key: value for key, value in asdict(run).items() if key != "panels" or value}


def run_of(values: dict) -> BundledRun:
    """A run from its fields as JSON has them."""
    values = values | {"train_data": tuple(values["train_data"])}
    if values["checkpoint"] is not None:
        values["checkpoint"] = tuple(values["checkpoint"])
    return BundledRun(**values)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
