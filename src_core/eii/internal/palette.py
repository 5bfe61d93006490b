"""What the colours of every window share: chosen once for the image, from its known pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eii.external.initial import push_pull
from eii.image.mono import to_luma
from eii.internal.features import luma_features
from eii.internal.hybrid import PULLS, deep_parts, join
from eii.internal.match import Remembered, match
from eii.internal.presets import preset_of

if TYPE_CHECKING:
    from eii.internal.paper import Painter
    from eii.internal.progressive import Mender

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Sample = tuple[FloatArray, BoolArray]
GivenLuma = Callable[[int], FloatArray | None]

_REMEMBERED = 4000  # known pixels of all samples that every window may match besides its own
_TRIED = 4000  # hole pixels of one hold-out
_HELD_OUT = 4  # samples in which known pixels are held out
_DEFAULT_PULL = 0.03
_CLEAR = 0.95  # of the usual pull's error, below which another is taken


@dataclass(frozen=True)
class Palette:
    """The colours of an image, for windows that hold few of their own.

    Parameters
    ----------
    slopes : tuple of float
        How much each channel changes with luma.
    pull : float
        How strongly the matched colours pull, against those that spread from the border.
    remembered : Remembered, optional
        Known pixels from all over the image.
    painter : Painter, optional
        The paper's networks, trained on the image.
    mender : Mender, optional
        Ours, trained on the image.
    """

    slopes: tuple[float, ...]
    pull: float = _DEFAULT_PULL
    remembered: Remembered | None = None
    painter: Painter | None = None
    mender: Mender | None = None


def prepare(
    known: FloatArray,
    samples: Sequence[Sample],
    weights: FloatArray,
    *,
    method: str,
    levels: int = 3,
    device: str = "cpu",
    lumas: GivenLuma = lambda _: None,
) -> Palette:
    """Choose what all windows of an image share.

    Parameters
    ----------
    known : ndarray of shape (K, C), float32
        Known pixels from all over the image, about [0, 1].
    samples : sequence of (image, hole)
        Windows, each looked at by itself: image of shape (M, N, C), float32, about [0, 1]; hole
        of shape (M, N), bool.
    weights : ndarray of shape (C,), float32
        Each channel's weight in luma.
    method : str
        Of the internal stage. Only ``"match"`` and ``"hybrid"`` remember pixels; only
        ``"hybrid"`` chooses its pull, by what restores held-out known pixels best. The trained
        methods train their networks.
    levels : int
        Of the trained methods.
    device : {"cpu", "cuda", "mps"}
        Where they are trained.
    lumas : callable
        Takes the position of a sample, returns its complete luma, where that is given.

    Returns
    -------
    Palette
        A function of the arguments alone.
    """
    slopes = _slopes(known, weights)
    shared = tuple(map(float, slopes))
    if method in ("solve", "table"):
        return Palette(shared)
    if method == "paper":
        return Palette(shared, painter=_paint(samples, lumas, weights, levels, device))
    if method == "match":
        return Palette(shared, _DEFAULT_PULL, _remember(samples, weights, slopes))
    # Shallow holes match nothing, so an image of scratches has nothing to choose.
    if method == "hybrid" and not any(deep_parts(hole).any() for _, hole in samples):
        return Palette(shared)
    pull = _best_pull(samples, weights, slopes)
    palette = Palette(shared, pull, _remember(samples, weights, slopes))
    if method == "hybrid":
        return palette
    return replace(palette, mender=_mend(samples, weights, palette, levels, device))


def _paint(
    samples: Sequence[Sample], lumas: GivenLuma, weights: FloatArray, levels: int, device: str
) -> Painter:
    from eii.internal.paper import Example, train

    examples = []
    for index, (image, hole) in enumerate(samples):
        given = lumas(index)
        # The networks see the luma in the hole as well, though they learn from known pixels alone.
        luma = push_pull(to_luma(image, weights), hole) if given is None else given
        examples.append(Example(luma, image, hole))
    return train(examples, preset_of("paper", levels), device=device)


def _mend(
    samples: Sequence[Sample],
    weights: FloatArray,
    palette: Palette,
    levels: int,
    device: str,
) -> Mender:
    from eii.internal.progressive import train

    def fill(
        luma: FloatArray, values: FloatArray, hidden: BoolArray, hole: BoolArray
    ) -> FloatArray:
        found = match(luma, values, hidden, outside=hole)
        return join(luma, values, hidden, found, pull=palette.pull, outside=hole)

    slopes = np.asarray(palette.slopes, np.float32)
    windows = []
    for image, hole in samples:
        luma = _flat_luma(image, hole, weights)
        windows.append((luma, image - luma[..., np.newaxis] * slopes, hole))
    return train(windows, fill, preset_of("progressive", levels), device=device)


def _flat_luma(image: FloatArray, hole: BoolArray, weights: FloatArray) -> FloatArray:
    """Return the luma of a window, the mean of the known pixels in its hole."""
    luma = to_luma(image, weights)
    # With many channels a window is cut to its middle, which may be all hole.
    if not hole.all():
        luma[hole] = luma[~hole].mean()
    return luma


def _slopes(known: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the least-squares slope of each channel over luma, over all known pixels."""
    # Measured on photographs: the chroma of RGB spreads better as it is than after a regression
    # on luma; channels of fluorescence differ in sign and size, and need it.
    if np.count_nonzero(weights) > 1:
        return np.ones_like(weights)
    centred = known.astype(np.float64) - known.mean(axis=0, dtype=np.float64)
    luma = centred @ weights
    power = float(luma @ luma)
    return (luma @ centred / power if power > 1e-9 * len(known) else weights).astype(np.float32)


