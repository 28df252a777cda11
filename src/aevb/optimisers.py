"""Adagrad with warm-up and a Gaussian prior on the parameters: approximate MAP (§5)."""

from typing import Literal, NamedTuple

import tensorflow as tf

from aevb.models.mlp import MLP, WEIGHT_MATRICES

EPSILON = 1e-8
"""Added to the accumulated squares, inside the root."""


class Adagrad(NamedTuple):
    """How parameters ascend: w += step_size · g / √(G + ε), G the sum of all squared gradients.

    g is the gradient of the minibatch's summed objective plus M/N times that of
    log p(w) = log N(w; 0, 1), that is −w.
    """

    warmup_minibatches: int
    """So many minibatches at the start only accumulate G and leave the parameters alone."""
    weight_prior: Literal["matrices", "all", "none"]
    """Whether the prior covers the weight matrices only, the biases too, or nothing (maximum
    likelihood in place of MAP)."""
    prior_scale: float
    """M/N, the share of the data set that a minibatch is."""

    def ascend(
        self,
        network: MLP,
        accumulators: MLP,
        gradients: MLP,
        step_size: tf.Tensor,
        iteration: tf.Tensor,
    ) -> tuple[MLP, MLP]:
        """One step up the gradient.

        Args:
            network: parameters, each [E, ...].
            accumulators: G of each parameter, same shapes.
            gradients: of the minibatch's summed objective, without the prior, same shapes.
            step_size: the global step size of each member, [E].
            iteration: how many minibatches came before this one, a scalar.

        Returns:
            The new parameters and the new accumulators.
        """
        step_size = tf.where(iteration < self.warmup_minibatches, 0.0, step_size)
        ascended, accumulated = {}, {}
        for name in MLP._fields:
            value, gradient = getattr(network, name), getattr(gradients, name)
            matrix = self.weight_prior == "matrices" and name in WEIGHT_MATRICES
            if self.weight_prior == "all" or matrix:
                gradient -= self.prior_scale * value
            squares = getattr(accumulators, name) + tf.square(gradient)
            member_step = tf.reshape(step_size, [-1] + [1] * (value.shape.rank - 1))
            ascended[name] = value + member_step * gradient * tf.math.rsqrt(squares + EPSILON)
            accumulated[name] = squares
        return MLP(**ascended), MLP(**accumulated)
