"""What is seen on a figure, and images to draw."""

import numpy as np

from aevb.figures import style

NOTE = "scale quick, variant authors"


def drawn_texts(figure) -> list:
    """All texts that are seen, tick labels included."""
    texts = [*figure.texts, *(t for legend in figure.legends for t in legend.get_texts())]
    for axes in figure.axes:
        texts += [*axes.texts, axes.title]
        if axes.get_legend() is not None:
            texts += axes.get_legend().get_texts()
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            texts.append(axis.label)
            texts += [
                label
                for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]
                if low <= tick.get_loc() <= high
                for label in (tick.label1, tick.label2)
            ]
    return [text for text in texts if text.get_visible() and text.get_text()]


def assert_clear(figure) -> None:
    """Nothing leaves the page, no two texts overlap, and no panel touches another or the footer."""
    with style.theme():
        figure.draw_without_rendering()
    page = figure.bbox
    texts = drawn_texts(figure)
    assert len(texts) > 1
    boxes = [text.get_window_extent() for text in texts]
    parts = [axes.get_tightbbox() for axes in figure.axes]
    parts += [legend.get_window_extent() for legend in figure.legends]
    parts += [text.get_window_extent() for text in figure.texts]
    for box, what in [*zip(boxes, texts, strict=True), *((part, "a part") for part in parts)]:
        inside = box.x0 >= page.x0 and box.y0 >= page.y0 and box.x1 <= page.x1 and box.y1 <= page.y1
        assert inside, f"{what} leaves the page: {box} in {page}"
    for i, one in enumerate(boxes):
        for j in range(i + 1, len(boxes)):
            assert not one.overlaps(boxes[j]), f"{texts[i]} overlaps {texts[j]}"
    for i, part in enumerate(parts):
        assert not any(part.overlaps(other) for other in parts[i + 1 :])


def footer(figure) -> str:
    """What is written on the figure outside of its panels."""
    return " ".join(text.get_text() for text in figure.texts)


def grid(rows, columns, height, width, seed=0) -> np.ndarray:
    """Images [rows, columns, height, width] with values that half precision holds exactly."""
    values = np.random.default_rng(seed).integers(0, 257, (rows, columns, height, width))
    return (values / 256).astype(np.float32)


def shown(axes) -> np.ndarray:
    """The one image of a panel, which is grey and from 0 to 1."""
    (image,) = axes.images
    assert image.get_clim() == (0, 1)
    assert image.get_cmap().name == "gray"
    return np.asarray(image.get_array())
