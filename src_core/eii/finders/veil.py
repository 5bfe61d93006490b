"""Dirt that lets some light through: what it took is divided out, by its infrared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from eii.finders.clean import Clean
from eii.finders.kind import BoolArray, FloatArray, Read, finite
from eii.image.geometry import Box

_ROUNDS = 4  # until a transmission and the red that it dims agree
_DIM, _CLEAR = 0.9, 0.97  # transmissions below which dirt is told, and above which there is none
_NEAR = 3.0  # pixels over which clear colours around dirt are averaged
_ENOUGH = 200  # pixels of thin dirt that an exponent is learnt from
_TOLD = 0.6  # of the dirt's change, the most that may be left when it is divided out
_EXPONENTS = (0.3, 3.0)
_LEAST = 0.02


@dataclass(frozen=True)
class Leak:
    """The infrared of clear film: ``offset + slope * ln(max(red, least))``.

    Parameters
    ----------
    slope, offset, least : float
    sigma : float
        Standard deviation of the infrared around it.
    """

    slope: float
    offset: float
    least: float
    sigma: float

    def log(self, red: FloatArray) -> FloatArray:
        """Return the logarithm of red."""
        return np.log(np.maximum(red, np.float32(self.least)))

    def transmission(self, red: FloatArray, infrared: FloatArray, power: float = 1) -> FloatArray:
        """Return the share of light that gets through, (h, w); NaN where there is no infrared.

        Dirt dims the red, by that share to a power, from which the infrared of the clear film is
        told.
        """
        log_red, passed = self.log(red), np.ones_like(red)
        for _ in range(_ROUNDS):
            clear = self.offset + self.slope * (log_red - power * np.log(passed))
            passed = np.clip(infrared / np.maximum(clear, 1e-12), _LEAST, 1).astype(np.float32)
        return passed


@dataclass(frozen=True)
class Veil:
    """What thin dirt took from the colours of one plane.

    Parameters
    ----------
    read, infrared : callable
        Take a `Box`, return the colours there, shape (h, w, C), and the infrared, (h, w, 1).
    channels : tuple of int
        Of the image, that the colours are.
    leak : Leak
    limit : float
        Transmission from which on dirt is thin.
    exponents : tuple of float
        Of each channel: it is dimmed by the transmission to this power.
    spreads : tuple of float
        Standard errors of them, as dirt and infrared differ from place to place.
    """

    read: Read
    infrared: Read
    channels: tuple[int, ...]
    leak: Leak
    limit: float
    exponents: tuple[float, ...]
    spreads: tuple[float, ...]

    def told(self) -> tuple[float | Leak | tuple[float, ...], ...]:
        """Return what tells it from the veils of other images."""
        return self.limit, self.leak, self.exponents

    def lifted(
        self, box: Box, pixels: NDArray[Any], channels: tuple[int, ...]
    ) -> tuple[FloatArray, BoolArray, FloatArray]:
        """Return pixels without dirt, where it is thin, and errors; see `VeilLike.lifted`.

        Errors are what the spread of the exponents makes, and the noise of the infrared.
        """
        seen = self.read(box)
        colours = finite(seen)
        infrared = np.asarray(self.infrared(box), np.float32)[..., 0]
        passed = self.leak.transmission(colours[..., 0], infrared, self.exponents[0])
        thin = passed >= self.limit  # not so where it is NaN
        share = np.where(thin, passed, 1)[..., np.newaxis]
        clear = np.maximum(np.where(thin, infrared, 1) / share[..., 0], 1e-12)[..., np.newaxis]
        powers, spreads = (np.array(v, np.float32) for v in (self.exponents, self.spreads))
        lifted = np.asarray(colours / share**powers, np.float32)
        off = np.hypot(spreads * np.log(share), powers * self.leak.sigma / (clear * share))
        return Clean(lifted, off, thin, seen, self.channels).of(pixels, channels)


def learn_exponents(
    samples: list[tuple[FloatArray, FloatArray]], leak: Leak, limit: float
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Learn how a transmission dims each channel, from clear pixels around thin dirt.

    Parameters
    ----------
    samples : list of (ndarray of shape (h, w, C), ndarray of shape (h, w, 1))
        Colours and infrared of parts of a plane.
    leak : Leak
    limit : float

    Returns
    -------
    (tuple of float, tuple of float) or None
        Exponents and their spreads; None where there is too little thin dirt, or dividing does not
        lift it: of a negative that was turned to a positive, say.
    """
    learnt = _learn(samples, leak, limit, 1.0)
    return learnt and _learn(samples, leak, limit, learnt[0][0])


def _learn(
    samples: list[tuple[FloatArray, FloatArray]], leak: Leak, limit: float, power: float
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Learn them by the power of red."""
    found = [_around_dirt(colours, ir[..., 0], leak, limit, power) for colours, ir in samples]
    depths, changes, rough = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if len(depths) < _ENOUGH:
        return None
    even = rough <= np.quantile(rough, 0.1)  # where what was there is well known
    powers, spreads = [], []
    for change in changes.T:
        power = float(np.median(change / depths))
        for _ in range(_ROUNDS):
            rest = np.abs(change - power * depths)
            weights = 1 / np.maximum(rest, float(np.median(rest)) + 1e-6)
            power = float((weights * change * depths).sum() / (weights * depths**2).sum())
        rest, whole = np.abs(change - power * depths)[even], np.abs(change)[even]
        if float(np.median(rest)) > _TOLD * float(np.median(whole)):
            return None
        powers.append(power)
        spreads.append(float(np.quantile(rest / np.abs(depths[even]), 0.68)))
    fits = all(_EXPONENTS[0] < power < _EXPONENTS[1] for power in powers)
    return (tuple(powers), tuple(spreads)) if fits else None


def _around_dirt(
    colours: FloatArray, infrared: FloatArray, leak: Leak, limit: float, power: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ln of the transmission (K,) of thin dirt, and of its colours by clear ones (K, C).

    And how rough the clear colours around are (K,).
    """
    passed = leak.transmission(colours[..., 0], infrared, power)
    clear = ndimage.binary_erosion(passed > _CLEAR, np.ones((3, 3), bool)).astype(np.float32)
    weight = ndimage.gaussian_filter(clear, _NEAR)
    thin = (passed >= limit) & (passed < _DIM) & (weight > 0.05)
    logs = np.log(np.maximum(colours, np.float32(leak.least)))
    spread = ndimage.gaussian_filter(logs * clear[..., np.newaxis], (_NEAR, _NEAR, 0))
    near = spread[thin] / weight[thin][:, np.newaxis]
    squares = ndimage.gaussian_filter((logs**2).mean(axis=2) * clear, _NEAR)[thin] / weight[thin]
    return np.log(passed[thin]), logs[thin] - near, squares - (near**2).mean(axis=1)
