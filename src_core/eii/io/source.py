"""Images and holes to read from, by plane and box, whatever they are stored in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eii.errors import EIIError, OptionError, SourceError
from eii.image.geometry import Box
from eii.io.axes import channels_last, plane_indices, plane_key, size_of


class Readable(Protocol):
    """An array that is read by slices: numpy, zarr, dask."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __getitem__(self, key: Any, /) -> Any: ...


Series: TypeAlias = int | str
"""Which image of a file that holds several: from 0, or the path of a plate's field."""


@dataclass(frozen=True)
class Asked:
    """What a caller says of a file to open; see `eii.io.opener.open_source`."""

    series: Series | None = None
    axes: str | None = None
    large: bool = False


@dataclass(frozen=True)
class Facts:
    """What a file says of its image beside the pixels.

    Parameters
    ----------
    scale, translation : mapping of axis to float
        In ``units``; 1 and 0 where nothing is said.
    units : mapping of axis to str
        OME unit names.
    omero : mapping, optional
        Channel names, colours and windows as OME-NGFF has them.
    tiff : mapping, optional
        Resolution tags, ICC profile and axes of a TIFF file, as JSON.
    """

    scale: Mapping[str, float] = field(default_factory=dict)
    translation: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    omero: Mapping[str, Any] | None = None
    tiff: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Source:
    """One image.

    Parameters
    ----------
    name : str
        For messages and provenance.
    array : Readable
        Its pixels at full resolution.
    axes : str
        One letter of ``tczyx`` for each dimension of ``array``.
    is_rgb : bool
        The first three channels are red, green and blue.
    has_alpha : bool
        The last channel is alpha.
    path : Path, optional
        Where it is stored.
    facts : Facts
    is_picture : bool
        Its file says that channels mean colour and nothing else.
    white_is_zero : bool
        A viewer shows 0 as white.
    lossy : bool
        Compressed with loss: its black is not quite 0.
    nodata : float, optional
        The value that stands for no data, where the file declares one; may be NaN.
    indices : Readable, optional
        Of a picture with a palette: what was looked up, without a channel axis.
    stored : Path, optional
        The folder of its Zarr array, on this machine's disks.
    coarser : tuple of Path
        Where the coarser levels of its pyramid are stored.
    url : str, optional
        Where it is, when that is not on this machine's disks.
    asked : Asked, optional
        How it was opened from there, for a process that it is sent to.
    """

    name: str
    array: Readable
    axes: str
    is_rgb: bool = False
    has_alpha: bool = False
    path: Path | None = None
    facts: Facts = field(default_factory=Facts)
    is_picture: bool = False
    white_is_zero: bool = False
    lossy: bool = False
    nodata: float | None = None
    indices: Readable | None = None
    stored: Path | None = None
    coarser: tuple[Path, ...] = ()
    url: str | None = None
    asked: Asked | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Send how it is opened, not what is open; arrays are sent as they are."""
        place = self.path or self.url
        if self.asked is not None and place is not None:
            return _opened_again, (place, self.asked)
        return Source, tuple(getattr(self, one.name) for one in fields(self))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the dtype of the pixels, in the byte order of this machine."""
        return np.dtype(self.array.dtype).newbyteorder("=")

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the size of each axis."""
        return tuple(int(n) for n in self.array.shape)

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Return the size (M, N) of a plane."""
        return size_of(self.axes, self.shape, "y"), size_of(self.axes, self.shape, "x")

    @property
    def channels(self) -> int:
        """Return the number of channels, alpha counted."""
        return size_of(self.axes, self.shape, "c")

    @cached_property
    def planes(self) -> tuple[tuple[int, ...], ...]:
        """Return the index of every plane over t and z."""
        return plane_indices(self.axes, self.shape)

    def read(self, plane: tuple[int, ...], box: Box) -> NDArray[Any]:
        """Return the pixels of a box of one plane.

        Parameters
        ----------
        plane : tuple of int
            One of `planes`.
        box : Box
            Is cut at the image's edges.

        Returns
        -------
        ndarray of shape (h, w, C), contiguous and writable, of the image's dtype

        Raises
        ------
        SourceError
            If the file cannot be read there.
        """
        rows, columns = box.clip(self.plane_shape).slices
        try:
            cut = self.array[plane_key(self.axes, plane, rows, columns)]
            pixels = channels_last(np.asarray(cut), self.axes)
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, EIIError):
                raise
            reason = getattr(error, "strerror", None) or "its pixels there are damaged"
            raise SourceError(f"{self.name} cannot be read at {box}: {reason}.") from error
        return np.array(pixels, order="C", dtype=self.dtype)


@lru_cache(maxsize=16)
def _opened_again(place: Path | str, asked: Asked) -> Source:
    """Open a file once in a process, whatever is sent of it."""
    from eii.io.chunked import SENT, budget
    from eii.io.opener import open_any

    before = budget.set(SENT)
    try:
        return open_any(place, asked)
    finally:
        budget.reset(before)


def array_source(array: Readable, name: str, axes: str, *, path: Path | None = None) -> Source:
    """Return the source of an array in memory or of any that is read by slices.

    Parameters
    ----------
    array : Readable
    name : str
    axes : str
        Checked: one letter of ``tczyx`` for each dimension.
    path : Path, optional
    """
    shape = tuple(array.shape)
    colour = axes.endswith("yxc") and shape[-1] in (3, 4)
    alpha = colour and shape[-1] == 4
    return Source(name, array, axes, is_rgb=colour, has_alpha=alpha, path=path)


def refuse_series(path: Path | str, asked: Asked) -> None:
    """Raise `OptionError` if a series other than the first is asked for where there is one."""
    if asked.series not in (None, 0):
        raise OptionError(f"{path} holds one image: `series` {asked.series} is not there.")


def axes_like(source: Any, restored: Source) -> str | None:
    """Return the axes for a source that names none: an array, compared with its own result."""
    if isinstance(source, str | Path) or len(source.shape) != len(restored.shape):
        return None
    named = "".join(restored.axes)
    return named if tuple(source.shape) == restored.shape else None
