"""A recipe on the command line: an option for each of its fields, with the recipe's own defaults."""

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Recipe = TypeVar("Recipe", bound="DataclassInstance")
"""A dataclass of plain values that has defaults for all."""


def add_recipe(parser: argparse.ArgumentParser, recipe: type[Recipe]) -> None:
    """Give a parser the options of a recipe."""
    for field in fields(recipe):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)


def recipe_in(given: argparse.Namespace, recipe: type[Recipe]) -> Recipe:
    """Make the recipe that a command line tells."""
    return recipe(**{field.name: getattr(given, field.name) for field in fields(recipe)})
