"""Table of internal validation: how the apparent performance of the headline models shrinks as it is judged more honestly."""

from __future__ import annotations

from vcfstats.contracts.records import Record, record_key
from vcfstats.reporting import absence, values
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents.layout import breakable, row_sources
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import Column, Table

# Column -> its heading, the key of its record after the model's name stands in for {}, its width, whether with an interval.
_AUCS = {
    "apparent": ("Apparent", "apparent/{}/auc", 9, False),
    "out_of_fold": ("Out of fold", "out_of_fold/{}/auc", 9, False),
    "within": ("Within folds", "out_of_fold/{}/auc_within_folds", 8, False),
    "corrected": ("Corrected (CI)", "model/{}/auc_corrected", 17, True),
    "out_of_bag": ("Out of bag", "model/{}/auc_out_of_bag", 8, False),
    "plus": (".632+", "model/{}/auc_632plus", 7, False),
    "testing": ("Testing (CI)", "testing/{}/auc", 17, True),
}
_CALIBRATION = {
    "slope": ("Slope", "model/{}/calibration_slope_corrected", 7, False),
    "intercept": ("Intercept", "model/{}/calibration_intercept_corrected", 10, False),
}


def validation_table(study: Study) -> Table | Absent:
    """Return the apparent, out-of-fold, within-fold, optimism-corrected, out-of-bag, .632+ and testing AUC of each headline model.

    Where networks were trained within folds, each model that sees one follows with one network for all folds.
    """
    shown = [name for name in study.info.models if f"model/{name}/resamples" in study.records]
    if why := absence.validation(study):
        return Absent(why)
    columns = [
        Column("model", "Model", width=8),
        *(Column(name, label, "right", width=width) for name, (label, _, width, _) in (_AUCS | _CALIBRATION).items()),
    ]
    labels = {**study.info.models, **study.info.variants}
    rows = [
        {"model": labels[name]}
        | {
            column: _cell(study, key.format(name), whole=whole)
            for column, (_, key, _, whole) in (_AUCS | _CALIBRATION).items()
        }
        for name in sorted(labels, key=lambda name: [*study.info.models].index(name.removesuffix("_one_network")))
        if name in shown or name in study.info.variants
    ]
    table = Table.of(columns, rows)
    if study.info.variants:
        table = table.with_note(
            "One network: the network had seen every training patient, so that its out-of-fold value flatters it; the other rows have "
            "networks trained without each fold. No network is refitted in a bootstrap sample, which is why these rows have no such values of their own."
        )
    for name in shown:
        record = study.records[f"model/{name}/resamples"]
        failed = study.records.get(f"model/{name}/resamples_failed")
        lost = f"; {failed.value} of them failed" if failed is not None and failed.value else ""
        table = table.with_note(
            f"{study.info.models[name]}: {record.value} bootstrap samples of patients{lost}; in each, {record.method}."
        )
    table = table.with_note(
        "Within folds: over pairs of an event and a non-event whose probabilities come from the same fit. "
        "Corrected: apparent value less its mean optimism (Harrell), slope and intercept of calibration likewise; out of bag: mean over the "
        "samples in the patients not drawn; .632+: apparent and out-of-bag value weighted by the degree of overfitting. Of models that fit "
        "their own patients almost perfectly Harrell's correction takes too little away: believe the out-of-bag and .632+ values."
    )
    if any(_without_interval(study.records.get(f"model/{name}/auc_corrected")) for name in shown):
        table = table.with_note(
            "An interval of a corrected value has the percentiles of the apparent value over the samples, less the mean optimism. None is given "
            "where a model fits its samples almost perfectly, so that these percentiles say nothing of the patients."
        )
    return table.with_note(
        "The filter by reproducibility and the readers' agreement know no outcome and were not repeated. AUC, area under the receiver "
        "operating characteristic curve; CI, confidence interval."
    )


def stability_table(study: Study) -> Table | Absent:
    """Return in which share of the subsamples each kept feature was selected, one row group for each feature set."""
    if why := absence.stability(study):
        return Absent(why)
    frame = study.rows("selection_frequency")
    frame = frame[frame["kept"] == "yes"]
    columns = [
        Column("feature", "Feature", width=70),
        Column("frequency", "Selected in subsamples", "right", width=30),
    ]
    table = Table.of(
        columns,
        [
            {"feature": breakable(str(row["feature"])), "frequency": f"{100 * row['frequency']:.0f}%"}
            for row in frame.to_dict("records")
        ],
        groups=[study.info.feature_sets.get(str(name), str(name)) for name in frame["feature_set"]],
        sources=row_sources(study, "selection_frequency", frame),
    )
    for name, label in study.info.feature_sets.items():
        record = study.records.get(f"model/{name}/selection_stability")
        if record is None:
            continue
        shown = (
            values.full(record)
            if record.value is not None
            else f"not estimable ({study.reason(record_key('model', name, 'selection_stability'))})"
        )
        size = study.records.get(f"model/{name}/selection_mean_size")
        features = (
            f"; {size.value:.1f} features kept on average" if size and isinstance(size.value, int | float) else ""
        )
        table = table.with_note(f"{label}: stability {shown}{features}; {record.method}.")
    return table.with_note(
        "Stability: 1 where every subsample keeps the same features, 0 where they are no more alike than by chance; features that stand for one another count as different."
    )


def _without_interval(record: Record | None) -> bool:
    return record is not None and isinstance(record.value, float) and record.ci_low is None


def _cell(study: Study, key: str, *, whole: bool) -> str:
    record = study.records.get(key)
    if record is None or record.value is None:
        return "–"
    limits = values.interval(record) if whole else ""
    return study.sourced(f"{values.point(record)} ({limits})" if limits else values.point(record), key)
