"""The networks that finders of defects ask, by their weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from eii.errors import WeightsError
from eii.external.weights import find_weights, read_card
from eii.finders.film import Asked
from eii.finders.kinds import JUDGE, Kind
from eii.options import DetectOptions


def check_weights(kinds: Sequence[Kind], weights: str) -> None:
    """Raise `WeightsError` unless some kind asks a network of such weights."""
    _, card = find_weights(weights)
    if card.architecture not in {kind.network for kind in kinds}:
        raise WeightsError(
            f"{weights} is of the architecture {card.architecture!r}, which none of "
            f"{', '.join(kind.name for kind in kinds)} asks."
        )


def networks_of(kinds: Sequence[Kind], device: str, options: DetectOptions) -> dict[str, Any]:
    """Return the networks that kinds ask, by name, as their finders ask them.

    Parameters
    ----------
    kinds : sequence of Kind
    device : str
        Where one of torch runs.
    options : DetectOptions
        Their weights are taken for the network that they are of; the others' are those that ship.
    """
    weights = options.weights
    given = None if weights is None else read_card(Path(weights)).architecture
    found: dict[str, Any] = {}
    for name in {kind.network for kind in kinds if kind.network}:
        own = weights if given == name else None
        # A network of film keeps what it said of the last squares: of one plane alone.
        found[name] = (
            _judge(own) if name == JUDGE else Asked(_segment_on(device, own), options.max_width)
        )
    return found


@lru_cache(maxsize=1)
def _judge(weights: str | None) -> Any:
    from eii.external.judge import load_judge

    return load_judge(None if weights is None else Path(weights))


@lru_cache(maxsize=1)
def _segment_on(device: str, weights: str | None) -> Any:
    from eii.external.segmenting import load_segmenter

    return load_segmenter(None if weights is None else Path(weights), device=device)
