"""How a case is called where others may read it: by a number, unless params say that its id may be printed."""

from __future__ import annotations

from collections.abc import Iterable


def printed_names(case_ids: Iterable[str], *, patient_ids: bool = False) -> dict[str, str]:
    """Return what each case is called in results, documents and contact sheets.

    The number is the place of the id among all ids of the cohort in alphabetical order: whoever has the cohort's table finds
    the patient, and nobody else.

    Parameters
    ----------
    case_ids : iterable of str
        All cases of the cohort.
    patient_ids : bool
        ``report.patient_ids``: whether ids themselves are printed.

    Examples
    --------
    >>> printed_names(["MRN-77", "MRN-12"])
    {'MRN-12': 'Case 1', 'MRN-77': 'Case 2'}
    """
    ids = sorted(map(str, case_ids))
    return {case: case if patient_ids else f"Case {number}" for number, case in enumerate(ids, 1)}
