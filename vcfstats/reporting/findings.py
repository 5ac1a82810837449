"""Sentences on the whole study: its patients, its selection, its models side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from vcfstats.reporting import absence, values, wording
from vcfstats.reporting.contents.layout import per_parameter
from vcfstats.reporting.study import KINDS, Study
from vcfstats.reporting.values import Text, compose, join


def flow(study: Study) -> Text:
    """Say how many patients were screened, or that nobody knows."""
    if why := absence.flow(study):
        return why
    rows = study.rows("flow")
    count = {str(step): cell("flow", str(step), f"{int(part['n'].sum()):,}") for step, part in rows.groupby("step")}
    return compose(
        "Of {screened} patients screened, {excluded} were excluded and {included} included.",
        screened=count["screened"],
        excluded=count.get("excluded", "none"),
        included=count["included"],
    )


def features(study: Study) -> Text:
    """Say how many features of each kind there are."""
    parts = []
    if study.has("design/n_features_radiomics"):
        parts.append(
            compose(
                "In all, {n} radiomic features of each case were computed by the definitions of PyRadiomics {version} {cite}.",
                n=study.point("design/n_features_radiomics"), version=study.words("pyradiomics_version"), cite=Text("", "[@vangriethuysen2017]"),
            )
        )  # fmt: skip
    if study.has("design/n_features_deep"):
        parts.append(study.words("slices", "trunk", "cross_fit"))
        parts.append(compose("These were {n} features of each case.", n=study.point("design/n_features_deep")))
        parts.append(study.words("deep_head"))
    else:
        parts.append(Text.of("No deep features were computed."))
    return join(parts)


def selection(study: Study) -> Text:
    """Say how many features the selection kept of each feature set."""
    parts = []
    for name, label in study.info.feature_sets.items():
        key = f"model/{name}/n_features_kept"
        if not study.has(key):
            continue
        if study.record(key).value == 0:
            why = study.record(key).method
            parts.append(
                compose(
                    "Of the feature set {name}, the selection kept no feature{why}.",
                    name=label,
                    why=f": {why}" if why else "",
                )
            )
            continue
        penalty = f"model/{name}/lambda_chosen"
        at = (
            compose(" at a penalty λ of {value}", value=study.point(penalty))
            if _known(study, penalty)
            else Text("", "")
        )
        parts.append(
            compose("Of the feature set {name}, {n} features were kept{at}.", name=label, n=study.point(key), at=at)
        )
    return join(parts) if parts else Text.of("No feature was selected.")


def chosen(study: Study) -> Text:
    """Say which classifier was best on each feature set, and what choosing costs."""
    parts = []
    for name, label in study.info.feature_sets.items():
        if not _known(study, f"model/{name}/best_classifier"):
            continue
        best = study.point(f"model/{name}/best_classifier")
        repeated = f"model/{name}/auc_choice_repeated"
        also = (
            compose("; with this choice repeated within every fold the AUC was {auc}", auc=study.point(repeated))
            if _known(study, repeated)
            else Text("", "")
        )
        parts.append(
            compose(
                "On the feature set {name}, {best} had the largest out-of-fold AUC{also}.",
                name=label,
                best=best,
                also=also,
            )
        )
    return join(parts) if parts else Text.of("No classifier was fitted.")


def aucs(study: Study, kind: str) -> Text:
    """List the AUC of every headline model in one set of predictions."""
    known = [name for name in study.info.models if study.has(f"{kind}/{name}/auc")]
    if not known:
        return compose("{where}, no model gave predictions.", where=wording.capital(KINDS[kind][1]))
    listed = [_auc(study, name, f"{kind}/{name}/auc") for name in known]
    begin = "{where}, the AUC was {listed}." if len(listed) == 1 else "{where}, the AUCs were: {listed}."
    said = compose(begin, where=wording.capital(KINDS[kind][1]), listed=join(listed, "; "))
    within = [name for name in known if study.has(f"{kind}/{name}/auc_within_folds")]
    if not within:
        return said
    # Pooled over folds, a fit whose probabilities are all somewhat lower ranks its patients below those of other fits.
    by_fold = [_auc(study, name, f"{kind}/{name}/auc_within_folds") for name in within]
    return join([said, compose("Over pairs of patients of one fold alone: {listed}.", listed=join(by_fold, "; "))])


def _auc(study: Study, model: str, key: str) -> Text:
    name, value = study.info.models[model], study.value(key)
    if study.record(key).value is None:
        return compose("{name} {value} ({reason})", name=name, value=value, reason=study.reason(key))
    return compose("{name} {value}", name=name, value=value)


def summary(study: Study) -> Text:
    """Say the main result, for the abstract."""
    kinds = study.kinds()
    if not kinds:
        return Text.of("No model was fitted: there is no performance to report.")
    return join([aucs(study, kinds[-1]), primary_comparison(study)])


def primary_difference(study: Study) -> tuple[float, float, float] | None:
    """Return the difference in AUC that the primary comparison gave, first model less second, with its limits."""
    names = study.info.primary_comparison
    kinds = [kind for kind in ("testing", "external") if kind in study.kinds()]
    pairs = study.rows("comparison")
    found = pairs[(pairs["primary"] == "yes") & pairs["kind"].isin(kinds[-1:])]
    if len(names) != 2 or found.empty:
        return None
    row = found.iloc[0]
    sign = 1.0 if row["model_a"] == names[0] else -1.0
    low, high = sorted((sign * float(row["low"]), sign * float(row["high"])))
    return sign * float(row["difference"]), low, high


def primary_comparison(study: Study) -> Text:
    """Say what the comparison named beforehand gave: an interval that includes zero is no difference shown."""
    names = study.info.primary_comparison
    if len(names) != 2:
        return Text.of("No primary comparison was named beforehand.")
    first, second = (_name(study, name) for name in names)
    kinds = [kind for kind in ("testing", "external") if kind in study.kinds()]
    pairs = study.rows("comparison")
    found = pairs[(pairs["primary"] == "yes") & pairs["kind"].isin(kinds[-1:])]
    shown = primary_difference(study)
    if found.empty or shown is None:
        return compose(
            "The primary comparison, {first} against {second}, could not be made{why}: the supplement's notes say why.",
            first=first, second=second, why=_unfitted(study, names),
        )  # fmt: skip
    row = found.iloc[0]
    difference, low, high = shown
    key = f"{kinds[-1]}, {names[0]} - {names[1]}"
    begin = compose(
        "The primary comparison, {first} against {second}, gave a difference in AUC of {difference} ({level} CI {interval}; {p})",
        first=first,
        second=second,
        difference=cell("comparison", key, values.decimal(difference, 3)),
        level=study.percent("design/confidence_level"),
        interval=cell("comparison", key, f"{values.decimal(low, 3)} to {values.decimal(high, 3)}"),
        p=cell("comparison", key, values.p_phrase(row["p_value"])),
    )
    if pd.isna(low) or low == high:
        return compose("{begin}; without an interval, it cannot be judged.", begin=begin)
    if low > 0:
        return compose("{begin}: the AUC of {first} was larger.", begin=begin, first=first)
    if high < 0:
        return compose("{begin}: the AUC of {second} was larger.", begin=begin, second=second)
    return compose(
        "{begin}: the interval includes zero, so that a difference was not shown, nor that there is none.", begin=begin
    )


def _unfitted(study: Study, names: Sequence[str]) -> str:
    absent = [_name(study, name) for name in names if name not in study.info.models]
    return f", since {wording.listed(absent)} {'was' if len(absent) == 1 else 'were'} not fitted" if absent else ""


def comparisons(study: Study) -> Text:
    """Say how the other pairs were compared."""
    if study.rows("comparison").empty:
        return Text.of("There were no two models to compare.")
    return Text.of(
        "All pairs of models stand in the supplement. On apparent predictions no p value is printed: the models were fitted to these very patients."
    )


def regression(study: Study) -> Text:
    """Say what became of the clinical findings: modelled together, screened out, or not modelled at all, and why."""
    if why := absence.regression(study):
        return why
    key = "model/clinical/n_findings_entered"
    entered = study.record(key).value if study.has(key) else None
    if "clinical" in study.info.models and entered != 0:
        return Text.of("The clinical findings were modelled by logistic regression on the training set.")
    alone = Text.of("Each clinical finding was modelled by itself by logistic regression on the training set.")
    if entered == 0:
        alone = compose(
            "{alone} No finding passed the univariable screening, so that none entered a multivariable regression.",
            alone=alone,
        )
    if "clinical" in study.info.models:
        return alone
    reason = absence.why_not(study, "clinical")
    return compose(
        "{alone} There is no clinical model{why}.", alone=alone, why=f": {reason}" if reason else "; the notes say why"
    )


def nomogram(study: Study, figure: str) -> Text:
    """Say how to read the nomogram, and where it is, or why there is none."""
    if why := absence.nomogram(study):
        return why
    return compose(
        "In the nomogram of the combined model, the points of a patient's values, read off the uppermost axis and added, give the probability "
        "below their total. See {figure}.",
        figure=Text(f"@{figure}", f"@{figure}"),
    )


def spread(study: Study) -> Text:
    """Say whether the nomogram's input spreads on new patients as where it was fitted; nothing where that is not known."""
    key = "model/dlrn/input_spread"
    if not study.has(key):
        return Text("", "")
    record = study.record(key)
    who = (
        "the internal test set"
        if "internal test set" in (record.method or "")
        else "patients left out of bootstrap samples"
    )
    differs = record.ci_low is not None and record.ci_high is not None and not record.ci_low <= 1 <= record.ci_high
    return compose(
        "The standard deviation of the fused model's output in {who} was {ratio} times that of the probabilities that the nomogram was fitted to{end}",
        who=who,
        ratio=study.value(key),
        end=", so that its probabilities there are to be read with care." if differs else ".",
    )


