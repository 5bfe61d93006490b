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
