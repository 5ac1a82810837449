"""How images were acquired, in words, from the headers that were read."""

from __future__ import annotations

from statistics import median

_ACQUIRED = {
    "repetition_time_ms": ("repetition time", "ms"),
    "echo_time_ms": ("echo time", "ms"),
    "flip_angle_deg": ("flip angle", "degrees"),
    "field_of_view_mm": ("field of view", "mm"),
    "matrix": ("matrix", ""),
    "slice_thickness_mm": ("slice thickness", "mm"),
    "slice_spacing_mm": ("distance between slices", "mm"),
    "field_strength_t": ("field strength", "T"),
}


def acquisition(found: list[dict[str, float | str]], n_cases: int) -> str:
    """Say how images were acquired, from the headers that were read.

    Parameters
    ----------
    found : list of dict
        What `acquisition_of` found, one a case that has any of it.
    n_cases : int
        Cases of the study.
    """
    machines: dict[str, int] = {}
    for own in found:
        name = " ".join(str(own[key]) for key in ("manufacturer", "model") if key in own)
        if name:
            machines[name] = machines.get(name, 0) + 1
    parts = []
    for key, (label, unit) in _ACQUIRED.items():
        values = [own[key] for own in found if key in own]
        if values:
            parts.append(f"{label} {_spread(values)}{' ' + unit if unit else ''}{_known(len(values), len(found))}")
    said = f"Acquisition parameters were read from the headers or the accompanying files of {len(found)} of {n_cases} images: {'; '.join(parts)}."
    if machines:
        scanners = ", ".join(f"{name} ({count} of them)" for name, count in sorted(machines.items()))
        said += f" Scanners: {scanners}."
    return said


def _spread(values: list[float | str]) -> str:
    distinct = sorted(set(values), key=str)
    if len(distinct) == 1:
        return f"{distinct[0]:g}" if isinstance(distinct[0], float) else str(distinct[0])
    numbers = sorted(value for value in values if isinstance(value, float))
    if len(numbers) == len(values):
        return f"{median(numbers):g} (median; range {numbers[0]:g} to {numbers[-1]:g})"
    shown = [f"{value} ({values.count(value)} of them)" for value in distinct]
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} others" if len(shown) > 3 else "")


def _known(count: int, total: int) -> str:
    return "" if count == total else f" (known of {count})"
