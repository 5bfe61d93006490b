"""Results as files of other formats: whole or absent."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from eii.errors import EIIError, OutputError, OutputPathError
from eii.io.export_picture import LOSSY, write_jpeg, write_jpeg2000, write_png, write_webp
from eii.io.export_tiff import write_tiff
from eii.io.place import result_attributes
from eii.io.source import Source

_WRITERS: dict[str, Callable[[Source, Path, str], None]] = {
    ".tif": write_tiff,
    ".tiff": write_tiff,
    ".png": write_png,
    ".jp2": write_jpeg2000,
    ".jpg": write_jpeg,
    ".jpeg": write_jpeg,
    ".webp": write_webp,
}


def is_lossy(file: Path) -> bool:
    """Tell whether the format that a file's ending names changes the values of pixels."""
    return file.suffix.lower() in LOSSY


def export(source: Source, file: Path, *, overwrite: bool = False) -> None:
    """Write an image as a TIFF or picture file.

    Parameters
    ----------
    source : Source
        Usually a result; what the file that it came from said beside its pixels is written back,
        as far as the format holds it: sizes, channels, resolution, profile, texts, XMP, GeoTIFF.
    file : Path
        Its ending says the format: .tif, .ome.tif, .png, .jp2; and .jpg and .webp, which change
        the values of known pixels.
    overwrite : bool
        Replace what is there, once the new file is whole.

    Raises
    ------
    OutputError
        If the file exists and ``overwrite`` is false, cannot be written, or its format cannot
        hold the image.

    Notes
    -----
    A TIFF is written tile by tile; a picture is held in memory.
    """
    writer = _WRITERS.get(file.suffix.lower())
    if writer is None:
        raise OutputPathError(f"{file} must end with {', '.join(_WRITERS)}; got {file.suffix!r}.")
    _check_file(source, file, overwrite=overwrite)
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}.eii-partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        writer(source, temporary, file.name)
        temporary.replace(file)
    except EIIError:
        raise
    except OSError as error:
        raise OutputError(f"{file} cannot be written: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _check_file(source: Source, file: Path, *, overwrite: bool) -> None:
    """Raise `OutputPathError` if an export may not be written to ``file``."""
    if file.exists() and not overwrite:
        raise OutputPathError(f"{file} exists. Choose another path, or allow to overwrite it.")
    if file.is_dir():
        raise OutputPathError(f"{file} is a folder. Choose another path.")
    ours = file.resolve()
    own = (result_attributes(source.path) or {}) if source.path else {}
    kept = [source.path, *(Path(own[n]) for n in ("source", "hole") if isinstance(own.get(n), str))]
    for path in kept:
        if path is not None and (theirs := path.resolve()) in (ours, *ours.parents):
            raise OutputPathError(
                f"{file} is what was restored, its hole or its result ({theirs})."
            )
