"""How the figures of each column are to be read: percentages or proportions, and with how many decimals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from vcfstats.audit.table.cells import Cell, clean, number_text, read_cell
from vcfstats.audit.table.columns import DERIVED, METRICS, RATIOS
from vcfstats.audit.table.sheets import Sheet, Spot

_PROPORTIONS = frozenset(METRICS) - set(RATIOS) - set(DERIVED)
_SIGNED = (*DERIVED[:2], "youden")  # below 0 where the calls are worse than chance
_COUNTS = frozenset({"n", "events", "nonevents", "tp", "fp", "fn", "tn", "called"})


class Scales:
    """The scale of each column of a sheet, by table where a column says to which table a row belongs."""

    def __init__(self, sheet: Sheet, roles: Sequence[tuple[str, str]], tables: Sequence[str]) -> None:
        """Look at all cells of each column."""
        self._tables, self._roles, self._numeric = tables, roles, sheet.numeric
        self._percent: dict[tuple[int, str], bool] = {}
        self._decimals: dict[tuple[int, str], int] = {}
        for position, (role, _) in enumerate(roles):
            metric = role.partition(":")[0]
            if metric not in _PROPORTIONS and metric not in {"ci", "ci_low", "ci_high", "se"}:
                continue
            values = sheet.column(position)
            for table in dict.fromkeys(tables):
                cells = [read_cell(v) for v, t in zip(values, tables, strict=True) if t == table]
                figures = [c.value for c in cells if c.value is not None] + [f for c in cells for f in c.interval or ()]
                bare = [float(f) for f in figures if "%" not in f.text]
                said = "%" in re.sub(r"9\d(\.\d+)?\s*%", "", clean(sheet.names[position]))
                self._percent[position, table] = bool(bare) and (median(bare) > 1.0 or (said and max(bare) > 1.0))
                self._decimals[position, table] = max((f.decimals for f in figures), default=0)

    def read(self, position: int, index: int, spot: Spot | None) -> Cell:
        """Read one cell."""
        if spot is None:
            return Cell("")
        key = (position, self._tables[index])
        percent = self._percent.get(key, False)
        value = spot.value
        places = self._decimals.get(key) if self._numeric[position] else None
        if self._roles[position][0] in _COUNTS:  # a count, in which 1,000 is a thousand
            value = clean(number_text(value))
        cell = read_cell(value, percent=percent, decimals=places)
        if (
            self._roles[position][0] in _SIGNED
            and cell.value is not None
            and re.match(r"-\s*[\d.]", clean(number_text(value)))
        ):
            return Cell(cell.text, replace(cell.value, text=f"-{cell.value.text}", units=-cell.value.units))
        whole = cell.value is not None and cell.value.decimals == 0
        if (
            key in self._percent
            and not percent
            and whole
            and self._decimals[key]
            and cell.interval is None
            and cell.counts is None
        ):
            assert cell.value is not None
            # A proportion printed as 1 or 0 among decimals lost its zeros on the way.
            return read_cell(f"{cell.value.units}.{'0' * self._decimals[key]}")
        return cell
