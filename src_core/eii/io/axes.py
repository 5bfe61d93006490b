"""Axes: their names, their order, and the view of one plane as (M, N, C)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import ImageError

ORDER = "tczyx"
"""The order in which results are stored (OME-NGFF)."""


def check_axes(axes: str, ndim: int) -> str:
    """Return ``axes`` in lower case, or raise `ImageError` if they do not fit an array.

    Parameters
    ----------
    axes : str
        One letter of ``tczyx`` for each dimension.
    ndim : int
    """
    axes = axes.lower()
    good = len(axes) == ndim == len(set(axes)) and set("yx") <= set(axes) <= set(ORDER)
    if not good:
        raise ImageError(
            f"`axes` must name each of the {ndim} dimensions once, y and x among them, "
            f"by letters of {ORDER!r}; got {axes!r}."
        )
    return axes


def guess_axes(shape: tuple[int, ...]) -> str:
    """Return the axes of an array that names none.

    Two dimensions are yx; three are yxc when the last is 3 or 4 long (RGB, RGBA), else zyx.

    Raises
    ------
    ImageError
        If the array has another number of dimensions; the message asks for ``axes``.
    """
    if len(shape) == 2:
        return "yx"
    if len(shape) == 3:
        return "yxc" if shape[2] in (3, 4) else "zyx"
    raise ImageError(
        f"The axes of an array of shape {shape} cannot be guessed. Name them, for example "
        "axes='tczyx'."
    )


def named_axes(axes: str | None, shape: tuple[int, ...]) -> str:
    """Return the axes of an array: those given, checked and in lower case, or else guessed."""
    return guess_axes(shape) if axes is None else check_axes(axes, len(shape))


def plane_indices(axes: str, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the index of every plane over the t and z axes that are there, in that order."""
    sizes = [shape[axes.index(a)] for a in "tz" if a in axes]
    return tuple(tuple(int(i) for i in index) for index in np.ndindex(*sizes))


def plane_key(
    axes: str, plane: tuple[int, ...], rows: slice, columns: slice
) -> tuple[int | slice, ...]:
    """Return the index that cuts a box of one plane, all channels, out of an array."""
    at = dict(zip([a for a in "tz" if a in axes], plane, strict=True))
    cut: dict[str, int | slice] = {"y": rows, "x": columns, "c": slice(None), **at}
    return tuple(cut[a] for a in axes)


def channels_last(pixels: NDArray[Any], axes: str) -> NDArray[Any]:
    """Return a view (h, w, C) of what `plane_key` cut out."""
    left = [a for a in axes if a in "cyx"]
    if "c" not in left:
        pixels, left = pixels[..., np.newaxis], [*left, "c"]
    return pixels.transpose([left.index(a) for a in "yxc"])


def size_of(axes: str, shape: tuple[int, ...], axis: str) -> int:
    """Return the length of an axis; 1 when it is not there."""
    return shape[axes.index(axis)] if axis in axes else 1
