"""The steps of a study as a graph, laid out in layers from top to bottom."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import accumulate, combinations, pairwise, permutations, product
from math import prod
from statistics import fmean

import plotnine as p9

from vcfstats.reporting.figures.diagrams import Arrow, Box, diagram
from vcfstats.reporting.figures.style import DOUBLE_MM, empty_figure

_WIDTH, _SLOT, _GAP = 46.0, 52.0, 6.5  # of a box, of a place in a layer, between layers; mm
# Least distance of neighbours in a layer, in places: of two lines, of a line and a box, of two boxes; rounds of moving.
_GAPS, _TURNS = (0.2, 0.62, 1.0), 500
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
    place = _settled(rows, links, _places(rows, links), {step.name for step in steps})
    by_name = {step.name: step for step in steps}
    heights = [max(Box(0, 0, 0, by_name[name].lines).height for name in row if name in by_name) for row in rows]
    total = sum(heights) + _GAP * (len(rows) - 1) + 4.0
    tops: list[float] = []
    y = total - 2.0
    for height in heights:
        tops.append(y - height / 2)
        y -= height + _GAP
    ends = [place[name] + side * (0.5 if name in by_name else 0.1) for name in place for side in (-1, 1)]
    slot = min(_SLOT, (DOUBLE_MM - 8.0) / (max(ends) - min(ends)))
    centre = (DOUBLE_MM - 8.0) / 2 - slot * (max(ends) + min(ends)) / 2
    boxes = {
        name: Box(centre + slot * place[name], tops[number], min(_WIDTH, slot - 4.0), by_name[name].lines)
        for number, row in enumerate(rows)
        for name in row
        if name in by_name
    }
    # A long arrow goes straight down past the boxes of a layer, and aside only between layers: x, and y above and below.
    bend = {
        name: (centre + slot * place[name], tops[number] + heights[number] / 2, tops[number] - heights[number] / 2)
        for number, row in enumerate(rows)
        for name in row
        if name not in by_name
    }
    arrows: list[Arrow] = []
    lines: list[Arrow] = [(x, above, x, below) for x, above, below in bend.values()]
    for upper, lower in links:
        x, y = (boxes[upper].x, boxes[upper].y - boxes[upper].height / 2) if upper in boxes else bend[upper][::2]
        if lower in boxes:
            arrows.append((x, y, boxes[lower].x, boxes[lower].y + boxes[lower].height / 2))
        else:
            lines.append((x, y, *bend[lower][:2]))
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


def _settled(
    rows: list[list[str]], links: list[tuple[str, str]], place: dict[str, float], boxes: Set[str]
) -> dict[str, float]:
    """Move the names of each layer, in their order, below and above what they are linked with; long arrows become straight."""
    near: dict[str, list[str]] = {name: [] for name in place}
    for upper, lower in links:
        near[upper].append(lower)
        near[lower].append(upper)
    chains: dict[str, list[str]] = {}
    for name in place:
        if name not in boxes:
            chains.setdefault(name.rpartition(" ")[0], []).append(name)
    at = dict(place)
    ordered = [sorted(row, key=place.__getitem__) for row in rows]
    for turn in range(_TURNS):
        for row in ordered[:: 1 if turn % 2 else -1]:
            wanted = [fmean(at[name] for name in (near[name] if name in boxes else _own(name, chains))) for name in row]
            gaps = [_GAPS[(one in boxes) + (other in boxes)] for one, other in pairwise(row)]
            at.update(zip(row, _apart(wanted, gaps, [1.0 if name in boxes else 50.0 for name in row]), strict=True))
    return at


def _own(name: str, chains: dict[str, list[str]]) -> list[str]:
    return chains[name.rpartition(" ")[0]]


def _apart(wanted: Sequence[float], gaps: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the places nearest to those wanted (least squares) that keep their order and these gaps."""
    shifts = list(accumulate(gaps, initial=0.0))
    blocks: list[tuple[float, float, int]] = []  # mean, weight, members
    for value, shift, weight in zip(wanted, shifts, weights, strict=True):
        block = (value - shift, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            mean, before, members = blocks.pop()
            whole = before + block[1]
            block = ((mean * before + block[0] * block[1]) / whole, whole, members + block[2])
        blocks.append(block)
    level = [mean for mean, _, members in blocks for _ in range(members)]
    return [mean + shift for mean, shift in zip(level, shifts, strict=True)]


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
