"""From a parsed document and what its cells showed to one Markdown text and the files of its figures."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from vcfstats.contracts.markup import fenced, markdown, raw_html
from vcfstats.reporting.rendering.configuration import Configuration
from vcfstats.reporting.rendering.execution import Output, Results
from vcfstats.reporting.rendering.source import Cell, Source, unsupported

MEDIA = "media"
# More colons than anybody types: what cells print may hold divs of its own.
_DIV = ":" * 12


@dataclass(frozen=True)
class Assembled:
    """Markdown for pandoc, and the files it refers to (relative name -> bytes)."""

    markdown: str
    files: Mapping[str, bytes]


def assemble(
    source: Source, results: Results, configuration: Configuration, *, bare_figures: bool = False
) -> Assembled:
    """Put the outputs of cells and the values of inline code in their places.

    With `bare_figures` figures that exist as SVG and as PNG are named without either ending, which each format then adds.
    """
    lines: list[str] = []
    files: dict[str, bytes] = {}
    for number, part in enumerate(source.body):
        if isinstance(part, Cell):
            lines += ["", *_cell(number, part, results.cells[number], configuration, files, bare_figures), ""]
        else:
            lines.append(part.filled(results.inline[number]) if number in results.inline else part.text)
    return Assembled("\n".join(lines) + "\n", files)


def _cell(
    number: int, cell: Cell, outputs: list[Output], configuration: Configuration, files: dict[str, bytes], bare: bool
) -> list[str]:
    options = cell.options
    if options.get("include", True) is False:
        return []
    out = [fenced(cell.code, "python"), ""] if options.get("echo", configuration.execute("echo", True)) else []
    if options.get("output", True) is False:
        return out
    shown: list[str] = []
    for position, output in enumerate(outputs, 1):
        name = f"{cell.label or f'cell-{number}'}{'' if len(outputs) == 1 else f'-{position}'}"
        shown += [*_output(output, cell, name, files, bare), ""]
    kind = cell.label.split("-")[0] if "-" in cell.label else ""
    if kind in configuration.kinds and kind != "sec":
        if not shown:
            raise unsupported(
                cell.place,
                f"cell {cell.label}, which shows nothing",
                "a figure or table as the cell's last expression",
                "show one",
            )
        caption = options.get(f"{kind}-cap")
        if not caption:
            raise unsupported(
                cell.place,
                f"cell {cell.label} without {kind}-cap",
                "a caption for everything with a label",
                f"add #| {kind}-cap:",
            )
        return [*out, f"{_DIV} {{#{cell.label}}}", *shown, str(caption), _DIV]
    return [*out, *shown]


def _output(output: Output, cell: Cell, name: str, files: dict[str, bytes], bare: bool) -> list[str]:
    data = output.data
    if output.stream:
        return [output.stream if cell.options.get("output") == "asis" else fenced(output.stream.rstrip("\n"))]
    if "image/png" in data:
        return [_image(data, cell, name, files, bare)]
    if "text/markdown" in data:
        return [data["text/markdown"]]
    if "text/html" in data:
        return [raw_html(data["text/html"])]
    if "text/plain" in data:
        return [fenced(data["text/plain"])]
    raise unsupported(
        cell.place,
        f"an output of {', '.join(data)}",
        "figures, tables, Markdown and text",
        "show it in one of these ways, or render with Quarto",
    )


def _image(data: Mapping[str, str], cell: Cell, name: str, files: dict[str, bytes], bare: bool) -> str:
    alt = re.sub(r"\s+", " ", str(cell.options.get("fig-alt", ""))).strip()
    if not alt:
        raise unsupported(
            cell.place, "a figure without fig-alt", "words for readers who do not see it", "add #| fig-alt:"
        )
    path = f"{MEDIA}/{name}"
    files[f"{path}.png"] = base64.b64decode(data["image/png"])
    suffix = ".png"
    if "image/svg+xml" in data:
        files[f"{path}.svg"] = data["image/svg+xml"].encode()
        suffix = "" if bare else ".svg"
    return f"![{markdown(alt)}]({path}{suffix})"
