"""The simulated cohort.

Names are loaded on first use: settings can be validated without loading an image library.
"""

from importlib import import_module
from typing import Any

_HOMES: dict[str, tuple[str, ...]] = {
    "cohort": ("simulate_cohort",),
    "findings": ("simulate_findings",),
    "patient": ("simulate_examination",),
    "settings": ("EffectSettings", "SimulationSettings"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 (names are strings, computed)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'vcfstats.simulation' has no attribute {name!r}")
    value = getattr(import_module(f"vcfstats.simulation.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
