"""Cells and inline expressions, run once, in order, in a kernel of this very Python: one for each document, side by side."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVarTuple

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import scratch_folder
from vcfstats.contracts.markup import NOTHING, markdown
from vcfstats.contracts.progress import progress
from vcfstats.reporting.rendering.source import Cell, Place, Prose, Source

TIMEOUT_S = 600
_T = TypeVarTuple("_T")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_SETUP = "from vcfstats.reporting.kernel import prepare as _prepare; _prepare(); del _prepare"
_KERNEL = "vcfstats-this-python"
# A kernel minds no interruption before it runs a cell: one that is still loading would end in a traceback.
_LAUNCH = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "runpy.run_module('ipykernel_launcher', run_name='__main__')"
)
_NB: Any = nbformat.v4
# Documents compute nothing, and run side by side: threads within them would only wait for one another, at full load.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Output:
    """One thing that a cell showed: `data` by MIME type, or text that it printed (``stream``)."""

    data: Mapping[str, str]
    stream: str = ""


@dataclass(frozen=True)
class Results:
    """What the body of a document gave: per cell its outputs, per line of prose the values of its expressions."""

    cells: dict[int, list[Output]]
    inline: dict[int, list[str]]


class _Loop(asyncio.SelectorEventLoop):
    """Leaves signals to asyncio, which cancels: nbclient's own handlers would end the kernels and let the work run on into them."""

    def add_signal_handler(self, sig: int, callback: Callable[[*_T], object], *args: *_T) -> None:
        """Refuse, as loops do on systems without signals, for which nbclient is prepared."""
        raise NotImplementedError


