"""Distributions with a reparameterisation z = g_φ(ε, x), as §2.4 lists them, and their gradients.

The paper names three ways from auxiliary noise ε, whose distribution has no parameters, to a draw
z of q_φ(z|x): the inverse of a tractable CDF, a location and a scale, and the composition of other
auxiliary variables. :data:`FAMILIES` holds every distribution that it names, each with its
transformation. ∇_φ E_q[f(z)] is then the mean of ∇_φ f(g_φ(ε, x)), the pathwise gradient;
:func:`~aevb.models.posteriors.reparameterisations.table.gradient_table` holds it against
quadrature.

TensorFlow Probability draws where its own distribution is reparameterised; the others, and two for
which there is a reason at their entries, are drawn here, from the transformation as it is stated.
It is there for the former, too: ``entry._replace(source=OURS)`` draws from it.
"""

from aevb.errors import ConfigError
from aevb.models.posteriors.reparameterisations import composition, inverse_cdf, location_scale
from aevb.models.posteriors.reparameterisations.entry import Entry

FAMILIES: dict[tuple[str, str], Entry] = {
    (entry.family, entry.name): entry
    for kind in (inverse_cdf, location_scale, composition)
    for entry in kind.ENTRIES
}
"""Every distribution that §2.4 names, by family and name, in the paper's order."""


def find(name: str, family: str | None = None) -> Entry:
    """The entry of a distribution.

    Args:
        name: as in §2.4, for instance ``Log-Normal``.
        family: needed where the distribution is in more than one.

    Raises:
        ConfigError: there is no such family or distribution, or there are two.
    """
    families = dict.fromkeys(known for known, _ in FAMILIES)
    if family is not None and family not in families:
        raise ConfigError(
            f"there is no family {family!r} of reparameterisations; it is one of"
            f" {', '.join(families)}"
        )
    searched = {key: entry for key, entry in FAMILIES.items() if family in (None, key[0])}
    found = [entry for (_, known), entry in searched.items() if known == name]
    if not found:
        names = ", ".join(dict.fromkeys(known for _, known in searched))
        where = f"in the family {family}" if family else "with a reparameterisation"
        raise ConfigError(f"there is no distribution {name!r} {where}; it is one of {names}")
    if len(found) > 1:
        raise ConfigError(
            f"{name} is in several families; say which: {', '.join(e.family for e in found)}"
        )
    return found[0]