def combined(study: Study) -> Text:
    """Say how the nomogram model is made; of one that could not be fitted, only that and why."""
    return absence.nomogram(study) or study.words("fusion")


def followup(study: Study) -> Text:
    """Say whether follow-up is known, and its median."""
    if why := absence.followup(study):
        return why
    key = "cohort/all/median_followup"
    how = Text.of(
        "Follow-up is described by the reverse Kaplan-Meier estimate, in which the end of observation is the event."
    )
    if not study.has(key):
        return how
    unit = study.record(key).unit or ""
    if study.record(key).value is None:
        return join(
            [how, Text.of("More than half of the patients were still observed at the end: the median was not reached.")]
        )
    return join(
        [how, compose("Its median was {value}{unit}.", value=study.value(key), unit=f" {unit}" if unit else "")]
    )


def sample_size(study: Study) -> Text:
    """Say how many events there were for each candidate parameter, and how many cases were asked for."""
    frame = study.rows("sample_size")
    parts = []
    for row in frame[frame["purpose"] == "development"].to_dict("records"):
        name = str(row["subject"])
        parts.append(
            compose(
                "{name}: {per} events for each of {count} candidate parameters, {n} cases at hand of {least} asked for",
                name=name, per=cell("sample_size", name, per_parameter(row["events_per_parameter"])),
                count=cell("sample_size", name, f"{int(row['parameters']):,}"), n=cell("sample_size", name, f"{int(row['n']):,}"),
                least=cell("sample_size", name, f"{int(row['minimum_n']):,}"),
            )
        )  # fmt: skip
    if not parts:
        return absence.sample_size(study) or Text.of("No sample size was calculated for any feature set.")
    return compose(
        "Sample size was not planned for these models; it is judged afterwards. {parts}. The numbers asked for are those of a regression on all candidates "
        "at once, without a selection or a penalty.",
        parts=join(parts, "; "),
    )


