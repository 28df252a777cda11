"""What a scale may cost: training samples, datapoints, draws, seeds."""

from typing import Annotated, Literal

from pydantic import Field, Tag

from aevb.algorithms.settings import LEARNING, Family
from aevb.likelihood.methods.ais import Annealing
from aevb.likelihood.posterior_samples import PosteriorSamples
from aevb.schema.kinds import (
    EACH,
    NUMBER,
    ONE,
    AtLeastTwo,
    ByWay,
    Count,
    Counts,
    LatentDims,
    PerDataset,
    Positive,
    Seeds,
    SomeOf,
    Table,
)
from aevb.settings.future_work import NETWORKS

Learning = Literal[LEARNING]
Network = Literal[NETWORKS]
FAMILIES: list[Family] = ["gaussian", "laplace", "logistic", "student_t", "uniform", "triangular"]


class PerAlgorithm(Table):
    """One number for each algorithm."""

    aevb: Count
    wake_sleep: Count
    mcem: Count


class PerBounded(Table):
    """One number for each algorithm of Figure 2."""

    aevb: Count
    wake_sleep: Count


OneOrEach = Annotated[Annotated[Count, Tag(ONE)] | Annotated[PerBounded, Tag(EACH)], ByWay]
"""One number for all algorithms of Figure 2, or one for each."""


class LongRunBudget(Table):
    """The budget of Figure 2's long runs."""

    training_samples: Count
    """Training samples a curve."""
    seeds: Seeds = [0]
    """Random seeds, fewer than Figure 2 has."""


class Fig3Budget(Table):
    """The budget of Figure 3."""

    training_samples: PerAlgorithm = PerAlgorithm(aevb=10**6, wake_sleep=10**6, mcem=10**6)
    """Training samples a curve, for each algorithm."""
    selection_samples: PerAlgorithm = PerAlgorithm(aevb=10**5, wake_sleep=10**5, mcem=3 * 10**5)
    """Training samples after which the step sizes are compared, for each algorithm."""
    points: Count = 1000
    """The marginal likelihood is that of so many of the first training images and of the first
    test images."""
    seeds: Seeds | None = None
    """Seeds, in place of those of Figure 2."""


class Truth(Table):
    """What the estimators of log p(x) are compared on, and which."""

    points: Count = 100
    """Datapoints, the first test images."""
    latent_dims: Counts = [2, 3, 5, 10, 20]
    """N_z of probabilistic PCA."""
    algorithms: SomeOf[Learning] = ["aevb", "wake_sleep", "mcem"]
    """Whose networks of Figure 3 are used, against quadrature; of the largest training set."""
    estimators: SomeOf[str] = ["paper", "quadrature"]
    """Names in `estimators`; annealed importance sampling runs backward, too."""


class Applications(Table):
    """The budget of what section 2.1 promises."""

    points: AtLeastTwo = 100
    """First test images on which it is measured."""
    probe_images: Annotated[int, Field(strict=True, ge=100), NUMBER] = 10_000
    """Training images that the linear probe learns from."""
    hmc: PosteriorSamples = PosteriorSamples()
    ais: Annealing = Annealing()


class Section2(Table):
    """The budget of what section 2 says without an experiment."""

    training_samples: Count = 100_000
    """Training samples of each curve."""
    draws: Counts = [1, 4, 16]
    """L, draws of z for each datapoint."""
    minibatches: Counts = [10, 100, 1000]
    """M, datapoints a minibatch."""
    posteriors: SomeOf[Family] = FAMILIES
    """Families of q(z|x)."""
    panels: LatentDims = {}
    """Panels of Figure 2 on which MAP is compared with maximum likelihood."""
    replicates: AtLeastTwo = 50
    """Estimates for each variance of a gradient."""
    gradient_draws: Counts = [1, 4, 16, 64]
    """L at which the variance of the gradients is measured."""
    gradient_minibatches: Counts = [1, 10, 100, 1000]
    """M at which the variance of the gradients is measured."""
    kl_draws: Count = 20_000
    """Draws for each Monte Carlo estimate of a KL divergence."""
    reparameterisation_draws: Count = 20_000
    """Draws for each gradient of the table of reparameterisations."""
    full_vb_samples: Count = 1_000_000
    """Training samples of full VB, and of MAP beside it."""
    points: Count = 500
    """First images of each split on which full VB is compared with MAP."""
    weight_draws: AtLeastTwo = 10
    """Draws of the decoder's weights for the marginal likelihood under full VB."""
    seeds: Seeds | None = None
    """Seeds, in place of those of Figure 2."""


