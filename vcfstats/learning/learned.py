"""What the learning stage leaves: probabilities, thresholds, fitted models, and the account of how they came about."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vcfstats.contracts.files import replacing, write_text
from vcfstats.learning.artefacts import write_classifier
from vcfstats.learning.clinical import ClinicalFit, Findings
from vcfstats.learning.crossfit import HeldOut, described
from vcfstats.learning.deephead import DeepHead
from vcfstats.learning.harmonisation import ScannerEffect
from vcfstats.learning.imputed import Imputed
from vcfstats.learning.linear import LinearModel
from vcfstats.learning.notes import Note
from vcfstats.learning.recalibration import Recalibration
from vcfstats.learning.resamples import Resamples
from vcfstats.learning.selection import Reliability, Selection
from vcfstats.learning.spread import Spread
from vcfstats.learning.stability import Subsamples
from vcfstats.learning.thresholds import write_thresholds
from vcfstats.learning.tuning import FinalFit
from vcfstats.statistics.lasso import LassoPath


@dataclass(frozen=True)
class Learned:
    """Everything between the feature matrices and the documents.

    Attributes
    ----------
    predictions : DataFrame
        The predictions table (vcfstats.contracts.predictions).
    thresholds : dict of str to float
        Model -> frozen threshold.
    classifiers : DataFrame
        ``feature_set, classifier, point, auc_out_of_fold, chosen, remark``: what ranked the classifiers.
    tuning : DataFrame
        Every AUC that tuned: ``feature_set, classifier, training, point, auc, chosen, remark``.
    chosen : dict of str to str
        Feature set -> best classifier by out-of-fold AUC.
    auc_choice_repeated : dict of str to float
        Feature set -> out-of-fold AUC when the choice of the classifier is repeated in every fold: the headline
        out-of-fold AUC less what choosing the best of several by it adds.
    selections : dict
        Feature set -> what was held out -> selection.
    reliability : dict of str to Reliability
        Matrix -> filter by reproducibility, where it was applied.
    findings : Findings or None
        The coded clinical findings.
    clinical : dict
        What was held out -> clinical model; empty without findings.
    deep_head : DeepHead or None
        The network's own head.
    dlrn : LinearModel or None
        The nomogram model.
    final : dict
        (feature set, classifier) -> fitted classifier.
    scanners : ScannerEffect or None
        How features differ between scanners, before and after harmonisation; None where it was not measured.
    absent : dict of str to str
        Headline model (clinical, rad, dl, dlr, dlrn) that was not fitted -> why.
    notes : tuple of Note
        What was not done, or done otherwise, and why.
    recalibrations : dict of str to Recalibration
        Model -> its map to recalibrated probabilities.
    useless : dict of str to str
        Model that does not rank patients better than chance out of fold -> what shows it.
    risk_cuts : dict of str to tuple of float
        Headline model -> probabilities at which the next group of risk begins.
    resamples : Resamples or None
        The chain repeated in bootstrap samples; None where none was asked for.
    subsamples : Subsamples or None
        The selection repeated in subsamples; None where none was asked for.
    spread : Spread or None
        How the delivered output of the fused model spreads on training patients left out of bootstrap samples, against the
        nomogram's input; None where there is no nomogram or too few samples.
    imputed : Imputed or None
        The account of multiple imputation; None where another rule meets missing findings.
    """

    predictions: pd.DataFrame
    thresholds: dict[str, float]
    classifiers: pd.DataFrame
    tuning: pd.DataFrame
    chosen: dict[str, str]
    auc_choice_repeated: dict[str, float]
    selections: dict[str, dict[HeldOut, Selection]]
    reliability: dict[str, Reliability]
    findings: Findings | None
    clinical: dict[HeldOut, ClinicalFit]
    deep_head: DeepHead | None
    dlrn: LinearModel | None
    final: dict[tuple[str, str], FinalFit]
    scanners: ScannerEffect | None
    absent: dict[str, str]
    notes: tuple[Note, ...]
    recalibrations: dict[str, Recalibration]
    useless: dict[str, str]
    risk_cuts: dict[str, tuple[float, ...]]
    resamples: Resamples | None
    subsamples: Subsamples | None = None
    spread: Spread | None = None
    imputed: Imputed | None = None

    def write(self, folder: Path) -> None:
        """Write all but the predictions to `folder`: JSON, CSV and, for classifiers that are not linear, skops."""
        write_thresholds(self.thresholds, folder / "thresholds.json")
        _write_json(
            {
                "chosen": self.chosen,
                "auc_choice_repeated": self.auc_choice_repeated,
                "absent": self.absent,
                "useless": self.useless,
                "notes": [asdict(note) for note in self.notes],
            },
            folder / "learned.json",
        )
        _write_json({name: _selection(by_rows) for name, by_rows in self.selections.items()}, folder / "selection.json")
        _write_json(
            {
                name: _path(path, by_rows[()].lambda_)
                for name, by_rows in self.selections.items()
                if (path := by_rows[()].lasso) is not None
            },
            folder / "lasso.json",
        )
        _write_json(
            {name: _reliability(found) for name, found in self.reliability.items()}, folder / "reliability.json"
        )
        _write_json(_scanners(self.scanners) if self.scanners else None, folder / "scanners.json")
        _write_json(self._clinical(), folder / "clinical.json")
        _write_json(self.dlrn.to_dict() if self.dlrn else None, folder / "dlrn.json")
        _write_json(self.deep_head.to_dict() if self.deep_head else None, folder / "deep_head.json")
        _write_json(
            {name: found.to_dict() for name, found in self.recalibrations.items()}, folder / "recalibration.json"
        )
        _write_json(self.risk_cuts, folder / "risk_groups.json")
        _write_json(self.resamples.account() if self.resamples else None, folder / "resamples.json")
        _write_json(self.subsamples.account() if self.subsamples else None, folder / "stability.json")
        _write_json(self.spread.to_dict() if self.spread else None, folder / "spread.json")
        _write_json(self.imputed.account if self.imputed else None, folder / "imputation.json")
        if self.imputed and len(self.imputed.probabilities):
            with replacing(folder / "imputed.parquet") as temporary:
                self.imputed.probabilities.to_parquet(temporary, index=False)
        if self.resamples:
            with replacing(folder / "resamples.parquet") as temporary:
                self.resamples.to_frame().to_parquet(temporary, index=False)
        for name, table in (("classifiers", self.classifiers), ("tuning", self.tuning)):
            write_text(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
        for (feature_set, classifier), fit in self.final.items():
            write_classifier(fit, feature_set, classifier, folder / "classifiers")

    def _clinical(self) -> dict[str, Any] | None:
        if self.findings is None:
            return None
        body: dict[str, Any] = {
            "dropped": self.findings.dropped,
            "columns": {name: asdict(column) for name, column in self.findings.columns.items()},
        }
        if () in self.clinical:
            fit = self.clinical[()]
            body |= {
                "screening": json.loads(fit.screening.table.to_json(orient="records", double_precision=15)),
                "predictors": list(fit.predictors),
                "model": fit.model.to_dict() if fit.model else None,
                "predictors_by_fold": {
                    described(rows): list(other.predictors) for rows, other in self.clinical.items() if len(rows) == 1
                },
            }
        return body


def _selection(by_rows: dict[HeldOut, Selection]) -> dict[str, Any]:
    whole = by_rows[()]
    return {
        "steps": [asdict(step) for step in whole.steps],
        "features": list(whole.prepared.features),
        "mean": list(whole.prepared.mean),
        "sd": list(whole.prepared.scale),
        "coefficients": whole.coefficients,
        "intercept": whole.intercept,
        "lambda": whole.lambda_,
        "reason": whole.prepared.reason,
        "n": whole.n,
        "n_events": whole.n_events,
        "by_fold": {
            described(rows): {
                "features": list(part.prepared.features),
                "counts": {step.name: step.n_out for step in part.steps},
                "reason": part.prepared.reason,
            }
            for rows, part in by_rows.items()
            if rows
        },
    }


def _path(path: LassoPath, chosen: float | None) -> dict[str, Any]:
    table = path.to_frame()
    ever = np.flatnonzero((path.coef != 0).any(axis=0))
    return {
        "family": path.family,
        "measure": path.measure,
        "n_folds": int(path.folds.max()) + 1 if path.folds is not None else None,
        "n_features": len(path.features),
        "lambda": path.lambdas.tolist(),
        "df": path.df.tolist(),
        "cv_mean": table["cv_mean"].tolist(),
        "cv_se": table["cv_se"].tolist(),
        "lambda_min": path.lambda_min,
        "lambda_1se": path.lambda_1se,
        "chosen": chosen,
        "coefficients": {path.features[j]: path.coef[:, j].tolist() for j in ever},
    }


def _reliability(found: Reliability) -> dict[str, Any]:
    table = {
        str(feature): {
            reading: None if np.isnan(value) else value for reading, value in zip(found.table.columns, row, strict=True)
        }
        for feature, row in zip(found.table.index, found.table.to_numpy(dtype=np.float64).tolist(), strict=True)
    }
    return {"n_kept": len(found.kept), "dropped": found.dropped, "table": table}


def _scanners(found: ScannerEffect) -> dict[str, Any]:
    shares = {
        f"{matrix}/{state}": part["share"].tolist()
        for (matrix, state), part in found.features.groupby(["matrix", "state"], sort=False)
    }
    return {"counts": found.counts, "table": found.table.to_dict("records"), "shares": shares}


def _write_json(body: Any, path: Path) -> None:
    write_text(path, json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
