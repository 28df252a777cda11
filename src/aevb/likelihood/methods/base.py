"""What a method of estimating log p(x) is, and what all of them have in common."""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from pydantic import SerializerFunctionWrapHandler, model_serializer

from aevb.schema.kinds import Table

if TYPE_CHECKING:
    import numpy as np

    from aevb.arrays import Tensors
    from aevb.likelihood.estimate import Estimate
    from aevb.likelihood.model import Model


@runtime_checkable
class Estimator(Protocol):
    """An estimator of log p(x): a method with its settings. Nothing else is known of it."""

    method: str
    """What the configuration calls the method."""
    needs_encoder: ClassVar[bool]
    max_latent_dim: ClassVar[int | None]
    """The most latent dimensions that it can do with; None for any number."""
    exact: ClassVar[bool]
    """Whether its values are the truth that those of others are compared with."""

    def label(self, name: str) -> str:
        """What tables and figures call the estimator that has this name in the configuration."""

    def applies(self, latent_dim: int, has_encoder: bool) -> bool:
        """Whether the estimator can be had for such a model."""

    def estimate(self, model: "Model", x: "np.ndarray", seed: int) -> "Estimate":
        """Estimates of log p(x) for each row of x [n, D]: a function of the arguments alone.

        Raises:
            ValueError: the estimator cannot be had for this model.
        """

    def continue_chains(
        self, model: "Model", x: "np.ndarray", seed: int, chains: "Tensors | None"
    ) -> "tuple[Estimate, Tensors]":
        """The same by chains that go on from those of an earlier call for the same ``x``, perhaps
        at other parameters; None starts them. Also gives where they are now, as arrays by name,
        of which a method without chains has none."""


@runtime_checkable
class TwoSided(Protocol):
    """An estimator that is, in expectation, at most log p(x), and that can be had from above, too,
    where an exact draw z of p(z|x) is known: for data that the model itself has drawn."""

    def simulate(self, model: "Model", n: int, seed: int) -> "tuple[np.ndarray, np.ndarray]":
        """``n`` draws (z, x) ~ p(z) p(x|z), [n, N_z] and [n, D]."""

    def estimate_above(
        self, model: "Model", z: "np.ndarray", x: "np.ndarray", seed: int
    ) -> "Estimate":
        """Estimates that are, in expectation, at least log p(x)."""


class Method(Table):
    """An :class:`Estimator` as a table of settings, which holds those that are given.

    A method has the field ``method``, a literal by which the configuration asks for it, fields for
    its settings, and an ``estimate`` of its own, or a module that has one (``numerics``).
    """

    method: str
    needs_encoder: ClassVar[bool] = False
    max_latent_dim: ClassVar[int | None] = None
    exact: ClassVar[bool] = False
    numerics: ClassVar[str | None] = None
    """The module with ``estimate(model, x, settings, seed)``, imported when it is called."""

    @classmethod
    def code(cls) -> str:
        """The module whose code, with what that imports, decides the numbers."""
        return cls.numerics or cls.__module__

    def label(self, name: str) -> str:
        """See :class:`Estimator`."""
        return self.method

    def applies(self, latent_dim: int, has_encoder: bool) -> bool:
        """See :class:`Estimator`."""
        fits = self.max_latent_dim is None or latent_dim <= self.max_latent_dim
        return fits and (has_encoder or not self.needs_encoder)

    def estimate(self, model: "Model", x: "np.ndarray", seed: int) -> "Estimate":
        """See :class:`Estimator`."""
        return self._module().estimate(model, x, self, seed)

    def continue_chains(
        self, model: "Model", x: "np.ndarray", seed: int, chains: "Tensors | None"
    ) -> "tuple[Estimate, Tensors]":
        """See :class:`Estimator`; here of a method without chains."""
        return self.estimate(model, x, seed), {}

    def _module(self) -> ModuleType:
        return importlib.import_module(self.code())

    @model_serializer(mode="wrap")
    def _given(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told = serialise(self)
        given = {key: told[key] for key in told if key in self.model_fields_set}
        return {"method": self.method} | given
