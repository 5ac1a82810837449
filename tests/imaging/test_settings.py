"""Settings can be read and checked without loading what they steer."""

import subprocess
import sys

import pytest
from pydantic import BaseModel

from vcfstats.imaging.settings import PreprocessSettings, RadiomicsSettings
from vcfstats.simulation.settings import SimulationSettings


def test_settings_load_no_image_library():
    code = (
        "import sys, vcfstats.imaging.settings, vcfstats.simulation.settings;"
        "print([name for name in ('SimpleITK', 'radiomics', 'scipy', 'joblib', 'pandas', 'pywt') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _models(model: type[BaseModel]):
    yield model
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _models(field.annotation)


@pytest.mark.parametrize("model", [PreprocessSettings, RadiomicsSettings, SimulationSettings])
def test_every_setting_is_described_closed_and_frozen(model):
    for part in _models(model):
        assert part.model_config["extra"] == "forbid"
        assert part.model_config["frozen"]
        assert all(field.description and field.description.endswith(".") for field in part.model_fields.values())
    settings = model()
    assert model.model_validate(settings.model_dump(mode="json")) == settings
