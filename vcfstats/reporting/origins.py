"""The page of provenance: hashes of data, params and code, seeds, and the versions of the packages."""

from __future__ import annotations

from vcfstats.contracts.plan import read_plan
from vcfstats.reporting import absence
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import Column, Table
from vcfstats.reporting.values import Text, join

# What draws random numbers -> the purpose that, with the root seed, makes its own.
PURPOSES = (
    ("Simulated cohort", "simulate"),
    ("Partition into training and internal test set, where drawn", "split"),
    ("Folds of training patients", "folds"),
    ("Folds within the selection of features", "learn/{feature set}/selection/{what was held out}"),
    ("Imputation of missing findings, where asked for", "learn/clinical/imputation/{what was held out}"),
    ("Classifiers and their tuning", "learn/{feature set}/{classifier}/{what was held out}"),
    ("Resamples of the whole chain, each a root of its own", "learn/optimism/{resample}"),
    ("Patients of a resample", "patients"),
    ("Copies of images and regions, where nobody drew again", "perturbation/{case}"),
    ("Training of the network, where it is trained", "deep/{what was held out}"),
    ("Bootstrap bands and intervals", "evaluation/{curve}/{predictions}/{model}"),
)

_ARITHMETIC = {
    "portable": "the arithmetic that all x86-64 processors with AVX2 and FMA share",
    "native": "the arithmetic of the machine at hand",
}


def told(study: Study) -> Text:
    """Say what made the results and how they can be checked."""
    info = study.info
    found = [f"The results were computed by vcfstats {info.version}"]
    if info.environment is not None:
        found[0] += (
            f" with Python {info.environment.python} on {info.environment.platform}, in {_ARITHMETIC[info.environment.arithmetic]}"
        )
    found[0] += "."
    found.append(
        "Any change of data, decisions or code changes a hash; commit, hardware and durations are noted apart, in results/run.json, "
        "so that the same inputs give the same bytes."
    )
    found.append(
        "The command vcfstats verify computes every statistic again from the predictions and compares it with the committed results; "
        "vcfstats why KEY follows a number back to the raw files."
    )
    return join([Text.of(sentence) for sentence in found])


def hashes_table(study: Study) -> Table:
    """Return the hashes in full, in groups of sixteen digits, so that they break on any page."""
    hashes, plan = study.info.hashes, read_plan(study.root / "results" / "plan.json")
    rows = [
        ("Data: cohort table, images and masks as ingested", hashes.data),
        ("Params: every decision and every word of the study", hashes.params),
        ("Code of the rooms that compute", hashes.code),
    ]
    if plan is not None:
        rows.append(("Analytic decisions alone", plan.decisions))
        rows.append(("Protocol", plan.protocol or "none registered"))
    columns = [Column("what", "What", width=44), Column("hash", "SHA-256", width=56)]
    return Table.of(columns, [{"what": what, "hash": _grouped(digest)} for what, digest in rows])


def seeds_table(study: Study) -> Table:
    """Return the root seed and what is mixed into it for each purpose: no draw depends on what was drawn before."""
    columns = [Column("what", "Random numbers of", width=50), Column("seed", "Seed sequence", width=50)]
    root = study.record("design/seed").value if study.has("design/seed") else "not recorded"
    rows = [{"what": "Root", "seed": str(root)}]
    rows += [
        {"what": what, "seed": f"root, then the bytes of {purpose}"}
        for what, purpose in PURPOSES
        if purpose != "simulate" or study.info.simulated
    ]
    return Table.of(columns, rows)


def packages_table(study: Study) -> Table | Absent:
    """Return the packages with their versions, three to a row."""
    environment = study.info.environment
    why = absence.packages(study)
    if why or environment is None:
        return Absent(why)
    names = [f"{name} {version}" for name, version in sorted(environment.packages.items())]
    height = -(-len(names) // 3)
    columns = [Column(f"c{i}", "Package and version", width=w) for i, w in enumerate((34, 33, 33))]
    rows = [
        {f"c{i}": names[row + i * height] if row + i * height < len(names) else "" for i in range(3)}
        for row in range(height)
    ]
    return Table.of(columns, rows)


def _grouped(digest: str) -> str:
    return " ".join(digest[at : at + 16] for at in range(0, len(digest), 16)) if len(digest) == 64 else digest
