"""What was found in an image, as a label image that is read by slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eii.finders.found import Found
from eii.finders.kind import VeilLike
from eii.image.geometry import Box
from eii.image.hole import spread_square

Plane = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """The defects of one kind.

    Parameters
    ----------
    name : str
    label : int
    grow : int
        Pixels by which it is grown on all sides.
    found : mapping of (plane, channel) to Found
        The channel is None where the defects are of all channels.
    """

    name: str
    label: int
    grow: int
    found: Mapping[tuple[Plane, int | None], Found]


class DefectLabels:
    """A label image, uint8: 0 where nothing was found, else the label of the kind.

    Read it by slices, or whole by ``numpy.asarray``.

    Parameters
    ----------
    axes : str
        Of the label image: t and z as the image has them, c where channels have defects of their
        own, then y and x.
    shape : tuple of int
    layers : sequence of Layer
        Where several meet, the first counts.
    veils : mapping of plane to mapping of str to VeilLike, optional
        What divides out thin dirt, or ink, by the name of the kind that it is of.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        axes: str,
        shape: tuple[int, ...],
        layers: Sequence[Layer],
        veils: Mapping[Plane, Mapping[str, VeilLike]] | None = None,
    ) -> None:
        self.axes, self.shape, self.layers = axes, shape, tuple(layers)
        self._veils = dict(veils or {})

    @property
    def ndim(self) -> int:
        """Return the number of dimensions."""
        return len(self.shape)

    @property
    def names(self) -> dict[int, str]:
        """Return the kinds by their labels."""
        return {layer.label: layer.name for layer in self.layers}

    def __dask_tokenize__(self) -> Any:
        told = [
            (layer.name, layer.grow, sorted((str(k), f.digest()) for k, f in layer.found.items()))
            for layer in self.layers
        ]
        thin = [self.veils[plane].__dask_tokenize__() for plane in sorted(self._veils)]
        return "defects", self.axes, self.shape, told, thin

    @property
    def veils(self) -> dict[Plane, Lifting]:
        """Return what lifts the veil of each plane that has one."""
        return {plane: Lifting(self, plane, veils) for plane, veils in self._veils.items()}

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        whole = self[(slice(None),) * self.ndim]
        return whole if dtype is None else whole.astype(dtype)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        key = key if isinstance(key, tuple) else () if key is Ellipsis else (key,)
        key += (slice(None),) * (self.ndim - len(key))
        spans = [_span(k, n) for k, n in zip(key, self.shape, strict=True)]
        found = np.zeros([len(s) for s in spans], np.uint8)
        *leading, rows, columns = spans
        if rows and columns:
            box = Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)
            for at in product(*(range(len(s)) for s in leading)):
                plane, channel = self._at([s[i] for s, i in zip(leading, at, strict=True)])
                found[at] = self.read(plane, channel, box)
        return found[tuple(0 if isinstance(k, int | np.integer) else slice(None) for k in key)]

    def _at(self, leading: Sequence[int]) -> tuple[Plane, int | None]:
        by = dict(zip(self.axes[:-2], leading, strict=True))
        return tuple(by[a] for a in "tz" if a in by), by.get("c")

    def read(self, plane: Plane, channel: int | None, box: Box) -> NDArray[np.uint8]:
        """Return the labels in a box of a plane, shape (h, w)."""
        labels = np.zeros(box.shape, np.uint8)
        for layer in reversed(self.layers):
            for found in self._of(layer, plane, channel):
                wide = box.grow(layer.grow).clip(found.shape)
                if found.any_in(wide):
                    mask = spread_square(found.read(wide), layer.grow)
                    labels[mask[box.relative_to(wide).slices]] = layer.label
        return labels

    def may_hold(self, key: tuple[int | slice, ...]) -> bool:
        """Tell whether anything may be marked in a part."""
        *leading, rows, columns = (_span(k, n) for k, n in zip(key, self.shape, strict=True))
        if not rows or not columns:
            return False
        box = Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)
        return any(
            found.any_in(box.grow(layer.grow).clip(found.shape))
            for at in product(*leading)
            for layer in self.layers
            for found in self._of(layer, *self._at(at))
        )

    def _of(self, layer: Layer, plane: Plane, channel: int | None) -> list[Found]:
        found = (layer.found.get((plane, own)) for own in {None, channel})
        return [one for one in found if one is not None]

    def share(self, *, filled: bool = False) -> float:
        """Return the share of the image's pixels that is marked.

        Parameters
        ----------
        filled : bool
            Leave out kinds that are divided out, for the most part, in a plane.
        """
        marked = total = 0
        sizes = dict(zip(self.axes, self.shape, strict=True))
        for at in product(*(range(sizes[a]) for a in self.axes[:-2])):
            plane, channel = self._at(at)
            lifted = [n for n, name in self.names.items() if name in self._veils.get(plane, {})]
            for y in range(0, sizes["y"], _SIDE):
                for x in range(0, sizes["x"], _SIDE):
                    box = Box(y, x, min(y + _SIDE, sizes["y"]), min(x + _SIDE, sizes["x"]))
                    total += box.area
                    found = self.read(plane, channel, box)
                    counts = ~np.isin(found, [0, *lifted]) if filled else found > 0
                    marked += int(np.count_nonzero(counts))
        return marked / max(1, total)


class Told(Protocol):
    """Which labels are of which kinds, and where they are."""

    @property
    def names(self) -> Mapping[int, str]:
        """Return the kinds by their labels."""
        ...

    def read(self, plane: Plane, channel: int | None, box: Box) -> NDArray[np.uint8]:
        """Return the labels in a box of a plane, shape (h, w)."""
        ...


@dataclass(frozen=True)
class Lifting:
    """Lifts the veils of a plane, each where the kind that it is of was found.

    Parameters
    ----------
    labels : Told
    plane : tuple of int
    veils : mapping of str to VeilLike
    """

    labels: Told
    plane: Plane
    veils: Mapping[str, VeilLike]

    def __dask_tokenize__(self) -> Any:
        told = [(name, self.veils[name].told()) for name in sorted(self.veils)]
        return "veil", self.plane, told

    def lifted(
        self, box: Box, pixels: NDArray[Any], channels: tuple[int, ...]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
        """Return what the veils' own do, good only in parts labelled as of their kinds."""
        values, errors = (np.zeros(pixels.shape, np.float32) for _ in range(2))
        good = np.zeros(pixels.shape, bool)
        labels = self.labels.read(self.plane, None, box)
        for label, name in self.labels.names.items():
            own = labels == label
            if name in self.veils and own.any():
                lifted, fits, off = self.veils[name].lifted(box, pixels, channels)
                values[own], errors[own], good[own] = lifted[own], off[own], fits[own]
        return values, good, errors


_SIDE = 2048


def _span(key: int | slice, length: int) -> range:
    if isinstance(key, int | np.integer):
        return range(int(key), int(key) + 1)
    start, stop, step = key.indices(length)
    if step != 1:
        raise IndexError("defects are read by slices without a step")
    return range(start, stop)
