"""Settings of the networks that are trained on one image."""

from __future__ import annotations

from dataclasses import dataclass

from eii.errors import OptionError

_RATES = {
    1: (0.01,),
    2: (0.01, 0.003),
    3: (0.01, 0.005, 0.003),
    4: (0.02, 0.01, 0.005, 0.002),
    5: (0.04, 0.02, 0.01, 0.005, 0.002),
}
"""The paper's rates of Adam, coarsest level first, by the number of levels."""
_OURS = (80, 80, 80, 80, 80)
_OUR_RATE = 1e-3


@dataclass(frozen=True)
class Preset:
    """How the pyramid of networks is trained.

    Parameters
    ----------
    levels : int
        Each half the size of the one before.
    rates, steps : tuple
        Of Adam, coarsest level first.
    width, blocks : int
    """

    levels: int
    rates: tuple[float, ...]
    steps: tuple[int, ...]
    width: int = 32
    blocks: int = 8


def preset_of(method: str, levels: int) -> Preset:
    """Return the settings of a method of colour.

    Parameters
    ----------
    method : {"paper", "progressive"}
        The paper's published ones: about 400 steps a level on the whole image. Ours: at most 80
        on crops.
    levels : int
        From 1 to 5.

    Raises
    ------
    OptionError
        If there are no settings for so many levels.
    """
    if levels not in _RATES:
        raise OptionError(f"`levels` must be from 1 to {max(_RATES)}; got {levels}.")
    if method == "paper":
        return Preset(levels, _RATES[levels], (1000,) if levels == 1 else (400,) * levels)
    return Preset(levels, (_OUR_RATE,) * levels, _OURS[:levels])
