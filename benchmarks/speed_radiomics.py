"""Time of all 1,834 radiomic features beside PyRadiomics' batch command and its extractor. Writes results/speed_radiomics.md.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/speed_radiomics.py --folder data/preprocessed SIM-001 SIM-002

Three sides work on the same files with the same settings, each in a process of its own, in turn: vcfstats' batch function
with one worker and an empty cache, from files to parquet; `pyradiomics cases.csv --jobs 1`, from files to CSV; and
PyRadiomics' extractor called from Python. All filter the whole image: PyRadiomics crops after filtering unless told
otherwise. What a process costs before its first case, measured beside it by one that only imports, is told apart. The large
field is the first case mirrored outwards: the same region in more anatomy that no feature looks at.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import SimpleITK as sitk

from vcfstats.contracts.case import Case
from vcfstats.imaging.batch import extract_cases, preprocess_cases
from vcfstats.imaging.radiomics import feature_names
from vcfstats.imaging.settings import PreprocessSettings, RadiomicsSettings

RESULTS = Path(__file__).parent / "results"
EVERY_TYPE = ("original", "wavelet", "log", "square", "square_root", "logarithm", "exponential", "gradient", "lbp_3d")
SETTINGS = RadiomicsSettings(image_types=EVERY_TYPE)
GLCM = [name.split("_")[-1] for name in feature_names(RadiomicsSettings()) if "_glcm_" in name]
# PyRadiomics' parameter file; JSON is YAML. Diagnostics, which cost it time, are left out: features alone are compared.
THEIRS = {
    "setting": {"binWidth": SETTINGS.bin_width, "additionalInfo": False, "label": 1},
    "imageType": {
        "Original": {}, "Wavelet": {}, "LoG": {"sigma": list(SETTINGS.log_sigma_mm)}, "Square": {}, "SquareRoot": {},
        "Logarithm": {}, "Exponential": {}, "Gradient": {}, "LBP3D": {},
    },
    "featureClass": {
        "shape": [], "firstorder": [], "glcm": GLCM, "glrlm": [], "glszm": [], "gldm": [], "ngtdm": [],
    },
}  # fmt: skip
SIDES = {"vcfstats": "vcfstats", "pyradiomics": "`pyradiomics` command", "extractor": "PyRadiomics' extractor"}


def ours(table: Path, out: Path) -> None:
    rows = pd.read_csv(table, dtype=str)
    cases = [Case(row.case, row.case, Path(row.Image), Path(row.Mask), 1) for row in rows.itertuples()]
    features, _ = extract_cases(cases, SETTINGS, cache=out.with_suffix(".cache"))
    features.to_parquet(out)


def extractor(table: Path, out: Path) -> None:
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    theirs = RadiomicsFeatureExtractor(str(table.with_name("theirs.yaml")))
    with out.open("w") as file:
        for row in pd.read_csv(table).itertuples():
            json.dump({name: float(value) for name, value in theirs.execute(row.Image, row.Mask).items()}, file)
            file.write("\n")


def command(side: str, table: Path, out: Path) -> list[str]:
    if side == "pyradiomics":
        options = ["-o", str(out), "-f", "csv", "-p", str(table.with_name("theirs.yaml")), "--jobs", "1"]
        return [shutil.which("pyradiomics") or "pyradiomics", str(table), *options]
    return [sys.executable, __file__, "--side", side, str(table), str(out)]


IMPORTS = {
    "vcfstats": "import pandas, pyarrow.parquet, vcfstats.imaging.batch, trimesh.creation",
    "pyradiomics": "import radiomics.scripts, radiomics.featureextractor, scipy.stats, scipy.ndimage, trimesh.creation",
    "extractor": "import pandas, radiomics.featureextractor, scipy.stats, scipy.ndimage, trimesh.creation",
}


def cpu_seconds(line: list[str]) -> float:
    """Return the CPU seconds of a process: what else the machine does counts for less than in its wall seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def values(side: str, out: Path) -> pd.DataFrame:
    if side == "vcfstats":
        return pd.read_parquet(out).reset_index(drop=True)
    if side == "pyradiomics":
        return pd.read_csv(out)
    return pd.DataFrame([json.loads(line) for line in out.read_text().splitlines()])


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


def largest_difference(one: pd.DataFrame, other: pd.DataFrame) -> float:
    """Largest relative difference; values under 1e-3 are compared absolutely, on that scale."""
    theirs = other[list(one)].to_numpy(dtype=float)
    return float((np.abs(one.to_numpy() - theirs) / np.maximum(np.abs(theirs), 1e-3)).max())


