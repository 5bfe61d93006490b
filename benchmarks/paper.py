"""The paper's three claims on images of four domains: `make paper DATA=... EVAL=...`.

Each cell is a training of so many steps and an evaluation; its figures go to a file, so that
another call computes what is missing. `docs/paper.md` is written from what is there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from eii.evaluation.run import Row, evaluate
from eii.evaluation.tables import means_of
from eii.options import RestoreOptions
from eii.training.fit import train
from eii.training.options import TrainOptions
from paper_page import draw_examples, write_page

DOMAINS = ("photo", "texture", "micro", "document")
WIDTHS = {"gatedconv": 24, "gmcnn": 8, "edgeconnect": 16, "hifill": 16, "unet": 16}
STEPS, RATE, WINDOWS, SEEDS, SIDE = 400, 1e-3, 800, 3, 256
RATIOS = (5, 15, 25, 35, 45, 55, 65, 75)
HOLES = ("stroke", "brush")
CLASSICAL, NO_CRITIC = "classical", "n"


@dataclass(frozen=True)
class Cell:
    """What is trained on what, and evaluated in which table."""

    table: str
    backbone: str
    mode: str
    domain: str
    seed: int

    @property
    def name(self) -> str:
        """Return what its figures are kept under."""
        return "-".join(map(str, asdict(self).values()))

    @property
    def training(self) -> str:
        """Return what its weights are kept under: tables a and c have theirs in common."""
        own = ("no-critic",) if self.table == NO_CRITIC else ()
        return "-".join((*own, self.backbone, self.mode, self.domain, str(self.seed)))


def cells() -> Iterator[Cell]:
    """Return all cells, those first that say the most."""
    for table in "ac":
        yield Cell(table, CLASSICAL, "mono", "all", 0)
    for seed in range(SEEDS):
        if seed == 0:
            yield from _compared(("gatedconv", "gmcnn"), seed)
            yield from (
                Cell("b", "unet", mode, domain, 0) for domain in DOMAINS for mode in ("mono", "rgb")
            )
            yield from _compared(("gatedconv", "gmcnn"), seed, NO_CRITIC)
            yield from (Cell("c", "gatedconv", mode, "all", 0) for mode in ("mono", "rgb"))
            yield from _compared(("edgeconnect", "hifill"), seed)
        else:
            yield from _compared(("gatedconv", "gmcnn", "edgeconnect", "hifill"), seed)


def _compared(backbones: tuple[str, ...], seed: int, table: str = "a") -> Iterator[Cell]:
    return (Cell(table, b, mode, "all", seed) for b in backbones for mode in ("mono", "rgb"))


def run(cell: Cell, data: Path, against: Path, work: Path) -> dict[str, dict[str, float]]:
    """Train and evaluate a cell; return its mean figures by domain and hole."""
    backbone = CLASSICAL if cell.backbone == CLASSICAL else f"file:{_trained(cell, data, work)}"
    holes = [f"cover{share}" for share in RATIOS] if cell.table == "c" else HOLES
    rows: list[Row] = evaluate(
        against,
        work / "evaluated" / cell.name,
        holes=holes,
        methods=[RestoreOptions(backbone=backbone)],
        side=SIDE,
        compare=False,
    )
    means = means_of([(r.domain, r.kind, cell.name, r.measures) for r in rows])
    return {f"{domain} {kind}": figures for (domain, kind, _), figures in means.items()}


def _trained(cell: Cell, data: Path, work: Path) -> Path:
    out = work / cell.training
    weights = out / "weights.safetensors"
    options = TrainOptions(
        backbone=cell.backbone,
        mode=cell.mode,
        steps=STEPS,
        rate=RATE,
        seed=cell.seed,
        width=WIDTHS[cell.backbone],
        batch=8,
        windows=WINDOWS * (len(DOMAINS) if cell.domain == "all" else 1),
        pools=work / "pools",
        every=60,
        adversarial=cell.table != NO_CRITIC,
    )
    domains = DOMAINS if cell.domain == "all" else (cell.domain,)
    if not (out / "done").exists():
        shutil.rmtree(out, ignore_errors=True)
        train([data / f"{domain}-0.tar" for domain in domains], out, options)
        (out / "done").touch()
    return weights


def main() -> None:
    """Compute what is missing until the time is over, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of one tar file for each domain")
    parser.add_argument("--eval", type=Path, help="folder of folders of pictures, by domain")
    parser.add_argument("--work", type=Path, default=Path("paper"))
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    given = parser.parse_args()
    results = given.docs / "paper_cells.json"
    found = json.loads(results.read_text()) if results.exists() else {}
    end = time.monotonic() + 60 * given.minutes
    report: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731
    for cell in cells() if given.data and given.eval else ():
        if cell.name in found or time.monotonic() > end:
            continue
        begun = time.monotonic()
        found[cell.name] = run(cell, given.data, given.eval, given.work)
        draft = results.with_name(f".{results.name}")
        draft.write_text(json.dumps(found, indent=1))
        draft.replace(results)
        report(f"{cell.name}: {time.monotonic() - begun:.0f} s")
    draw_examples(given.docs, given.work / "evaluated")
    write_page(given.docs, found)


if __name__ == "__main__":
    main()
