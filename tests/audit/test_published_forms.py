"""Forms and faults met in published tables, retyped small: each was misread once."""

import pandas as pd
import pytest

from vcfstats import audit_table
from vcfstats.audit.table.columns import cohort_name, column_role, stated_n
from vcfstats.audit.table.files import read_tables


@pytest.fixture
def audited(tmp_path):
    def run(text, **options):
        (tmp_path / "table.csv").write_text(text, encoding="utf-8")
        return audit_table(read_tables(tmp_path / "table.csv"), **options)

    return run


def hard(audit):
    return [(f.severity, f.check, f.where) for f in audit.findings if f.severity != "note"]


HEADS = "Model,{},PPV,NPV\n"
NAMES = [
    ("Pos Pred Value", "ppv"), ("Neg Pred Value", "npv"), ("Sensitivity/recall", "sensitivity"), ("SE (recall)", "sensitivity"), ("Sn (%)", "sensitivity"),
    ("Ac (%)", "accuracy"), ("+LR", "lr_positive"), ("−LR", "lr_negative"), ("LR (+)", "lr_positive"), ("+PV", "ppv"), ("-PV", "npv"), ("FNR", "fnr"),
    ("False discovery rate (%)", "fdr"), ("1-Specificity", "fpr"), ("Youden Index J", "youden"), ("Cohen's kappa", "kappa"), ("MCC", "mcc"), ("Bal. Acc.", "balanced_accuracy"),
    ("AUCa (95% CI)", "auc"), ("Sensitivity† (95% CI)", "sensitivity"), ("Area", "auc"), ("Std. Error", "se"), ("f1-score", "f1"), ("support", "events"), ("TPP (n)", "called"),
    ("Sensitivität (%)", "sensitivity"), ("Spezifität", "specificity"), ("Positiver prädiktiver Wert", "ppv"), ("Fläche unter der Kurve", "auc"), ("Genauigkeit", "accuracy"),
    ("灵敏度", "sensitivity"), ("特异度（%）", "specificity"), ("准确率", "accuracy"), ("阳性预测值", "ppv"), ("阴性预测值", "npv"), ("曲线下面积（95%置信区间）", "auc"),
    ("95% CI for sensitivity", "sensitivity:ci"), ("Asymptotic 95% Confidence Interval Lower Bound", "ci_low"), ("Precision (weighted)", "averaged"),
    ("Criterion", "threshold"), ("P value*", "p"), ("Low", ""), ("Upper", ""),
]  # fmt: skip


@pytest.mark.parametrize(("heading", "role"), NAMES)
def test_names_that_papers_and_programs_print(heading, role):
    assert column_role(heading)[0] == role


def test_cohorts_in_other_languages():
    assert [cohort_name(name) for name in ("Trainingskohorte", "训练集", "外部验证集", "Testdatensatz")] == [
        "training",
        "training",
        "external",
        "testing",
    ]
    assert stated_n("Training (n = 1 164)") == 1164
    assert stated_n("Male, n = 12 (5%)") == 12


def test_metrics_in_rows_below_lines_of_their_own(audited):
    """26/45 = 0.578 and 34/45 = 0.756 stand as 0.644 and 0.689 in the second block; n stands in its heading."""
    audit = audited(
        "Cohort,Nomogram,Clinical,Rad-score\nTraining cohort (n=108),,,\nAUC (95% CI),\"0.830 (0.746, 0.896)\",\"0.766 (0.675, 0.842)\",\"0.744 (0.651, 0.823)\"\n"
        "ACC,0.778,0.704,0.704\nSEN,0.768,0.652,0.638\nSPE,0.795,0.795,0.821\nValidation cohort (n=45),,,\nACC,0.822,0.644,0.689\nSEN,0.759,0.483,0.655\nSPE,0.938,0.75,0.938\n"
    )  # fmt: skip
    mends = [f.mend for f in audit.findings]
    assert len(mends) == 2
    assert "accuracy 0.578 = 26/45 for 0.644" in mends[0]
    assert "accuracy 0.756 = 34/45 for 0.689" in mends[1]
    assert {(c.cohort, c.n, c.events) for c in audit.cohorts} == {("training", 108, 69), ("validation", 45, 29)}


