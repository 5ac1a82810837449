"""Sentences on pictures: where the network looked, which regions lie far from the others, what the contact sheets show."""

from __future__ import annotations

from vcfstats.reporting import absence
from vcfstats.reporting.study import Study
from vcfstats.reporting.values import Text, compose, join


def activation(study: Study, figure: str) -> Text:
    """Say what the class activation maps show and how they were checked, or that there are none."""
    if why := absence.activation(study):
        return why
    at = Text(f"@{figure}", f"@{figure}")
    shows = "{figure} shows where the network's own probability comes from: Grad-CAM at its last convolution {gradcam}."
    key = "model/dl/activation_randomised"
    if not study.has(key):
        return compose(shows, figure=at, gradcam=Text("", "[@selvaraju2020]"))
    return compose(
        shows + " As a check, the maps were drawn again with random weights in the network {check}: over the "
        "{n} test cases the median rank correlation of the two maps was {value}, where 1 would mean that the maps do not "
        "depend on what the network learned.",
        figure=at, gradcam=Text("", "[@selvaraju2020]"), check=Text("", "[@adebayo2018]"),
        n=study.n(key), value=study.point(key),
    )  # fmt: skip


def quality(study: Study) -> Text:
    """Say how many cases lie far from the others and which they are, or that this was not looked at."""
    key = "cohort/all/n_quality_outliers"
    if not study.has(key):
        return Text.of("The regions were not compared with one another.")
    record = study.record(key)
    if record.value is None:
        return compose("Which regions lie far from the others cannot be said: {reason}.", reason=study.reason(key))
    rule = compose(
        "was measured by {n} simple quantities: volume, extents and shape of the region, its place in the image, its "
        "intensities, its contrast and edge against what surrounds it, and the bias field.",
        n=study.point("design/n_quality_quantities"),
    )
    beyond = study.point("design/quality_limit")
    said = compose("Each of the {n} cases {rule}", n=study.n(key), rule=rule)
    if record.value == 0:
        return join([said, compose("No case lay more than {beyond} from the cohort's median in any.", beyond=beyond)])
    named = compose(
        "{count} lay more than {beyond} from the cohort's median in at least one of them: {names}. Nothing was left out for "
        "that; they are the first to look at.",
        count=study.point(key), beyond=beyond, names=study.point("cohort/all/quality_outliers"),
    )  # fmt: skip
    return join([said, named])


def contact_sheets(study: Study, available: bool) -> Text:
    """Say what the contact sheets show, or that they are not here."""
    if not available:
        return Text.of("The contact sheets are made with the study's images, which are not on this machine.")
    where = (
        compose(", {side} wide", side=study.point("design/quality_window"))
        if study.has("design/quality_window")
        else ""
    )
    return compose(
        "The contact sheets show every case's region with its outline, on one scale{where}, the cases farthest from the others "
        "first; those that are named have a red frame and their distance. Larger pictures of each case, in three planes with "
        "the histogram of intensities before and after the correction of the bias field, are in the folder {folder} of the study.",
        where=where,
        folder=Text("data/quality", "`data/quality`"),
    )
