"""Tells how far a change of one file reaches, by the graph of imports.

Imports that wait inside of functions, or for a type checker, count as well.

    reached("service/bonafides/access/masks.py")    # its module, and whoever imports it
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import PurePosixPath
from typing import Final

import grimp

_PACKAGES: Final = ("bonafides", "scripts", "tests")


@cache
def reached(file: str) -> AbstractSet[str]:
    """Returns the file's module and those that import it, however indirectly.

    Of a file that is no module of ours anybody may read: all of them.
    """
    graph = _graph()
    path = PurePosixPath(file).with_suffix("")
    parts = path.parts[1:] if path.parts[0] == "service" else path.parts
    name = ".".join(parts).removesuffix(".__init__")
    if name not in graph.modules:
        return graph.modules
    return graph.find_downstream_modules(name) | {name}


@cache
def _graph() -> grimp.ImportGraph:
    graph = grimp.build_graph(*_PACKAGES, cache_dir=None)
    for name in graph.modules:
        package = name.rpartition(".")[0]
        if package in graph.modules:
            # Whoever imports a part has run its package first.
            graph.add_import(importer=name, imported=package)
    return graph
