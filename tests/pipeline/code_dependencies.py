"""The repository's dvc.yaml: the packaged one, and for each stage the code that it runs.

Run as a script it writes dvc.yaml anew; test_dvc.py compares.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = {
    "simulate": ["contracts", "simulation", "pipeline/simulate.py"],
    "ingest": [
        "contracts",
        "imaging",
        "learning/crossfit.py",
        "learning/harmonisation/columns.py",
        "learning/splitting.py",
        "pipeline/cells.py",
        "pipeline/cohort_check.py",
        "pipeline/cohort_files.py",
        "pipeline/cohort_table.py",
        "pipeline/feasible.py",
        "pipeline/ingest.py",
        "pipeline/screening.py",
        "pipeline/textfile.py",
    ],
    "preprocess": ["imaging", "pipeline/preprocess.py"],
    "quality": [
        "imaging",
        "reporting/figures/style.py",
        "reporting/pictures.py",
        "reporting/reproducible.py",
        "reporting/values.py",
        "pipeline/quality.py",
    ],
    "radiomics": ["imaging", "pipeline/radiomics.py"],
    "split": ["learning", "pipeline/feasible.py", "pipeline/split.py"],
    "repeats": [
        "imaging",
        "learning/network",
        "statistics/agreement",
        "pipeline/correlations.py",
        "pipeline/repeats.py",
    ],
    "slices": ["imaging", "pipeline/slices.py"],
    "deep": [
        "learning/network",
        "learning/crossfit.py",
        "learning/deephead.py",
        "learning/deepnetworks.py",
        "learning/splitting.py",
        "pipeline/deep.py",
        "pipeline/networks.py",
    ],
    # With the rooms whose code is in the hash of the bundle.
    "learn": [
        "imaging",
        "learning",
        "reporting/values.py",
        "statistics",
        "pipeline/application/bundle.py",
        "pipeline/application/card.py",
        "pipeline/application/writing.py",
        "pipeline/correlations.py",
        "pipeline/learn.py",
        "pipeline/networks.py",
    ],
    "activation": ["imaging", "learning/network", "learning/thresholds.py", "pipeline/activation.py"],
    "plan": ["pipeline/plan.py", "pipeline/params.py"],
    # All rooms whose code is in the hash that the documents print.
    "evaluate": ["audit/checklists", "contracts", "imaging", "learning", "pipeline", "simulation", "statistics"],
    "render": ["contracts", "reporting"],
    "audit": ["audit", "reporting", "pipeline/audit.py"],
}


def with_code(packaged: str) -> str:
    """Add each stage's rooms to the text of the packaged dvc.yaml, comments kept."""
    lines: list[str] = []
    stage = ""
    for line in packaged.splitlines():
        if line.startswith("  ") and not line.startswith("   ") and ":" in line:
            stage = line.split(":")[0].strip()
        deps = [f"      - vcfstats/{room}" for room in ROOMS.get(stage, [])]
        if line == "    deps:":
            lines += [line, *deps]
        elif stage == "simulate" and line == "      outs:":
            lines += ["      deps:", *("  " + dep for dep in deps), line]
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    packaged = (ROOT / "vcfstats" / "pipeline" / "dvc.yaml").read_text(encoding="utf-8")
    (ROOT / "dvc.yaml").write_text(with_code(packaged), encoding="utf-8")
