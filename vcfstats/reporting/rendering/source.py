"""A .qmd file as the offline path understands it: a listed subset of Quarto, and a stop at anything else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vcfstats.contracts.errors import InputError, Problem

# Options of a python cell.
CELL_OPTIONS = frozenset(
    {"label", "fig-cap", "fig-alt", "tbl-cap", "tbl-align", "echo", "output", "include", "warning", "tags"}
)
# Quarto's own kinds of cross-reference that are not supported here; figures, tables and sections are.
_OTHER_KINDS = (
    "eq",
    "lst",
    "thm",
    "lem",
    "cor",
    "prp",
    "cnj",
    "def",
    "exm",
    "exr",
    "sol",
    "rem",
    "alg",
    "nte",
    "tip",
    "wrn",
    "imp",
    "cau",
)
_CALLOUTS = frozenset(f"callout-{name}" for name in ("note", "warning", "important", "tip", "caution"))
# Classes that only name a style; Quarto gives them no meaning of its own.
_STYLE_PREFIX = "study-"

_FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$")
_DIV = re.compile(r"^\s*:{3,}\s*(.*?)\s*:*\s*$")
_SHORTCODE = re.compile(r"\{\{<\s*(.*?)\s*>\}\}")
_INCLUDE = re.compile(r"^\s*\{\{<\s*include\s+(\S+)\s*>\}\}\s*$")
_INLINE = re.compile(r"(?<!`)`\{(\w+)\}[ \t]+([^`]+)`")
_OPTION = re.compile(r"^#\|\s?(.*)$")


@dataclass(frozen=True)
class Place:
    """A line of a file."""

    file: Path
    line: int

    def __str__(self) -> str:
        """Name the place, for messages."""
        return f"{self.file}, line {self.line}"


@dataclass(frozen=True)
class Prose:
    """A line of Markdown, and the expressions in it."""

    text: str
    place: Place

    @property
    def expressions(self) -> list[str]:
        """Python expressions of inline code, in order."""
        return [match[2].strip() for match in _INLINE.finditer(self.text)]

    def filled(self, values: list[str]) -> str:
        """Return the line with each expression replaced by its value."""
        remaining = iter(values)
        return _INLINE.sub(lambda _: next(remaining), self.text)


@dataclass(frozen=True)
class Cell:
    """A python cell."""

    code: str
    options: dict[str, Any]
    place: Place
    code_line: int

    @property
    def label(self) -> str:
        """The cell's label, or nothing."""
        return str(self.options.get("label", ""))


@dataclass(frozen=True)
class Source:
    """A parsed document: metadata, and its body in order."""

    path: Path
    metadata: dict[str, Any]
    body: list[Prose | Cell] = field(default_factory=list)

    def where(self, text: str) -> Place:
        """Return the first line of prose that holds some text."""
        for part in self.body:
            if isinstance(part, Prose) and text in part.text:
                return part.place
        return Place(self.path, 1)


def unsupported(place: Place, found: str, allowed: str, mend: str) -> InputError:
    """Return the error for a construct that the offline path does not know."""
    return InputError(Problem(found, allowed, mend, file=str(place)))


def read_source(path: Path) -> Source:
    """Parse a .qmd file with its includes.

    Raises
    ------
    InputError
        Anything outside the supported subset, with file and line.
    """
    lines = [(text, Place(path, number)) for number, text in enumerate(_read(path).splitlines(), 1)]
    metadata, lines = _front_matter(path, lines)
    return Source(path, metadata, _body(_included(lines, (path,))))


def _read(path: Path, asked: Place | None = None) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            Problem(f"no file {path}", "an existing file", "correct the name", file=str(asked or path))
        ) from None
    except UnicodeDecodeError:
        raise InputError(
            Problem("bytes that are not UTF-8", "text in UTF-8", "save the file as UTF-8", file=str(path))
        ) from None


def _front_matter(path: Path, lines: list[tuple[str, Place]]) -> tuple[dict[str, Any], list[tuple[str, Place]]]:
    if not lines or lines[0][0].strip() != "---":
        return {}, lines
    for end in range(1, len(lines)):
        if lines[end][0].strip() in ("---", "..."):
            text = "\n".join(line for line, _ in lines[1:end])
            return read_mapping(text, Place(path, 2)), lines[end + 1 :]
    raise unsupported(Place(path, 1), "front matter without an end", "--- around YAML", "close it with a line ---")


def read_mapping(text: str, start: Place) -> dict[str, Any]:
    """Read a YAML mapping; `start` is where its first line stands."""
    try:
        value = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(start.file, start.line + (mark.line if mark else 0))
        raise unsupported(
            place, f"YAML that cannot be read ({getattr(error, 'problem', error)})", "keys and values", "correct it"
        ) from None
    if not isinstance(value, Mapping):
        raise unsupported(start, f"YAML that is {type(value).__name__}", "keys and values", "correct it")
    return dict(value)


def _included(lines: list[tuple[str, Place]], trail: tuple[Path, ...]) -> list[tuple[str, Place]]:
    out: list[tuple[str, Place]] = []
    fence = ""
    for text, place in lines:
        fence = _in_fence(text, fence)
        match = None if fence else _INCLUDE.match(text)
        if not match:
            out.append((text, place))
            continue
        target = (place.file.parent / match[1]).resolve()
        if target in (path.resolve() for path in trail):
            raise unsupported(
                place,
                f"an include of {match[1]}, which includes this file",
                "includes without a circle",
                "remove one of them",
            )
        shown = place.file.parent / match[1]
        inner = [(line, Place(shown, number)) for number, line in enumerate(_read(shown, place).splitlines(), 1)]
        out += [*_included(inner, (*trail, target)), ("", place)]
    return out


