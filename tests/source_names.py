"""What a module of the source defines, for tests that hold the papers against the code."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def names_in(file: Path) -> frozenset[str]:
    """Every function, class, method and constant that a module defines, methods as `Class.method`."""
    return frozenset(_names(ast.parse(file.read_text()).body, ""))


def _names(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.ClassDef(name=name):
                yield prefix + name
                yield from _names(statement.body, f"{prefix}{name}.")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.Assign(targets=targets):
                yield from (prefix + name.id for target in targets for name in _targets(target))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name


def _targets(target: ast.expr) -> Iterator[ast.Name]:
    return (node for node in ast.walk(target) if isinstance(node, ast.Name))