def compare(
    group: str, files: list[tuple[str, Path, Path]], scratch: Path, rounds: int, start: dict[str, list[float]]
) -> str:
    """Run the sides in turn on a group of cases, each after a process that only imports; return the row of the table."""
    folder = scratch / group.replace(" ", "_").replace(",", "")
    folder.mkdir()
    table = folder / "cases.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["case", "Image", "Mask"], *((name, str(image), str(mask)) for name, image, mask in files)]
        )
    table.with_name("theirs.yaml").write_text(json.dumps(THEIRS))
    whole: dict[str, list[float]] = {side: [] for side in start}
    net: dict[str, list[float]] = {side: [] for side in start}
    found = {}
    for turn in range(rounds):
        for side, starts in start.items():
            out = folder / f"{side}{turn}.out"
            starts.append(cpu_seconds([sys.executable, "-c", IMPORTS[side]]))
            whole[side].append(cpu_seconds(command(side, table, out)))
            net[side].append(whole[side][-1] - starts[-1])
            found[side] = values(side, out)
    each = {side: statistics.median(net[side]) / len(files) for side in start}
    ratios = [statistics.median(net[side]) / statistics.median(net["vcfstats"]) for side in list(start)[1:]]
    with_start = statistics.median(whole["pyradiomics"]) / statistics.median(whole["vcfstats"])
    n_voxels = [int((sitk.GetArrayViewFromImage(sitk.ReadImage(str(mask))) == 1).sum()) for _, _, mask in files]
    size = " x ".join(map(str, sitk.ReadImage(str(files[0][1])).GetSize()))
    difference = max(largest_difference(found["vcfstats"], found[side]) for side in list(start)[1:])
    cells = [group, str(len(files)), size, str(round(statistics.mean(n_voxels))), str(rounds)]
    cells += [f"{each[side]:.2f}" for side in start]
    cells += [f"{ratio:.2f}" for ratio in ratios] + [f"{with_start:.2f}", f"{difference:.1e}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="holds CASE_image.nii.gz and CASE_mask.nii.gz, preprocessed")
    parser.add_argument("--cohort", type=Path, help="another cohort, raw: cohort.csv, images, masks")
    parser.add_argument("--cohort-cases", type=int, default=3, help="how many of its cases")
    parser.add_argument(
        "--field", type=int, nargs=3, default=(192, 256, 256), help="large field, in voxels; 0 0 0: none"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-extractor", action="store_true", help="leave out PyRadiomics called from Python")
    parser.add_argument("--side", choices=("vcfstats", "extractor"), help=argparse.SUPPRESS)
    parser.add_argument("cases", nargs="+")
    options = parser.parse_args()
    if {os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")} != {"1"}:
        parser.error("set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1: one core is what is measured")
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    if options.side:
        run: Callable[[Path, Path], None] = ours if options.side == "vcfstats" else extractor
        run(*map(Path, options.cases))
        return
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = [
            (case, options.folder / f"{case}_image.nii.gz", options.folder / f"{case}_mask.nii.gz")
            for case in options.cases
        ]
        groups = [
            ("simulated", [(name, image.absolute(), mask.absolute()) for name, image, mask in files], options.rounds)
        ]
        if options.cohort:
            table = pd.read_csv(options.cohort / "cohort.csv", dtype=str)[: options.cohort_cases]
            raw = [
                Case(row.patient_id, row.patient_id, options.cohort / row.image, options.cohort / row.mask)
                for row in table.itertuples()
            ]
            made = preprocess_cases(raw, PreprocessSettings(), out=folder / "cohort", cache=folder / "cache")
            groups.append(
                (options.cohort.name, [(case.case_id, case.image, case.mask) for case in made], options.rounds)
            )
        if any(options.field):
            (folder / "large").mkdir()
            large = enlarged(files[0][1], files[0][2], folder / "large", tuple(options.field))
            groups.append((f"{files[0][0]} mirrored outwards", [(files[0][0], *large)], 1))
        start: dict[str, list[float]] = {side: [] for side in list(SIDES)[: 2 if options.without_extractor else 3]}
        rows: list[str] = []
        for group, members, rounds in groups:
            rows.append(compare(group, members, folder, rounds, start))
            print(rows[-1], flush=True)
            write(rows, start)


def write(rows: list[str], start: dict[str, list[float]]) -> None:
    head = ["Cases", "Number", "Image of the first (voxels)", "Region, mean (voxels)", "Rounds"]
    head += [f"{SIDES[side]} (CPU s a case)" for side in start]
    head += ["Times the command's throughput", *(["Times the extractor's"] if "extractor" in start else [])]
    head += ["Times the command's, start included", "Largest relative difference"]
    starts = ", ".join(f"{SIDES[side]} {statistics.median(seconds):.1f} s" for side, seconds in start.items())
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "speed_radiomics.md").write_text(
        f"# {len(feature_names(SETTINGS))} radiomic features a case, one core\n\n"
        f"Python {platform.python_version()}, SimpleITK {sitk.Version.VersionString()}, {platform.machine()}. CPU seconds of "
        "whole processes in turn, files read and results written included, less those of a process beside each that only "
        f"imports ({starts}); medians over the rounds.\n\n"
        f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n" + "\n".join(rows) + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
