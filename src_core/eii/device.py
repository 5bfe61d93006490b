"""Where networks run, and on how many threads."""

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


def use_one_thread() -> None:
    """Have torch compute on the calling thread alone, for the whole process.

    Sums, and so bytes, follow from how they are shared among threads; here windows are what is done
    side by side. Measured on two processors: as fast as windows in turn on both.
    """
    import torch

    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)