def test_n_in_the_headings_over_metrics_in_rows(audited):
    audit = audited(
        "Metric,Training (n = 164),Testing (n = 70)\nAccuracy,0.762,0.696\nSensitivity,0.770,0.083\nSpecificity,0.757,1.000\n"
    )
    assert hard(audit) == [("impossible", "confusion matrix", "row 2 (Testing (n = 70))")]  # 48/70 = 0.686


TWO_LINES = (
    "Model,Training Cohort,,,,,External Validation Cohort,,,,\n,SPE,NPV,ACC,AUC,95% CI,SPE,NPV,ACC,AUC,95% CI\n"
    "A,0.757,0.848,0.762,0.939,0.905–0.974,0.739,0.810,0.714,0.822,0.692–0.953\nB,0.757,0.848,0.762,0.937,0.899–0.975,0.739,0.810,0.714,0.786,0.649–0.923\n"
)  # fmt: skip


def test_cohorts_above_metrics(audited):
    audit = audited(TWO_LINES)
    assert audit.verdict == "nothing found"
    assert audit.to_text().startswith("Table audit: Nothing found in 20 of 20 figures")
    assert set(audit.rows["cohort"]) == {"training", "external"}
    frame = pd.DataFrame(
        [line.split(",") for line in TWO_LINES.splitlines()[1:]], columns=TWO_LINES.splitlines()[0].split(",")
    )
    assert set(audit_table(frame).rows["cohort"]) == {"training", "external"}  # as a reader of CSV gives it


def test_a_heading_over_many_models(audited):
    """Task 2 has 78 and 76 patients; 26/33 = 78.8, printed 78.7. The models of the tasks share their names."""
    audit = audited(
        "Evaluation Index,Task 1,,,Task 2,,,,,,\n,Model,D1,D2,Model,D1,D2,D3,D4,D5,D6\nAccuracy (%),90.3,89.9,86.1,89.0,87.7,80.5,82.5,77.9,73.4,63.0\n"
        "Sensitivity (%),92.8,92.2,93.4,85.9,89.7,84.6,83.3,78.2,87.2,91.0\nSpecificity (%),84.3,84.3,68.6,92.1,85.5,76.3,81.6,77.6,59.2,34.2\n"
        "PPV (%),93.4,93.3,87.6,91.8,86.4,78.6,82.3,78.2,68.7,58.7\nNPV (%),83.1,81.9,81.4,86.4,89.0,82.9,82.7,77.6,81.8,78.7\n"
    )  # fmt: skip
    assert hard(audit) == [("inconsistent", "confusion matrix", "row 10 (D6-Task 2)")]
    assert "NPV 78.8%" in audit.findings[0].mend
    assert not [f for f in audit.findings if f.severity == "note"]


def test_programs_names_are_read_and_their_faults_found(audited):
    caret = audited(
        "Model,Accuracy,Sensitivity,Specificity,Pos Pred Value,Neg Pred Value\nLR,0.762,0.770,0.757,0.653,0.848\nSVM,0.762,0.770,0.757,0.653,0.948\n"
    )
    assert hard(caret) == [("impossible", "confusion matrix", "row 2 (SVM)")]
    short = audited(
        "Prediction,Type,AUC,Sn (%),Sp (%),Ac (%),PPV (%),NPV (%)\nCF,Type I,0.834,72.53%,78.70%,75.50%,78.57%,72.68%\n,Type II,0.845,71.63%,78.82%,77.49%,42.45%,92.65%\n"
    )
    assert hard(short) == [("impossible", "confusion matrix", "row 2 (CF, Type II)")]  # 45/63 = 71.43
    chinese = audited(
        "模型,队列,灵敏度（%）,特异度（%）,准确率（%）,阳性预测值（%）,阴性预测值（%）\nA,训练集,77.0,75.7,76.2,65.3,84.8\nB,训练集,77.0,75.7,76.2,65.3,94.8\n"
    )
    german = audited(
        "Modell;Kohorte;Sensitivität;Spezifität;Genauigkeit;PPW;NPW\nA;Trainingskohorte;0,770;0,757;0,762;0,653;0,848\nB;Trainingskohorte;0,770;0,757;0,762;0,653;0,948\n"
    )
    for audit in (chinese, german):
        assert [(f.severity, f.check) for f in audit.findings] == [("impossible", "confusion matrix")]
        assert "10 of 10 figures checked" in audit.to_text()


