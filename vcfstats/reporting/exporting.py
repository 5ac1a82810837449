"""All figures of a study as files for a journal: SVG and PDF with their fonts, TIFF at 300 dpi."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import making_folder
from vcfstats.contracts.made import mark_folder, refuse_unmarked
from vcfstats.contracts.progress import progress
from vcfstats.reporting import absence, drawings
from vcfstats.reporting.figures import save_figure
from vcfstats.reporting.study import Study

FORMATS = ("svg", "pdf", "tiff", "png")


def _of_all_features(draw: Callable[[Study, str], Any]) -> Callable[[Study], Any]:
    @functools.wraps(draw)
    def drawn(study: Study) -> Any:
        return draw(study, absence.all_features(study))

    return drawn


FIGURES: Mapping[str, Callable[[Study], Any]] = {
    "flow": drawings.flow,
    "workflow": drawings.workflow,
    "activation_maps": drawings.activation_maps,
    "lasso": drawings.lasso,
    "coefficients": drawings.coefficients,
    "nomogram": drawings.nomogram,
    "roc": drawings.roc,
    "decision": drawings.decision,
    "comparison": drawings.comparison,
    "calibration": drawings.calibration,
    "roc_bands": drawings.roc_bands,
    "decision_bands": drawings.decision_bands,
    "calibration_belts": drawings.belts,
    "subgroups": drawings.subgroups,
    "funnel": drawings.funnel,
    "scanners": drawings.scanners,
    "training": drawings.training,
    "recalibration": drawings.recalibration,
    "recalibration_classifiers": _of_all_features(drawings.recalibration),
    "recalibrated_decision": _of_all_features(drawings.recalibrated_decision),
    "followup": drawings.followup,
    "forks": drawings.forks,
}


def figures_of(study: Study) -> dict[str, Callable[[Study], Any]]:
    """Return the figures of a study by file name: those of every study, and the ROC curves of each feature set's classifiers."""
    sets = {f"roc_classifiers_{name}": _classifiers(name) for name in study.info.feature_sets}
    return dict(FIGURES) | sets


def _classifiers(feature_set: str) -> Callable[[Study], Any]:
    return lambda study: drawings.roc(study, feature_set)


def export_figures(study: Study, folder: str | Path, *, formats: Sequence[str] = ("svg", "pdf", "tiff")) -> list[Path]:
    """Write every figure of a study into a folder of its own, the same bytes each time.

    Parameters
    ----------
    study : Study
        A finished study.
    folder : path
        Where the files go. It is replaced as a whole when all of them are ready.
    formats : sequence of {"svg", "pdf", "tiff", "png"}
        Formats to write.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError
        An unknown format, or a folder that holds something other than figures as an earlier run left them.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise InputError(
            Problem(f"format {unknown[0] if unknown else 'none'!r}", ", ".join(FORMATS), "correct --formats")
        )
    out = Path(folder).resolve()
    refuse_unmarked(out, "the figures of an earlier run")
    with making_folder(out) as beside:
        ready = beside / "ready"
        ready.mkdir()
        drawn, names = figures_of(study), []
        for name, draw in progress(list(drawn.items()), len(drawn), label="figures", unit="figures"):
            figure = draw(study)
            if isinstance(figure, absence.Absent):
                print(f"no {name}: {figure}")
                continue
            names += [f"{name}.{kind}" for kind in formats]
            save_figure(figure, *(ready / f"{name}.{kind}" for kind in formats))
        mark_folder(ready)
        if out.exists():
            out.rename(beside / "old")
        ready.rename(out)
    return [out / name for name in names]
