"""Every figure as a file for a journal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

from vcfstats.contracts.errors import InputError
from vcfstats.reporting import exporting, open_study
from vcfstats.reporting.exporting import export_figures, figures_of

ROOT = Path(__file__).parents[2]


def test_files_have_the_size_the_resolution_and_the_same_bytes(
    whole_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = open_study(whole_study)
    chosen = {name: draw for name, draw in figures_of(study).items() if name in ("followup", "roc")}
    monkeypatch.setattr(exporting, "figures_of", lambda study: chosen)
    files = export_figures(study, tmp_path / "out")
    assert [file.name for file in files] == [
        f"{name}.{kind}" for name in ("roc", "followup") for kind in ("svg", "pdf", "tiff")
    ]
    for name, width_mm in (("roc", 180), ("followup", 85)):
        with Image.open(tmp_path / "out" / f"{name}.tiff") as image:
            assert image.mode == "RGB"
            assert image.info["compression"] == "tiff_lzw"
            assert [float(value) for value in image.info["dpi"]] == pytest.approx([300, 300])
            assert image.width == pytest.approx(width_mm / 25.4 * 300, abs=2)
        page = PdfReader(tmp_path / "out" / f"{name}.pdf").pages[0]
        assert float(page.mediabox.width) == pytest.approx(width_mm / 25.4 * 72, abs=1)
        fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
        assert fonts
        for font in fonts:
            inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
            assert "/FontFile2" in inner["/FontDescriptor"].get_object()
        assert "<text" not in (tmp_path / "out" / f"{name}.svg").read_text(encoding="utf-8")
    first = {file.name: file.read_bytes() for file in files}
    again = {file.name: file.read_bytes() for file in export_figures(study, tmp_path / "out")}
    assert first == again
    assert not [path for path in tmp_path.iterdir() if path.name != "out"]


def test_every_figure_of_the_documents_is_exported(whole_study: Path) -> None:
    used = {
        call
        for name in ("paper.qmd", "supplement.qmd")
        for call in re.findall(
            r"^drawings\.(\w+)\(study", (ROOT / "report" / name).read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    drawn = {draw.__name__ for draw in figures_of(open_study(whole_study)).values()}
    assert used <= drawn
    assert sum(name.startswith("roc_classifiers_") for name in figures_of(open_study(whole_study))) == 3


def test_a_folder_with_something_else_and_an_unknown_format_are_refused(whole_study: Path, tmp_path: Path) -> None:
    study = open_study(whole_study)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"found notes\.txt, which vcfstats did not make"):
        export_figures(study, tmp_path)
    with pytest.raises(InputError, match="format 'gif'"):
        export_figures(study, tmp_path / "new", formats=["gif"])
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"