def test_spss_prints_limits_below_their_heading(audited):
    audit = audited(
        "Area Under the Curve,,,,,\nTest Result Variable(s),Area,Std. Error,Asymptotic Sig.,Asymptotic 95% Confidence Interval,\n,,,,Lower Bound,Upper Bound\n"
        "score,.820,.030,.000,.761,.879\nage,.700,.051,.001,.800,.600\n"
    )  # fmt: skip
    assert hard(audit) == [("impossible", "interval order", "Area Under the Curve, row 2 (age), AUC interval")]


LEVELS = [
    ("Variables,Low Rad-score group,High Rad-score group,P\nDifferentiated degree,,,< 0.001\nHigh,15,0,\nMedium,59,33,\nLow,11,27,\nVascular invasion,,,0.006\nNo,51,22,\nYes,34,38,\n"),
    ("Clinical factors,Training dataset (n = 188),Validation dataset (n = 80),P\nLocation,,,0.339\nLower,65(34.6),21(26.3),\nMiddle,119(63.3),56(70.0),\nUpper,4(2.1),3(3.7),\n"
     "CEA level,,,0.329\nNormal,120(63.8),46(57.5),\nAbnormal,68(36.2),34(42.5),\n"),
    ("Variables,Benign (n = 85),Malignant (n = 60),P\nDifferentiation,,,\nHigh,15,0,\nMedium,59,33,\nLow,11,27,\n"),
]  # fmt: skip


@pytest.mark.parametrize("text", LEVELS)
def test_levels_named_low_or_upper_are_no_limits(text, audited):
    audit = audited(text)
    assert [table.kind for table in audit.tables] == ["baseline"]
    assert not audit.findings


def test_groups_named_low_and_high_with_their_n_below(audited):
    """45 of 114 are 39.5% and 69 are 60.5%; printed are 50 and 64. p = 0.009 confirms it."""
    audit = audited(
        ",All,Low,High,P\n,N = 229,N = 114,N = 115,\nAge,,,,0.009*\n<65,72 (31.4%),50 (39.5%),27 (23.5%),\n≥65,157 (68.6%),64 (60.5%),88 (76.5%),\n"
        "Gender,,,,0.119\nFemale,58 (25.3%),34 (29.8%),24 (20.9%),\nMale,171 (74.7%),80 (70.2%),91 (79.1%),\n"
    )  # fmt: skip
    assert {f.check for f in audit.findings} == {"groups and all", "percentage", "p value"}
    assert all("Age" in f.where for f in audit.findings)
    right = audited(
        ",All,Low,High,P\n,N = 229,N = 114,N = 115,\nAge,,,,0.009*\n<65,72 (31.4%),45 (39.5%),27 (23.5%),\n≥65,157 (68.6%),69 (60.5%),88 (76.5%),\n"
    )  # fmt: skip
    assert not right.findings


def test_a_baseline_table_given_alone(audited, tmp_path):
    file = tmp_path / "b.csv"
    file.write_text("Variable,Training (n=164),Testing (n=70),P\nMale,73 (44.5),32 (45.7),0.98\n", encoding="utf-8")
    assert audit_table([], baseline=read_tables(file)).verdict == "nothing found"


def test_ordered_levels_may_have_been_ranked(audited):
    """H of Kruskal and Wallis on the levels in their order; Pearson's chi-square gives another p."""
    audit = audited("Variable,A (n=60),B (n=60),chi-square,P\nGrade,,,6.36,0.012\n1,30,18,,\n2,20,22,,\n3,10,20,,\n")
    assert not audit.findings, audit.to_text()


def test_statistic_p_and_counts(audited):
    """Pearson's chi-square of 73, 91 | 32, 38 is 0.03 with p 0.866; t = 1.76 with 232 df gives 0.080."""
    text = "Variables,Training set (n = 164),Test set (n = 70),χ2/t,P\nGender (male/female),73/91,32/38,{},{}\nAge (years),64.33±14.14,60.97±11.37,{},{}\n"
    assert not audited(text.format("0.03", "0.866", "1.76", "0.080")).findings
    assert {f.check for f in audited(text.format("3.03", "0.866", "1.76", "0.080")).findings} == {"statistic"}
    assert {f.check for f in audited(text.format("0.03", "0.866", "2.76", "0.080")).findings} == {"statistic and p"}


