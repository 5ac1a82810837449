"""The steps of a study as a graph, laid out in layers from top to bottom."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product
from math import prod

import plotnine as p9

from vcfstats.reporting.figures.diagrams import Arrow, Box, diagram
from vcfstats.reporting.figures.style import DOUBLE_MM, empty_figure

_WIDTH, _SLOT, _GAP = 46.0, 52.0, 6.5  # of a box, of a place in a layer, between layers; mm
_LINE_CHARACTERS = 25
_MOST_ORDERED, _MOST_TRIED = 5, 3000  # names in a layer whose orders are tried; orders of all layers together


@dataclass(frozen=True)
class Step:
    """A step of a study.

    Attributes
    ----------
    name : str
        What other steps call it.
    lines : tuple of str
        Its text.
    takes : tuple of str
        Names of the steps it takes from.
    """

    name: str
    lines: tuple[str, ...]
    takes: tuple[str, ...] = ()


def workflow_figure(steps: Sequence[Step], *, simulated: bool = False) -> p9.ggplot:
    """Draw steps in layers: each below all that it takes from, arrows past other steps bent around them.

    Parameters
    ----------
    steps : sequence of Step
        In an order in which each stands after those it takes from.
    simulated : bool
        As for `roc_figure`.
    """
    if not steps:
        return empty_figure("The steps of the study were not recorded", DOUBLE_MM, 30.0)
    layer = _layers(steps)
    rows, links = _with_bends(steps, layer)
    place = _places(rows, links)
    by_name = {step.name: step for step in steps}
    heights = [max(Box(0, 0, 0, by_name[name].lines).height for name in row if name in by_name) for row in rows]
    total = sum(heights) + _GAP * (len(rows) - 1) + 4.0
    tops: list[float] = []
    y = total - 2.0
    for height in heights:
        tops.append(y - height / 2)
        y -= height + _GAP
    widest = max(len(row) for row in rows)
    slot = min(_SLOT, (DOUBLE_MM - 8.0) / widest)
    centre = (DOUBLE_MM - 8.0) / 2
    boxes = {
        name: Box(centre + slot * place[name], tops[number], min(_WIDTH, slot - 4.0), by_name[name].lines)
        for number, row in enumerate(rows)
        for name in row
        if name in by_name
    }
    bend = {
        name: (centre + slot * place[name], tops[number])
        for number, row in enumerate(rows)
        for name in row
        if name not in by_name
    }
    arrows: list[Arrow] = []
    lines: list[Arrow] = []
    for upper, lower in links:
        x, y = (boxes[upper].x, boxes[upper].y - boxes[upper].height / 2) if upper in boxes else bend[upper]
        if lower in boxes:
            arrows.append((x, y, boxes[lower].x, boxes[lower].y + boxes[lower].height / 2))
        else:
            lines.append((x, y, *bend[lower]))
    return diagram(list(boxes.values()), arrows, total, lines=lines, simulated=simulated)


def _layers(steps: Sequence[Step]) -> dict[str, int]:
    """Return the layer of each step: below all it takes from; one that takes from none stands just above its first user."""
    layer: dict[str, int] = {}
    for step in steps:
        layer[step.name] = max((layer[name] + 1 for name in step.takes if name in layer), default=0)
    for step in steps:
        users = [layer[other.name] for other in steps if step.name in other.takes]
        if not step.takes and users:
            layer[step.name] = min(users) - 1
    return layer


def _with_bends(steps: Sequence[Step], layer: dict[str, int]) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Return the names in each layer and the links between neighbouring ones; a long arrow has a bend in each layer it passes."""
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for step in steps:
        rows[layer[step.name]].append(step.name)
    links = []
    for step in steps:
        for source in step.takes:
            if source not in layer:
                continue
            previous = source
            for number in range(layer[source] + 1, layer[step.name]):
                bend = f"{source} to {step.name} {number}"
                rows[number].append(bend)
                links.append((previous, bend))
                previous = bend
            links.append((previous, step.name))
    return rows, links


def _places(rows: list[list[str]], links: list[tuple[str, str]]) -> dict[str, float]:
    """Return the place of each name in its layer, 0 in the middle, with the fewest crossings and the shortest arrows.

    Of few orders all are tried. Of many, one layer after another is put in its best order until none gets better.
    """
    orders = [list(permutations(row)) if len(row) <= _MOST_ORDERED else [tuple(row)] for row in rows]
    if prod(map(len, orders)) <= _MOST_TRIED:
        return _spread(min(product(*orders), key=lambda tried: _cost(tried, links)))
    chosen = [tuple(row) for row in rows]
    cost = _cost(chosen, links)
    while True:
        for number, own in enumerate(orders):
            chosen[number] = min(own, key=lambda order: _cost([*chosen[:number], order, *chosen[number + 1 :]], links))
        better = _cost(chosen, links)
        if better >= cost:
            return _spread(chosen)
        cost = better


def _spread(rows: Sequence[Sequence[str]]) -> dict[str, float]:
    return {name: position - (len(row) - 1) / 2 for row in rows for position, name in enumerate(row)}


def _cost(rows: Sequence[Sequence[str]], links: list[tuple[str, str]]) -> float:
    """Return the crossings, each worth more than any detour, and the length of all arrows sideways."""
    place, layer = _spread(rows), {name: number for number, row in enumerate(rows) for name in row}
    ends = [(layer[a], place[a], place[b]) for a, b in links]
    crossings = sum(
        one[0] == other[0] and (one[1] - other[1]) * (one[2] - other[2]) < 0 for one, other in combinations(ends, 2)
    )
    return 100.0 * crossings + sum(abs(a - b) for _, a, b in ends)


def wrapped(text: str, width: int = _LINE_CHARACTERS) -> tuple[str, ...]:
    """Return text in lines that a box of a workflow holds."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return tuple(lines)