def _in_fence(text: str, fence: str) -> str:
    """Return the open fence after this line, empty outside code."""
    match = _FENCE.match(text)
    if not match:
        return fence
    if not fence:
        return match[2]
    return "" if match[2].startswith(fence) and not match[3] else fence


def _body(lines: list[tuple[str, Place]]) -> list[Prose | Cell]:
    body: list[Prose | Cell] = []
    position = 0
    while position < len(lines):
        text, place = lines[position]
        match = _FENCE.match(text)
        if not match:
            _check_prose(text, place)
            body.append(Prose(text, place))
            position += 1
            continue
        end = _fence_end(lines, position, match[2])
        info = match[3]
        if re.match(r"\{python\b", info):
            if info != "{python}":
                raise unsupported(
                    place,
                    f"cell options in the braces: {info}",
                    "{python} with #| lines",
                    "write the options as #| lines",
                )
            body.append(_cell(lines[position + 1 : end], place))
        elif info.startswith("{") and not re.match(r"\{(=\w+|\.[\w-]+)\}$", info):
            raise unsupported(
                place,
                f"a block {info}",
                "{python} cells, raw blocks and plain code",
                "remove it, or render with Quarto",
            )
        else:
            # Code as such: nothing in it is read as Quarto's.
            body += [Prose(line, where) for line, where in lines[position : end + 1]]
        position = end + 1
    return body


def _fence_end(lines: list[tuple[str, Place]], start: int, fence: str) -> int:
    for position in range(start + 1, len(lines)):
        match = _FENCE.match(lines[position][0])
        if match and match[2].startswith(fence) and not match[3]:
            return position
    raise unsupported(lines[start][1], "a code block without an end", f"a closing {fence}", "close it")


def _cell(lines: list[tuple[str, Place]], place: Place) -> Cell:
    count = 0
    while count < len(lines) and _OPTION.match(lines[count][0]):
        count += 1
    given = [match[1] for match in (_OPTION.match(line) for line, _ in lines[:count]) if match]
    options = read_mapping("\n".join(given), Place(place.file, place.line + 1))
    for text, where in lines[count:]:
        if _OPTION.match(text):
            raise unsupported(
                where, "a #| line after the code began", "#| lines first, without a blank line between", "move it up"
            )
    for name in options:
        if name not in CELL_OPTIONS:
            row = next(
                (where for text, where in lines[:count] if re.match(rf"#\|\s*{re.escape(str(name))}\s*:", text)), place
            )
            raise unsupported(
                row, f"cell option {name!r}", ", ".join(sorted(CELL_OPTIONS)), "remove it, or render with Quarto"
            )
    if options.get("output", True) not in (True, False, "asis"):
        raise unsupported(place, f"output: {options['output']}", "true, false, asis", "change it")
    if options.get("tbl-align", "left") != "left":
        raise unsupported(place, f"tbl-align: {options['tbl-align']}", "left", "align columns in the table itself")
    return Cell("\n".join(text for text, _ in lines[count:]), options, place, place.line + count + 1)


def _check_prose(text: str, place: Place) -> None:
    for code in re.findall(r"(?<!`)`(?!`)[^`]+`", text):
        match = re.match(r"`\{(\w+)\}", code)
        if match and match[1] != "python":
            raise unsupported(place, f"inline code of {match[1]}", "`{python} expression`", "write it in Python")
    bare = re.sub(r"`[^`]*`", "", text)
    for match in _SHORTCODE.finditer(bare):
        raise unsupported(
            place,
            f"shortcode {match[0]}",
            "{{< include FILE >}} on a line of its own",
            "remove it, or render with Quarto",
        )
    for match in re.finditer(rf"(?<![\w@])@({'|'.join(_OTHER_KINDS)})-\w+", bare):
        raise unsupported(
            place,
            f"cross-reference {match[0]}",
            "@fig-, @tbl-, @sec- and the kinds in crossref.custom",
            "remove it, or render with Quarto",
        )
    if re.match(r"^:\s.*\{#tbl-", bare):
        raise unsupported(
            place, "a label in a table's caption line", "::: {#tbl-...} around the table", "put the table into a div"
        )
    if re.match(r"^\s*!\[.*\]\(.*\)\{.*(layout|lightbox)", bare):
        raise unsupported(
            place, "an image with layout or lightbox", "id, width and fig-alt", "remove it, or render with Quarto"
        )
    match = _DIV.match(bare)
    if match and match[1]:
        _check_div(match[1], place)


def _check_div(attributes: str, place: Place) -> None:
    inner = attributes[1:-1] if attributes.startswith("{") else f".{attributes}"
    for word in re.findall(r'[^\s"]+="[^"]*"|\S+', inner):
        name = word.lstrip(".#")
        fine = (
            word.startswith("#")
            or (word.startswith(".") and (name in _CALLOUTS or name.startswith(_STYLE_PREFIX)))
            or name.split("=")[0]
            in ("tbl-align", "fig-align", "title", "custom-style", "collapse", "appearance", "icon")
        )
        if not fine:
            raise unsupported(
                place,
                f"a div with {word}",
                f"an id, callouts, classes that begin with {_STYLE_PREFIX!r}, title, tbl-align, custom-style",
                "remove it, or render with Quarto",
            )