def test_footnotes_marks_percent_and_lost_brackets(audited):
    audit = audited(
        'Cohort,Model,AUC (95% CI),SEN (%),SPE (%),ACC (%)\nTrain,U,"0.832 (0.802–0.862)a, b","77.0a, b",75.7,"76.2a, b"\n,UR,0.931 (0.911–0.952)c,77.0c,75.7,76.2c\n'
        ",URC,0.7910.636-0.946),77.0,75.7,76.2\n"
    )  # fmt: skip
    assert hard(audit) == []
    assert [f.check for f in audit.findings] == ["unread"]
    assert "11 of 12 figures" in audit.to_text()
    assert audit.to_text().startswith("Table audit: Read in part")


def test_thousands_parted_by_any_blank(audited):
    for blank in ("\u2009", "\u00a0", "\u202f", " ", ","):
        number = f'"12{blank}345"'
        audit = audited(
            f'Model,N,TP,FP,FN,TN,Sensitivity,Specificity\nA,{number},"1{blank}000",345,"1{blank}000","10{blank}000",50.0,96.7\n'
        )
        assert not audit.findings, (blank, audit.to_text())
        assert audit.cohorts[0].n == 12345


def test_a_spread_in_brackets_makes_an_average(audited):
    audit = audited(
        "Model,AUC,Accuracy,Sensitivity,Specificity,PPV,NPV\nSVM,0.82 (0.04),0.751 (0.05),0.702 (0.06),0.780 (0.07),0.672 (0.08),0.809 (0.03)\n"
    )
    assert [f.check for f in audit.findings] == ["averaged rates"]
    assert audit.verdict == "not checkable"


def test_one_rate_under_two_names(audited):
    audit = audited(
        ",Radiomics,Clinical,Combined\nSensitivity (%),97.52,73.91,78.26\nSpecificity (%),65.85,85.37,87.80\nTrue positive rate (%),99.12,73.91,78.26\n"
        "False negative rate (%),1.55,26.09,21.74\nFalse positive rate (%),34.15,14.63,12.20\nRecall,0.98,0.73,0.78\n"
    )  # fmt: skip
    assert [(f.severity, f.where, f.printed) for f in audit.findings] == [
        ("inconsistent", "row 1 (Radiomics), sensitivity", "97.52% and 99.12%"),
        ("inconsistent", "row 1 (Radiomics), sensitivity", "97.52% and 1.55%"),
        ("note", "row 2 (Clinical), sensitivity", "73.91% and 0.73"),  # 17/23, cut off
    ]
    alone = audited("Model,FNR,FPR,Accuracy\nA,0.230,0.243,0.790\n")
    assert hard(alone) == [("impossible", "confusion matrix", "row 1 (A)")]  # of 0.770 and 0.757 no mean is 0.790


def test_numbers_called_positive(audited):
    """47 of 223 are 21.1%: no count is 21.0%; the events of the other rows are 588 to 590."""
    rows = (
        "LR,9.7,99.6,53.3,95.7,107\nRF,15.1,99.1,46.1,96.0,193\nANN,3.6,99.9,53.8,95.5,39\nDT,24.9,94.6,18.5,96.3,793\n"
    )
    head = "Model,Sensitivity (%),Specificity (%),PPV (%),NPV (%),TPP (n)\n"
    assert not audited(head + rows).findings
    assert hard(audited(f"{head}{rows}NB,8.3,98.5,21.0,95.6,223\n")) == [
        ("inconsistent", "called positive", "row 5 (NB), PPV")
    ]
    other = audited(f"{head}{rows}NB,8.3,98.5,21.1,95.6,223\n")
    assert hard(other) == [("inconsistent", "called positive", "row 5 (NB)")]
    assert "563 to 569 events" in other.findings[0].arithmetic


def test_an_interval_that_no_method_gives(audited):
    """48 of 51 have 0.838 to 0.988 by Clopper and Pearson, 0.841 to 0.980 by Wilson."""
    head = "Model,Cohort,Sensitivity,Specificity,Accuracy,95% CI for sensitivity\n"
    found = audited(f"{head}M,Test (n = 102),0.941,0.549,0.745,0.9218-0.9573\n").findings
    assert [(f.severity, f.check) for f in found] == [("note", "interval of a rate")]
    for right in ("0.838-0.988", "0.841-0.980", "0.876-1.000"):
        assert not audited(f"{head}M,Test (n = 102),0.941,0.549,0.745,{right}\n").findings