def _remember(samples: Sequence[Sample], weights: FloatArray, slopes: FloatArray) -> Remembered:
    share = max(1, _REMEMBERED // max(1, len(samples)))
    features, values = [], []
    for image, hole in samples:
        luma = _flat_luma(image, hole, weights)
        whole = np.flatnonzero(~hole.ravel())
        picked = whole[np.linspace(0, whole.size - 1, min(share, whole.size)).astype(int)]
        described = luma_features(luma)
        features.append(described.reshape(-1, described.shape[-1])[picked])
        residual = image - luma[..., np.newaxis] * slopes
        values.append(residual.reshape(-1, residual.shape[-1])[picked])
    return Remembered(np.concatenate(features), np.concatenate(values))


def _best_pull(samples: Sequence[Sample], weights: FloatArray, slopes: FloatArray) -> float:
    """Return the pull that restores best what is hidden beside the holes, in their shapes."""
    errors = np.zeros(len(PULLS))
    tried = 0
    for image, hole in samples:
        hidden = held_out(hole)
        if tried == _HELD_OUT or not hidden.any():
            continue
        tried += 1
        errors += _errors(image, hole, hidden, weights=weights, slopes=slopes)
    best, usual = int(np.argmin(errors)), PULLS.index(_DEFAULT_PULL)
    # Only a clear gain counts, so that crops of one image choose alike.
    clear = tried > 0 and errors[best] < _CLEAR * errors[usual]
    return PULLS[best] if clear else _DEFAULT_PULL


def _errors(
    image: FloatArray,
    hole: BoolArray,
    hidden: BoolArray,
    *,
    weights: FloatArray,
    slopes: FloatArray,
) -> NDArray[np.float64]:
    luma = _flat_luma(image, hole, weights)
    truth = image - luma[..., np.newaxis] * slopes
    found = match(luma, truth, hidden, outside=hole)
    tries = (join(luma, truth, hidden, found, pull=p, outside=hole) for p in PULLS)
    return np.array([np.abs(t[hidden] - truth[hidden]).mean() for t in tries])


def held_out(hole: BoolArray) -> BoolArray:
    """Return known pixels in the shape of the hole, moved beside it.

    Parameters
    ----------
    hole : ndarray of shape (M, N), bool

    Returns
    -------
    ndarray of shape (M, N), bool
        The hole shifted by the step, of several, that hides most known pixels; cut to some
        thousand pixels. Never the hole itself.
    """
    height, width = hole.shape
    steps = [(0, width // 3), (height // 3, 0), (height // 3, width // 3), (height // 2, 0)]
    moved = [_shifted(hole, step) & ~hole for step in steps]
    best = max(moved, key=lambda m: int(np.count_nonzero(m)))
    # As many known pixels as are hidden have to stay, to restore them from.
    most = min(_TRIED, int(np.count_nonzero(~hole)) // 2)
    count = np.cumsum(best.ravel()).reshape(hole.shape)
    return best & (count <= most)


def _shifted(hole: BoolArray, step: tuple[int, int]) -> BoolArray:
    return np.roll(hole, step, axis=(0, 1))
