"""Grain of what is filled beside that of the known pixels: power by frequency, and the mean."""

from __future__ import annotations

import time

import eii
import numpy as np
from scipy import ndimage

SIDE, HOLE = 768, 192
BANDS = 8  # of the upper three quarters of the frequencies


def film(blur: float, deviation: float, level: int, seed: int) -> np.ndarray:
    """Return a flat image of grain, 8 bits."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(0, 1, (SIDE, SIDE)), blur)
    return np.clip(level + deviation * noise / noise.std(), 0, 255).round().astype(np.uint8)


def power(part: np.ndarray) -> np.ndarray:
    """Return the mean power of a square in bands of the upper three quarters of frequencies."""
    window = np.outer(*[np.hanning(len(part))] * 2)
    spectrum = np.abs(np.fft.rfft2((part - part.mean()) * window)) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.rfftfreq(len(part)), np.fft.fftfreq(len(part))))
    edges = np.linspace(0.125, 0.5, BANDS + 1)
    which = np.digitize(frequency, edges)
    return np.array([spectrum[which == band].mean() for band in range(1, BANDS + 1)])


def main() -> None:
    """Print a row for each kind of grain."""
    low = (SIDE - HOLE) // 2
    inside = np.s_[low : low + HOLE, low : low + HOLE]
    hole = np.zeros((SIDE, SIDE), bool)
    hole[inside] = True
    print("| grain | deviation | furthest band, dB: none | match | mean moved, levels | time |")
    print("|---|---|---|---|---|---|")
    for blur in (0.0, 0.6, 1.0):
        for deviation in (4.0, 12.0):
            image = film(blur, deviation, 120, seed=int(10 * blur + deviation))
            around = np.mean(
                [power(np.roll(image, s, axis=1)[inside]) for s in (220, -220)], axis=0
            )
            off, filled, seconds = {}, {}, {}
            for grain in ("none", "match"):
                begun = time.perf_counter()
                filled[grain] = eii.restore(
                    np.where(hole, 0, image).astype(np.uint8),
                    hole,
                    options=eii.RestoreOptions("classical", grain=grain),
                )
                seconds[grain] = time.perf_counter() - begun
                band = 10 * np.log10(power(filled[grain][inside]) / around)
                off[grain] = float(band[np.argmax(np.abs(band))])
            moved = filled["match"][inside].mean() - filled["none"][inside].mean()
            print(
                f"| blurred by {blur} pixels | {deviation:.0f} levels | {off['none']:+.1f} | "
                f"{off['match']:+.1f} | {moved:+.2f} | {seconds['match'] / seconds['none']:.2f} |"
            )


if __name__ == "__main__":
    main()
