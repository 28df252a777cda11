"""The training steps of section 5 and appendix E in JAX and in PyTorch, to compare speeds with.

The networks, minibatches, prior and Adagrad are those of :mod:`aevb.algorithms` with one hidden
layer, one draw and no warm-up, written as their own users would: in JAX one compiled `lax.scan`
over the steps, in PyTorch a loop of steps with the fused Adagrad. What differs changes no speed:
random numbers, where ε is added, and that HMC's step size is not tuned.
"""
