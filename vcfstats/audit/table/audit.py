"""The table audit: can the figures of a published table stand together?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from vcfstats.audit.table.baseline import audit_baseline
from vcfstats.audit.table.claims import audit_claims
from vcfstats.audit.table.columns import cohort_name, is_cohort, stated_n
from vcfstats.audit.table.echo import read_back
from vcfstats.audit.table.findings import TableAudit, ordered
from vcfstats.audit.table.headings import settled
from vcfstats.audit.table.intervals import METHODS
from vcfstats.audit.table.performance import audit_performance, cohort_counts, cohort_keys, row_frame
from vcfstats.audit.table.reading import frame_kind, read_performance
from vcfstats.statistics.inputs import check_choice, check_level

Frames = pd.DataFrame | Sequence[pd.DataFrame]


def audit_table(
    frame: Frames,
    *,
    baseline: Frames | None = None,
    claims: Frames | Sequence[str] | None = None,
    n: Mapping[str, int] | int | None = None,
    events: Mapping[str, int] | int | None = None,
    columns: Mapping[str, str] | None = None,
    ci_method: str | None = None,
    confidence_level: float = 0.95,
    identified: bool = False,
) -> TableAudit:
    """Check whether the figures of published tables can be true together.

    Rates are checked by exact whole numbers: a figure u / 10**d stands for the closed interval from (u - 1/2) / 10**d to
    (u + 1/2) / 10**d, which allows rounding half up, half to even and that of binary floating point; a row is impossible
    where no confusion matrix of its cohort lies in all its intervals. Class counts are recovered from all rows of a
    cohort together. Intervals are held against A(1 - A)(1/(m - 1) + 1/(k - 1)), the largest variance that DeLong's
    estimator can give with m events and k non-events. Baseline tables are checked for totals, percentages, sums, pooled
    means and p values; claims of the text against the tables.

    Parameters
    ----------
    frame : DataFrame or sequence of DataFrame
        The tables, cells as printed: text keeps trailing zeros (``pandas.read_csv(file, dtype=str)``); a numeric column
        is taken to have the decimals of its longest figure. Performance tables, baseline tables and claims are told apart
        by their columns; names are matched by synonym, ``0.820 (0.761-0.880)`` and ``82.0%`` are understood, metrics may
        stand in rows or columns, cohorts in a column, in headings, or in the rows' labels.
    baseline, claims : DataFrame or sequence, optional
        Further tables, if they are not among `frame`; claims may be sentences.
    n, events : mapping of cohort to int, or int, optional
        Patients and events where the paper states them. Without `n` the smallest class counts that explain the rows
        best are reported; their multiples explain them too.
    columns : mapping of heading to cohort, optional
        What the columns of the baseline table are labelled as, where their headings do not say it.
    ci_method : {"delong", "wald", "hanley-mcneil", "bootstrap", "logit", "exact", "other"}, optional
        How the paper says the AUC's intervals were made. An interval off centre is inconsistent with the first three; with
        none stated it is a note, and only where most other intervals of the tables are centred.
    confidence_level : float
        Level of the printed intervals.
    identified : bool
        Whether rows are of one model where, and only where, they name the same one. Without it, rows of two tables that agree
        in nearly all figures are taken for one model under two names.

    Returns
    -------
    TableAudit
        Findings, class counts and one line a row; `to_text`, `to_html`, `to_csv` and `to_frame` report them.

    Raises
    ------
    ValueError
        No figure that could be read, a cohort in `n`, `events` or `columns` that no table has, counts out of range, or
        an unknown method.

    References
    ----------
    Brown and Heathers (2017), doi 10.1177/1948550616673876 (granularity of means). Nuijten et al. (2016),
    doi 10.3758/s13428-015-0664-2 (recomputed p values). DeLong et al. (1988), doi 10.2307/2531595. Hanley and McNeil
    (1982), doi 10.1148/radiology.143.1.7063747.

    Examples
    --------
    >>> import pandas as pd
    >>> from vcfstats import audit_table
    >>> table = pd.DataFrame({
    ...     "model": ["A", "B"], "accuracy": ["0.762", "0.762"], "sensitivity": ["0.770", "0.770"],
    ...     "specificity": ["0.757", "0.757"], "PPV": ["0.653", "0.653"], "NPV": ["0.848", "0.948"]})
    >>> audit = audit_table(table, n=164)
    >>> audit.is_consistent
    False
    >>> audit.findings[0].severity, audit.findings[0].mend
    ('impossible', 'NPV 0.848 = 78/92 for 0.948')
    """
    check_level(confidence_level)
    if ci_method is not None:
        ci_method = check_choice(str(ci_method).lower(), METHODS, name="ci_method")
    given = {"": _frames(frame), "baseline": _frames(baseline), "claims": _claim_frames(claims)}
    tables = [table.copy(deep=False) for group in given.values() for table in group]
    for order, table in enumerate(tables):  # copies: what is noted here stays out of the caller's frames
        table.attrs = {**table.attrs, "order": order}
    first, second = len(given[""]), len(given[""]) + len(given["baseline"])
    kinds = _by_kind(tables[:first])
    kinds["baseline"] += tables[first:second]
    kinds["claims"] += tables[second:]
    said_kinds = {int(table.attrs["order"]): kind for kind, group in kinds.items() for table in group}
    cohorts = [row.cohort for row in read_performance(kinds["performance"])]
    headings = [
        cohort_name(heading) for table in kinds["baseline"] for heading in (*table.columns, *(columns or {}).values())
    ]
    sizes = cohort_keys(n, cohorts, "n", also=[*headings, "all"])
    positives = cohort_keys(events, cohorts, "events")
    performance = audit_performance(
        kinds["performance"],
        n=sizes,
        events=positives,
        ci_method=ci_method,
        confidence_level=confidence_level,
        identified=identified,
        hints=_stated(kinds["baseline"]),
    )
    multiples = {r.name: r.events + r.nonevents for r in performance.recoveries if r.is_settled and r.n is None}
    described = audit_baseline(kinds["baseline"], n=sizes, multiples=multiples, columns=columns or {})
    spoken, said = audit_claims(kinds["claims"], performance, described)
    return TableAudit(
        findings=ordered([*performance.findings, *described.findings, *spoken]),
        cohorts=tuple(cohort_counts(recovery) for recovery in performance.recoveries),
        rows=row_frame(performance, confidence_level),
        tables=read_back(tables, performance, described, said_kinds),
        checked={name: count for name, count in {**performance.checked, **described.checked, **said}.items() if count},
    )


def _stated(tables: Sequence[pd.DataFrame]) -> dict[str, int]:
    """Return the patients of each cohort that a baseline table's heading states, where all headings agree."""
    found: dict[str, set[int]] = {}
    for table in tables:
        for heading in table.columns:
            if is_cohort(heading) and (n := stated_n(heading)) is not None:
                found.setdefault(cohort_name(heading), set()).add(n)
    return {cohort: numbers.pop() for cohort, numbers in found.items() if len(numbers) == 1}


