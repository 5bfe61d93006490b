"""The method on arrays in memory: an image and its hole in, the same with its hole filled out."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.errors import OptionError
from eii.image.geometry import blocks_of
from eii.image.hints import Hints
from eii.io.axes import ORDER, channels_last, plane_key
from eii.io.hole import open_hole
from eii.io.kept import CHUNK
from eii.io.opener import open_source
from eii.lazy import is_lazy, restore_lazily
from eii.lazy_blocks import restore_blocks
from eii.options import HoleOptions, RestoreOptions
from eii.progress import OnProgress, Reporting, ShouldStop, check_stop, ignore_progress, never_stop
from eii.runs import compute, paste


@dataclass(frozen=True, eq=False)
class Restored:
    """An image whose hole is filled, and what is known of that.

    Parameters
    ----------
    image : ndarray
        Of the shape and dtype of what was restored; known pixels bit-identical.
    inpainted : ndarray, bool
        Which pixels are invented: of the image's shape without its channels, or with them where
        they have holes of their own.
    standard_error : ndarray, float32, or None
        Of the image's shape and in its units: about 68 % of what is invented is within it of the
        truth. 0 where pixels are known; None where it was not asked for.
    filled, known : int
        Pixels over all planes; channels are not counted apart.
    windows : int
    seconds : float
    """

    image: NDArray[Any]
    inpainted: NDArray[np.bool_]
    standard_error: NDArray[np.float32] | None
    filled: int
    known: int
    windows: int
    seconds: float


def restore(
    image: Any,
    hole: Any,
    *,
    options: RestoreOptions | None = None,
    hints: Hints | None = None,
    axes: str | None = None,
    plan: str = "whole",
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Any:
    """Fill the holes of an image.

    Parameters
    ----------
    image : ndarray of shape (M, N), (M, N, 3), (M, N, 4) or any with ``axes``
        uint8, uint16 or float32. Alpha is kept as it is. Also a dask array, or an
        xarray.DataArray: its one-letter dimensions are the axes.
    hole : ndarray of shape (M, N), or with the image's axes
        Bool, or any number: what is not zero is to be filled. With a channel axis, every channel
        has a hole of its own.
    options : RestoreOptions, optional
    hints : Hints, optional
        Colours that a person set in the hole, in the image's own units.
    axes : str, optional
        One letter of ``tczyx`` for each dimension of the image, for example ``"czyx"``.
        Planes of t and z are restored one by one.
    plan : {"whole", "blocks"}
        Of a dask array: its hole is looked through once and all windows are planned, before this
        returns; or nothing is computed before a chunk is asked for, see the notes.
    on_progress : callable
        Is told of every window that is done.
    should_stop : callable
        Is asked between windows.

    Returns
    -------
    ndarray
        Of the image's shape and dtype; known pixels bit-identical. For a dask array a lazy one of
        the same chunks, for an xarray.DataArray another with the same dimensions, coordinates and
        attributes.

    Raises
    ------
    ImageError
        If the image is empty, of another dtype, or a known pixel is not finite.
    HoleError, HintError
        If the hole or a hint does not fit the image, or the hole covers a whole plane of it.
    OptionError
        If an option does not fit the image.
    Cancelled
        If ``should_stop`` said so.

    Notes
    -----
    The result does not depend on the number of workers.

    With a dask array, the hole, which may be one too, is looked through once, in parallel, and the
    windows are planned before this returns; for that, some chunks of the image are computed. Then
    each window is a task that is computed once, whatever chunks it touches, by any scheduler, and
    neither ``on_progress`` nor ``should_stop`` is called.

    With ``plan="blocks"`` each chunk is filled on its own, with the 256 pixels around it; its hole
    is computed then and not before. Known pixels are kept as ever. What is invented is not quite
    what the other ways give where a hole lies across chunks, and differs with the chunks; a hole
    that leaves a chunk and its margin no known pixel is an error when it is computed; pixels near
    the edges of chunks are restored more than once. Hints are not taken.

    References
    ----------
    .. [1] T. Wang, H. Ouyang, Q. Chen, "Image Inpainting with External-Internal Learning and
           Monochromic Bottleneck", CVPR 2021, arXiv:2104.09068.

    Examples
    --------
    >>> import eii, numpy as np
    >>> image = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    >>> hole = np.zeros((64, 64), bool)
    >>> hole[20:30, 20:30] = True
    >>> damaged = np.where(hole, 0, image).astype(np.uint8)
    >>> int(np.abs(eii.restore(damaged, hole).astype(int) - image).max())
    0
    """
    if plan not in ("whole", "blocks"):
        raise OptionError(f"`plan` must be 'whole' or 'blocks'; got {plan!r}.")
    if hasattr(image, "dims") and hasattr(image, "coords"):
        return _restore_named(image, hole, options=options, hints=hints, axes=axes, plan=plan)
    options = replace(options or RestoreOptions(), standard_error=False)  # of pixels alone
    if is_lazy(image) and plan == "blocks":
        if hints is not None:
            raise OptionError("Hints need plan='whole': a block does not see those of others.")
        alone = replace(options, workers=1)
        return restore_blocks(image, hole, partial(_restore_block, alone), axes=axes)
    if is_lazy(image):
        return restore_lazily(image, hole, options=options, hints=hints, axes=axes)
    return restore_array(
        image,
        hole,
        options=options,
        hints=hints,
        axes=axes,
        on_progress=on_progress,
        should_stop=should_stop,
    ).image


def _restore_block(
    options: RestoreOptions, block: NDArray[Any], hole: NDArray[Any], axes: str
) -> NDArray[Any]:
    return restore_array(block, hole, options=options, axes=axes).image


def _restore_named(image: Any, hole: Any, *, axes: str | None, **rest: Any) -> Any:
    """Restore an xarray.DataArray: its dimensions, coordinates and attributes stay."""
    names = "".join(image.dims)
    if axes is None and len(names) == image.ndim and set(names) <= set(ORDER):
        axes = names
    bare = hole.data if hasattr(hole, "dims") else hole
    return image.copy(data=restore(image.data, bare, axes=axes, **rest))


def restore_array(
    image: Any,
    hole: Any,
    *,
    options: RestoreOptions | None = None,
    hints: Hints | None = None,
    axes: str | None = None,
    hole_options: HoleOptions | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Restored:
    """Fill the holes of an image, and say which pixels are invented and how far they may be off.

    Parameters
    ----------
    image, hole : ndarray, or any array that is read by slices
    options, hints, axes, on_progress, should_stop
        As for `restore`.
    hole_options : HoleOptions, optional
        What of the mask is the hole, and where it lies.

    Returns
    -------
    Restored

    Raises
    ------
    ImageError, HoleError, HintError, OptionError, Cancelled
        As `restore`.
    """
    start = time.monotonic()
    options = options or RestoreOptions()
    source = open_source(image, axes=axes)
    reporting = Reporting(on_progress, should_stop)
    opened = open_hole(hole, source, options=hole_options)
    runner = compute(source, opened, options, reporting, hints)
    result = np.empty(source.shape, source.array.dtype)
    plain = tuple(n for n, a in zip(source.shape, source.axes, strict=True) if a != "c")
    marked = np.zeros(result.shape if runner.by_channel else plain, bool)
    errors = np.zeros(source.shape, np.float32) if options.standard_error else None
    bare = source.axes.replace("c", "")
    filled = 0
    for plane in source.planes:
        for box in blocks_of(source.plane_shape, CHUNK):
            check_stop(should_stop)
            key, plain_key = (plane_key(a, plane, *box.slices) for a in (source.axes, bare))
            view = channels_last(result[key], source.axes)
            pixels = source.read(plane, box)
            pasted = paste(runner, source, pixels, plane, box, keep_alpha=options.keep_alpha)
            view[...] = pasted.pixels
            any_channel = pasted.filled.any(axis=2)
            if runner.by_channel:
                channels_last(marked[key], source.axes)[...] = pasted.filled
            else:
                channels_last(marked[plain_key], bare)[..., 0] = any_channel
            if errors is not None:
                channels_last(errors[key], source.axes)[...] = pasted.errors
            filled += int(any_channel.sum())
    known = marked.size // (source.channels if runner.by_channel else 1) - filled
    seconds = time.monotonic() - start
    return Restored(result, marked, errors, filled, known, runner.unit_count, seconds)
