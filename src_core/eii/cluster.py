"""Calls on the workers of a dask.distributed cluster instead of threads of this process.

A call is pickled without its heavy parts (the plan, the network, what is open): those are written
once to a folder that all workers see, and each worker process loads them once.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar
from uuid import uuid4

from eii._version import __version__
from eii.errors import ClusterError, OptionError
from eii.progress import ShouldStop, check_stop

T = TypeVar("T")

_WAIT = "20s"  # for a scheduler to answer
_POLL = 0.2  # seconds between two questions whether to stop
_AHEAD = 3  # calls submitted for each thread of the workers
_RETRIES = 2
_OWN = "napari-eii"
_SAME = (_OWN, "torch", "numpy", "scipy")
"""What all workers have in the same version."""
_SHORT_LOGS = {"distributed.admin.low-level-log-length": 1000}
"""The scheduler keeps a line for every step of a task, of 100,000 by default."""
_loading = RLock()


@dataclass(frozen=True)
class ClusterOptions:
    """Which cluster a run is sent to.

    Parameters
    ----------
    scheduler : str, optional
        Address of a scheduler of dask.distributed: ``"tcp://host:8786"``, or the path of its
        scheduler file. Without one, worker processes are started on this machine.
    processes : int, optional
        How many of those; by default as many as there are processors.

    Raises
    ------
    OptionError
        If both are given, or ``processes`` is less than 1.
    """

    scheduler: str | None = None
    processes: int | None = None

    def __post_init__(self) -> None:
        if self.scheduler is not None and self.processes is not None:
            raise OptionError("Give a `scheduler` or a number of `processes`, not both.")
        if self.processes is not None and self.processes < 1:
            raise OptionError(f"`processes` must be 1 or more; got {self.processes}.")


class Cluster:
    """Runs calls on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
    folder : Path
        Seen by all workers under the same path; for the parts of calls.
    """

    def __init__(self, client: Any, folder: Path) -> None:
        self._client, self._folder = client, folder
        self._parts: dict[int, tuple[str, object]] = {}
        self._run, self._phase = uuid4().hex[:8], 0

    def ship(self, **parts: object) -> None:
        """Write parts of the calls that follow, by name; a part that was written stays as it was.

        Raises
        ------
        ClusterError
            If one cannot be sent.
        """
        import cloudpickle

        self._folder.mkdir(parents=True, exist_ok=True)
        for name, part in parts.items():
            if id(part) in self._parts:
                continue
            file = f"{name}-{self._run}-{len(self._parts)}.pickle"
            buffer = BytesIO()
            try:
                _pickler(cloudpickle.Pickler, buffer, self._parts).dump((__version__, part))
            except Exception as error:  # of whatever library made a part of it
                raise ClusterError(
                    f"The {name} of this run cannot be sent to a cluster: {error}. Save the image "
                    "and the hole, and give their paths."
                ) from error
            (self._folder / file).write_bytes(buffer.getvalue())
            self._parts[id(part)] = (str((self._folder / file).resolve()), part)

    def run(self, calls: Iterable[Callable[[], T]], should_stop: ShouldStop) -> Iterator[T]:
        """Run calls, few submitted at a time; yield what each returns as it ends.

        Parameters
        ----------
        calls : iterable of callable
        should_stop : callable

        Raises
        ------
        Cancelled
            If the caller asked to stop; what has not begun is dropped.
        ClusterError
            If the cluster is lost, or its workers are.
        """
        import cloudpickle
        from distributed import wait

        self._phase += 1
        # The same call has the same name, whoever runs it how often.
        numbered = enumerate(calls)
        pending: set[Any] = set()
        try:
            while True:
                check_stop(should_stop)
                for number, call in islice(numbered, max(0, self._room() - len(pending))):
                    buffer = BytesIO()
                    _pickler(cloudpickle.Pickler, buffer, self._parts).dump(call)
                    name = f"eii-{self._run}-{self._phase}-{number}"
                    pending.add(
                        self._client.submit(
                            call_here, buffer.getvalue(), key=name, pure=False, retries=_RETRIES
                        )
                    )
                if not pending:
                    return
                try:
                    done, pending = wait(pending, timeout=_POLL, return_when="FIRST_COMPLETED")
                except TimeoutError:
                    self._check_alive()
                    continue
                for future in done:
                    yield future.result()
        finally:
            self._client.cancel(list(pending))

    def _room(self) -> int:
        """Return how many calls are submitted at a time."""
        info = self._client.scheduler_info(n_workers=-1)["workers"]
        return _AHEAD * max(1, sum(worker["nthreads"] for worker in info.values()))

    def _check_alive(self) -> None:
        if self._client.status not in ("running", "connecting"):
            raise ClusterError("The scheduler is lost. Go on with `resume` when it is back.")


def _pickler(base: type, buffer: BytesIO, parts: dict[int, tuple[str, object]]) -> Any:
    """Return a pickler that leaves out the parts that were written."""

    class Lean(base):  # type: ignore[misc]
        def persistent_id(self, item: object) -> str | None:
            found = parts.get(id(item))
            return found[0] if found is not None and found[1] is item else None

    return Lean(buffer)


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, name: Any) -> object:
        return _part(name)


def call_here(raw: bytes) -> Any:
    """Run a call that was sent, on a worker; return what it returns."""
    call: Callable[[], Any] = _Unpickler(BytesIO(raw)).load()
    return call()


def _part(name: str) -> object:
    # Threads of one process must not load the same network twice.
    with _loading:
        return _loaded(name)


@lru_cache(maxsize=8)
def _loaded(name: str) -> object:
    # A part may hold other parts: the lock is taken again for those.
    version, part = _Unpickler(BytesIO(Path(name).read_bytes())).load()
    if version != __version__:
        raise ClusterError(f"A worker has eii {__version__}, this run is of {version}.")
    return part


@contextmanager
def opened(options: ClusterOptions | None, folder: Path) -> Iterator[Cluster | None]:
    """Connect to the cluster of a run, or start it; give None where none is asked for.

    Parameters
    ----------
    options : ClusterOptions or None
    folder : Path
        See `Cluster`.

    Raises
    ------
    ClusterError
        If the scheduler does not answer, or a worker lacks this package, has another version of it,
        or does not see the folder.
    """
    if options is None:
        yield None
        return
    from dask.config import set as configured
    from distributed import Client, LocalCluster

    if options.scheduler is None:
        # Spawned and not forked: networks are in use in this process.
        with (
            configured(_SHORT_LOGS),
            LocalCluster(
                n_workers=options.processes,
                threads_per_worker=1,
                dashboard_address=":0",
                memory_limit=0,
            ) as local,
            Client(local) as client,
        ):
            yield Cluster(client, folder)
        return
    given = options.scheduler
    where = {"scheduler_file": given} if Path(given).is_file() else {"address": given}
    try:
        client = Client(**where, timeout=_WAIT)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(f"No scheduler answers at {given}. Check the address.") from error
    with client:
        _check_versions(client)
        _check_shared(client, folder)
        yield Cluster(client, folder)


def _check_versions(client: Any) -> None:
    """Raise `ClusterError` if a worker has not what this process has; name it."""
    found = client.get_versions(packages=_SAME)
    own = found["client"]["packages"]
    for address, worker in found["workers"].items():
        there = worker["packages"]
        if there[_OWN] is None:
            raise ClusterError(f"The worker {address} lacks {_OWN}. Install it there.")
        for name in (*_SAME, "python"):
            versions = [_short(name, packages[name]) for packages in (there, own)]
            if versions[0] != versions[1]:
                raise ClusterError(
                    f"The worker {address} has {name} {versions[0]}, here it is {versions[1]}. "
                    "Install the same everywhere: results follow from it."
                )


def _check_shared(client: Any, folder: Path) -> None:
    """Raise `ClusterError` if a worker does not see the folder of the run; name it."""
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / f"seen-{uuid4().hex[:8]}"
    token.write_bytes(b"")
    try:
        # Asked by text: a path of another system than the worker's is no path there.
        for address, seen in client.run(_sees, str(token.resolve())).items():
            if not seen:
                raise ClusterError(
                    f"The worker {address} does not see {folder}, where this run keeps what its "
                    "workers share. Put the result, or `work`, on a file system that all machines "
                    "see; or give dask arrays to eii.restore, which needs none."
                )
    finally:
        token.unlink(missing_ok=True)


def _sees(path: str) -> bool:
    return Path(path).exists()


def _short(name: str, version: str | None) -> str | None:
    return version and ".".join(version.split(".")[:2]) if name == "python" else version