def missing(study: Study) -> Text:
    """Say whether anything is missing."""
    if why := absence.missing(study):
        return why
    said = []
    for what, none, some in (
        ("values", "No value of a variable is missing.", "Values are missing, {n} in all."),
        (
            "predictions",
            "Every headline model gave every case a prediction.",
            "Headline models gave no prediction {n} times.",
        ),
    ):
        key = f"cohort/all/n_missing_{what}"
        if study.has(key):
            said.append(compose(some, n=study.point(key)) if study.record(key).value else Text.of(none))
    return join(said)


def imputation(study: Study) -> Text:
    """Say of how many cases findings were imputed, and how often."""
    key = "model/clinical/imputations"
    if not study.has(key):
        return Text.of("Multiple imputation was not used.")
    return compose(
        "Findings were imputed {m} times in {training} training cases and {testing} cases of the internal test set that lack one.",
        m=study.point(key),
        training=study.point("model/clinical/imputed_training"),
        testing=study.point("model/clinical/imputed_testing"),
    )


def subgroups(study: Study, model: str) -> Text:
    """Say which model's subgroups are shown, how a subgroup is judged, and how many held too few events."""
    if why := absence.subgroups(study, model):
        return why
    frame = study.rows("subgroups")
    own = frame[frame["model"] == model]
    few = int((own["remark"] != "").sum())
    key = "design/subgroup_minimum"
    least = study.point(key) if study.has(key) else Text.of("the least number of")
    end = (
        compose(
            "{few} of {all} subgroups held fewer and have none",
            few=cell("subgroups", model, str(few)),
            all=cell("subgroups", model, str(len(own))),
        )
        if few
        else Text.of("all did")
    )
    return compose(
        "The AUC of the {name} model is described by level of each covariate and was not tested between levels; a subgroup has one if it held at "
        "least {least} events and as many non-events: {end}.",
        name=study.info.models[model], least=least, end=end,
    )  # fmt: skip


