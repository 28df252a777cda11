"""How posterior samples are drawn by HMC for the uses of a trained model. Needs no TensorFlow."""

from typing import Annotated

from pydantic import Field

from aevb.schema.kinds import NUMBER, Count, Table


class PosteriorSamples(Table):
    """Posterior samples of z given what is seen of an image."""

    samples: Annotated[int, Field(strict=True, ge=4), NUMBER] = 100
    """S, transitions that are kept, of each chain."""
    chains: Count = 4
    """C, chains an image."""
    burn_in: Count = 100
    """Transitions before, which adapt the step sizes."""
    annealing: Count = 8
    """Temperatures from the prior to the posterior."""
    leapfrog_steps: Count = 5
    """Of each transition."""
