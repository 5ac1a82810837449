"""In which arithmetic numbers are made: one that every x86-64 processor with AVX2 and FMA shares, or the machine's own.

Libraries choose their code by the processor that they find, and the last bits of ``exp``, a sum or a product of matrices
follow the choice. They make it when they are loaded and ask the environment for it, so that `settle` must run before any of
them is imported; this module imports none.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Literal

from vcfstats.contracts.errors import InputError, Problem

Arithmetic = Literal["portable", "native"]
PORTABLE: Arithmetic = "portable"
NATIVE: Arithmetic = "native"

# What holds each library to the instructions of AVX2 and FMA. MKL, which computes products of matrices, exp and all double
# precision within PyTorch, keeps to AVX2 on processors of one maker alone; COMPATIBLE is the same code on all.
_INSTRUCTIONS = {
    "NPY_ENABLE_CPU_FEATURES": "X86_V3",
    "OPENBLAS_CORETYPE": "Haswell",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "COMPATIBLE",
    "ARROW_USER_SIMD_LEVEL": "AVX2",
}
# A sum in several threads is added up in an order that depends on their number.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1",
}
# Of an outer environment: what would work against the settings above. NumPy refuses to load with both of its lists.
_CLEARED = (
    "NPY_DISABLE_CPU_FEATURES",
    "OPENBLAS_L2_SIZE",
    "OPENBLAS_VERBOSE",
    "DNNL_MAX_CPU_ISA",
    "DNNL_CPU_ISA_HINTS",
    "ONEDNN_CPU_ISA_HINTS",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_DEBUG_CPU_TYPE",
    "MKL_DYNAMIC",
    "OMP_DYNAMIC",
)
_LOADED = ("numpy", "scipy", "torch", "SimpleITK", "pyarrow")  # once loaded, a library has chosen its code
_BEYOND = ("X86_V4", "AVX512_SKX", "AVX512_ICL", "AVX512_SPR")  # NumPy's groups of instructions that not all have
_RESTARTED = "_VCFSTATS_RESTARTED"
_X86_64 = ("x86_64", "amd64")


def settings(arithmetic: Arithmetic = PORTABLE) -> dict[str, str]:
    """Return the variables of the environment that bring an arithmetic about; none for the machine's own."""
    return {**_INSTRUCTIONS, **_ONE_THREAD} if arithmetic == PORTABLE and _is_x86() else {}


def cleared() -> tuple[str, ...]:
    """Return the variables that must not stand in the environment beside those of `settings`."""
    return _CLEARED


def apply(environment: MutableMapping[str, str], arithmetic: Arithmetic = PORTABLE) -> None:
    """Put the variables of an arithmetic into an environment, and take out those that work against them."""
    wanted = settings(arithmetic)
    if wanted:
        for name in _CLEARED:
            environment.pop(name, None)
    environment.update(wanted)


def settle(folder: Path) -> Arithmetic:
    """Bring about the arithmetic of the study in a folder, and return it.

    It is ``compute.arithmetic`` of params.yaml, and portable where there is none. Where a library that computes was loaded
    before, the process starts once more with the right environment.

    Raises
    ------
    InputError
        The portable arithmetic on a processor without AVX2 or FMA.
    """
    wanted = wanted_of(folder)
    if wanted == NATIVE or not _is_x86():
        os.environ.pop(_RESTARTED, None)
        return NATIVE
    check_processor()
    if active() == PORTABLE:
        os.environ.pop(_RESTARTED, None)
        return PORTABLE
    late = [name for name in _LOADED if name in sys.modules]
    apply(os.environ, PORTABLE)
    if late:
        if os.environ.get(_RESTARTED):
            raise InputError(
                Problem(
                    f"{', '.join(late)} loaded before the arithmetic was settled, twice",
                    "a Python that loads no such library at its start",
                    "look for a sitecustomize or a .pth file that imports it, or set compute.arithmetic to native",
                )
            )
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, _RESTARTED: "1"})
    os.environ.pop(_RESTARTED, None)
    return PORTABLE


def wanted_of(folder: Path) -> Arithmetic:
    """Return ``compute.arithmetic`` of a folder's params.yaml, portable where it is not to be read there.

    The file is read in full, and faults in it are told, once libraries may be loaded; here a look has to do.
    """
    try:
        text = (folder / "params.yaml").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return PORTABLE
    section = re.search(r"^compute:(?P<body>[^\n]*(?:\n(?:[ \t#][^\n]*)?)*)", text, re.MULTILINE)
    given = re.search(r"(?:^|[\s{,])arithmetic:\s*['\"]?(\w+)", section["body"]) if section else None
    return NATIVE if given and given[1] == NATIVE else PORTABLE


def active() -> Arithmetic:
    """Return the arithmetic that this process computes in: portable only where every setting stands and NumPy keeps to it."""
    if not _is_x86() or any(os.environ.get(name) != value for name, value in settings(PORTABLE).items()):
        return NATIVE
    if any(name in os.environ for name in _CLEARED):
        return NATIVE
    features = _numpy_features()
    return NATIVE if any(features.get(group) for group in _BEYOND) else PORTABLE


def check_active(wanted: Arithmetic, *, file: str | Path = "") -> None:
    """Refuse to compute in another arithmetic than the one asked for.

    Raises
    ------
    InputError
        `wanted` is portable and this process was started without the settings that it needs.
    """
    if wanted == PORTABLE and _is_x86() and active() != PORTABLE:
        raise InputError(
            Problem(
                "a process in the machine's own arithmetic, and compute.arithmetic portable",
                "the environment that `vcfstats arithmetic` prints, set before NumPy is loaded",
                "run the command `vcfstats`, which sets it; in a session of your own set it first, or set "
                "compute.arithmetic to native",
                file=file,
            )
        )


def check_processor() -> None:
    """Refuse a processor on which the portable arithmetic does not exist.

    Raises
    ------
    InputError
        Linux says that the processor lacks AVX2 or FMA. (Elsewhere NumPy itself refuses to load.)
    """
    try:
        found = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, ValueError):
        return
    lacking = [name for name in ("avx2", "fma") if found and name not in found[1].split()]
    if lacking:
        raise InputError(
            Problem(
                f"a processor without {' and '.join(name.upper() for name in lacking)}",
                "the portable arithmetic needs AVX2 and FMA (processors of 2015 and later)",
                "set compute.arithmetic to native: results then agree with others' to a tolerance, not to the byte",
            )
        )


def _is_x86() -> bool:
    return platform.machine().lower() in _X86_64


def _numpy_features() -> dict[str, bool]:
    """Return which groups of instructions NumPy uses; nothing while it is not loaded, when it will obey its variable."""
    core: Any = sys.modules.get("numpy._core._multiarray_umath")
    return dict(core.__cpu_features__) if core is not None else {}
