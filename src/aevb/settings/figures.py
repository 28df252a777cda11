"""What the figures and tables show."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from aevb.algorithms.settings import BOUNDED, ESTIMATORS, Gradient
from aevb.schema.kinds import (
    NUMBER,
    AnyOf,
    AtLeastTwo,
    Count,
    Counts,
    FilePath,
    LatentDims,
    Natural,
    Positive,
    Sizes,
    SomeOf,
    Table,
)
from aevb.settings.budgets import Learning

Bounded = Literal[BOUNDED]


class Fig2(Table):
    """Figure 2, the lower bound along training."""

    algorithms: SomeOf[Bounded] = ["aevb", "wake_sleep"]
    """Algorithms whose curves are drawn."""
    latent_dims: Annotated[LatentDims, Field(min_length=1)]
    """For each data set of config/datasets.yaml, the sizes of the latent space, one panel each."""


class LongRun(Table):
    """Figure 2 further along its axis than the scale has it, with few seeds; made where the scale
    has a `long_run`."""

    algorithms: AnyOf[Bounded] = []
    """Algorithms whose curves are drawn."""
    latent_dims: LatentDims = {}
    """For each data set of Figure 2, the sizes of the latent space."""


class Fig3(Table):
    """Figure 3, the marginal likelihood along training."""

    dataset: str = "mnist"
    """Data set of config/datasets.yaml."""
    latent_dim: Count = 3
    """N_z; quadrature needs 3 or fewer."""
    hidden_units: Count = 100
    """Hidden units of encoder and decoder (section 5)."""
    n_train: Counts = [1000, 50_000]
    """Numbers of training images, one panel each."""
    algorithms: SomeOf[Learning] = ["aevb", "wake_sleep", "mcem"]
    """Algorithms whose curves are drawn."""
    estimators: SomeOf[str] = ["paper", "quadrature"]
    """Names in `estimators`, one row of panels each."""
    bound: str | None = None
    """Name in `estimators` of the lower bound that the audit compares with quadrature at every
    point (importance sampling with one sample is the bound's estimator A); not drawn. Null for
    none."""


class Fig4(Table):
    """Figure 4, the learned manifolds, of models with N_z = 2."""

    rows: Sizes = {}
    """For each data set, rows and columns of the grid over the latent space."""


class Fig5(Table):
    """Figure 5, samples from the prior."""

    latent_dims: LatentDims = {}
    """For each data set, the sizes of the latent space, one panel each."""
    rows: Count = 10
    """Rows and columns of samples."""
    seed: Natural = 0
    """Of the latent variables."""


class Projection(Table):
    """The data in latent space, drawn for N_z = 2, and how many latent dimensions each model
    uses."""

    latent_dims: LatentDims = {}
    """For each data set, the sizes of the latent space; 2 among them."""


class Overfitting(Table):
    """How much better training images fare than test images, of Figure 2's runs."""

    datasets: AnyOf[str] = []
    """Data sets of Figure 2."""


class Explorer(Table):
    """The page on which a person moves through the latent spaces of N_z = 2."""

    datasets: AnyOf[str] = []
    """Data sets that `figures.projection` has with N_z = 2."""


class Applications(Table):
    """What section 2.1 promises of a trained model."""

    latent_dims: Sizes = {}
    """For each data set, N_z of the model that denoises, completes and enlarges its images."""
    representation: Annotated[LatentDims, Field(max_length=1)] = {}
    """For each data set with labels, the sizes of the latent space that a linear probe reads; one
    data set at most."""
    anomaly: str | None = None
    """Data set whose images are told from others; null leaves this out."""
    foreign: str | None = None
    """Another data set, whose images are unusual for that model; null for none."""
    noise: Positive = 0.3
    """Standard deviation of the Gaussian noise to remove; pixels lie in [0, 1]."""
    bit_flips: Annotated[float, Field(strict=True, gt=0, lt=0.5), NUMBER] = 0.1
    """Share of the pixels of Bernoulli images that are inverted."""
    factor: Count = 4
    """Pixels a block, in each direction, whose mean is all that super-resolution sees."""


class Section2(Table):
    """What section 2 and the appendices B and F say without an experiment."""

    dataset: str | None = None
    """Data set of the studies of estimators, draws and posteriors; null leaves section 2 out."""
    latent_dim: Count = 20
    """N_z of these studies."""
    estimators: SomeOf[Gradient] = list(ESTIMATORS)
    """What is ascended, a curve each."""
    gradients: Sizes = {}
    """For each data set, N_z of the model whose gradients are measured."""
    full_vb: AnyOf[Count] = []
    """Numbers of training images of full VB; networks, N_z and data set are those of Figure 3."""


class Estimators(Table):
    """The table of the estimators against known truths; what it holds is a matter of the scale."""

    dataset: str = "mnist"
    """Data set that probabilistic PCA is fitted to."""


class Variants(Table):
    """The table that compares the protocol variants with the paper's curves."""

    latent_dims: LatentDims = {}
    """For each data set, the sizes of the latent space to compare at."""


class Hierarchy(Table):
    """A hierarchy of two layers of latent variables, p(z₂) p(z₁|z₂) p(x|z₁), beside the model with
    one."""

    latent_dims: Sizes = {}
    """For each data set, N_z of z₁ and of the model with one layer."""
    top_dim: Count = 10
    """N_z of z₂."""


class Film(Table):
    """A film as a state-space model, beside an i.i.d. VAE of its frames."""

    latent_dims: Annotated[Sizes, Field(max_length=1)] = {}
    """For a data set that is a film, N_z of a frame; one at most."""
    length: AtLeastTwo = 16
    """Frames of each stretch that is learned from."""
    stretches: Count = 4
    """Stretches a minibatch; a minibatch of the VAE has as many frames."""
    gap: Count = 5
    """Frames in a row that are missing from every second stretch while it learns, and that are
    filled in; two fewer than a stretch has at most."""
    step_size: Positive = 0.01
    """Adagrad's, of both models."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.gap > self.length - 2:
            raise ValueError(f"gap: {self.gap} of {self.length} frames leave none on either side")
        return self


class Noise(Table):
    """Supervised models with latent variables, which learn complicated noise; one-dimensional noise
    that is known, and the lower half of an image from its upper half."""

    latent_dims: Annotated[Sizes, Field(max_length=1)] = {}
    """For the data set of the halves, one at most, N_z; without one the study is left out."""


class FutureWork(Table):
    """What section 7 leaves to the future, a study each."""

    hierarchy: Hierarchy = Hierarchy()
    film: Film = Film()
    noise: Noise = Noise()


class Protocol(Table):
    """Settings that the paper leaves open, against its curves."""

    study: FilePath = "config/protocol_study.yaml"
    """Which settings are tried, on which panels."""


class Comparisons(Table):
    """What section 5 says of its settings and section 4 of its samples, compared on equal terms."""

    estimators: AnyOf[Gradient] = []
    """What is ascended, each with the step size that is selected for it, on the data set and N_z of
    `figures.section2`."""
    latent_dims: Sizes = {}
    """For each data set on which numbers of hidden units are compared, N_z."""
    hidden_units: Counts = [200, 500]
    """These numbers, each with the step size that is selected for it."""
    samples: LatentDims = {}
    """For each data set, N_z of the models whose samples are held against test images."""


class Weights(Table):
    """Trained weights in half precision that a record keeps, for use without training: of Figure 2
    those named here, and with them all of Figures 3, 4 and 5."""

    algorithms: AnyOf[Bounded] = []
    """Algorithms of Figure 2; without any, no weights are kept."""


class Figures(Table):
    """What the figures show."""

    fig2: Fig2
    long_run: LongRun = LongRun()
    fig3: Fig3 = Fig3()
    fig4: Fig4 = Fig4()
    fig5: Fig5 = Fig5()
    projection: Projection = Projection()
    overfitting: Overfitting = Overfitting()
    explorer: Explorer = Explorer()
    applications: Applications = Applications()
    section2: Section2 = Section2()
    comparisons: Comparisons = Comparisons()
    future_work: FutureWork = FutureWork()
    estimators: Estimators = Estimators()
    variants: Variants = Variants()
    protocol: Protocol = Protocol()
    weights: Weights = Weights()
