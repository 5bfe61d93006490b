"""Closing the viewer during a run ends the process as it should."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.gui
SCRIPT = Path(__file__).with_name("close_while_running.py")


@pytest.mark.parametrize("how", ["run", "live"])
def test_the_process_ends_by_itself(how, tmp_path):
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    command = [sys.executable, "-W", "error::ResourceWarning", str(SCRIPT), how]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=25, cwd=tmp_path, env=env
    )
    assert done.returncode == 0, done.stderr
    assert "closed" in done.stdout
    assert "Traceback" not in done.stderr, done.stderr


def test_import_is_light_and_classical_needs_no_torch():
    code = (
        "import sys, numpy as np, eii, napari_eii._restore\n"
        "hole = np.eye(60, dtype=bool)\n"
        "eii.restore(np.zeros((60, 60), np.uint8), hole, options=eii.RestoreOptions('classical'))\n"
        "print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
