"""The settings: typed tables of what a person may write, and what the workflow makes of them.

config.yaml is a :class:`Configuration` of :mod:`~aevb.settings.protocol` (readings of the paper),
:mod:`~aevb.settings.budgets` (scales) and :mod:`~aevb.settings.figures`; datasets.yaml holds
:mod:`~aevb.settings.datasets`, a file of a person's own images becomes one by
:mod:`~aevb.settings.own`. Settings of an algorithm or an estimator lie with it, in
:mod:`aevb.algorithms.settings` and :mod:`aevb.likelihood.methods`. An :class:`Experiment` is what
one training run comes from. Nothing here needs TensorFlow.
"""

from aevb.algorithms.settings import ALGORITHMS, ESTIMATORS, LABELS
from aevb.schema.reading import read_yaml
from aevb.settings.configuration import Configuration
from aevb.settings.datasets import Datasets
from aevb.settings.experiment import Experiment
from aevb.settings.experiments import estimator_settings, execution, experiment
from aevb.settings.loading import load
from aevb.settings.section2 import (
    GRADIENT_MINIBATCH,
    KL_DIMENSIONS,
    KL_POSTERIORS,
    STUDY_SETTINGS,
    gradient_grid,
)
from aevb.settings.studies import SELECTING, STUDIES, study

__all__ = [
    "ALGORITHMS",
    "ESTIMATORS",
    "GRADIENT_MINIBATCH",
    "KL_DIMENSIONS",
    "KL_POSTERIORS",
    "LABELS",
    "SELECTING",
    "STUDIES",
    "STUDY_SETTINGS",
    "Configuration",
    "Datasets",
    "Experiment",
    "estimator_settings",
    "execution",
    "experiment",
    "gradient_grid",
    "load",
    "read_yaml",
    "study",
]
