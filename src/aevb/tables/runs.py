"""Where the numbers come from: one line a training run."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from aevb.errors import DataError
from aevb.tables import pages

_CPU = re.compile(r"/device:CPU:\d+|cpu .*", re.IGNORECASE)
"""The names of devices that are the machine's own processor."""


def make(records: list[Path]) -> dict[str, str]:
    """The table and its page, from the records of training runs."""
    rows = collect(records)
    return {"output": rows.to_csv(index=False, float_format="%.6g"), "page": render(rows)}


def collect(paths: Iterable[Path]) -> pd.DataFrame:
    """The records of training runs as a table.

    Args:
        paths: the ``run.json`` of each.

    Returns:
        One row a run: ``dataset, algorithm, latent_dim, n_train, variant, seeds, step_size,
        training_samples, samples_per_second, training_minutes, peak_memory_gb, threads, processor,
        tensorflow, code``. ``processor`` is what computed, one after the other where a run went on
        elsewhere; ``tensorflow`` is its version, none where it did not compute; ``code`` is the
        hash of the package's code that trained it.

    Raises:
        DataError: a record is missing or damaged.
    """
    return pd.DataFrame([_row(Path(path)) for path in paths]).astype({"n_train": "Int64"})


def render(runs: pd.DataFrame) -> str:
    """The table as a page of HTML, for the report."""
    shown = runs.assign(
        n_train=["all" if pd.isna(n) else f"{n:,.0f}" for n in runs["n_train"]],
        training_samples=runs["training_samples"].map("{:,}".format),
        samples_per_second=runs["samples_per_second"].map("{:,.0f}".format),
        training_minutes=runs["training_minutes"].map("{:,.1f}".format),
        peak_memory_gb=runs["peak_memory_gb"].map("{:.2f}".format),
        tensorflow=runs["tensorflow"].fillna("none"),
    )
    return pages.table(shown.rename(columns=lambda name: name.replace("_", " ")), left=2)


def _row(path: Path) -> dict:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        experiment = record["experiment"]
        # Records of older versions hold the speed beside the times of the process that finished.
        process = record["last_process" if "last_process" in record else "this_process"]
        speed = (record if "samples_per_second" in record else process)["samples_per_second"]
        samples = record["final"]["training_samples"]
        return {
            "dataset": experiment["definition"]["label"],
            "algorithm": experiment["algorithm"],
            "latent_dim": experiment["latent_dim"],
            "n_train": experiment.get("n_train"),
            "variant": experiment["variant"],
            "seeds": " ".join(map(str, experiment["seeds"])),
            "step_size": record["step_size"],
            "training_samples": samples,
            "samples_per_second": speed,
            # That of a resumed run too, of which older records have the last part's time alone.
            "training_minutes": samples * len(experiment["seeds"]) / speed / 60,
            "peak_memory_gb": process["peak_memory_gb"],
            "threads": record["threads"],
            "processor": _processor(record),
            "tensorflow": record["versions"].get("tensorflow"),
            "code": record["package"]["code"],
        }
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such record; train first") from None
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise DataError(f"{path}: not the record of a run ({error!r}); train again") from None


def _processor(record: dict) -> str:
    """What computed: the device where it is one of its own, or else the machine's processor."""
    machine = record["machine"]["processor"]
    devices = record.get("devices") or [machine]
    named = [machine if _CPU.fullmatch(device) else device for device in devices]
    return ", then ".join(dict.fromkeys(named))
