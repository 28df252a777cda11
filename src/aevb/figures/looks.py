"""How estimators of the marginal likelihood are drawn: a marker and a hue for each family."""

from collections.abc import Iterable
from typing import NamedTuple

from aevb.figures import style


class Look(NamedTuple):
    """How one estimator is drawn."""

    color: str
    marker: str


# Of each family of estimators, by how their names begin.
_FAMILIES = {
    "harmonic": Look("#b84a00", "o"),
    "importance": Look("#0173b2", "s"),
    "AIS": Look("#7a3a8c", "^"),
    "quadrature": Look(style.NEUTRAL, "D"),
}
_OTHER = Look("#6b6b6b", "v")


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """A family has one marker and one hue, its members grow paler in their order.

    Returns:
        The names family by family, as the legend lists them, and how each is drawn.
    """
    families: dict[str, list[str]] = {family: [] for family in [*_FAMILIES, ""]}
    for name in names:
        families[next(f for f in families if name.startswith(f))].append(name)
    return {
        name: Look(style.lighter(look.color, 0.6 * i / max(len(members), 2)), look.marker)
        for family, members in families.items()
        for look in [_FAMILIES.get(family, _OTHER)]
        for i, name in enumerate(members)
    }
