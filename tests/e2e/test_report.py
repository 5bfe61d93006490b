"""The page of a batch in a real browser."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data

pytestmark = pytest.mark.e2e

SLIDE = """<script>
  const slider = document.querySelector("input[type=range]");
  slider.value = 20;
  slider.dispatchEvent(new Event("input"));
  const after = getComputedStyle(document.querySelector(".after")).clipPath;
  const shown = [...document.images].map(i => i.complete && i.naturalWidth);
  document.title = `cut ${after} images ${shown} scripts ${document.scripts.length}`;
</script>"""


def browser(*arguments):
    command = [shutil.which("chromium"), "--headless", "--no-sandbox", "--disable-gpu"]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=True, timeout=60
    )


def test_a_batch_is_seen_in_a_browser_and_its_sliders_slide(tmp_path):
    scans = tmp_path / "scans"
    scans.mkdir()
    image, hole = data.astronaut()[:200, 100:300], np.zeros((200, 200), np.uint8)
    hole[60:64, 20:180] = 255
    Image.fromarray(image).save(scans / "<img src=x>.png")
    Image.fromarray(hole).save(scans / "<img src=x>_mask.png")
    (scans / "broken.png").write_bytes(b"broken")
    run = subprocess.run(
        [
            *(sys.executable, "-m", "eii.cli", "batch", str(scans / "*.png"), "--quiet"),
            *("--out", tmp_path / "out", "--hole-pattern", "{stem}_mask.png"),
            *("--backbone", "classical"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "1 of 2 images restored" in run.stdout
    page = tmp_path / "out" / "report.html"
    page.write_text(page.read_text().replace("</body>", f"{SLIDE}</body>"))
    found = browser("--dump-dom", page.as_uri()).stdout
    title = re.search("<title>(.*)</title>", found).group(1)
    assert title == "cut inset(0px 0px 0px 20%) images 200,200 scripts 2"
    assert "broken.png" in found
