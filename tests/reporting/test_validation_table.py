"""The table of internal validation, with and without networks trained within folds."""

from pathlib import Path
from types import SimpleNamespace

from vcfstats.contracts.records import Record, record_key
from vcfstats.reporting.contents import validation_table
from vcfstats.reporting.study import Study

AUCS = {"apparent": "0.990", "out_of_fold": "0.850", "testing": "0.830"}


def study(variants):
    found = []
    for name in ("clinical", "dl", *variants):
        for kind, shown in AUCS.items():
            value = float(shown) + (0.1 if kind == "out_of_fold" and name in variants else 0)
            found.append(Record(kind=kind, model=name, estimate="auc", value=value, stage="evaluate"))
    for name in ("clinical", "dl"):
        method = "tuning and fit were repeated"
        found.append(Record(kind="model", model=name, estimate="resamples", value=50, method=method, stage="evaluate"))
        found.append(Record(kind="model", model=name, estimate="auc_corrected", value=0.8, stage="evaluate"))
    info = SimpleNamespace(models={"clinical": "Clinical", "dl": "DL"}, variants=variants)
    return Study(
        Path("made-up"), info, {record_key(record.kind, record.model, record.estimate): record for record in found}
    )


def test_one_network_stands_below_its_model_in_the_same_table():
    table = validation_table(study({"dl_one_network": "DL (one network)"}))
    frame = table.to_frame().set_index("model")
    assert list(frame.index) == ["Clinical", "DL", "DL (one network)"]
    assert list(frame["out_of_fold"]) == ["0.850", "0.850", "0.950"]
    assert list(frame["corrected"]) == ["0.800", "0.800", "–"]
    assert any("flatters" in note for note in table.notes)


def test_without_trained_networks_nothing_is_said_of_them():
    table = validation_table(study({}))
    assert list(table.to_frame()["model"]) == ["Clinical", "DL"]
    assert not any("network" in note for note in table.notes)
