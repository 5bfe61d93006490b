"""The tree of errors.

EIIError
├── ImageError        ValueError    the image cannot be restored as given
├── HoleError         ValueError    the hole does not fit the image
├── OptionError       ValueError    an option is out of its range
├── HintError         ValueError    a colour hint does not fit the image or the hole
├── SourceError       OSError       a file cannot be read
├── OutputError       OSError       a file cannot be written
│   └── OutputPathError ValueError  the path exists, or is the source's
├── WeightsError      ValueError    a weights file is missing, wrong or truncated
├── ClusterError      RuntimeError  a cluster is not there, or not as this machine is
├── JournalError      RuntimeError  a resumed run differs from the one begun
├── MissingExtraError ImportError   an optional dependency is not installed
└── Cancelled         RuntimeError  the caller asked to stop
"""


class EIIError(Exception):
    """Base of every error this package raises on purpose."""


class ImageError(EIIError, ValueError):
    """The image cannot be restored as given."""


class HoleError(EIIError, ValueError):
    """The hole does not fit the image, or covers all of it."""


class OptionError(EIIError, ValueError):
    """An option is unknown or out of its range."""


class HintError(EIIError, ValueError):
    """A colour hint does not fit the image or the hole."""


class SourceError(EIIError, OSError):
    """A file is missing, unreadable, truncated or not an image."""


class OutputError(EIIError, OSError):
    """A result cannot be written where it was asked for."""


class OutputPathError(OutputError, ValueError):
    """A result may not be written to this path: it exists, or is the source's."""


class WeightsError(EIIError, ValueError):
    """A weights file is missing, wrong or truncated."""


class ClusterError(EIIError, RuntimeError):
    """A cluster cannot be reached, is lost, or its workers have other versions."""


class JournalError(EIIError, RuntimeError):
    """A resumed run differs from the one that was begun."""


class MissingExtraError(EIIError, ImportError):
    """An optional dependency is not installed."""


class Cancelled(EIIError, RuntimeError):  # noqa: N818 - it reports a wish, not a fault
    """The caller asked to stop; what was finished stays finished.

    Parameters
    ----------
    message : str
    resumable : bool
        The same run can go on from where it stopped.
    """

    def __init__(self, message: str, *, resumable: bool = False) -> None:
        super().__init__(message)
        self.resumable = resumable
