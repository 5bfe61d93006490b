"""The internal stage by itself: an image's missing colours, from a complete luma."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.engine.job import make_job
from eii.engine.packs import MemoryPatches
from eii.engine.run import Runner
from eii.errors import ImageError
from eii.external.classical import ClassicalBackbone
from eii.image.geometry import Box
from eii.image.hints import Hints
from eii.io.axes import channels_last, plane_key
from eii.io.hole import open_hole
from eii.io.nodata import hole_with, missing_of
from eii.io.opener import open_source
from eii.options import RestoreOptions
from eii.progress import Reporting, ignore_progress, never_stop
from eii.runs import paste


def propagate(
    luma: NDArray[Any],
    image: NDArray[Any],
    hole: NDArray[Any],
    *,
    hints: Hints | None = None,
    options: RestoreOptions | None = None,
    axes: str | None = None,
) -> NDArray[Any]:
    """Fill the holes of an image's channels so that their luma is the one given.

    Parameters
    ----------
    luma : ndarray of shape (M, N), any real dtype
        Complete, in the image's range: 0.299 R + 0.587 G + 0.114 B of a colour image, or one of
        the channels of another.
    image : ndarray of shape (M, N, 3), (M, N, 4) or any with ``axes`` of one plane
        uint8, uint16 or float32.
    hole : ndarray of shape (M, N)
        Bool, or any number: what is not zero is to be filled.
    hints : Hints, optional
        Colours that a person set in the hole, in the image's own units.
    options : RestoreOptions, optional
        ``colour`` says the method, ``channels`` and ``principal`` what luma is of.
    axes : str, optional
        One letter of ``cyx`` for each dimension of the image.

    Returns
    -------
    ndarray
        Of the image's shape and dtype; known pixels bit-identical. An image of one channel gets
        its luma in the hole.

    Raises
    ------
    ImageError
        If luma is not of the image's height and width, or not finite; and as `restore`.
    HoleError, HintError, OptionError
        If the hole, a hint or an option does not fit the image.

    Notes
    -----
    A filled pixel's luma is the one given, but for the rounding of its channels and for colours
    outside the known range, which are moved into it.

    References
    ----------
    .. [1] T. Wang, H. Ouyang, Q. Chen, "Image Inpainting with External-Internal Learning and
           Monochromic Bottleneck", CVPR 2021, section 3.2.
    """
    options = replace(options or RestoreOptions(), standard_error=False)
    source = open_source(image, axes=axes)
    if len(source.planes) != 1 or luma.shape != source.plane_shape:
        raise ImageError(
            f"`luma` must have the height and width of an image of one plane; got {luma.shape} for "
            f"{source.shape} ({source.axes})."
        )
    given = np.asarray(luma, np.float32)
    if not np.isfinite(given).all():
        raise ImageError("`luma` must be finite everywhere, in the hole too.")
    job = make_job(
        source,
        hole_with(open_hole(hole, source), source, options),
        options,
        missing=missing_of(source, options),
        luma=lambda box: given[box.clip(source.plane_shape).slices],
        hints=hints,
    )
    runner = Runner(job, MemoryPatches(), ClassicalBackbone())
    runner.compute(Reporting(ignore_progress, never_stop), workers=options.workers)
    result = np.array(image, order="C")
    whole = Box(0, 0, *source.plane_shape)
    view = channels_last(
        result[plane_key(source.axes, source.planes[0], *whole.slices)], source.axes
    )
    paste(runner, source, view, source.planes[0], whole, keep_alpha=options.keep_alpha)
    return result
