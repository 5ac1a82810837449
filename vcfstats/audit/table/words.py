"""Headings in German and Chinese, brought to the English words that the audit knows."""

from __future__ import annotations

import re
import unicodedata

# The longer phrase stands before the shorter one that it holds.
_GERMAN = (
    ("flache unter der (?:roc-?)?kurve", "auc"), ("positiver pradiktiver wert", "ppv"), ("negativer pradiktiver wert", "npv"),
    ("positiver vorhersagewert", "ppv"), ("negativer vorhersagewert", "npv"), (r"\bppw\b", "ppv"), (r"\bnpw\b", "npv"),
    ("positives? likelihood-?(?:verhaltnis|quotient)", "positive likelihood ratio"),
    ("negatives? likelihood-?(?:verhaltnis|quotient)", "negative likelihood ratio"),
    ("sensitivitat", "sensitivity"), ("spezifitat", "specificity"), (r"\bspez\b\.?", "spec"),
    ("(?:treffer)?genauigkeit|korrektklassifikationsrate", "accuracy"), ("prazision", "precision"),
    ("youden-?index", "youden index"), ("konfidenzintervall", "confidence interval"), (r"\b(9\d) ?%-?ki\b", r"\1% ci"), (r"\bki\b", "ci"),
    ("trainings(?:kohorte|datensatz|gruppe|menge|set)", "training cohort"), ("test(?:kohorte|datensatz|gruppe|menge)", "test cohort"),
    ("externe validierung(?:skohorte)?", "external validation"), ("interne validierung(?:skohorte)?", "internal validation"),
    ("validierungs(?:kohorte|datensatz|gruppe|menge|set)", "validation cohort"), ("kohorten?", "cohort"), ("datensatz", "dataset"),
    ("modelle?", "model"), ("untergrenze|untere grenze", "lower limit"), ("obergrenze|obere grenze", "upper limit"),
    ("anzahl(?: der patienten)?", "number"), ("patienten", "patients"), ("schwellenwert", "threshold"), ("p-?wert", "p value"),
    ("merkmale?|variablen?|parameter", "variable"), (r"\bgesamt(?:kohorte)?\b", "total"),
    ("richtig[- ]?positive?", "tp"), ("falsch[- ]?positive?", "fp"), ("richtig[- ]?negative?", "tn"), ("falsch[- ]?negative?", "fn"),
)  # fmt: skip
_CHINESE = (
    ("曲线下面积", "AUC"), ("阳性预测值", "PPV"), ("阴性预测值", "NPV"), ("阳性似然比", "positive likelihood ratio"), ("阴性似然比", "negative likelihood ratio"),
    ("假阳性率", "FPR"), ("假阴性率", "FNR"), ("真阳性率", "TPR"), ("真阴性率", "TNR"), ("真阳性", "TP"), ("假阳性", "FP"), ("真阴性", "TN"), ("假阴性", "FN"),
    ("平衡准确率", "balanced accuracy"), ("灵敏度|敏感度|敏感性|灵敏性", "sensitivity"), ("特异度|特异性", "specificity"), ("准确率|准确度|准确性|正确率", "accuracy"),
    ("精确率|精确度|精准率|查准率", "precision"), ("召回率|查全率", "recall"), ("约登指数|尤登指数", "youden index"), ("F1 ?(?:值|分数|得分)", "F1 score"),
    ("置信区间|可信区间", "confidence interval"), ("外部(?:验证|测试)(?:集|组|队列)?", "external validation"), ("内部验证(?:集|组|队列)?", "internal validation"),
    ("训练(?:集|组|队列)", "training set"), ("测试(?:集|组|队列)", "test set"), ("验证(?:集|组|队列)", "validation set"), ("队列|数据集|组别", "cohort"),
    ("模型|分类器", "model"), ("样本量|例数|病例数|人数", "n"), ("阈值|截断值|临界值", "threshold"), ("[Pp] ?值", "P value"), ("变量|特征|指标|因素", "variable"),
    ("下限", "lower limit"), ("上限", "upper limit"), ("合计|总体|全部|总计", "total"), ("标准误", "standard error"),
)  # fmt: skip
_BROAD = {ord(sign): chr(ord(sign) - 0xFEE0) for sign in map(chr, range(0xFF01, 0xFF5F))}


def english(text: str) -> str:
    """Return a heading with the German and Chinese words that the audit knows in English; any other text as it is."""
    if text.isascii():
        plain = text
    else:
        plain = text.translate(_BROAD)
        if re.search(r"[\u4e00-\u9fff]", plain):
            for word, meaning in _CHINESE:
                plain = re.sub(word, f" {meaning} ", plain)
            plain = re.sub(r"\s+", " ", plain).strip()
        # ä to a: accents decide nothing among these words
        plain = "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))
    for word, meaning in _GERMAN if _SOME_GERMAN.search(plain) else ():
        plain = re.sub(word, meaning, plain, flags=re.IGNORECASE)
    return plain


_SOME_GERMAN = re.compile("|".join(f"(?:{word})" for word, _ in _GERMAN), re.IGNORECASE)
