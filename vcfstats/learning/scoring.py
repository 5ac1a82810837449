"""The headline models as they score patients whom nobody has seen: whole in JSON and skops, nothing is unpickled."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vcfstats.contracts.files import write_text
from vcfstats.contracts.strict import finite_numbers, strict_json
from vcfstats.learning.artefacts import StoredClassifier, read_classifier, write_classifier
from vcfstats.learning.clinical import Covariate, code_findings
from vcfstats.learning.deephead import DeepHead, slices_of
from vcfstats.learning.fusion import OUTPUT, fusion_design
from vcfstats.learning.harmonisation import context_columns
from vcfstats.learning.imputation import Imputer
from vcfstats.learning.learned import Learned
from vcfstats.learning.linear import Column, LinearModel
from vcfstats.learning.pooled import averaged, each_probability
from vcfstats.learning.recalibration import Recalibration
from vcfstats.learning.settings import ClinicalSettings, FusionSettings, LearningSettings
from vcfstats.learning.work import BEST_OF

# The model that a bundle is named for, of those that were fitted the first: the whole chain before its parts.
ORDER = ("dlrn", "dlr", "rad", "dl", "clinical")
FILE = "models.json"
_NAME = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True)
class Outside:
    """An input outside what the training patients showed.

    Attributes
    ----------
    case_id, variable : str
        Which case, which predictor.
    value, low, high : float
        What was found, and the training range.
    """

    case_id: str
    variable: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Scored:
    """New cases, scored.

    Attributes
    ----------
    probabilities : DataFrame
        Index case_id, one column a headline model, in the order of `ORDER`; NaN where a finding is missing and nothing
        stands in for it. Where several imputations do, the mean of their probabilities.
    recalibrated : DataFrame
        The same, set right by the maps learned on out-of-fold probabilities of the training patients; a column for each
        model that has such a map, none where the study recalibrated nothing.
    design : DataFrame
        What enters the nomogram model: the fused model's output on its scale (``dlr``) and the clinical columns, NaN where
        a finding is missing and not filled.
    outside : tuple of Outside
        Numbers outside the training range of a predictor.
    features_outside, n_features : dict
        Model (rad, dlr) -> selected image features outside their training range, by case; and how many it has.
    """

    probabilities: pd.DataFrame
    recalibrated: pd.DataFrame
    design: pd.DataFrame
    outside: tuple[Outside, ...]
    features_outside: dict[str, pd.Series]
    n_features: dict[str, int]


@dataclass(frozen=True)
class Scorer:
    """The headline models of a study, fitted on its training patients.

    Attributes
    ----------
    columns : dict of str to Column
        Column of the clinical design -> what it means.
    fill : Series or None
        What stands in for a missing finding; None: a case with a missing finding gets no clinical probability.
    clinical, dlrn : LinearModel or None
        The clinical and the nomogram model.
    best : dict of str to StoredClassifier
        rad and dlr: the chosen classifier of their features.
    head : DeepHead or None
        The network's own probability (dl).
    fusion : FusionSettings
        How the fused model's output enters the nomogram model.
    preserved : tuple of str or None
        Findings whose effect harmonisation preserves; None where nothing is harmonised, and no scanner is asked for.
    imputer : Imputer or None
        What stands in for a missing finding, several times; None where `fill` or nothing does.
    recalibrations : dict of str to Recalibration
        Headline model -> its map to recalibrated probabilities; empty where the study recalibrated nothing.
    useless : dict of str to str
        Headline model that does not rank patients better than chance out of fold -> what shows it.
    spread : str
        That the fused model's output spreads otherwise than what the nomogram was fitted to; empty where it does not.
    """

    columns: dict[str, Column]
    fill: pd.Series | None
    clinical: LinearModel | None
    dlrn: LinearModel | None
    best: dict[str, StoredClassifier]
    head: DeepHead | None
    fusion: FusionSettings
    preserved: tuple[str, ...] | None = None
    imputer: Imputer | None = None
    recalibrations: dict[str, Recalibration] = field(default_factory=dict)
    useless: dict[str, str] = field(default_factory=dict)
    spread: str = ""

    @property
    def models(self) -> tuple[str, ...]:
        """The models there are, in the order of `ORDER`."""
        have = {*self.best}
        for name, model in (("dlrn", self.dlrn), ("clinical", self.clinical), ("dl", self.head)):
            if model is not None:
                have.add(name)
        return tuple(name for name in ORDER if name in have)

    @property
    def variables(self) -> tuple[str, ...]:
        """The clinical findings that the models need, in order."""
        models = [model for model in (self.dlrn, self.clinical) if model is not None]
        found = dict.fromkeys([term.variable for model in models for term in model.terms] + list(self.preserved or ()))
        return tuple(name for name in found if name != OUTPUT)

    @property
    def helpful(self) -> tuple[str, ...]:
        """Further findings that tell what a missing one may be; a cohort need not have them."""
        own = [model.variable for model in self.imputer.models] if self.imputer is not None else []
        return tuple(name for name in own if name not in self.variables)

    def score(
        self, cohort: pd.DataFrame, covariates: Mapping[str, Covariate], matrices: Mapping[str, pd.DataFrame]
    ) -> Scored:
        """Score cases.

        Parameters
        ----------
        cohort : DataFrame
            Index case_id, a column for each of `variables`, for those of `helpful` that there are and, where features are
            harmonised, ``scanner``; other columns are not looked at.
        covariates : mapping
            Finding -> type and levels, as the models were fitted.
        matrices : mapping
            ``radiomics`` and ``deep``, as the models' settings extract them; rows for every case.

        Raises
        ------
        InputError
            A feature is missing from the matrices, or a case cannot be harmonised.
        """
        with threadpool_limits(1):  # as the models were fitted: the same bits on any machine
            return self._score(cohort, covariates, matrices)

    def _score(
        self, cohort: pd.DataFrame, covariates: Mapping[str, Covariate], matrices: Mapping[str, pd.DataFrame]
    ) -> Scored:
        index = cohort.index
        beside = [] if self.preserved is None else [context_columns(cohort, covariates, self.preserved)]
        features = pd.concat([*(frame.loc[index] for frame in matrices.values()), *beside], axis=1)
        found: dict[str, Any] = {name: model.predict(features) for name, model in self.best.items()}
        if self.head is not None:
            found["dl"] = self.head.predict(slices_of(matrices["deep"].loc[index])[0])
        helpful = [name for name in self.helpful if name in cohort]
        read = {name: covariates[name] for name in (*self.variables, *helpful)}
        # A level of theirs that no model knows says nothing: it is as good as missing.
        strange = {
            name: cohort[name].where(cohort[name].isin(read[name].levels)) for name in helpful if read[name].levels
        }
        findings = code_findings(cohort.assign(**strange), read, {}, ClinicalSettings(kappa_above=None)).design
        if self.fill is not None:
            findings = findings.fillna(self.fill)
        completed = (findings,) if self.imputer is None else self.imputer.complete(findings)
        if self.clinical is not None:
            found["clinical"] = averaged(each_probability(self.clinical, completed))
        output = found.get("dlr", np.full(len(index), np.nan))
        design = fusion_design(output, findings, self.fusion)
        if self.dlrn is not None:
            designs = [fusion_design(output, part, self.fusion) for part in completed]
            found["dlrn"] = averaged(each_probability(self.dlrn, designs))
            design = design[[term.column for term in self.dlrn.terms]]
        maps = {name: self.recalibrations[name] for name in self.models if name in self.recalibrations}
        return Scored(
            probabilities=pd.DataFrame({name: found[name] for name in self.models}, index=index),
            recalibrated=pd.DataFrame({name: own.apply(found[name]) for name, own in maps.items()}, index=index),
            design=design,
            outside=tuple(self._outside(design)),
            features_outside={
                name: pd.Series(model.outside(features), index=index) for name, model in self.best.items()
            },
            n_features={name: len(model.features) for name, model in self.best.items()},
        )

    def _outside(self, design: pd.DataFrame) -> list[Outside]:
        model = self.dlrn or self.clinical
        found = []
        for term in model.terms if model is not None else ():
            if term.level is None:
                values = design[term.column]
                logits = term.variable == OUTPUT and self.fusion.scale == "logit"  # told as probabilities
                for case_id, value in values[(values < term.low) | (values > term.high)].items():
                    told = [float(expit(x)) if logits else float(x) for x in (value, term.low, term.high)]
                    found.append(Outside(str(case_id), term.variable, *told))
        return found


def write_scorer(learned: Learned, settings: LearningSettings, folder: Path) -> None:
    """Write the headline models of a study: ``models.json`` and the chosen classifiers."""
    harmonised = settings.selection.harmonisation
    fit = learned.clinical.get(())
    best = {model: name for model, name in BEST_OF.items() if name in learned.chosen}
    body = {
        "columns": {name: asdict(column) for name, column in learned.findings.columns.items()}
        if learned.findings
        else {},
        "fill": None if fit is None or fit.fill is None else {str(k): float(v) for k, v in fit.fill.items()},
        "imputer": None if fit is None or fit.imputer is None else fit.imputer.to_dict(),
        "clinical": fit.model.to_dict() if fit is not None and fit.model is not None else None,
        "dlrn": learned.dlrn.to_dict() if learned.dlrn else None,
        "deep_head": learned.deep_head.to_dict() if learned.deep_head else None,
        "best": {model: [name, learned.chosen[name]] for model, name in best.items()},
        "fusion": settings.fusion.model_dump(mode="json"),
        "recalibrations": {
            name: learned.recalibrations[name].to_dict() for name in ORDER if name in learned.recalibrations
        },
        "useless": {name: learned.useless[name] for name in ORDER if name in learned.useless},
        "spread": learned.spread.warning if learned.spread else "",
        "preserved": None if harmonised.method == "none" else list(harmonised.covariates),
    }
    for name in best.values():
        write_classifier(learned.final[name, learned.chosen[name]], name, learned.chosen[name], folder / "classifiers")
    write_text(folder / FILE, json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_scorer(folder: Path) -> Scorer:
    """Read what `write_scorer` wrote.

    Raises
    ------
    InputError
        A classifier's file is missing or holds a type outside the allow-list.
    ValueError, KeyError, TypeError
        The JSON is not what `write_scorer` writes; a caller that reads a user's file says so in words.
    """
    body = strict_json((folder / FILE).read_text(encoding="utf-8"))
    for feature_set, classifier in body["best"].values():
        if not (_NAME.fullmatch(feature_set) and _NAME.fullmatch(classifier)):
            raise ValueError(f"a classifier {feature_set}.{classifier}, whose name is none")
    scorer = Scorer(
        columns={name: Column(**column) for name, column in body["columns"].items()},
        fill=None if body["fill"] is None else pd.Series(body["fill"], dtype=np.float64),
        clinical=LinearModel.from_dict(body["clinical"]) if body["clinical"] else None,
        dlrn=LinearModel.from_dict(body["dlrn"]) if body["dlrn"] else None,
        best={
            str(model): read_classifier(folder / "classifiers", feature_set, classifier)
            for model, (feature_set, classifier) in body["best"].items()
        },
        head=DeepHead.from_dict(body["deep_head"]) if body["deep_head"] else None,
        fusion=FusionSettings.model_validate(body["fusion"]),
        preserved=None if body["preserved"] is None else tuple(body["preserved"]),
        imputer=Imputer.from_dict(body["imputer"]) if body.get("imputer") else None,
        recalibrations={
            str(model): Recalibration.from_dict(own) for model, own in body.get("recalibrations", {}).items()
        },
        useless={str(model): str(why) for model, why in body.get("useless", {}).items()},
        spread=str(body["spread"]),
    )
    _check_numbers(scorer)
    return scorer


def _check_numbers(scorer: Scorer) -> None:
    """Check what JSON alone does not: numbers where the models compute with them, as many as they need."""
    for model in (scorer.clinical, scorer.dlrn):
        if model is not None:
            terms = [
                number
                for term in model.terms
                for number in (term.coefficient, term.low, term.high, term.mean, term.scale)
            ]
            finite_numbers([model.intercept, *terms], f"{model.name}: a coefficient or range")
            size = len(model.terms) + 1
            if model.covariance is not None and [len(row) for row in model.covariance] != [size] * size:
                raise ValueError(f"{model.name}: a covariance that is not {size} by {size}")
    if (head := scorer.head) is not None:
        finite_numbers([head.intercept], "intercept of the network's layer")
        if not head.mean.shape == head.scale.shape == head.coefficients.shape == (len(head.units),):
            raise ValueError(f"numbers of the network's layer that do not fit its {len(head.units)} units")
        if not (head.scale > 0).all():
            raise ValueError("a standard deviation of the network's layer that is not above 0")
    for name, own in scorer.recalibrations.items():
        if own.intercept is not None and own.slope is not None:
            finite_numbers([own.intercept, own.slope], f"{name}: recalibration")
        elif not own.x or len(own.x) != len(own.y) or list(own.x) != sorted(own.x):
            raise ValueError(f"{name}: a recalibration whose steps do not ascend")
