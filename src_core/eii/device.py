"""Where networks run."""

from __future__ import annotations

from eii.errors import OptionError


def pick_device(name: str) -> str:
    """Return the torch device for an option's value.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda", "mps"}
        ``"auto"`` takes the first of cuda, mps and cpu that this machine has.

    Returns
    -------
    str
        ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises
    ------
    OptionError
        If a device is asked for that this machine does not have.
    """
    if name == "cpu":
        return name
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next((device for device, there in present.items() if there), "cpu")
    if not present.get(name, False):
        raise OptionError(f"`device` {name!r} is not there on this machine. Use 'cpu' or 'auto'.")
    return name
