"""A copy of the project with a tiny configuration, and the jobs by which it is made."""

import os
import re
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import ClassVar

import yaml

from tiny import DEFINITION, write_images

ROOT = Path(__file__).parents[1]
DATASETS = {
    "datasets": {
        "tiny": DEFINITION,
        "absent": deepcopy(DEFINITION) | {"label": "Absent", "files": {"absent.npz": {}}},
    }
}
CONFIG = {
    "scale": "short",
    "variant": "authors",
    "figures": {
        "fig2": {"latent_dims": {"tiny": [2]}},
        "long_run": {"algorithms": ["aevb"], "latent_dims": {"tiny": [2]}},
        "fig3": {
            "dataset": "tiny",
            "latent_dim": 2,
            "hidden_units": 8,
            "n_train": [40],
            "algorithms": ["mcem"],
            "estimators": ["quadrature"],
        },
        "fig4": {"rows": {"tiny": 3}},
        "fig5": {"latent_dims": {"tiny": [2]}, "rows": 2},
        "projection": {"latent_dims": {"tiny": [2]}},
        "explorer": {"datasets": ["tiny"]},
        "applications": {"latent_dims": {"tiny": 2}, "anomaly": "tiny", "factor": 3},
        "estimators": {"dataset": "tiny"},
        "variants": {"latent_dims": {"tiny": [2]}},
    },
    "hidden_units": 8,
    "step_sizes": [0.01, 0.1],
    "estimators": {
        "paper": {"method": "harmonic", "samples": 20, "burn_in": 10, "max_rhat": 1.5},
        "quadrature": {"method": "quadrature"},
    },
    "scales": {
        "short": {
            "training_samples": 600,
            "selection_samples": 200,
            "long_run": {"training_samples": 1000, "seeds": [3]},
            "fig3": {
                "training_samples": {"aevb": 600, "wake_sleep": 600, "mcem": 6000},
                "selection_samples": {"aevb": 200, "wake_sleep": 200, "mcem": 1800},
                "points": 10,
            },
            "truth": {
                "points": 10,
                "latent_dims": [2],
                "algorithms": ["mcem"],
                "estimators": ["paper", "quadrature"],
            },
            "applications": {
                "points": 4,
                "hmc": {"samples": 4, "chains": 2, "burn_in": 4, "annealing": 2},
                "ais": {"chains": 2, "steps": 16},
            },
        }
    },
    "variants": {"authors": {"batch_size": 20}},
}
RUNS = "results/short/runs/authors/tiny"
REDRAWN_FIG3 = {"draw_fig3": 1, "fig3_tables": 1}
ESTIMATED = {
    "likelihood": 1,
    "compare_estimators_network": 1,
    "compare_estimators_ppca": 1,
    "compare_estimators_untrained": 1,
}
APPLICATIONS = ["denoising", "super_resolution", "inpainting", "anomaly"]
TRAINED_MODELS = {
    "manifold": 1,
    "draw_fig4": 1,
    "sample": 1,
    "draw_fig5": 1,
    "project": 1,
    "draw_projection": 1,
    "draw_latent_usage": 1,
    "build_explorer": 1,
    **{f"evaluate_{name}": 1 for name in APPLICATIONS},
    **{f"draw_{name}": 1 for name in APPLICATIONS},
    "applications_table": 1,
}
AUDITED = {"manifest": 1, "audit_claims": 1, "draw_audit": 1}
"""Whatever is made anew is listed and audited anew."""

EVERYTHING = {
    "select_step_size": 2,
    "train": 2,
    "train_long": 1,
    "select_step_size_fig3": 1,
    "train_fig3": 1,
    **ESTIMATED,
    "draw_fig2": 1,
    "draw_long_run": 1,
    "fig2_distance_table": 1,
    **REDRAWN_FIG3,
    "draw_estimators": 1,
    "step_size_table": 1,
    **TRAINED_MODELS,
    "findings": 1,
    "runs_table": 1,
    **AUDITED,
}
"""All jobs but the fetching of the data and Figure 1, which depends on nothing."""


class Copy:
    """A copy of the repository with a tiny configuration, in a folder whose name has spaces and
    letters beyond ASCII."""

    variables: ClassVar[dict[str, str]] = {}
    """Of its processes' environment, beside the usual ones."""

    def __init__(self, folder: Path):
        self.folder = folder / "eine Kopie für Zoë"
        self.folder.mkdir()
        ignored = shutil.ignore_patterns("__pycache__", ".snakemake")
        for name in ("workflow", "config", "src", "envs", "resources"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=ignored)
        shutil.copy(ROOT / "Snakefile", self.folder)
        data = folder / "my images"
        data.mkdir()
        write_images(data / "tiny.npz")
        self.config = CONFIG | {"data_dir": str(data)}
        self.write("config/config.yaml", yaml.safe_dump(self.config))
        self.write("config/datasets.yaml", yaml.safe_dump(DATASETS))

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text, encoding="utf-8")

    def read(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8")

    def environment(self) -> dict[str, str]:
        """The variables of a process in the copy, whose programs run for less time than it takes
        to make fast ones."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        env = os.environ | {"PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
        env["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
        for name in ("PYTHONPATH", "AEVB_DATA_DIR", "SNAKEMAKE_PROFILE"):
            env.pop(name, None)
        return env | self.variables

    def snakemake(self, *words: str) -> tuple[int, str]:
        """Exit code, and standard output and error together."""
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *words],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1000,
        )
        return done.returncode, done.stdout

    def planned(self, *words: str) -> dict[str, int]:
        """The jobs that a dry run lists, by rule; the pseudo-rule `all` left out."""
        code, text = self.snakemake("--dry-run", "--quiet", "host", "--nolock", *words)
        assert code == 0, text
        if "Nothing to be done" in text:
            return {}
        table = text.split("Job stats:")[-1].split("total")[0]
        jobs = re.findall(r"^(\w+)\s+(\d+)\s*$", table, re.MULTILINE)
        assert jobs, text
        return {rule: int(count) for rule, count in jobs if rule != "all"}

    def times(self) -> dict[str, int]:
        """When each result was last written."""
        return {
            str(path.relative_to(self.folder)): path.stat().st_mtime_ns
            for path in sorted((self.folder / "results").rglob("*"))
            if path.suffix in (".pdf", ".png", ".csv", ".json", ".safetensors")
        }