def agreement(study: Study) -> Text:
    """Say whether the findings were read twice."""
    if why := absence.agreement(study):
        return why
    return Text.of("The findings were read twice; agreement is described by Cohen's kappa.")


def scanners(study: Study) -> Text:
    """Say on which scanners the training cases were examined and how many features differ between these."""
    if why := absence.scanners(study):
        return why
    counts, effect = study.rows("scanners"), study.rows("scanner_effect")
    listed = join(
        [
            compose("{name} ({n})", name=str(name), n=cell("scanners", str(name), f"{int(n):,}"))
            for name, n in zip(counts["scanner"], counts["n"], strict=True)
        ],
        ", ",
    )
    said = [compose("Training cases were examined on these scanners: {listed}.", listed=listed)]
    kinds = {"radiomics": "radiomic", "deep": "deep"}
    for kind, rows in effect.groupby("matrix", sort=False):
        at = {row["state"]: row for row in rows.to_dict("records")}
        shown = {
            state: cell("scanner_effect", f"{kind}, {state}, location", f"{int(at[state]['location']):,}")
            for state in ("before", "out_of_fold")
        }
        total = cell("scanner_effect", f"{kind}, n_features", f"{int(at['before']['n_features']):,}")
        said.append(
            compose(
                "Of {total} {kind} features, the location of {before} differed between scanners; of {after} after ComBat that had not seen the case.",
                total=total, kind=kinds[str(kind)], before=shown["before"], after=shown["out_of_fold"],
            )
        )  # fmt: skip
    return join(said)


def training(study: Study) -> Text:
    """Say which networks were trained and how the training of the one for new patients went, or that none was."""
    if not study.has("model/network/n_networks"):
        return absence.training(study) or Text.of("The training of the network was not noted.")
    number = study.record("model/network/n_networks").value
    trained = "One network was" if number == 1 else "{n} networks were"
    said = compose(
        trained + " trained. The one for new patients learned from {learned} cases; training ended after {epochs} "
        "epochs, and the weights of epoch {best} were kept.",
        **({} if number == 1 else {"n": study.point("model/network/n_networks")}),
        learned=study.point("model/network/n_learned_from"),
        epochs=study.point("model/network/epochs"),
        best=study.point("model/network/best_epoch"),
    )
    if not _known(study, "model/network/stopping_auc"):
        return said
    aside = compose(
        "In the {n} cases that only said when to stop, its AUC was then {auc}; that epoch was chosen on these cases, so that "
        "this is no estimate for new patients.",
        n=study.point("model/network/n_stopping"),
        auc=study.point("model/network/stopping_auc"),
    )
    return join([said, aside])


def notes(study: Study) -> Text:
    """Say how many things were not done, or done otherwise."""
    count = len(study.info.notes)
    if count == 0:
        return Text.of("Everything that was asked for was done.")
    words = ["One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"]
    number = words[count - 1] if count <= len(words) else str(count)
    return Text.of(f"{number} {'thing was' if count == 1 else 'things were'} not done, or done otherwise.")


def _name(study: Study, model: str) -> str:
    """Return a model's name in print; one that was not fitted has none, and is named as an acronym or as a word."""
    return study.info.models.get(model) or (model.capitalize() if set(model) & set("aeiouy") else model.upper())


def _known(study: Study, key: str) -> bool:
    return study.has(key) and study.record(key).value is not None


def cell(table: str, where: str, text: str) -> Text:
    """Wrap a number of a table of results/ in a span that says where it stands."""
    return Text.of_source(text, f"results/tables/{table}.csv: {where}; stage evaluate")
