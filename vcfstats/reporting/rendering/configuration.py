"""What _quarto.yml and front matter may say to the offline path, and what it makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vcfstats.reporting.rendering.source import Place, Source, read_mapping, unsupported

TARGETS = {"html": "html", "docx": "docx", "pdf": "typst", "xml": "jats"}
# Keys with an effect here, anywhere in the metadata or under a format.
_KNOWN = frozenset(
    {
        "title", "subtitle", "lang", "pagetitle", "description", "bibliography", "csl", "citeproc", "link-citations", "number-sections", "toc", "toc-depth", "crossref",
        "filters", "format", "execute", "jupyter", "project", "fig-width", "fig-height", "fig-dpi", "css", "reference-doc", "figures-at-end", "include-in-header",
        "papersize", "margin", "fontsize", "mainfont", "template",
    }
)  # fmt: skip
# Keys of Quarto's own look or workings, accepted because nothing is lost without them.
_QUARTO_ONLY = frozenset(
    {
        "theme", "minimal", "embed-resources", "html-math-method", "fig-format", "anchor-sections", "code-copy", "citations-hover", "footnotes-hover", "crossrefs-hover",
        "tbl-cap-location", "fig-cap-location", "keep-typ", "lightbox", "title-block-style", "toc-location", "page-layout", "grid", "validate-yaml",
        "html-table-processing", "default-image-extension",
    }
)  # fmt: skip
_EXECUTE = frozenset({"echo", "warning", "enabled", "freeze", "cache", "daemon"})


@dataclass(frozen=True)
class Kind:
    """A kind of cross-reference."""

    key: str
    prefix: str
    space: bool = True

    def label(self, number: str) -> str:
        """Return a reference's text, such as "Figure 1" or "Table S1"."""
        return f"{self.prefix}{chr(0xA0) if self.space else ''}{number}"


@dataclass(frozen=True)
class Filter:
    """A Lua filter, run on the document or, late, on what the writer is given."""

    path: Path
    late: bool


@dataclass(frozen=True)
class Configuration:
    """Metadata of a document, merged: _quarto.yml, then front matter."""

    folder: Path
    metadata: dict[str, Any]
    formats: dict[str, dict[str, Any]]
    kinds: dict[str, Kind]
    filters: tuple[Filter, ...] = ()
    render: tuple[str, ...] = field(default=())

    def get(self, key: str, target: str | None = None, default: Any = None) -> Any:
        """Return a key's value for a format of Quarto's (html, docx, typst)."""
        if target and key in self.formats.get(target, {}):
            return self.formats[target][key]
        return self.metadata.get(key, default)

    def paths(self, key: str, target: str | None = None) -> list[Path]:
        """Return a key's files, resolved against the folder of the documents."""
        value = self.get(key, target)
        names = [] if value is None else value if isinstance(value, list) else [value]
        return [self.folder / (name["file"] if isinstance(name, dict) else name) for name in names]

    def execute(self, key: str, default: bool) -> bool:
        """Return a default for cells."""
        return bool(self.metadata.get("execute", {}).get(key, default))


def project_metadata(folder: Path) -> dict[str, Any]:
    """Read _quarto.yml; a folder without one has no defaults."""
    path = folder / "_quarto.yml"
    if not path.is_file():
        return {}
    metadata = read_mapping(path.read_text(encoding="utf-8"), Place(path, 1))
    _check(metadata, path)
    return metadata


def configuration(folder: Path, source: Source) -> Configuration:
    """Merge the metadata of a document.

    Raises
    ------
    InputError
        A key that the offline path does not know, with its file and line.
    """
    _check(source.metadata, source.path)
    project = project_metadata(folder)
    metadata = {**project, **source.metadata}
    formats: dict[str, dict[str, Any]] = {}
    for given in (project.get("format"), source.metadata.get("format")):
        for name, options in ({given: {}} if isinstance(given, str) else given or {}).items():
            formats[name] = {**formats.get(name, {}), **(options if isinstance(options, dict) else {})}
    kinds = {"fig": Kind("fig", "Figure"), "tbl": Kind("tbl", "Table"), "sec": Kind("sec", "Section")}
    for custom in (metadata.get("crossref") or {}).get("custom", []):
        kinds[custom["key"]] = Kind(
            custom["key"], custom["reference-prefix"], bool(custom.get("space-before-numbering", True))
        )
    filters = tuple(
        Filter(
            folder / (f if isinstance(f, str) else f["path"]), not isinstance(f, str) and f.get("at") == "post-render"
        )
        for f in metadata.get("filters", [])
    )
    return Configuration(
        folder, metadata, formats, kinds, filters, tuple((project.get("project") or {}).get("render", ()))
    )


def _check(metadata: dict[str, Any], path: Path) -> None:
    for key in metadata:
        if key not in _KNOWN | _QUARTO_ONLY:
            raise unsupported(
                _line_of(path, key),
                f"metadata key {key!r}",
                ", ".join(sorted(_KNOWN)),
                "remove it, or render with Quarto",
            )
    for key in metadata.get("execute") or {}:
        if key not in _EXECUTE:
            raise unsupported(
                _line_of(path, key),
                f"execute option {key!r}",
                ", ".join(sorted(_EXECUTE)),
                "remove it, or render with Quarto",
            )
    if (kernel := metadata.get("jupyter", "python3")) != "python3":
        raise unsupported(_line_of(path, "jupyter"), f"kernel {kernel!r}", "python3", "write the cells in Python")
    given = metadata.get("format") or {}
    for name, options in ({given: {}} if isinstance(given, str) else given).items():
        if name not in TARGETS.values():
            raise unsupported(
                _line_of(path, name),
                f"format {name!r}",
                ", ".join(TARGETS.values()),
                "remove it, or render with Quarto",
            )
        for key in options if isinstance(options, dict) else ():
            if key not in _KNOWN | _QUARTO_ONLY:
                raise unsupported(
                    _line_of(path, key),
                    f"option {key!r} of format {name}",
                    ", ".join(sorted(_KNOWN)),
                    "remove it, or render with Quarto",
                )
    for custom in (metadata.get("crossref") or {}).get("custom", []):
        if custom.get("kind") != "float" or not {"key", "reference-prefix"} <= set(custom):
            raise unsupported(
                _line_of(path, "custom"),
                f"crossref.custom {custom}",
                "kind: float with key and reference-prefix",
                "correct it",
            )


def _line_of(path: Path, key: str) -> Place:
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if text.strip().removeprefix("- ").startswith(f"{key}:") or text.strip() == key:
            return Place(path, number)
    return Place(path, 1)