def _by_kind(frames: Sequence[pd.DataFrame]) -> dict[str, list[pd.DataFrame]]:
    """Part tables by what they are; those that are nothing known are kept too, unless nothing else is there."""
    kinds: dict[str, list[pd.DataFrame]] = {"performance": [], "baseline": [], "claims": [], "unknown": []}
    for table in frames:
        kinds[frame_kind(table) or "unknown"].append(table)
    if frames and len(kinds["unknown"]) == len(frames):
        table = kinds["unknown"][0]
        raise ValueError(
            f"table {int(table.attrs['order']) + 1} with columns {', '.join(map(repr, table.columns))} is neither a performance table (AUC, accuracy, "
            "sensitivity, ...), nor a baseline table (counts or means by group), nor a list of claims; name its columns accordingly."
        )
    return kinds


def _frames(tables: Frames | None) -> list[pd.DataFrame]:
    if tables is None:
        return []
    found = [tables] if isinstance(tables, pd.DataFrame) else list(tables)
    for table in found:
        if not isinstance(table, pd.DataFrame):
            raise ValueError(
                f"a table must be a DataFrame; got {type(table).__name__}. Read a file with pandas.read_csv(file, dtype=str)."
            )
        if table.empty:
            raise ValueError(f"a table with columns {', '.join(map(repr, table.columns))} has no rows.")
    return [settled(table) for table in found]


def _claim_frames(claims: Frames | Sequence[str] | None) -> list[pd.DataFrame]:
    if claims is None or isinstance(claims, pd.DataFrame):
        return _frames(claims)
    sentences = [claim for claim in claims if isinstance(claim, str)]
    if sentences:
        return [pd.DataFrame({"claim": sentences}, dtype=object)]
    return _frames([claim for claim in claims if isinstance(claim, pd.DataFrame)])
