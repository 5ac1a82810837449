"""Which swapped masks the quality pages name. Writes results/quality_swaps.md.

python benchmarks/quality_swaps.py --preprocessed data/preprocessed --seed 7

Run in a study's directory after its stage preprocess. Cases whose volumes have the same size are paired at random and every
mask is laid over its partner's image, one at a time, all other cases being as they are. A case is named where a quantity of
its region lies beyond the limit; what is named of the cohort as it is are false alarms, if nobody spoilt a mask there.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk

from vcfstats.contracts.progress import progress
from vcfstats.imaging.quality import QUANTITIES, QualitySettings, find_outliers, measure

RESULTS = Path(__file__).parent / "results"
SETTINGS = QualitySettings()
OF_OUTLINE = ["edge", "away", "fit"]


def read(folder: Path, case: str) -> tuple[sitk.Image, sitk.Image]:
    image, mask = (sitk.ReadImage(str(folder / f"{case}_{name}.nii.gz")) for name in ("image", "mask"))
    return image, mask


def overlap(first: sitk.Image, second: sitk.Image) -> float:
    one, other = (sitk.GetArrayViewFromImage(mask) == 1 for mask in (first, second))
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def swapped(folder: Path, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    rows = []
    for case, owner in progress(pairs, len(pairs), label="swapped"):
        image, own = read(folder, case)
        _, other = read(folder, owner)
        other.CopyInformation(image)
        rows.append({"case": case, "overlap": overlap(own, other), **measure(image, other, SETTINGS)})
    return pd.DataFrame(rows)


def named(clean: pd.DataFrame, row: pd.Series | None, quantities: list[str]) -> set[str]:
    """Return the cases that are named, one row of the cohort having been replaced."""
    table = clean[quantities].copy()
    if row is not None:
        table.loc[row["case"]] = row[quantities].astype(float)
    return set(find_outliers(table, SETTINGS.limit).to_frame()["case_id"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preprocessed", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    cases = sorted(path.name.removesuffix("_image.nii.gz") for path in given.preprocessed.glob("*_image.nii.gz"))
    sizes = defaultdict(list)
    found = {}
    for case in progress(cases, len(cases), label="as they are"):
        image, mask = read(given.preprocessed, case)
        sizes[image.GetSize()].append(case)
        found[case] = measure(image, mask, SETTINGS)
    clean = pd.DataFrame(found).T
    rng, pairs = np.random.default_rng(given.seed), []
    for group in sizes.values():
        order = [str(case) for case in rng.permutation(group)]
        for one, other in zip(order[::2], order[1::2], strict=False):
            pairs += [(one, other), (other, one)]
    table = swapped(given.preprocessed, pairs)
    quantities = [name for name in QUANTITIES if name != "field"]
    text = [
        "# Which swapped masks the quality pages name",
        "",
        f"{len(cases)} simulated cases; {len(table)} masks ({len(table) // 2} pairs, volumes of the same size, seed {given.seed}) each laid "
        f"over its partner's image, one at a time; limit {SETTINGS.limit:g}. Quantities of the region alone, without the bias field's range.",
        "",
        "| Quantities | False alarms | Swapped masks named | Pairs with one named | Named, overlap with the right mask (Dice) above 0.8 | Below |",
        "|---|---|---|---|---|---|",
    ]
    without = [name for name in quantities if name not in OF_OUTLINE[1:]]
    for label, names in (("without the outline's best place", without), ("all", quantities)):
        false = named(clean, None, names)
        hit = np.array([row["case"] in named(clean, row, names) for _, row in table.iterrows()])
        close = (table["overlap"] > 0.8).to_numpy()
        text.append(
            f"| {label} | {len(false)} of {len(cases)} | {hit.sum()} of {len(hit)} | {hit.reshape(-1, 2).any(axis=1).sum()} of {len(hit) // 2} | "
            f"{hit[close].sum()} of {close.sum()} | {hit[~close].sum()} of {(~close).sum()} |"
        )
    (RESULTS / "quality_swaps.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
