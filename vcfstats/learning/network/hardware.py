"""What networks run on, and how the same numbers come out of it each time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from vcfstats.contracts import arithmetic
from vcfstats.contracts.errors import InputError, Problem


@dataclass(frozen=True)
class Hardware:
    """A processor and the arithmetic of training on it.

    Attributes
    ----------
    device : str
        ``cpu`` or ``cuda``.
    mixed_precision : bool
        Whether training on a GPU multiplies in 16 bits; features and stopping losses are always float32.
    """

    device: str = "cpu"
    mixed_precision: bool = False

    @property
    def half(self) -> torch.dtype | None:
        """The 16-bit type of mixed precision: bfloat16 where the GPU has it, else float16 with a scaled loss; None without."""
        if self.device == "cpu" or not self.mixed_precision:
            return None
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16

    @property
    def arithmetic(self) -> str:
        """Say what training computes in."""
        half = {torch.bfloat16: "bfloat16 and float32", torch.float16: "float16 and float32", None: "float32"}[
            self.half
        ]
        name = (
            f"one thread of the processor in {arithmetic.active()} arithmetic"
            if self.device == "cpu"
            else f"GPU {torch.cuda.get_device_name()}"
        )
        return f"{half}, {name}, deterministic algorithms"


def choose_hardware(device: str = "auto", *, mixed_precision: bool = True) -> Hardware:
    """Return the GPU where there is one and it may be used, else the CPU.

    Raises
    ------
    InputError
        `device` is ``cuda`` and there is no usable GPU.
    """
    usable = torch.cuda.is_available()
    if device == "cuda" and not usable:
        raise InputError(
            Problem(
                "compute.device 'cuda' on a machine without a usable GPU",
                "auto, cpu, or cuda where torch.cuda.is_available()",
                "set compute.device to auto or cpu, or mend the GPU's driver",
            )
        )
    return Hardware("cuda" if usable and device != "cpu" else "cpu", mixed_precision)


@contextmanager
def reproducible() -> Iterator[None]:
    """One thread an operation, deterministic algorithms, full float32; what was set before comes back."""
    # cuBLAS reads this when it is first used; without it its results differ from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark
