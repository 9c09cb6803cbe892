"""`mx-notes recipes`: the recipes, or the knobs of one."""

from __future__ import annotations

from .. import recipes


def report(name: str | None = None) -> int:
    """Print the recipe of that name as JSON, or a line for each recipe. Raises UserError for an unknown name."""
    if name:
        print(recipes.preset(name).to_json(), end="")
        return 0
    for each, recipe in recipes.PRESETS.items():
        print(f"{each:14} {recipe.model} on {recipe.data}, {recipe.epochs} epochs, batch {recipe.batch_size}")
    print("\nmx-notes recipes NAME prints one with all its knobs")
    return 0
