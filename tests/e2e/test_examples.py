"""The examples of the documentation do what they say."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def test_the_pipeline_runs(tmp_path):
    run = subprocess.run(
        [sys.executable, EXAMPLES / "pipeline.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 2000 < float(run.stdout) < 2400


def test_the_slurm_job_is_one_that_slurm_takes(tmp_path):
    run = subprocess.run(
        [sys.executable, EXAMPLES / "slurm.py", "--print"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    script = run.stdout
    assert script.startswith("#!/usr/bin/env bash")
    assert "#SBATCH --cpus-per-task=8" in script
    assert "#SBATCH -t 04:00:00" in script
    assert "distributed.cli.dask_worker tcp://" in script
    assert "--nworkers 8" in script
