"""Any inpainting model as a monochromic backbone: ONNX or TorchScript files of the user's.

The luma goes in as three channels (or one), what comes out is taken as luma. The hole is 1 where
pixels are missing, and the image is 0 there; both are float32, the image in [0, 1].
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eii.device import use_one_thread
from eii.errors import MissingExtraError, OptionError, WeightsError
from eii.external.backbone import Clues, Hole, Luma
from eii.external.predicted import NEVER, PredictedBackbone
from eii.image.mono import LUMA

_SIDE = 64  # models halve their windows up to six times
_BYTES = 8.0  # values above it are of a model that answers in 0 to 255

Run = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[Any]]
"""Takes image (B, C, M, N) and hole (B, 1, M, N), returns the image filled."""


class ModelPredictor:
    """Runs a model of RGB or gray images on windows of luma.

    Parameters
    ----------
    name : str
    run : callable
    channels : int
        That the model takes: 3 or 1.
    """

    batch, depth = 1, NEVER
    follows: frozenset[str] = frozenset()

    def __init__(self, name: str, run: Run, channels: int) -> None:
        self._name, self._run, self._channels = name, run, channels

    def __call__(self, plate: Luma, smooth: Luma, hole: Hole, clues: Clues) -> Luma:
        """Return the windows filled, shape (B, M, N), float32."""
        height, width = hole.shape[1:]
        pad = [(0, 0), (0, -height % _SIDE), (0, -width % _SIDE)]
        mode = "reflect" if min(height, width) >= _SIDE else "edge"
        luma = np.pad(np.where(hole, np.float32(0), plate), pad, mode=mode)  # type: ignore[call-overload]
        holes = np.pad(hole, pad)[:, np.newaxis].astype(np.float32)
        image = np.repeat(np.clip(luma, 0, 1)[:, np.newaxis], self._channels, axis=1)
        out = np.array(self._run(image, holes), np.float32)
        if out.shape[:1] + out.shape[2:] != holes.shape[:1] + holes.shape[2:] or out.ndim != 4:
            raise WeightsError(
                f"The model {self._name} returned the shape {out.shape}; expected "
                f"{(len(image), 'C', *holes.shape[2:])}."
            )
        if np.max(out, initial=0.0, where=np.isfinite(out)) > _BYTES:
            out /= np.float32(255)
        gray = out[:, 0] if out.shape[1] == 1 else np.einsum("bchw,c->bhw", out[:, :3], LUMA)
        return np.asarray(gray[:, :height, :width], np.float32)


def load_onnx(path: Path) -> PredictedBackbone:
    """Return an ONNX model as a backbone.

    Raises
    ------
    WeightsError
        If the file is none, or has other inputs than an image and a hole.
    MissingExtraError
        If onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError(
            "ONNX models need onnxruntime: pip install 'napari-eii[onnx]'."
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # see `use_one_thread`
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        raise WeightsError(f"{path} is not an ONNX model that can be run.") from error
    inputs = session.get_inputs()
    listed = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs) or "none"
    four = [i for i in inputs if len(i.shape) == 4 and i.type == "tensor(float)"]
    if len(inputs) != 2 or len(four) != 2 or inputs[0].shape[1] not in (1, 3):
        raise WeightsError(
            f"{path} has the inputs {listed}. Expected are an image, float (batch, 3 or 1, height, "
            "width), and a hole, float (batch, 1, height, width)."
        )
    image, hole = (i.name for i in inputs)
    channels = int(inputs[0].shape[1])

    def run(pixels: NDArray[np.float32], holes: NDArray[np.float32]) -> NDArray[Any]:
        try:
            return np.asarray(session.run(None, {image: pixels, hole: holes})[0])
        except Exception as error:
            raise WeightsError(f"{path} failed on a window of {pixels.shape}.") from error

    return PredictedBackbone(path.stem, ModelPredictor(path.stem, run, channels), stride=_SIDE)


def load_script(path: Path, *, trust: bool, device: str) -> PredictedBackbone:
    """Return a TorchScript model as a backbone; such a file runs code.

    Raises
    ------
    OptionError
        If it is not trusted.
    WeightsError
        If the file is none, or takes neither RGB nor gray images with a hole.
    """
    if not trust:
        raise OptionError(f"{path} can run any code. If you trust its maker, allow it by `trust`.")
    import torch

    try:
        with warnings.catch_warnings():
            # torch would rather have other formats; this is the one that inpainting models have.
            warnings.simplefilter("ignore", DeprecationWarning)
            load: Any = torch.jit.load
            model = load(str(path), map_location=device).eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise WeightsError(f"{path} is not a TorchScript model.") from error

    def run(pixels: NDArray[np.float32], holes: NDArray[np.float32]) -> NDArray[Any]:
        use_one_thread()
        with torch.inference_mode():
            parts = (torch.from_numpy(a).to(device) for a in (pixels, holes))
            return np.asarray(model(*parts).float().cpu().numpy())

    for channels in (3, 1):
        try:
            run(*(np.zeros((1, c, _SIDE, _SIDE), np.float32) for c in (channels, 1)))
        except (RuntimeError, TypeError):
            continue
        predictor = ModelPredictor(path.stem, run, channels)
        return PredictedBackbone(path.stem, predictor, stride=_SIDE)
    raise WeightsError(
        f"{path} takes other inputs than an image (batch, 3 or 1, height, width) and a hole "
        "(batch, 1, height, width)."
    )