class Comparisons(Table):
    """The budget of the comparisons on equal terms."""

    training_samples: PerDataset[Count] = 100_000
    """Training samples a curve."""
    seeds: Seeds | None = None
    """Seeds, in place of those of Figure 2."""


class HierarchyBudget(Table):
    """The budget of the hierarchy."""

    training_samples: PerDataset[Count] = 100_000
    """Training samples a curve."""
    networks: SomeOf[Network] = ["MLP", "conv."]
    """With which one layer of latent variables and two are compared; the paper's, and convolutional
    ones."""
    step_sizes: SomeOf[Positive] = [0.02]
    """Candidates for Adagrad's global step size; one is taken for each model."""
    test_images: Count = 1000
    """First test images on which bounds are evaluated."""
    points: AtLeastTwo = 20
    """First test images whose marginal likelihood is estimated."""
    ais: Annealing = Annealing()


class FilmBudget(Table):
    """The budget of the film."""

    training_samples: PerDataset[Count] = 100_000
    """Training frames a curve."""
    draws: AtLeastTwo = 100
    """Paths through the latent space for each prediction and each gap."""


class NoiseBudget(Table):
    """The budget of the supervised models."""

    density_samples: Count = 1_000_000
    """Training samples of each model of a one-dimensional y whose noise is known."""
    training_samples: PerDataset[Count] = 100_000
    """Training samples of each model of the lower half of an image."""
    points: AtLeastTwo = 20
    """First test images whose lower half's likelihood is estimated."""
    ais: Annealing = Annealing()


class FutureWork(Table):
    """The budget of section 7's future work."""

    hierarchy: HierarchyBudget = HierarchyBudget()
    film: FilmBudget = FilmBudget()
    noise: NoiseBudget = NoiseBudget()
    seeds: Seeds | None = None
    """Seeds, in place of those of Figure 2."""


class Scale(Table):
    """One budget."""

    training_samples: Annotated[
        Annotated[Count, Tag(ONE)]
        | Annotated[dict[str, OneOrEach], Field(min_length=1), Tag(EACH)],
        ByWay,
    ]
    """Training samples a curve (Figure 2's horizontal axis); of a data set, one number or one for
    each algorithm."""
    selection_samples: PerDataset[Count] | None = None
    """Training samples after which the step sizes of Figure 2 are compared; null for the variant's
    `selection.samples`."""
    selection_seeds: Count | None = None
    """How many seeds each step size is compared with; null for the variant's `selection.seeds`."""
    selection_panels: Count | None = None
    """The step sizes of Figure 2 are compared on so many of a data set's panels, the first ones;
    null compares them on all."""
    test_images: Count | None = None
    """Along training, bounds are evaluated on so many of the first test images, and on as many
    training images; null for all test images."""
    long_run: LongRunBudget | None = None
    """Budget of `figures.long_run`; null makes none."""
    fig3: Fig3Budget = Fig3Budget()
    truth: Truth = Truth()
    applications: Applications = Applications()
    section2: Section2 = Section2()
    comparisons: Comparisons = Comparisons()
    future_work: FutureWork = FutureWork()
    seeds: PerDataset[Seeds] = [0]
    """Random seeds; each is a run of its own, trained side by side on the member axis. One list,
    or one for each data set with `default` for the others."""
