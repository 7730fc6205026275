"""What can be drawn. `name` is a file's name, the rest is what a person reads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """Points or bars of one kind; a nan is left out."""

    label: str
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Series over the same `x`; `mark` is a place on the x axis to point at, e.g. the threshold used."""

    name: str
    title: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    series: tuple[Series, ...]
    mark: float | None = None
    log_x: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Series over the same groups."""

    name: str
    title: str
    x_label: str
    y_label: str
    groups: tuple[str, ...]
    series: tuple[Series, ...]


Plot = Lines | Bars
