"""Performance tables in other shapes, what is never flagged, claims of other papers."""

import pandas as pd
import pytest

from vcfstats import audit_table
from vcfstats.audit.table.files import read_tables
from vcfstats.contracts.errors import InputError

N = {"training": 164, "testing": 70}
SHAPES = {
    "cells with intervals and counts": "Model,AUC (95% CI),Accuracy (%),Sensitivity (%),Specificity (%)\n"
    "A,0.78 (0.70–0.86),72.6 (119/164),68.9 (42/61),74.8 (77/103)\n"
    "B,0.85 (0.79–0.91),78.0 (128/164),80.3 (49/61),76.7 (79/103)\n",
    "section lines, semicolons, decimal commas": "Model;AUC;95%CI;ACC;SEN;SPE\nTraining cohort;;;;;\n"
    "LR;0,820;0,761 ~ 0,880;0,671;0,131;0,990\nSVM;0,775;0,702 ~ 0,848;0,762;0,770;0,757\nTesting cohort;;;;;\n"
    "LR;0,794;0,696 ~ 0,892;0,700;0,125;1,000\nSVM;0,681;0,539 ~ 0,822;0,714;0,667;0,739\n",
    "cohorts in the headings": "Model,AUC training,ACC training,SEN training,SPE training,AUC testing,ACC testing,SEN testing,SPE testing\n"
    "LR,0.820,0.671,0.131,0.990,0.794,0.700,0.125,1.000\nSVM,0.775,0.762,0.770,0.757,0.681,0.714,0.667,0.739\n",
    "metrics in rows": ",LR training,SVM training,LR test,SVM test\n"
    "AUC (95% CI),0.820 (0.761-0.880),0.775 (0.702-0.848),0.794 (0.696-0.892),0.681 (0.539-0.822)\n"
    "Accuracy,0.671,0.762,0.700,0.714\nSensitivity,0.131,0.770,0.125,0.667\nSpecificity,0.990,0.757,1.000,0.739\n",
    "several tables with titles": "Table 2. Clinical models,,,\nModel,ACC,SEN,SPE\nLR-training,0.671,0.131,0.990\n\n"
    "Table 3. Radiomics,,,\nModel,ACC,SEN,SPE\nLR-training,0.835,0.721,0.903\n",
    "merged cells, percent signs": "Model,Cohort,AUC,95%CI,Sen,Spe,Acc\nLR,Training,0.820,0.761-0.880,13.1%,99.0%,67.1%\n"
    ",Testing,0.794,0.696-0.892,12.5%,100%,70.0%\nSVM,Training,0.775,0.702-0.848,77.0%,75.7%,76.2%\n"
    ",Testing,0.681,0.539-0.822,66.7%,73.9%,71.4%\n",
    "other words": "Method,Cohort,AUROC,Youden index,Recall,Precision,F1-score\n"
    "RF,Train (n=164),0.808,0.528,0.770,0.653,0.707\nRF,Test (n=70),0.778,0.406,0.667,0.571,0.615\n",
    "middle dots": "Model,Set,AUROC (95% CI),Sens,Spec,PPV,NPV\nA,train,0·82 (0·76–0·88),77·0%,75·7%,65·3%,84·8%\n"
    "B,train,0·86 (0·80–0·92),90·2%,71·8%,65·5%,92·5%\nA,test,0·79 (0·70–0·88),66·7%,73·9%,57·1%,81·0%\n",
    "matrix given": "Model,TP,FP,FN,TN,Sensitivity,Specificity,F1\nA,47,25,14,78,0.770,0.757,0.707\n",
}  # fmt: skip


@pytest.fixture
def audited(tmp_path):
    def run(text, **options):
        file = tmp_path / "table.csv"
        file.write_text(text, encoding="utf-8")
        return audit_table(read_tables(file), **options)

    return run


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_read_and_consistent(shape, audited):
    audit = audited(SHAPES[shape])
    assert not audit.findings, audit.to_text()
    counts = {c.cohort: c.events for c in audit.cohorts}
    cohort = next(iter(counts))
    assert counts[cohort] == 61, audit.to_text()
    assert audit.checked["confusion matrices"] == len(audit.rows)


@pytest.mark.parametrize("shape", [s for s in SHAPES if "training" in SHAPES[s].lower()])
def test_shapes_with_n(shape, audited):
    audit = audited(SHAPES[shape], n={c: v for c, v in N.items() if c == "training" or "test" in SHAPES[shape].lower()})
    assert not audit.findings, audit.to_text()
    assert set(audit.rows["cohort"]) <= {"training", "testing"}
    assert (audit.rows["matrices"] == 1).all()


def test_one_figure_changed_is_found_in_each_shape(audited):
    changed = {
        "0.671": "0.761",
        "67.1%": "76.1%",
        "0,671": "0,761",
        "68.9 (42/61)": "69.8 (42/61)",
        "0.707": "0.770",
        "77·0%": "70·7%",
    }
    for shape, text in SHAPES.items():
        old = next(figure for figure in changed if figure in text)
        n = {"training": 164} if "train" in text.lower() and "n=164" not in text else None
        audit = audited(text.replace(old, changed[old], 1), n=n)
        assert not audit.is_consistent, shape


