"""The portable arithmetic: the same bytes whatever the processor and the outer environment, settled before libraries load."""

import ast
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vcfstats.contracts import arithmetic
from vcfstats.contracts.errors import InputError

ROOT = Path(__file__).parents[2]
PROBE = ROOT / "tests" / "arithmetic_probe.py"
# What somebody may have set outside, each against one of the settings.
OUTER = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Nehalem",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "AUTO",
    "OMP_NUM_THREADS": "2",
}

x86_only = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="instructions of x86-64")


def probe(*arguments, environment, before=()):
    command = [*before, sys.executable, str(PROBE), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def bare():
    """The environment without any setting of the arithmetic."""
    return {k: v for k, v in os.environ.items() if k not in {*arithmetic.settings(), *arithmetic.cleared()}}


@pytest.fixture(scope="module")
def here():
    environment = bare()
    arithmetic.apply(environment)
    return probe("torch", environment=environment)


@x86_only
def test_an_outer_environment_changes_no_byte(here):
    environment = {**bare(), **OUTER}
    arithmetic.apply(environment)
    assert probe("torch", environment=environment) == here


@x86_only
def test_native_arithmetic_shows_that_the_settings_matter(here):
    native = probe(environment=bare())["numpy"]
    from numpy._core._multiarray_umath import __cpu_features__ as features

    if not features["AVX512F"]:
        pytest.skip("this processor has nothing beyond AVX2: native and portable are one here")
    assert {name for name in native if native[name] != here["numpy"][name]} >= {"exp", "log", "power"}


@x86_only
@pytest.mark.skipif(not shutil.which("qemu-x86_64-static"), reason="no emulator (qemu-user-static)")
@pytest.mark.parametrize("processor", ["Haswell", "EPYC"])
@pytest.mark.parametrize("part", ["numpy", pytest.param("torch", marks=pytest.mark.soak)])  # a minute each
def test_emulated_processors_of_two_makers_compute_the_same_bytes(here, processor, part):
    environment = bare()
    arithmetic.apply(environment)
    emulator = ("qemu-x86_64-static", "-cpu", processor)
    found = probe(*([part] if part == "torch" else []), environment=environment, before=emulator)
    assert found[part] == here[part]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, "portable"),
        ("seed: 1\n", "portable"),
        ("compute:\n  workers: 2\n\n  # a comment\n  arithmetic: native # why\nreport: {}\n", "native"),
        ("compute: {workers: 2, arithmetic: 'native'}\n", "native"),
        ("compute:\n  arithmetic: portable\n", "portable"),
        ("compute:\n  workers: 2\nother:\n  arithmetic: native\n", "portable"),
        ("a: [\n\x00", "portable"),
    ],
)
def test_the_setting_is_read_before_any_library_is_loaded(tmp_path, text, wanted):
    if text is not None:
        (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    assert arithmetic.wanted_of(tmp_path) == wanted


CHILD = """
import json, sys
from pathlib import Path
{first}
from vcfstats.contracts import arithmetic
settled = arithmetic.settle(Path.cwd())
import numpy
print(json.dumps([settled, arithmetic.active()]))
"""


@x86_only
@pytest.mark.parametrize("first", ["", "import numpy"])
def test_a_process_settles_whether_or_not_numpy_came_first(tmp_path, first):
    script = tmp_path / "child.py"
    script.write_text(CHILD.format(first=first), encoding="utf-8")
    environment = {**bare(), **OUTER, "PYTHONPATH": str(ROOT)}
    del environment["NPY_DISABLE_CPU_FEATURES"]  # with it and the allow-list NumPy would not load before `settle`
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["portable", "portable"]


@x86_only
def test_native_arithmetic_leaves_the_environment_alone(tmp_path):
    (tmp_path / "params.yaml").write_text("compute:\n  arithmetic: native\n", encoding="utf-8")
    script = tmp_path / "child.py"
    script.write_text(CHILD.format(first=""), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**bare(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == ["native", "native"]


@x86_only
def test_tests_run_in_the_portable_arithmetic():
    assert arithmetic.active() == "portable"


@x86_only
def test_computing_in_another_arithmetic_than_asked_for_is_refused(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    with pytest.raises(InputError, match="vcfstats arithmetic"):
        arithmetic.check_active("portable")
    arithmetic.check_active("native")


@x86_only
def test_a_processor_without_avx2_is_told(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda *a, **k: "flags\t\t: sse sse2 fma\n")
    with pytest.raises(InputError, match="without AVX2"):
        arithmetic.check_processor()


def test_orders_of_ties_are_stable():
    """Unstable sorts order ties by the processor; the exceptions count what lies in each group of ties."""
    exceptions = {"statistics/roc/delong.py", "statistics/roc/curve.py", "statistics/roc/precision.py"}
    found = set()
    for file in sorted((ROOT / "vcfstats").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            named = {keyword.arg: keyword.value for keyword in node.keywords}
            stable = isinstance(named.get("kind"), ast.Constant) and named["kind"].value == "stable"
            by = node.args[0] if node.args else named.get("by")
            one_column = node.func.attr == "sort_values" and not isinstance(by, ast.List | ast.Name)
            if (node.func.attr in ("argsort", "argpartition", "nlargest", "nsmallest") or one_column) and not stable:
                found.add(file.relative_to(ROOT / "vcfstats").as_posix())
    assert found == exceptions
