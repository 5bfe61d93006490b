"""A restoration in the middle of a dask pipeline; nothing is held in memory as a whole."""

import dask.array as da
import eii
import numpy as np

image = da.random.default_rng(0).integers(0, 4000, (4096, 4096), dtype=np.uint16, chunks=1024)
lines = np.zeros((4096, 4096), bool)
lines[:, 1000:1003] = lines[2000, :] = True  # dead lines of the camera
hole = da.from_array(lines, chunks=1024)

flat = (image * 1.1).astype(np.uint16)  # what comes before,
restored = eii.restore(flat, hole, options=eii.RestoreOptions("classical"))  # the restoration,
print(restored[:1024, :2048].mean().compute())  # and what comes after: only its chunks are computed
