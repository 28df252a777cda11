"""Adagrad with warm-up and a Gaussian prior on the parameters: approximate MAP (§5)."""

from typing import Any, Literal, NamedTuple

import tensorflow as tf

EPSILON = 1e-8
"""Added to the accumulated squares, inside the root."""


class Adagrad(NamedTuple):
    """How parameters ascend: w += step_size · g / √(G + ε), G the sum of all squared gradients.

    g is the gradient of the minibatch's summed objective plus M/N times that of
    log p(w) = log N(w; 0, 1), that is −w.
    """

    warmup_minibatches: int
    """So many minibatches at the start only accumulate G and leave the parameters alone."""
    weight_prior: Literal["matrices", "all", "none", "but_first"]
    """Whether the prior covers the weight matrices only (of which the network leaves out the
    decoder's first with ``but_first``), the biases too, or nothing (maximum likelihood in place of
    MAP)."""
    prior_scale: float
    """M/N, the share of the data set that a minibatch is."""

    def ascend(
        self,
        parameters: Any,
        accumulators: Any,
        gradients: Any,
        weight_matrices: Any,
        step_size: tf.Tensor,
        iteration: tf.Tensor,
    ) -> tuple[Any, Any]:
        """One step up the gradient.

        Args:
            parameters: any nest of tensors, each [E, ...].
            accumulators: G of each parameter, the same nest.
            gradients: of the minibatch's summed objective, without the prior, the same nest.
            weight_matrices: which of the parameters are weight matrices, the same nest of bools.
            step_size: the global step size of each member, [E].
            iteration: how many minibatches came before this one, a scalar.

        Returns:
            The new parameters and the new accumulators.
        """
        step_size = tf.where(iteration < self.warmup_minibatches, 0.0, step_size)
        ascended, accumulated = [], []
        nests = parameters, accumulators, gradients, weight_matrices
        for value, squares, gradient, is_matrix in zip(*map(tf.nest.flatten, nests), strict=True):
            if self.weight_prior == "all" or (self.weight_prior != "none" and is_matrix):
                gradient -= self.prior_scale * value
            squares += tf.square(gradient)
            member_step = tf.reshape(step_size, [-1] + [1] * (value.shape.rank - 1))
            ascended.append(value + member_step * gradient * tf.math.rsqrt(squares + EPSILON))
            accumulated.append(squares)
        return (
            tf.nest.pack_sequence_as(parameters, ascended),
            tf.nest.pack_sequence_as(parameters, accumulated),
        )