def test_never_flagged(audited):
    """0/0 printed as 0, operating points shared on few binary predictors, averages, classes with their own events."""
    shared = (
        "Model,AUC,ACC,SEN,SPE,PPV,NPV\nSVM,0.775,0.762,0.770,0.757,0.653,0.848\nRF,0.808,0.762,0.770,0.757,0.653,0.848\n"
        "MLP,0.789,0.762,0.770,0.757,0.653,0.848\nLGBM,0.797,0.628,0.000,1.000,0.000,0.628\n"
    )
    assert {(f.severity, f.check) for f in audited(shared, n=164).findings} == {("note", "undefined rate")}
    folds = "Model,AUC,Accuracy,Sensitivity\nA,0.82 ± 0.03,0.67 ± 0.05,0.80 ± 0.02\n"
    assert {f.check for f in audited(folds, n=10).findings} == {"averaged rates"}
    weighted = (
        "Model,Accuracy,Precision,Recall,F1\nA,0.80,0.81,0.80,0.80\nB,0.75,0.74,0.75,0.74\nC,0.70,0.72,0.70,0.70\n"
    )
    assert audited(weighted, n=100).is_consistent
    classes = (
        "Class,Sensitivity,Specificity,PPV,NPV,Accuracy\nmild,0.800,0.900,0.842,0.871,0.860\n"
        "moderate,0.700,0.886,0.724,0.873,0.830\nsevere,0.750,0.975,0.882,0.940,0.930\n"
    )
    assert audited(classes, n=100).is_consistent


def test_auc_against_operating_point_and_steps(audited):
    """Sensitivity 0.9 and specificity 0.9: between 0.81 and 0.99. With 3 + 4 patients an AUC is a multiple of 1/24."""
    point = audited("Model,AUC,SEN,SPE\nA,0.650,0.900,0.900\n")
    assert [(f.severity, f.check) for f in point.findings] == [("inconsistent", "AUC and operating point")]
    steps = audited("Model,AUC\nA,0.810\nB,0.833\n", n=7, events=3)
    assert [(f.where, f.mend) for f in steps.findings] == [("row 1 (A), AUC", "0.7917 or 0.8333 for 0.810")]


def test_counts_in_cells(audited):
    audit = audited("Model,Sensitivity,PPV\nA,68.9 (42/61),62.7 (42/67)\nB,68.9 (43/61),62.7 (42/67)\n")
    checks = [(f.severity, f.check, f.where) for f in audit.findings]
    assert ("impossible", "counts in cells", "row 2 (B), sensitivity") in checks
    assert ("impossible", "counts in cells", "row 2 (B)") in checks  # TP is 43 by one cell, 42 by the other
    assert not [c for c in checks if "row 1" in c[2]]


def test_numeric_frames_keep_their_lost_zeros():
    frame = pd.DataFrame(
        {"model": list("ABC"), "acc": [0.7, 0.714, 0.686], "sens": [0.125, 0.667, 0.083], "spec": [1.0, 0.739, 1.0]}
    )
    audit = audit_table(frame, n=70)
    assert not audit.findings
    assert audit.cohorts[0].events == 24


CLAIMS = [
    ("The SVM reached an AUC of 0.775 (95% CI: 0.702-0.848) in the training cohort.", None),
    ("The SVM reached an AUC of 0.757 (95% CI: 0.702-0.848) in the training cohort.", "inconsistent"),
    ("AUCs ranged from 0.775 to 0.820 in the training set.", None),
    ("AUCs ranged from 0.761 to 0.880 in the training set.", "inconsistent"),
    ("In testing, LR had a sensitivity of 12.5% and an accuracy of 70.0%.", None),
    ("In testing, LR had a sensitivity of 15.2%.", "inconsistent"),
    ("Patients were followed for 12 to 36 months.", None),
]


@pytest.mark.parametrize(("claim", "severity"), CLAIMS)
def test_claims(claim, severity, audited):
    text = (
        "Model,Cohort,AUC,95%CI,Sen,Spe,Acc\nLR,Training,0.820,0.761-0.880,13.1%,99.0%,67.1%\n"
        "LR,Testing,0.794,0.696-0.892,12.5%,100%,70.0%\nSVM,Training,0.775,0.702-0.848,77.0%,75.7%,76.2%\n"
        "SVM,Testing,0.681,0.539-0.822,66.7%,73.9%,71.4%\n"
    )
    audit = audited(text, n=N, claims=[claim])
    assert [f.severity for f in audit.findings if f.check == "claim"] == ([severity] if severity else [])


def test_errors(audited, tmp_path):
    with pytest.raises(ValueError, match="neither a performance table"):
        audited("a,b\n1,2\n")
    with pytest.raises(
        ValueError, match="n speaks of 'validation', which no table has; its cohorts are 'training', 'testing'"
    ):
        audited(SHAPES["cohorts in the headings"], n={"validation": 3})
    with pytest.raises(ValueError, match="ci_method must be one of"):
        audited(SHAPES["matrix given"], ci_method="guess")
    with pytest.raises(ValueError, match="n must lie between 2 and 1,000,000"):
        audited(SHAPES["cohorts in the headings"], n={"training": 1})
    with pytest.raises(ValueError, match="has no rows"):
        audit_table(pd.DataFrame({"AUC": []}))
    with pytest.raises(ValueError, match="must be a DataFrame"):
        audit_table(["x.csv"])
    for name, content, message in (
        ("no.csv", None, "no such file"),
        ("b.csv", b"PK\0\0", "binary file"),
        ("e.csv", b"\n", "no table"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_tables(tmp_path / name)


def test_encodings(tmp_path):
    text = "Model;AUC;95%CI\nA;0,82;0,76–0,88\n"
    for name, data in (
        ("utf8", text.encode("utf-8-sig")),
        ("utf16", text.encode("utf-16")),
        ("windows", text.encode("cp1252")),
    ):
        (tmp_path / f"{name}.csv").write_bytes(data)
        audit = audit_table(read_tables(tmp_path / f"{name}.csv"))
        assert audit.checked["interval order"] == 1
