"""Lines of cells turned into tables with one heading a column: titles, two-line and merged headings, headings again."""

from __future__ import annotations

import re

import pandas as pd

from vcfstats.audit.table.cells import clean, is_missing, read_cell
from vcfstats.audit.table.columns import column_role, metric_count, stated_n
from vcfstats.audit.table.readers.document import Grid, Records, is_title

_MOST_HEADINGS = 3


def frames_of(grid: Grid) -> list[pd.DataFrame]:
    """Return the tables of a grid: blank lines, or a heading that comes again, part them.

    A line with a single cell above a heading is the table's title (``frame.attrs["title"]``). Of headings that stand
    one above the other, ``attrs["above"]`` keeps the upper and ``attrs["below"]`` the lower of each column.
    """
    frames: list[pd.DataFrame] = []
    table: Records = []
    title, pending = grid.title, ""
    blank = True
    wide = max((sum(bool(cell.strip()) for cell in record) for record in grid.records), default=0) > 1

    def close() -> None:
        nonlocal table
        if (frame := _frame(table, title, grid.headings)) is not None:
            frames.append(frame)
        table = []

    for record in grid.records:
        filled = [cell for cell in record if cell.strip()]
        if not filled:
            blank = True
            continue
        alone = wide and len(filled) == 1
        if alone and (is_title(filled[0]) or (blank and (not table or len(table) > 1))):
            if is_title(filled[0]):
                close()
                title = ""
            if pending and table:
                table.append([pending])
            pending = filled[0]
            blank = False
            continue
        again = bool(table) and _is_heading(record) and (record == table[0] or blank)
        if not table or again:
            close()
            title, pending = pending or ("" if again else title), ""
            table = [list(record)]
        else:
            if pending:
                table.append([pending])
                pending = ""
            table.append(list(record))
        blank = False
    if pending and table:
        table.append([pending])
    close()
    return frames


def settled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the second line of its headings, which a reader of CSV takes for the first row, made heading."""
    if "below" in frame.attrs or frame.empty or not all(isinstance(name, str) for name in frame.columns):
        return frame
    names = ["" if re.fullmatch(r"Unnamed: .*", name) else re.sub(r"\.\d+$", "", name) for name in frame.columns]
    first = ["" if is_missing(value) else str(value) for value in frame.iloc[0].tolist()]
    if len(frame) < 2 or not _goes_on([names], first):
        return frame
    records = [names, *[["" if is_missing(v) else v for v in row] for row in frame.to_numpy().tolist()]]
    made = _frame(records, str(frame.attrs.get("title", "")), 0)
    return frame if made is None else made


def _frame(records: Records, title: str, headings: int) -> pd.DataFrame | None:
    if len(records) < 2:
        return None
    width = max(map(len, records))
    records = [[*record, *("" for _ in range(width - len(record)))] for record in records]
    count = headings or 1
    while not headings and count < min(_MOST_HEADINGS, len(records) - 1) and _goes_on(records[:count], records[count]):
        count += 1
    above, below, names = _named(records[:count])
    kept = [c for c in range(width) if any(str(record[c]).strip() for record in records)]
    body = [[record[c] for c in kept] for record in records[count:]]
    if not body:
        return None
    frame = pd.DataFrame(body, columns=[names[c] for c in kept], dtype=object)
    frame.attrs |= {"title": title, "above": [above[c] for c in kept], "below": [below[c] for c in kept]}
    return frame


def _goes_on(above: Records, record: list[str]) -> bool:
    """Say whether a line goes on with the headings above it: words under blanks, numbers of patients, or metrics."""
    filled = [(c, clean(cell)) for c, cell in enumerate(record) if cell.strip()]
    beyond = [cell for c, cell in filled if c]
    if not beyond or (len(filled) == 1 and len(record) > 2):
        return False
    if all(
        stated_n(cell) is not None and re.fullmatch(r"\W*n\s*=\s*[\d, ]+\W*", cell, re.IGNORECASE) for cell in beyond
    ):
        return True
    if any(_is_figure(cell) for cell in beyond):
        return False
    heads = above[-1]
    # Under a heading's blanks: cells that the upper line merged or left to the lower one.
    under_blanks = any(not heads[c].strip() for c, _ in filled if c and c < len(heads))
    before = metric_count(heads)
    named = metric_count(cell for _, cell in filled)
    return (named >= 2 and named > before) or (under_blanks and len(beyond) >= 2)


def _is_figure(cell: str) -> bool:
    """Say whether a cell holds a figure and not a name such as D1, T2 or 95% CI."""
    bare = re.sub(r"(?i)\b9\d\s*%?-?\s*(?:ci|confidence interval|ki)\b|(?<=\d)[a-e]\b", "", cell)
    return bool(re.search(r"\d", bare)) and not re.search(r"[^\W\d_]", re.sub(r"(?i)\b(?:ci|n|to)\b", "", bare))


def _named(headings: Records) -> tuple[list[str], list[str], list[str]]:
    """Return of each column the upper heading, the lower one, and the name made of both."""
    width = len(headings[0])
    levels = [[" ".join(cell.split()) for cell in line] for line in headings]
    for number, line in enumerate(levels[:-1]):
        last = ""
        for c in range(width):
            # A merged heading stands in the first of its columns; a column that it does not cover has no lower heading.
            covered = any(lower[c] for lower in levels[number + 1 :])
            last = line[c] or (last if covered and c else "")
            line[c] = last
    above, below, names = [], [], []
    for c in range(width):
        parts = list(dict.fromkeys(level[c] for level in levels if level[c]))
        if (
            len(parts) > 1
            and stated_n(parts[-1]) is not None
            and re.fullmatch(r"\W*n\s*=\s*[\d, ]+\W*", parts[-1], re.IGNORECASE)
        ):
            bare = parts[-1].strip("() ")
            parts = [*parts[:-2], f"{parts[-2]} ({bare})"]
        lower, upper = (parts[-1] if parts else ""), ", ".join(parts[:-1])
        if upper and not column_role(lower)[0] and column_role(upper)[0]:
            lower, upper = f"{upper} {lower}", ""  # "AUC" over "Training", "95% CI" over "Lower"
        above.append(upper)
        below.append(lower)
        names.append(f"{upper}, {lower}" if upper else lower)
    return above, below, names


def _is_heading(record: list[str]) -> bool:
    """A heading has names of metrics, or words and hardly a figure."""
    if metric_count(record) >= 2:
        return True
    filled = [cell for cell in record if not is_missing(cell)]
    figures = sum(not read_cell(cell).is_empty and not any(c.isalpha() for c in cell) for cell in filled)
    return len(filled) > 1 and figures == 0
