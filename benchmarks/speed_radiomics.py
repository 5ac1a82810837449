"""Time of all 1,834 radiomic features beside PyRadiomics' own extractor, on one core. Writes results/speed_radiomics.md.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/speed_radiomics.py --folder data/preprocessed SIM-001 SIM-002

Both sides read the same two files, use the same settings and filter the whole image. The large field is the first case
mirrored outwards: the same region in more anatomy that no feature looks at.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import SimpleITK as sitk
from radiomics.featureextractor import RadiomicsFeatureExtractor

from vcfstats.imaging.radiomics import extract, feature_names
from vcfstats.imaging.settings import RadiomicsSettings

RESULTS = Path(__file__).parent / "results"
EVERY_TYPE = ("original", "wavelet", "log", "square", "square_root", "logarithm", "exponential", "gradient", "lbp_3d")
SETTINGS = RadiomicsSettings(image_types=EVERY_TYPE)
THEIR_TYPES = ("Original", "Wavelet", "LoG", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient", "LBP3D")


def theirs(image: Path, mask: Path) -> dict[str, float]:
    """One case as each worker of the `pyradiomics` batch command runs it, by default cropping after filtering."""
    extractor = RadiomicsFeatureExtractor(additionalInfo=False, binWidth=SETTINGS.bin_width)
    extractor.disableAllImageTypes()
    for name in THEIR_TYPES:
        extractor.enableImageTypeByName(
            name, customArgs={"sigma": list(SETTINGS.log_sigma_mm)} if name == "LoG" else None
        )
    return {name: float(value) for name, value in extractor.execute(str(image), str(mask), label=1).items()}


def ours(image: Path, mask: Path) -> dict[str, float]:
    return extract(sitk.ReadImage(str(image)), sitk.ReadImage(str(mask)), SETTINGS)


def enlarged(image: Path, mask: Path, folder: Path, size: tuple[int, int, int]) -> tuple[Path, Path]:
    """Write the case mirrored outwards to `size` voxels, the mask filled up with zeros."""
    written = []
    for path, mode in ((image, "symmetric"), (mask, "constant")):
        volume = sitk.ReadImage(str(path))
        missing = [max(want - have, 0) for want, have in zip(size[::-1], volume.GetSize()[::-1], strict=True)]
        padded = sitk.GetImageFromArray(
            np.pad(sitk.GetArrayFromImage(volume), [(gap // 2, gap - gap // 2) for gap in missing], mode=mode)
        )
        padded.SetSpacing(volume.GetSpacing())
        padded.SetDirection(volume.GetDirection())
        sitk.WriteImage(padded, str(folder / path.name))
        written.append(folder / path.name)
    return written[0], written[1]


def largest_difference(one: dict[str, float], other: dict[str, float]) -> float:
    """Largest relative difference; values under 1e-3 are compared absolutely, on that scale."""
    return max(abs(value - other[name]) / max(abs(other[name]), 1e-3) for name, value in one.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="holds CASE_image.nii.gz and CASE_mask.nii.gz")
    parser.add_argument("--field", type=int, nargs=3, default=(192, 256, 256), help="large field, in voxels")
    parser.add_argument("cases", nargs="+")
    options = parser.parse_args()
    if {os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")} != {"1"}:
        parser.error("set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1: one core is what is measured")
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    count = len(feature_names(SETTINGS))
    with TemporaryDirectory() as scratch:
        files = {
            case: (options.folder / f"{case}_image.nii.gz", options.folder / f"{case}_mask.nii.gz")
            for case in options.cases
        }
        first = options.cases[0]
        files[f"{first}, large field"] = enlarged(*files[first], Path(scratch), tuple(options.field))
        ours(*files[first])  # imports and caches, on neither side's clock
        rows = []
        for case, (image, mask) in files.items():
            seconds, values = [], []
            for run in (ours, theirs):
                begin = time.process_time()
                values.append(run(image, mask))
                seconds.append(time.process_time() - begin)
            size = " x ".join(map(str, sitk.ReadImage(str(image)).GetSize()))
            inside = int((sitk.GetArrayViewFromImage(sitk.ReadImage(str(mask))) == 1).sum())
            rows.append(
                f"| {case} | {size} | {inside} | {seconds[0]:.2f} | {seconds[1]:.2f} | {count / seconds[0]:.0f} "
                f"| {count / seconds[1]:.0f} | {seconds[1] / seconds[0]:.2f} | {largest_difference(*values):.1e} |"
            )
            print(rows[-1], flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "speed_radiomics.md").write_text(
        f"# {count} radiomic features of simulated cases, one core\n\n"
        f"Python {platform.python_version()}, SimpleITK {sitk.Version.VersionString()}, {platform.machine()}; CPU "
        "seconds of this process, one run of each side, files read included.\n\n"
        "| Case | Image (voxels) | Region (voxels) | vcfstats (s) | PyRadiomics (s) | vcfstats (features/s) "
        "| PyRadiomics (features/s) | Ratio | Largest relative difference |\n"
        "|---|---|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
