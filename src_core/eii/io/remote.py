"""Zarr behind a URL: object stores and web servers, through fsspec."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from zarr.storage import FsspecStore, WrapperStore

from eii.errors import EIIError, SourceError
from eii.io.source import Asked, Source

_FILES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp", ".jp2", ".npy", ".zip")
T = TypeVar("T")
log = logging.getLogger(__name__)

_URL = re.compile(r"([a-zA-Z][\w+.-]+)://")
_TRIES, _PAUSE = (
    5,
    0.25,
)  # of a read, and seconds before the second try; each next one is twice that


def is_url(item: object) -> bool:
    """Tell whether text names something that is not on this machine's disks."""
    found = _URL.match(item) if isinstance(item, str) else None
    return found is not None and found[1] != "file"


def shown(url: str) -> str:
    """Return a URL without what is secret in it: user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class Retried(WrapperStore[Any]):
    """A store whose reads are tried again when the network fails."""

    async def get(self, *key: Any, **how: Any) -> Any:
        """Return what is stored, None when nothing is."""
        return await _again(partial(self._store.get, *key, **how))

    async def exists(self, key: str) -> bool:
        """Tell whether something is stored."""
        return bool(await _again(partial(self._store.exists, key)))


async def _again(read: Callable[[], Awaitable[Any]]) -> Any:
    """Read, and if that fails read again, some times; raise `OSError` then."""
    count = 0
    while True:
        try:
            return await read()
        except (PermissionError, ImportError):
            raise
        except Exception as error:  # each protocol's library has errors of its own
            count += 1
            if count == _TRIES:
                raise OSError(errno.EIO, f"the network fails: {error}") from error
            log.info("read again after %s", error)
        await asyncio.sleep(_PAUSE * 2 ** (count - 1))


def again(call: Callable[[], T], *, final: tuple[type[Exception], ...]) -> T:
    """Call, and if that fails call again, some times; ``final`` errors are raised at once."""
    for count in range(_TRIES - 1):
        try:
            return call()
        except final:
            raise
        except Exception as error:  # each protocol's library has errors of its own
            log.info("try again after %s", error)
        time.sleep(_PAUSE * 2**count)
    return call()


def open_url(url: str, asked: Asked) -> Source:
    """Open a Zarr behind a URL.

    Parameters
    ----------
    url : str
        ``s3://``, ``gs://``, ``https://`` ...: whatever fsspec has. Credentials are those of the
        environment.
    asked : Asked

    Returns
    -------
    Source

    Raises
    ------
    SourceError
        If it cannot be reached, may not be read, or holds no image that is taken.
    """
    from eii.io.zarr_files import open_node

    name = shown(url)
    if name.lower().endswith(_FILES):
        raise SourceError(
            f"{name} is not on this machine's disks, and only Zarr is read from elsewhere. Copy it "
            "there first."
        )
    try:
        store = Retried(FsspecStore.from_url(url, read_only=True))
        return replace(open_node(store, name, asked), url=url, asked=asked)
    except EIIError:
        raise
    except PermissionError as error:
        raise SourceError(
            f"{name} may not be read: access is denied. Check the credentials in the environment."
        ) from error
    except FileNotFoundError as error:
        raise SourceError(f"{name} is not there, or is no Zarr.") from error
    except ImportError as error:
        raise SourceError(
            f"{name} needs a library that is not installed: {error}. For s3:// it is s3fs, for "
            "gs:// gcsfs, for https:// aiohttp."
        ) from error
    except Exception as error:  # each protocol's library has errors of its own
        raise SourceError(f"{name} cannot be reached: {error}.") from error
