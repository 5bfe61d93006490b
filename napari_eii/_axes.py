"""What the dimensions of an image layer mean: guessed from their names, then chosen."""

from __future__ import annotations

from eii.errors import ImageError
from napari.layers import Image

from napari_eii._grid import shape_of

_KNOWN = {
    2: ("yx",),
    3: ("zyx", "tyx", "cyx"),
    4: ("tzyx", "zcyx", "czyx", "tcyx", "ctyx"),
    5: ("tczyx", "tzcyx", "ctzyx", "cztyx"),
}
_WITHOUT_CHANNELS = {n: tuple(a for a in known if "c" not in a) for n, known in _KNOWN.items()}


def axes_choices(image: Image) -> tuple[str, ...]:
    """Return what the dimensions of a layer may mean, the likeliest first; RGB is not counted.

    Parameters
    ----------
    image : Image
        Its ``axis_labels`` tell, where they are letters of ``tczyx``.

    Raises
    ------
    ImageError
        If it has more dimensions than there are letters for.
    """
    count = len(shape_of(image))
    known = (_WITHOUT_CHANNELS if image.rgb else _KNOWN).get(count, ())
    if not known:
        colours = " beside its colours" if image.rgb else ""
        raise ImageError(f"{image.name} has {count} dimensions{colours}; two to five are taken.")
    named = "".join(str(name).lower()[:1] for name in image.axis_labels)
    return tuple(sorted(known, key=lambda axes: axes != named))


def whole_axes(axes: str, *, rgb: bool, layers: int = 1) -> str:
    """Return the axes of the pixels that are restored.

    Parameters
    ----------
    axes : str
        Of one layer, without RGB.
    rgb : bool
    layers : int
        As many layers are channels of one image, their axis first.

    Raises
    ------
    ImageError
        If a layer has channels already, and others are to be its channels.
    """
    if layers > 1 and (rgb or "c" in axes):
        raise ImageError("Layers with channels of their own cannot be channels of one image.")
    return ("c" if layers > 1 else "") + axes + ("c" if rgb else "")
