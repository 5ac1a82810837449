"""Checks of options: a choice among words, a source of randomness, and options that nothing would use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

RandomState = int | np.random.SeedSequence | np.random.Generator | None


def check_choice(value: Any, allowed: tuple[str, ...], *, name: str, default: str | None = None) -> str:
    """Return `value`, or `default` where it is None and there is one, or raise ValueError that lists what is allowed."""
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}; got {value!r}.")
    return value


def refuse_unused(why: str, **given: Any) -> None:
    """Refuse options that were given and that nothing will use; an option that was not given is None.

    Parameters
    ----------
    why : str
        When they have no effect, such as "with criterion='youden'".
    **given
        The options.

    Raises
    ------
    ValueError
        One of them is not None.
    """
    names = [f"{name}=" for name, value in given.items() if value is not None]
    if names:
        verb, pronoun = ("has", "it") if len(names) == 1 else ("have", "them")
        raise ValueError(f"{' and '.join(names)} {verb} no effect {why}; leave {pronoun} out.")


def as_flag(value: Any, name: str) -> bool:
    """Return a truth value, or raise ValueError for all that is none: "no" is true to Python."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False; got {value!r}.")
    return bool(value)


def as_list(given: Any, name: str, *, what: str) -> list[Any]:
    """Return what an argument lists, in its order, or raise ValueError; text is no list of letters."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable) or np.ndim(_plain(given)) == 0:
        raise ValueError(f"{name} must list {what}; got {given!r}.")
    listed = list(given)
    if any(type(value).__hash__ is None for value in listed):
        raise ValueError(f"{name} must list {what}; it holds {listed[:3]!r}.")
    return listed


def _plain(given: Any) -> Any:
    return given if isinstance(given, np.ndarray) else [0]


def as_generator(random_state: RandomState) -> np.random.Generator:
    """Return a Generator from an int, a SeedSequence or a Generator (returned as it is); None draws fresh entropy.

    Raises
    ------
    ValueError
        A negative int or another type.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if random_state is None or isinstance(random_state, np.random.SeedSequence):
        return np.random.default_rng(random_state)
    whole = isinstance(random_state, int | np.integer) and not isinstance(random_state, bool | np.timedelta64)
    if whole and random_state >= 0:
        return np.random.default_rng(int(random_state))
    raise ValueError(f"random_state must be a non-negative int, a SeedSequence or a Generator; got {random_state!r}.")
