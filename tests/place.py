"""A folder in which one training command is started, and harmed, as often as need be."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from aevb import data
from tiny import DEFINITION, SETTINGS, write_images

BUDGET = 2_000_000
PATIENCE = 200.0


@dataclass
class Outcome:
    """How one process ended."""

    code: int
    text: str
    checkpoints: list[int]
    """Sample counts of the checkpoints at its end."""
    finished: bool
    """Whether a curve was there."""


def settings(**changes) -> str:
    """The settings of the run, as `aevb settings` prints them."""
    usual = {"step_sizes": (0.05,), "training_samples": BUDGET}
    return replace(SETTINGS, **usual | changes).to_json()


class Place:
    """A folder in which one training command is started, as often as need be."""

    def __init__(self, folder: Path):
        self.folder = folder
        write_images(folder / "tiny.npz")
        record = data.fetch("tiny", DEFINITION, folder / "cache", folder, lambda line: None)
        (folder / "record.json").write_text(json.dumps(record))
        (folder / "step_size.csv").write_text("step_size,selected\n0.01,False\n0.05,True\n")

    def command(self, name: str, **changes: str) -> list[str]:
        """The command that trains; its outputs are in the folder ``name``."""
        options = {
            "--settings": settings(),
            "--record": "record.json",
            "--step-size-table": "step_size.csv",
            "--curve": f"{name}/curve.csv",
            "--run-record": f"{name}/run.json",
            "--weights": f"{name}/weights.safetensors",
            "--checkpoint-dir": f"{name}/checkpoints",
            "--checkpoint-seconds": "0.05",
        }
        options |= {f"--{key.replace('_', '-')}": value for key, value in changes.items()}
        words = [word for pair in options.items() for word in pair]
        return [sys.executable, "-m", "aevb", "train", *words]

    def checkpoints(self, name: str) -> list[int]:
        return sorted(int(path.stem) for path in self.folder.glob(f"{name}/checkpoints/*tensors"))

    def run(
        self,
        name: str,
        number: int | None = None,
        *,
        env: dict[str, str] | None = None,
        limit: Callable[[], None] | None = None,
        **changes: str,
    ) -> Outcome:
        """Run to the end, or send a signal once a checkpoint newer than those there appears.

        ``env`` is added to the environment, ``limit`` called in the process before it starts, and
        ``changes`` are other options of the command.
        """
        before = self.checkpoints(name)
        process = subprocess.Popen(
            self.command(name, **changes),
            cwd=self.folder,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | (env or {}),
            preexec_fn=limit,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            end = time.monotonic() + PATIENCE
            while number is not None and process.poll() is None and time.monotonic() < end:
                if self.checkpoints(name)[-1:] > before[-1:]:
                    process.send_signal(number)
                    break
                time.sleep(0.005)
            text, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        finished = (self.folder / name / "curve.csv").exists()
        return Outcome(process.returncode, text, self.checkpoints(name), finished)
