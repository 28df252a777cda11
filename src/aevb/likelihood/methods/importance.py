"""Importance sampling from the encoder, by :mod:`aevb.likelihood.importance`."""

from typing import Literal

from aevb.likelihood.methods.base import Method
from aevb.schema.kinds import Count


class Importance(Method):
    """Importance sampling from the encoder."""

    method: Literal["importance"] = "importance"
    numerics = "aevb.likelihood.importance"
    needs_encoder = True
    samples: Count = 5000
    """Draws from the encoder for each datapoint."""
    block: Count = 100
    """Draws at once: memory grows with it, the result does not depend on it."""

    def label(self, name: str) -> str:
        return f"importance, {self.samples}"
