"""The configuration that is shipped, and the least that one holds."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "config" / "config.yaml"
DATASETS = ROOT / "config" / "datasets.yaml"
MINIMAL = {
    "scale": "short",
    "variant": "authors",
    "scales": {"short": {"training_samples": 1000}},
    "variants": {"authors": {}},
    "figures": {"fig2": {"latent_dims": {"mnist": [3]}}},
    "estimators": {"paper": {"method": "harmonic"}, "quadrature": {"method": "quadrature"}},
}
