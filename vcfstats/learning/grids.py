"""The classifiers and, for each, the values of its parameters that are tried. Names are those of the libraries."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Nodes = Annotated[int, Field(ge=2)]


class Grid(BaseModel):
    """Values tried of each parameter: every combination, the last parameter varying fastest; of equals the first wins.

    Write the simplest value first: it is the one that a tie keeps.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class LogisticGrid(Grid):
    """Ridge-penalised logistic regression (scikit-learn)."""

    C: tuple[Positive, ...] = Field(
        default=(0.01, 0.1, 1.0, 10.0), min_length=1, description="inverse penalty strength"
    )


class SvmGrid(Grid):
    """Support vector machine, probabilities by Platt's sigmoid on cross-validated decision values (scikit-learn)."""

    kernel: tuple[Literal["linear", "rbf"], ...] = Field(default=("linear", "rbf"), min_length=1, description="kernel")
    C: tuple[Positive, ...] = Field(default=(0.1, 1.0, 10.0), min_length=1, description="cost of a violated margin")
    gamma: tuple[Positive | Literal["scale", "auto"], ...] = Field(
        default=("scale",), min_length=1, description="width of the rbf kernel; scale: 1 / (features x variance)"
    )


class KnnGrid(Grid):
    """k-nearest neighbours (scikit-learn)."""

    n_neighbors: tuple[Count, ...] = Field(
        default=(25, 15, 9, 5), min_length=1, description="neighbours; at most as many as there are training cases"
    )
    weights: tuple[Literal["uniform", "distance"], ...] = Field(
        default=("uniform",), min_length=1, description="weight of a neighbour"
    )


class ForestGrid(Grid):
    """Random forest or extremely randomised trees (scikit-learn)."""

    n_estimators: tuple[Count, ...] = Field(default=(100,), min_length=1, description="trees")
    max_depth: tuple[Count | None, ...] = Field(
        default=(None,), min_length=1, description="depth of a tree; null: until leaves are pure"
    )
    min_samples_leaf: tuple[Count, ...] = Field(default=(5, 1), min_length=1, description="fewest cases in a leaf")
    max_features: tuple[Share | Literal["sqrt", "log2"], ...] = Field(
        default=("sqrt",), min_length=1, description="features looked at for a split"
    )


class XgboostGrid(Grid):
    """Gradient-boosted trees (XGBoost)."""

    n_estimators: tuple[Count, ...] = Field(default=(50, 150), min_length=1, description="trees")
    max_depth: tuple[Count, ...] = Field(default=(1, 3), min_length=1, description="depth of a tree")
    learning_rate: tuple[Positive, ...] = Field(default=(0.1,), min_length=1, description="shrinkage of each tree")
    subsample: tuple[Share, ...] = Field(
        default=(0.8,), min_length=1, description="share of the cases that a tree sees"
    )
    reg_lambda: tuple[Positive, ...] = Field(default=(1.0,), min_length=1, description="ridge penalty on leaf values")


class LightgbmGrid(Grid):
    """Gradient-boosted trees (LightGBM)."""

    n_estimators: tuple[Count, ...] = Field(default=(50, 150), min_length=1, description="trees")
    num_leaves: tuple[Nodes, ...] = Field(default=(2, 7), min_length=1, description="leaves of a tree")
    min_child_samples: tuple[Count, ...] = Field(default=(10,), min_length=1, description="fewest cases in a leaf")
    learning_rate: tuple[Positive, ...] = Field(default=(0.1,), min_length=1, description="shrinkage of each tree")


class MlpGrid(Grid):
    """Multilayer perceptron with one hidden layer, fitted by L-BFGS (scikit-learn)."""

    hidden_units: tuple[Count, ...] = Field(default=(8, 32), min_length=1, description="units of the hidden layer")
    alpha: tuple[Positive, ...] = Field(default=(10.0, 1.0), min_length=1, description="ridge penalty")


class ClassifierSettings(BaseModel):
    """The classifiers; null leaves one out. Of equally good ones the first in this order is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    logistic_regression: LogisticGrid | None = Field(
        default=LogisticGrid(), description="ridge-penalised logistic regression"
    )
    svm: SvmGrid | None = Field(default=SvmGrid(), description="support vector machine")
    knn: KnnGrid | None = Field(default=KnnGrid(), description="k-nearest neighbours")
    random_forest: ForestGrid | None = Field(default=ForestGrid(), description="random forest")
    extra_trees: ForestGrid | None = Field(default=ForestGrid(), description="extremely randomised trees")
    xgboost: XgboostGrid | None = Field(default=XgboostGrid(), description="gradient-boosted trees (XGBoost)")
    lightgbm: LightgbmGrid | None = Field(default=LightgbmGrid(), description="gradient-boosted trees (LightGBM)")
    mlp: MlpGrid | None = Field(default=MlpGrid(), description="multilayer perceptron")

    def grids(self) -> dict[str, Grid]:
        """Return the classifiers that are fitted, in order."""
        return {name: grid for name in type(self).model_fields if (grid := getattr(self, name)) is not None}
