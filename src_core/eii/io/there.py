"""Which chunks of a Zarr array are stored: those that are not need no reading."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import zarr

from eii.io.kept import object_numbers, object_shape


@dataclass(frozen=True, eq=False)
class There:
    """The stored objects of an array, listed once.

    Parameters
    ----------
    path : Path
    array : zarr.Array
    """

    path: Path
    array: Any

    @cached_property
    def _objects(self) -> frozenset[tuple[int, ...]]:
        return frozenset(object_numbers(self.path, self.array.ndim))

    def any_in(self, key: tuple[slice | int, ...]) -> bool:
        """Tell whether a part of the array holds anything but the fill value."""
        spans = []
        for part, side, length in zip(key, object_shape(self.array), self.array.shape, strict=True):
            start, stop = (part, part + 1) if isinstance(part, int) else part.indices(length)[:2]
            spans.append(range(start // side, -(-stop // side)))
        if prod(map(len, spans)) > len(self._objects):
            return any(
                all(n in span for n, span in zip(numbers, spans, strict=True))
                for numbers in self._objects
            )
        return any(numbers in self._objects for numbers in product(*spans))


def there_of(stored: Path | None) -> There | None:
    """Return which chunks of an array are stored; None where that is not known."""
    return None if stored is None else There(stored, zarr.open_array(str(stored), mode="r"))
