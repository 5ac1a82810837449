"""Networks: trunks as they come or trained, their features, and where in an image a score comes from.

Names are loaded on first use: settings can be validated without loading torch.
"""

from importlib import import_module
from typing import Any

_HOMES: dict[str, tuple[str, ...]] = {
    "frozen": ("FrozenOutputs",),
    "gradcam": ("grad_cam", "head_weights", "resize_map"),
    "hardware": ("Hardware", "choose_hardware"),
    "networks": ("TrainedNetwork", "train_networks"),
    "settings": ("AugmentationSettings", "TrainingSettings", "TrunkSettings"),
    "trained": ("study_trunk", "write_trained"),
    "trunk": ("Trunk", "feature_names", "load_trunk", "trunk_description", "trunk_features", "write_weights"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 (names are strings, computed)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'vcfstats.learning.network' has no attribute {name!r}")
    value = getattr(import_module(f"vcfstats.learning.network.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
