"""The page of `benchmarks/paper.py`: tables and curves of what has been computed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

Figures = Mapping[str, Mapping[str, Mapping[str, float]]]

BACKBONES = ("gatedconv", "gmcnn", "edgeconnect", "hifill")
DOMAINS = ("photo", "texture", "micro", "document")
HOLES = ("stroke", "brush")
EXAMPLES = "pictures/paper_examples.jpg"
HEAD = """# The paper's three claims, on our images

Wang, Ouyang and Chen (CVPR 2021) say that a backbone that completes luma alone, with colour
propagated from the image's own known pixels, is better than the same backbone that completes RGB;
that it carries over to other kinds of images better; and that it does so for holes of all sizes.
Below is what we find, whatever it is. `make paper` computes it, cell by cell.

**How.** Both sides of a comparison have the same windows, holes, steps, seed, width and rate, the
same critic and losses (their backbone's own; no perceptual ones, as no such weights ship), and
start from the same classical fills. {steps} steps of 8 windows on two CPU cores: **a small fraction
of what was published, of networks that are narrow at the first layer {widths}.** The figures say
what the scheme gains at this budget, not at convergence. Images: 35 of four domains, from other
sources than those trained on, crops of 256 pixels. PSNR, SSIM and CIEDE2000 (less is better) are
taken in the hole. Gray images are among them: there, both sides differ in the network alone.

**What it says so far.** At this budget the scheme is neither better nor worse than its baseline:
the differences of tables a and c, 0.01 to 0.05 dB, are what chance makes of one seed. 3,200 windows
leave the published backbones, with their critics or without, at the classical fills that both sides
start from; so a and c compare how colour is made, and propagated along luma it is as near the truth
as completed. `unet` learns faster (b), and carries over from one domain to another no better
as scheme than as baseline. The paper's claims are about networks trained to convergence: they are
neither confirmed nor refuted here.
"""


def write_page(docs: Path, found: Figures) -> None:
    """Write ``paper.md`` and its picture from the figures of all cells."""
    from paper import STEPS, WIDTHS

    widths = ", ".join(f"{b} {w}" for b, w in WIDTHS.items())
    parts = [HEAD.format(steps=STEPS, widths=f"({widths})"), *_table_a(found), *_table_b(found)]
    parts += _table_c(docs, found)
    if (docs / EXAMPLES).exists():
        parts += [
            "\nThe backbone `gatedconv`: hole, truth, scheme, RGB baseline.\n",
            f"![Holes, truths, the scheme's fills and the baseline's, by domain]({EXAMPLES})",
        ]
    (docs / "paper.md").write_text("\n".join(parts) + "\n", encoding="utf-8")


def draw_examples(docs: Path, work: Path) -> None:
    """Put what both sides made of some images beside each other, where it has been evaluated."""
    grids = [work / f"a-gatedconv-{mode}-all-0" / "pictures.png" for mode in ("mono", "rgb")]
    if not all(grid.exists() for grid in grids):
        return
    scheme, baseline = (Picture.open(grid).convert("RGB") for grid in grids)
    column = scheme.width // 3
    whole = Picture.new("RGB", (4 * column, scheme.height), "white")
    whole.paste(scheme, (0, 0))
    whole.paste(baseline.crop((2 * column, 0, 3 * column, baseline.height)), (3 * column, 0))
    draw = ImageDraw.Draw(whole)
    height = scheme.height // (len(DOMAINS) * len(HOLES))
    for row in range(len(DOMAINS) * len(HOLES)):
        for place, side in ((2, "scheme"), (3, "RGB baseline")):
            x, y = place * column, row * height
            draw.rectangle((x, y, x + column, y + height - column - 1), fill="white")
            draw.text((x + 2, y + 1), side, fill="black")
    whole.save(docs / EXAMPLES, quality=75)


def _table_a(found: Figures) -> list[str]:
    lines = ["\n## a. Scheme against RGB baseline\n"]
    lines.append("With each backbone's own losses, its critic among them.\n")
    lines += _compared(found, "a")
    if any(name.startswith("n-") for name in found):
        lines.append("\nWithout the critics, by the reconstruction losses alone:\n")
        lines += _compared(found, "n")
    return lines


def _compared(found: Figures, table: str) -> list[str]:
    lines = []
    lines.append(
        "Mean over four domains and the seeds that were run; ± is the deviation of seeds.\n"
    )
    lines += [
        "| backbone | hole | side | seeds | PSNR | SSIM | CIEDE2000 |",
        "|---|---|---|---|---|---|---|",
    ]
    for hole in HOLES:
        own = found.get("a-classical-mono-all-0")
        if own:
            lines.append(
                f"| none (classical) | {hole} | scheme | 1 | {_row([own[f'all {hole}']])} |"
            )
        for backbone in BACKBONES:
            for mode, side in (("mono", "scheme"), ("rgb", "RGB baseline")):
                held = [found.get(f"{table}-{backbone}-{mode}-all-{seed}") for seed in range(9)]
                seeds = [f[f"all {hole}"] for f in held if f]
                if seeds:
                    lines.append(f"| {backbone} | {hole} | {side} | {len(seeds)} | {_row(seeds)} |")
    return lines + _gains(found, table)


def _row(seeds: list[Mapping[str, float]]) -> str:
    cells = []
    for name, digits in (("psnr", 2), ("ssim", 4), ("ciede", 3)):
        values = np.array([s[name] for s in seeds])
        spread = f" ± {values.std():.{digits}f}" if len(values) > 1 else ""
        cells.append(f"{values.mean():.{digits}f}{spread}")
    return " | ".join(cells)


def _gains(found: Figures, table: str) -> list[str]:
    lines = ["\nGain of the scheme over the baseline of the same seed:\n"]
    lines += ["| backbone | hole | PSNR, dB | SSIM | CIEDE2000 |", "|---|---|---|---|---|"]
    for backbone in BACKBONES:
        for hole in HOLES:
            pairs = [
                tuple(
                    found.get(f"{table}-{backbone}-{mode}-all-{seed}") for mode in ("mono", "rgb")
                )
                for seed in range(9)
            ]
            both = [(m[f"all {hole}"], r[f"all {hole}"]) for m, r in pairs if m and r]
            if both:
                gains = [
                    np.mean([m[name] - r[name] for m, r in both])
                    for name in ("psnr", "ssim", "ciede")
                ]
                cells = f"{gains[0]:+.2f} | {gains[1]:+.4f} | {gains[2]:+.3f}"
                lines.append(f"| {backbone} | {hole} | {cells} |")
    return lines


def _table_b(found: Figures) -> list[str]:
    lines = ["\n## b. From one domain to another\n"]
    lines.append(
        "The backbone `unet`, trained on one domain (rows), tested on each (columns): PSNR in dB.\n"
    )
    for hole in HOLES:
        for mode, side in (("mono", "scheme"), ("rgb", "RGB baseline")):
            rows = []
            for domain in DOMAINS:
                own = found.get(f"b-unet-{mode}-{domain}-0")
                if own:
                    cells = [f"{own[f'{other} {hole}']['psnr']:.2f}" for other in DOMAINS]
                    rows.append(f"| {domain} | {' | '.join(cells)} |")
            if rows:
                lines += [f"\n{hole}, {side}:\n", f"| trained on | {' | '.join(DOMAINS)} |"]
                lines += ["|---|" + "---|" * len(DOMAINS), *rows]
        lines += _carried(found, hole)
    return lines


def _carried(found: Figures, hole: str) -> list[str]:
    """Return what a domain loses when the training was on another, for both sides."""
    lines = []
    for mode, side in (("mono", "scheme"), ("rgb", "RGB baseline")):
        own = {d: found.get(f"b-unet-{mode}-{d}-0") for d in DOMAINS}
        if all(own.values()):
            table = np.array([[own[d][f"{o} {hole}"]["psnr"] for o in DOMAINS] for d in DOMAINS])  # type: ignore[index]
            lost = (np.diag(table)[None] - table)[~np.eye(len(DOMAINS), dtype=bool)].mean()
            lines.append(
                f"\n{hole}, {side}: {table.mean():.2f} dB in the mean; "
                f"trained elsewhere loses {lost:.2f} dB."
            )
    return lines


def _table_c(docs: Path, found: Figures) -> list[str]:
    curves = {
        side: found.get(f"c-{name}-all-0")
        for side, name in (
            ("scheme", "gatedconv-mono"),
            ("RGB baseline", "gatedconv-rgb"),
            ("classical", "classical-mono"),
        )
    }
    held = {side: c for side, c in curves.items() if c}
    if not held:
        return []
    shares = sorted(
        int(k.removeprefix("all cover")) for k in next(iter(held.values())) if k.startswith("all ")
    )
    lines = [
        "\n## c. Share of the image that is missing\n",
        "The backbone `gatedconv`, brush strokes: PSNR in dB / CIEDE2000.\n",
    ]
    lines += [f"| side | {' | '.join(f'{s} %' for s in shares)} |", "|---|" + "---|" * len(shares)]
    for side, curve in held.items():
        cells = [curve[f"all cover{s}"] for s in shares]
        shown = [f"{c['psnr']:.2f} / {c['ciede']:.2f}" for c in cells]
        lines.append(f"| {side} | {' | '.join(shown)} |")
    _draw(docs / "pictures" / "paper_ratio.png", shares, held)
    return [*lines, "\n![PSNR and CIEDE2000 over the share missing](pictures/paper_ratio.png)"]


def _draw(path: Path, shares: list[int], curves: Figures) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for axis, (name, label) in zip(
        axes, (("psnr", "PSNR in the hole, dB"), ("ciede", "CIEDE2000 in the hole")), strict=True
    ):
        for side, curve in curves.items():
            axis.plot(
                shares, [curve[f"all cover{s}"][name] for s in shares], marker="o", label=side
            )
        axis.set(xlabel="missing, %", ylabel=label)
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
