"""The gaussian lasso from one penalty to the next along its straight pieces: exact, and cheaper than solving anew at each."""

from __future__ import annotations

import numpy as np

from vcfstats.statistics.inputs import FloatArray
from vcfstats.statistics.lasso.solver import Problem, State

_AHEAD = 1e-12  # share of the penalty by which an event must lie below the last one
_EXACT = 1e-9  # share of the penalty that the conditions of a minimum may be off by


class Homotopy:
    """Follows the solution of a gaussian lasso as the penalty falls.

    Between events (a coefficient leaves 0, or returns to it) the active coefficients are linear in the penalty l:
    b = u - l v with H u = c and H v = s, H the active columns' products, c theirs with the outcome, s the signs. So are
    the gradients of the others, and the next event is where the first of them reaches the penalty in size or the first
    active coefficient reaches 0. What it finds is checked against the conditions of a minimum: where several events
    coincide, or columns span one another, `advance` says so and the caller solves by active set.

    References
    ----------
    Osborne, Presnell and Turlach (2000), doi 10.1093/imanum/20.3.389. Efron et al. (2004), doi 10.1214/009053604000000067.
    """

    def __init__(self, problem: Problem) -> None:
        n, p = problem.X.shape
        self._X, self._n = problem.X, n
        self._intercept = float(problem.y.mean())
        self._product = problem.X.T @ (problem.y - self._intercept) / n
        self._last = np.inf  # penalty of the last event
        self._active: list[int] = []
        self._signs: list[float] = []
        self._rows = np.empty((0, p))  # products of each active column with all columns
        self._piece: tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None = None

    def restart(self, state: State, penalty: float) -> None:
        """Go on from a solution found otherwise."""
        self._active = np.flatnonzero(state.coef).tolist()
        self._signs = np.sign(state.coef[self._active]).tolist()
        self._rows = self._X[:, self._active].T @ self._X / self._n
        self._last, self._piece = penalty, None

    def advance(self, penalty: float) -> State | None:
        """Return the solution at a smaller penalty; None where following the events does not lead to one."""
        try:
            for _ in range(10 * sum(self._X.shape)):
                u, v, constant, slope = self._straight()
                at, who, enters = self._next(u, v, constant, slope)
                if at <= penalty:
                    return self._checked(penalty, u - penalty * v, constant + penalty * slope)
                self._last, self._piece = at, None
                if enters:
                    self._enter(who, float(np.sign(constant[who] + at * slope[who])))
                else:
                    del self._active[who], self._signs[who]
                    self._rows = np.delete(self._rows, who, axis=0)
        except np.linalg.LinAlgError:  # columns that span one another
            pass
        return None

    def _straight(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Coefficients u - l v and gradients constant + l slope of the piece at hand."""
        if self._piece is None:
            right = np.column_stack([self._product[self._active], self._signs])
            u, v = np.linalg.solve(self._rows[:, self._active], right).T
            self._piece = u, v, self._product - u @ self._rows, v @ self._rows
        return self._piece

    def _next(self, u: FloatArray, v: FloatArray, constant: FloatArray, slope: FloatArray) -> tuple[float, int, bool]:
        """Return the next event below the last one: its penalty, the position or the column, whether it enters."""
        with np.errstate(divide="ignore", invalid="ignore"):
            up, down = constant / (1 - slope), -constant / (1 + slope)
            zero = u / v
        limit = self._last * (1 - _AHEAD)
        up[self._active] = down[self._active] = -np.inf
        up[~(up < limit)] = -np.inf
        down[~(down < limit)] = -np.inf
        zero[~(zero < limit)] = -np.inf
        enters = np.maximum(up, down)
        column = int(np.argmax(enters))
        if not zero.size or enters[column] >= zero.max():
            return float(enters[column]), column, True
        position = int(np.argmax(zero))
        return float(zero[position]), position, False

    def _enter(self, column: int, sign: float) -> None:
        self._active.append(column)
        self._signs.append(sign)
        self._rows = np.vstack([self._rows, self._X[:, column] @ self._X / self._n])

    def _checked(self, penalty: float, values: FloatArray, gradient: FloatArray) -> State | None:
        signs = np.array(self._signs)
        slack = _EXACT * penalty + 1e-15
        coef = np.zeros(self._X.shape[1])
        coef[self._active] = values
        others = np.abs(gradient)
        others[self._active] = 0.0
        fits = (
            (values * signs > 0).all()
            and np.abs(gradient[self._active] - penalty * signs).max(initial=0.0) <= slack
            and others.max() <= penalty + slack
        )
        return State(self._intercept, coef) if fits else None