class _ThisPython(KernelSpecManager):
    """Knows one kernel: the Python that runs this, wherever it lies, installed nowhere."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [
            sys.executable, "-c", _LAUNCH, "-f", "{connection_file}",
            # No history is kept, and what the kernel itself has to say (that it listens on TCP, which here it does not) is no news.
            "--HistoryManager.enabled=False", "--log-level=CRITICAL",
        ]  # fmt: skip
        return KernelSpec(argv=argv, display_name="Python", language="python")


def run(
    sources: Sequence[Source], *, folder: Path, environment: Mapping[str, str], label: str | None = None
) -> list[Results]:
    """Run the cells and inline expressions of documents.

    Parameters
    ----------
    sources : sequence of Source
        The documents; each has a kernel of its own, and all run at once.
    folder : Path
        Working directory of the cells.
    environment : mapping
        Variables of the kernels' environment, on top of this process's.
    label : str, optional
        What the progress lines call the work; without one there are none.

    Raises
    ------
    InputError
        A cell or an expression ended in an error: where, which, and what it said.
    """
    with scratch_folder() as scratch, _quiet(), asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(_run_all(sources, folder, scratch, environment, label))


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


async def _run_all(
    sources: Sequence[Source], folder: Path, scratch: Path, environment: Mapping[str, str], label: str | None
) -> list[Results]:
    try:
        # The first document that fails ends the others.
        async with asyncio.TaskGroup() as group:
            tasks = []
            for number, source in enumerate(sources):
                own = scratch / str(number)
                own.mkdir()
                tasks.append(group.create_task(_run(source, folder, own, environment, label)))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    except asyncio.CancelledError:
        # Interrupted: what kernels that were starting say of it is no news.
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        raise
    return [task.result() for task in tasks]


def _client(folder: Path, scratch: Path) -> NotebookClient:
    manager = AsyncKernelManager(kernel_name=_KERNEL, kernel_spec_manager=_ThisPython())
    if os.name == "posix":
        # Sockets in a private folder rather than TCP ports that others on the machine can open.
        manager.transport, manager.ip = "ipc", str(scratch / "kernel")
    manager.connection_file = str(scratch / "connection.json")
    return NotebookClient(
        _NB.new_notebook(),
        km=manager,
        timeout=TIMEOUT_S,
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )


async def _run(
    source: Source, folder: Path, scratch: Path, environment: Mapping[str, str], label: str | None
) -> Results:
    parts = [item for item in enumerate(source.body) if isinstance(item[1], Cell) or item[1].expressions]
    cells: dict[int, list[Output]] = {}
    inline: dict[int, list[str]] = {}
    if not parts:
        return Results(cells, inline)
    client = _client(folder, scratch)
    own = {"IPYTHONDIR": str(scratch), "JUPYTER_RUNTIME_DIR": str(scratch), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    try:
        # A kernel whose manager is given is left alive unless this is asked for: one for each document, of 300 MB and more.
        async with client.async_setup_kernel(cleanup_kc=True, env={**_ONE_THREAD, **os.environ, **own, **environment}):
            await _execute(client, _SETUP, Place(source.path, 1), 1)
            for number, part in _told(parts, f"{label} {source.path.stem}, cells" if label else None):
                if isinstance(part, Cell):
                    cells[number] = await _execute(client, part.code, part.place, part.code_line)
                else:
                    inline[number] = [
                        _shown(expression, await _execute(client, expression, part.place, part.place.line), part.place)
                        for expression in part.expressions
                    ]
    except CellTimeoutError:
        raise InputError(
            Problem(
                f"a cell that runs for more than {TIMEOUT_S} s",
                "cells that only read results",
                "compute in a stage, not in a document",
                file=str(source.path),
            )
        ) from None
    except Exception as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # a kernel that is interrupted while it starts fails in many ways
            raise asyncio.CancelledError from None
        if not isinstance(error, DeadKernelError):
            raise
        raise InputError(
            Problem(
                "the Python of the cells ended",
                "cells that run",
                "run the cells one by one to see which",
                file=str(source.path),
            )
        ) from None
    return Results(cells, inline)


def _told(parts: list[tuple[int, Prose | Cell]], label: str | None) -> Iterable[tuple[int, Prose | Cell]]:
    return parts if label is None else progress(parts, len(parts), label=label, unit="parts")


async def _execute(client: NotebookClient, code: str, place: Place, first_line: int) -> list[Output]:
    if not code.strip():
        return []
    cell = _NB.new_code_cell(code)
    client.nb.cells.append(cell)
    await client.async_execute_cell(cell, len(client.nb.cells) - 1)
    outputs = []
    for output in cell.outputs:
        if output.output_type == "error":
            raise _failure(output, place, first_line)
        if output.output_type == "stream":
            if output.name == "stderr":
                print(f"{place}: {output.text.rstrip()}", file=sys.stderr)
            else:
                outputs.append(Output({}, output.text))
        else:
            outputs.append(Output(dict(output.data)))
    return outputs


def _failure(output: Any, place: Place, first_line: int) -> InputError:
    """Return the error for a cell that failed: the line of the file, not of the cell, and no traceback."""
    trace = _ANSI.sub("", "\n".join(output.traceback))
    found = re.search(r"Cell In\[\d+\], line (\d+)", trace)
    line = first_line + int(found[1]) - 1 if found else place.line
    said = " ".join(str(output.evalue).split())
    return InputError(
        Problem(
            f"{output.ename}: {said}",
            "cells that run without an error",
            "correct the cell, or what it reads",
            file=str(Place(place.file, line)),
        )
    )


def _shown(expression: str, outputs: list[Output], place: Place) -> str:
    """Return the Markdown of an inline expression's value."""
    for output in outputs:
        if "text/markdown" in output.data:
            return "" if output.data["text/markdown"] == NOTHING else output.data["text/markdown"]
        if "text/plain" in output.data:
            return markdown(_said(output.data["text/plain"]))
    raise InputError(
        Problem(
            f"`{expression}`, which has no value",
            "an expression that gives a word or a number",
            "correct the inline code",
            file=str(place),
        )
    )


def _said(shown: str) -> str:
    """Return the words of a value that shows itself by its repr: of a str they are the str, of all else the repr."""
    try:
        value = ast.literal_eval(shown)
    except (ValueError, SyntaxError):
        return shown
    return value if isinstance(value, str) else shown
