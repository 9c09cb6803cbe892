"""The names under which a program has imported modules, and what an expression of it stands for."""

from __future__ import annotations

import ast


class Imported:
    """Follows imports in the order in which they are entered."""

    def __init__(self) -> None:
        self._modules: dict[str, str] = {}  # np -> numpy

    def enter(self, node: ast.AST) -> None:
        """Enter an import; other statements are passed over."""
        if isinstance(node, ast.Import):
            for name in node.names:
                first = name.name.partition(".")[0]
                self._modules[name.asname or first] = name.name if name.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                self._modules[name.asname or name.name] = f"{node.module}.{name.name}"

    def place(self, node: ast.expr) -> str:
        """What an expression names, from its module on: "numpy.float" for np.float; empty if that is not known."""
        if isinstance(node, ast.Name):
            return self._modules.get(node.id, "")
        if isinstance(node, ast.Attribute) and (before := self.place(node.value)):
            return f"{before}.{node.attr}"
        return ""
