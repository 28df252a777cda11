"""What to run: config/config.yaml."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from aevb.algorithms.settings import Family, FullVB, MonteCarloEM
from aevb.likelihood.methods.registry import AnyMethod
from aevb.schema.kinds import (
    Count,
    Counts,
    FilePath,
    Name,
    PerDataset,
    Positive,
    Seeds,
    SomeOf,
    Table,
    Text,
    Truth,
)
from aevb.schema.reading import validate
from aevb.settings.budgets import Scale
from aevb.settings.datasets import Observation
from aevb.settings.figures import Figures
from aevb.settings.protocol import Architecture, Binarisation, Variant

PER_DATASET = {
    "hidden_units",
    "batch_size",
    "pixel_divisor",
    "training_samples",
    "selection_samples",
    "seeds",
    "architecture",
}
"""Settings of this table, of a scale or of a variant that may be given for each data set."""


class Configuration(Table):
    """What to run, at which budget, and by which reading of the paper's protocol."""

    scale: str = "quick"
    """Which entry of `scales` the default target makes."""
    variant: str = "authors"
    """Which entry of `variants` the figures are drawn from."""
    dataset: FilePath | None = None
    """A file of your own images (.npy, .npz or idx, gzipped or not), on which everything is run in
    place of MNIST and Frey Face. One array [n, rows, columns] or [n, pixels], of which every fifth
    image in a shuffled order is for testing, or the arrays `train` and `test` (also `x_train` and
    `x_test`); bytes, 0 and 1, or numbers in [0, 1]. Results go to results/NAME_SCALE."""
    observation: Observation | None = None
    """The decoder's distribution of a pixel of your own images, bernoulli or gaussian; null for
    bernoulli."""
    latent_dims: Counts | None = None
    """Sizes of the latent space, N_z, for your own images; null for 2, 5, 10 and 20."""
    data_dir: FilePath | None = None
    """A folder that holds the data files, tried before any download; the environment variable
    AEVB_DATA_DIR does the same."""
    cache_dir: FilePath = "data"
    """Where verified data sets are kept."""
    require_all_data: Truth = False
    """Fail when a data set cannot be had, in place of leaving its figures out."""
    checkpoint_dir: FilePath = ".checkpoints"
    """Where training keeps the checkpoints it resumes from; safe to delete when nothing is
    running."""
    checkpoint_seconds: Positive = 60.0
    """Time between two checkpoints of a training run, the most that a kill -9 can lose."""
    backend: Literal["tensorflow", "pjrt"] = "tensorflow"
    """What computes the training runs. `tensorflow`, or `pjrt`, any device that JAX has a plugin
    for (an extra package, see docs/accelerators.md). Changes no number but by rounding; a run may
    change it at a checkpoint."""
    pjrt_platform: Text | None = None
    """The platform of PJRT, such as cpu, cuda, rocm, metal or tpu; null for the best there is."""
    precision: Literal["highest", "fast"] = "highest"
    """Precision of matrix products in training by PJRT. `highest` is true float32; `fast` is what
    the device does fastest with float32 numbers, TF32 on recent GPUs. Evaluation is always at the
    highest."""
    training_samples: PerDataset[Count] | None = None
    """Training samples a curve, in place of the scale's own; raising it goes on from the
    checkpoint."""
    seeds: Seeds | None = None
    """Seeds, in place of the scale's own."""
    architecture: PerDataset[Architecture] | None = None
    """The networks, in place of the variant's own."""
    hidden_units: PerDataset[Count] = {"mnist": 500, "frey_face": 200, "default": 500}
    """Hidden units of encoder and decoder (section 5)."""
    samples_per_datapoint: Count = 1
    """L, draws from q(z|x) for each datapoint (section 5)."""
    step_sizes: SomeOf[Positive] = [0.01, 0.02, 0.1]
    """Candidates for Adagrad's global step size (section 5)."""
    monte_carlo_em: MonteCarloEM = MonteCarloEM()
    posterior: Family = "gaussian"
    """Family of AEVB's q(z|x) (section 2.4), by its mean and variance; Gaussian as in section 3,
    or another location-scale family."""
    full_vb: FullVB = FullVB()
    binarisation: Binarisation = "none"
    """Targets of a Bernoulli decoder; grey values as in the paper's figures, or a fresh Bernoulli
    draw of every pixel each time it is used."""
    figures: Figures
    estimators: Annotated[dict[Name, AnyMethod], Field(min_length=1)]
    """Estimators of the marginal likelihood by name."""
    scales: Annotated[dict[str, Scale], Field(min_length=1)]
    """Budgets. Every scale makes every figure with the same code and the same networks."""
    variants: Annotated[dict[str, Variant], Field(min_length=1)]
    """Readings of the protocol where the paper leaves it open."""

    @classmethod
    def of(cls, config: "Configuration | dict[str, Any]") -> Self:
        """A configuration that has been loaded, as a table of this kind."""
        return config if isinstance(config, cls) else validate(cls, config, "config")
