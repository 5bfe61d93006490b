"""Restore an image on a SLURM cluster: python slurm.py IMAGE HOLE OUT (pip install dask-jobqueue).

Image, hole and result have to be on a file system that all nodes see. `--print` shows the job
script and submits nothing.
"""

import sys

import eii
from dask_jobqueue import SLURMCluster

if __name__ == "__main__":
    cluster = SLURMCluster(
        cores=8,
        processes=8,
        memory="16GB",
        walltime="04:00:00",
        scheduler_options={"dashboard_address": ":0"},
    )
    if "--print" in sys.argv:
        print(cluster.job_script())
        cluster.close()
    else:
        cluster.adapt(maximum_jobs=10)
        sent = eii.ClusterOptions(cluster.scheduler_address)
        print(eii.restore_to_zarr(*sys.argv[1:4], cluster=sent, resume=True))
