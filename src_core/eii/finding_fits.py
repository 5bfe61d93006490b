"""Which kinds of defects can be looked for in an image."""

from __future__ import annotations

from eii.errors import ImageError
from eii.finders.kinds import ALL, Kind
from eii.io.source import Source
from eii.options import DetectOptions


def fits(kind: Kind, source: Source, options: DetectOptions) -> bool:
    """Tell whether a kind has a meaning for an image."""
    try:
        check_fits(kind, source, options)
    except ImageError:
        return False
    return True


def check_fits(kind: Kind, source: Source, options: DetectOptions) -> None:
    """Raise `ImageError` when a kind has no meaning for an image; the message says which do."""
    colours = source.channels - source.has_alpha
    if kind.colour and not source.is_rgb:
        fits = ", ".join(k.name for k in _fitting(source))
        raise ImageError(
            f"`{kind.name}` needs red, green and blue; the image has {colours} channel"
            f"{'s' if colours > 1 else ''}. What fits: {fits}."
        )
    if kind.name == "infrared" and options.ir is None:
        channel = 3 if options.ir_channel is None else options.ir_channel
        if not 0 <= channel < source.channels or source.channels < 2:
            raise ImageError(
                f"`infrared` needs an infrared channel; the image has {source.channels} channels, "
                f"none of number {channel}. Name it by `ir_channel`, or its file by `ir`."
            )
    if kind.name == "difference" and options.reference is None and len(source.planes) < 2:
        raise ImageError("`difference` needs a `reference`, or an image of several planes.")


def _fitting(source: Source) -> list[Kind]:
    return [k for k in ALL if not k.reference and (source.is_rgb or not k.colour)]
