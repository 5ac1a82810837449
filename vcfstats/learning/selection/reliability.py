"""Which features are reproducible: a filter on the intraclass correlations of repeated or of changed regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vcfstats.learning.settings import ReliabilitySettings


@dataclass(frozen=True)
class Reliability:
    """What the filter found.

    Attributes
    ----------
    kept : tuple of str
        Features that stay.
    dropped : dict of str to str
        Feature -> why it went.
    table : DataFrame
        Index feature; columns ``intra`` and ``inter`` (NaN where there is no such reading), or ``perturbation``: the
        values compared.
    """

    kept: tuple[str, ...]
    dropped: dict[str, str]
    table: pd.DataFrame


def reliable_features(
    icc_intra: pd.DataFrame | None, icc_inter: pd.DataFrame | None, settings: ReliabilitySettings
) -> Reliability:
    """Return the features whose intraclass correlation reaches the threshold.

    Parameters
    ----------
    icc_intra, icc_inter : DataFrame or None
        Frames of `vcfstats.icc` for all features (columns ``feature, form, icc, low``), from the first reader's
        repeated regions and from the second reader's; None where there are none.
    settings : ReliabilitySettings
        Form, estimate or limit, how the two combine, threshold.

    Raises
    ------
    ValueError
        A reading that the settings need is missing, the form is not in a frame, or the frames differ in their features.

    Examples
    --------
    >>> import pandas as pd
    >>> from vcfstats.learning.settings import ReliabilitySettings
    >>> frame = pd.DataFrame({"feature": ["a", "b"], "form": "ICC(A,1)", "icc": [0.9, 0.8], "low": [0.8, 0.7]})
    >>> reliable_features(frame, None, ReliabilitySettings(combine="intra")).dropped
    {'b': 'intra 0.800 < 0.85'}
    """
    needed = {settings.combine} if settings.combine in ("intra", "inter") else {"intra", "inter"}
    given = {"intra": icc_intra, "inter": icc_inter}
    for name in sorted(needed):
        if given[name] is None:
            raise ValueError(
                f"combine={settings.combine!r} needs {name}-reader values; there are none: repeat the readings or set combine to the other one."
            )
    values = {name: _values(frame, settings, f"{name}-reader") for name, frame in given.items() if frame is not None}
    first = next(iter(values.values())).index
    for name, series in values.items():
        if not series.index.equals(first):
            raise ValueError(
                f"The {name}-reader values are of other features than the intra-reader ones; compute both from one matrix."
            )
    table = pd.DataFrame({name: values.get(name, pd.Series(np.nan, index=first)) for name in ("intra", "inter")})
    used = table[sorted(needed)]
    if settings.combine == "mean":
        used = used.mean(axis=1, skipna=False).to_frame("mean")
    return _filtered(table, used, settings)


def stable_features(icc_perturbation: pd.DataFrame, settings: ReliabilitySettings) -> Reliability:
    """Return the features whose intraclass correlation over an image and its changed copies reaches the threshold.

    Parameters
    ----------
    icc_perturbation : DataFrame
        Frame of `vcfstats.icc`, the image as it is and its copies as readings.
    settings : ReliabilitySettings
        Form, estimate or limit, threshold.

    Raises
    ------
    ValueError
        The form is not in the frame.

    References
    ----------
    Zwanenburg et al. (2019), doi 10.1038/s41598-018-36938-4.
    """
    table = _values(icc_perturbation, settings, "perturbation").to_frame("perturbation")
    return _filtered(table, table, settings)


def _filtered(table: pd.DataFrame, used: pd.DataFrame, settings: ReliabilitySettings) -> Reliability:
    reached = used.ge(settings.threshold)  # NaN, where nothing varies, does not reach it
    stays = reached.any(axis=1) if settings.combine == "either" else reached.all(axis=1)
    dropped = {
        str(feature): ", ".join(
            f"{name} undefined" if np.isnan(value) else f"{name} {value:.3f} < {settings.threshold:g}"
            for name, value in used.loc[feature].items()
            if not value >= settings.threshold
        )
        for feature in table.index[~stays]
    }
    return Reliability(tuple(map(str, table.index[stays])), dropped, table)


def _values(frame: pd.DataFrame, settings: ReliabilitySettings, name: str) -> pd.Series:
    form, column = settings.form, "icc" if settings.value == "estimate" else "low"
    rows = frame[frame["form"] == form]
    if rows.empty or rows["feature"].duplicated().any():
        raise ValueError(
            f"The {name} table needs one row of {form} per feature; its forms are {sorted(set(frame['form']))}."
        )
    return rows.set_index("feature")[column].astype(np.float64)
