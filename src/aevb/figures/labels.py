"""Names beside the marks of a picture."""

from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

# Where a label may lie beside its mark, best first: offset in points, and alignment.
_BESIDE = [
    (dx, dy, ha, va)
    for far in (1, 2, 3, 4)
    for dx, dy, ha, va in (
        (6, 0, "left", "center"),
        (-6, 0, "right", "center"),
        (5, 5 * far, "left", "bottom"),
        (5, -5 * far, "left", "top"),
        (-5, 5 * far, "right", "bottom"),
        (-5, -5 * far, "right", "top"),
        (0, 6 * far, "center", "bottom"),
        (0, -6 * far, "center", "top"),
    )
]


def name_beside(axes: Axes, labels: dict[str, tuple[float, float, str]], marker: float) -> None:
    """Names beside the marks, each where it first meets no other name and no mark.

    Args:
        axes: with their limits and scales.
        labels: by name: the mark's place in the data's coordinates, and the name's colour.
        marker: the marks' size in points.
    """
    page = axes.get_window_extent()
    half = 0.65 * marker * axes.figure.dpi / 72
    taken = []
    for x, y, _ in labels.values():
        px, py = axes.transData.transform((x, y))
        taken.append(Bbox.from_extents(px - half, py - half, px + half, py + half))
    for text, (x, y, color) in labels.items():
        best: tuple[int, Annotation, Bbox] | None = None
        for dx, dy, ha, va in _BESIDE:
            note = axes.annotate(
                text,
                (x, y),
                xytext=(dx, dy),
                textcoords="offset points",
                ha=ha,
                va=va,
                fontsize="x-small",
                color=color,
                zorder=5,
            )
            box = note.get_window_extent()
            met = sum(box.overlaps(other) for other in taken)
            outside = box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1
            cost = met + outside
            if best is None or cost < best[0]:
                if best:
                    best[1].remove()
                best = (cost, note, box)
            else:
                note.remove()
            if cost == 0:
                break
        taken.append(best[2])
