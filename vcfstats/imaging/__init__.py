"""Images and masks: reading, checking, preprocessing, radiomics.

Names are loaded on first use: settings can be validated without loading an image library.
"""

from importlib import import_module
from typing import Any

_HOMES: dict[str, tuple[str, ...]] = {
    "batch": ("extract_cases", "preprocess_cases", "preprocessed_case"),
    "checking": ("check_case", "check_cases"),
    "perturbation": ("perturb_cases",),
    "preprocessing": ("preprocess",),
    "radiomics": ("extract", "feature_names"),
    "reading": ("read_image", "read_mask"),
    "settings": ("PerturbationSettings", "PreprocessSettings", "RadiomicsSettings"),
    "slices": ("SliceSettings", "slice_cases", "three_slices"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 (names are strings, computed)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'vcfstats.imaging' has no attribute {name!r}")
    value = getattr(import_module(f"vcfstats.imaging.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
