"""Starting TensorFlow: slow, chatty, and best done once, where it is needed."""

import logging
import os
from types import ModuleType


def training_stages(threads: int) -> ModuleType:
    """:mod:`aevb.experiment`, with TensorFlow set to ``threads`` threads and its chatter dropped.

    TensorFlow's C++ side writes to file descriptor 2 before any log level applies.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow Probability loads Keras 2 anyway; Keras 3, of which nothing is used, would
    # bring scikit-learn and Matplotlib as well, and takes a third of the time of a start.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    standard_error = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        from aevb import experiment

        experiment.set_up_tensorflow(threads)
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
        os.close(nowhere)
    return experiment