def test_p_of_two_paired_aucs(audited):
    """SE 0.074 and 0.051 leave the difference of 0.14 an SE of 0.023 to 0.125, and p below 0.28."""
    text = "Model,AUC (95% CI),P value*\nA,0.72 (0.57–0.86),Reference\nA + B,0.86 (0.76–0.96),{}\n"
    assert not audited(text.format("0.04")).findings
    assert [(f.severity, f.check) for f in audited(text.format("0.60")).findings] == [("note", "p of two AUCs")]


def test_the_verdict_counts_what_was_not_understood(audited):
    audit = audited("Model,AUC,Sensitivity,Specificity,Frobnication\nA,0.80,0.70,0.80,0.77\n")
    assert audit.to_text().startswith("Table audit: Read in part: no contradiction in the 3 of 4 figures")
    assert "Frobnication = NOT UNDERSTOOD" in audit.to_text()
    none = audited("Model,AUC,Cut-off\nA,0.80,0.5\nB,0.81,0.4\n")
    assert none.verdict == "not checkable"
    assert none.to_text().startswith("Table audit: Not checkable: none of 4 figures")


def test_more_patients_than_are_searched(audited):
    audit = audited(
        "Models,Accuracy,Sensitivity,Specificity,PPV,NPV\nCART,0.7870,0.8181,0.7845,0.2322,0.9819\nLightGBM,0.7799,0.8237,0.7764,0.2269,0.9822\n"
        "RF,0.7663,0.8217,0.7619,0.2156,0.9817\nXGBoost,0.8314,0.8180,0.8324,0.2800,0.9829\n"
    )  # fmt: skip
    assert not audit.findings
    assert "of 4 rows fit" not in audit.to_text()
    assert "held against every share of events" in audit.to_text()


def test_titles_pasted_as_they_stand(audited):
    body = "Model,Accuracy,Sensitivity,Specificity,PPV,NPV\nA,0.762,0.770,0.757,0.653,0.848\nB,0.762,0.770,0.757,0.653,0.948\n"
    for text in (
        f"Table 2. Performance\n{body}",
        f"Table 2. Performance\n\n{body}",
        f"Table 1. Characteristics\nVariable,All,Training,Testing\nMale,105 (44.87),73 (44.51),32 (45.71)\nTable 2. Performance\n{body}",
    ):
        assert hard(audited(text)) == [("impossible", "confusion matrix", "Table 2, row 2 (B)")]


def test_labels_that_go_on_downwards(audited):
    audit = audited(
        "Model,Cohort,Accuracy,Sensitivity,Specificity,PPV,NPV\nLR,Training,0.762,0.770,0.757,0.653,0.848\n,,,,,,\nSVM,,,,,,\n,Training,0.762,0.770,0.757,0.653,0.948\n"
    )
    assert hard(audit) == [("impossible", "confusion matrix", "row 2 (SVM-Training)")]
    thresholds = audited(
        "Model,Threshold,Accuracy,Sensitivity,Specificity\nA,0.1,0.585,0.951,0.369\nA,0.3,0.762,0.770,0.757\n"
    )
    assert list(thresholds.rows["model"]) == ["A, 0.1", "A, 0.3"]
    numbered = audited("Radiomics score,Accuracy,Sensitivity,Specificity\n1,0.684,0.797,0.570\n2,0.668,0.683,0.677\n")
    assert hard(numbered) == [("impossible", "confusion matrix", "row 2 (2)")]


def test_findings_stand_on_their_cells(audited):
    audit = audited(
        "Model,Accuracy,Sensitivity,Specificity,PPV,NPV\nA,0.762,0.770,0.757,0.653,0.848\nB,0.762,0.770,0.757,0.653,0.948\n"
    )
    finding = audit.findings[0]
    assert finding.cells == tuple((0, 1, column) for column in range(1, 6))
    page = audit.to_html()
    assert page.count('<td class="impossible" title=') == 5
    assert f'href="#f{finding.id}"' in page
