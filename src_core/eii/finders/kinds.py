"""The kinds of defects that are found, each with its label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from eii.finders.bubbles import Bubbles
from eii.finders.dead_lines import DeadLines
from eii.finders.difference import Differing
from eii.finders.film import DUST, SCRATCHES, Film
from eii.finders.folds import Folds
from eii.finders.hot_pixels import HotPixels
from eii.finders.infrared import Infrared
from eii.finders.ink import Ink
from eii.finders.kind import Finder, View
from eii.finders.missing import Missing
from eii.finders.page import PunchHoles, Stains
from eii.finders.saturated import Saturated

Make = Callable[[View, float], Finder]
MakeByNetwork = Callable[[View, float, Any], Finder]


@dataclass(frozen=True)
class Kind:
    """One kind of defect.

    Parameters
    ----------
    name : str
    label : int
        Its value in label images.
    make : callable
        Takes a `View` and a sensitivity, returns its finder; one that asks a network takes that
        as well.
    summary : str
    grow : int
        Pixels by which it is grown unless told: the soft rim that a scan gives it.
    each : bool
        Whether channels that are not colours of one picture are looked at one by one.
    colour, reference, fixed : bool
        Whether it needs RGB, or something to compare with; and whether it stays at its place on
        the sensor through all planes of a stack.
    lifts : bool
        Whether it may let light through, and what it took may be divided out.
    network : str
        What it asks: `FILM`, `JUDGE`, or nothing.
    """

    name: str
    label: int
    make: Make | MakeByNetwork
    summary: str
    grow: int = 0
    each: bool = False
    colour: bool = False
    reference: bool = False
    fixed: bool = False
    lifts: bool = False
    network: str = ""


FILM, JUDGE = "segmenter", "judge"
"""Networks, by their architecture."""

ALL = (
    Kind(
        *("hot-pixels", 1, HotPixels, "Hot and dead pixels."),
        each=True,
        fixed=True,
        network=JUDGE,
    ),
    Kind("dead-lines", 2, DeadLines, "Camera rows and columns.", each=True, fixed=True),
    Kind("saturated", 3, Saturated, "Clipped blobs.", grow=1, each=True),
    Kind("missing", 4, Missing, "Empty tiles and gaps.", each=True),
    Kind("scratches", 5, partial(Film, kind=SCRATCHES), "Thin and long.", grow=1, network=FILM),
    Kind("dust", 6, partial(Film, kind=DUST), "Specks and hairs.", grow=1, network=FILM),
    Kind("infrared", 7, Infrared, "Dirt on film, from infrared.", reference=True, lifts=True),
    Kind(
        "pen-marks",
        8,
        partial(Ink, black=True),
        "A pen on a slide.",
        grow=2,
        colour=True,
        lifts=True,
    ),
    Kind("folds", 9, Folds, "Folded tissue.", grow=2, colour=True),
    Kind("bubbles", 14, Bubbles, "Air under the cover glass.", grow=2),
    Kind("stains", 10, Stains, "Darker paper.", grow=2, lifts=True),
    Kind("stamps", 11, Ink, "Coloured ink on a page.", grow=2, colour=True, lifts=True),
    Kind("punch-holes", 12, PunchHoles, "Holes at a page's edges.", grow=2),
    Kind("difference", 13, Differing, "What a reference lacks.", grow=1, reference=True),
)


def kind_of(name: str) -> Kind:
    """Return a kind by its name, one of `eii.KINDS`."""
    return next(kind for kind in ALL if kind.name == name)
