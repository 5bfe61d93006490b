"""The backbone that needs no weights."""

from __future__ import annotations

import numpy as np

from eii.external.backbone import NO_CLUES, Clues, Hole, Luma
from eii.external.initial import fill


class ClassicalBackbone:
    """Completes each window by `eii.external.initial.fill`."""

    name = "classical"
    stride = 1
    window: int | None = None
    batch = 1

    follows: frozenset[str] = frozenset()

    def complete(
        self, luma: Luma, hole: Hole, guide: Luma | None = None, clues: Clues = NO_CLUES
    ) -> Luma:
        """Fill the holes of a batch of windows; see `eii.external.backbone.Backbone`."""
        guides = [None] * len(luma) if guide is None else list(guide)
        filled = [fill(*item) for item in zip(luma, hole, guides, strict=True)]
        return np.stack(filled)
