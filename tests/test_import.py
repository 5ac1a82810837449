"""What `import vcfstats` costs, what it offers, and which rooms stay shut."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import vcfstats

ROOT = Path(__file__).parents[1]
HEAVY = {
    "pandas", "scipy", "SimpleITK", "radiomics", "sklearn", "torch", "plotnine", "matplotlib", "great_tables", "pydantic", "pandera", "dvc", "lifelines",
    "statsmodels", "xgboost", "lightgbm",
}  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}; import sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_nothing_but_the_standard_library():
    extra = loaded_by("import vcfstats") - loaded_by("import importlib") - set(sys.stdlib_module_names)
    assert {name for name in extra if not name.startswith("_")} == {"vcfstats"}


def test_statistics_load_numpy_scipy_and_pandas_at_most():
    statements = "; ".join(f"vcfstats.{name}" for name in vcfstats.__all__)
    assert loaded_by(f"import vcfstats; {statements}") & HEAVY <= {"pandas", "scipy"}


def test_every_public_name_is_there_and_documented():
    for name in vcfstats.__all__:
        value = getattr(vcfstats, name)
        assert name == "__version__" or value.__doc__, name
    assert sorted(vcfstats.__all__) == sorted(set(vcfstats.__all__))
    with pytest.raises(AttributeError, match="no attribute 'auc'"):
        _ = vcfstats.auc


def test_every_public_function_has_a_runnable_example():
    for name in vcfstats.__all__:
        value = getattr(vcfstats, name)
        if callable(value) and value.__module__.startswith("vcfstats.statistics") and not isinstance(value, type):
            assert ">>>" in (value.__doc__ or ""), name


def test_no_pickle_is_loaded_anywhere():
    for path in (ROOT / "vcfstats").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("load", "loads")
            ):
                assert getattr(node.func.value, "id", "") not in {"pickle", "cloudpickle", "dill", "joblib"}, path
            if isinstance(node, ast.keyword) and node.arg in ("weights_only", "allow_pickle"):
                expected = node.arg == "weights_only"
                assert isinstance(node.value, ast.Constant), path
                assert node.value.value is expected, path


def test_modules_stay_small():
    large = {
        str(path.relative_to(ROOT)): n
        for path in (ROOT / "vcfstats").rglob("*.py")
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert large == {}
