"""Finds message classes, enums and enum values by name, for `mesos` and the modules of `mesos.v1`.

A package's `__getattr__` and `__dir__` come from `exports`: what is asked for is made then, and kept in the
module, so that importing makes nothing. Submodules and what is in them are imported so, too.
Modules that are a package and nothing else have an `__all__` by the same way.
"""

from __future__ import annotations

from _collections_abc import MutableMapping, MutableSequence, Sequence  # what is loaded anyhow: see os.py

from mesos import _mesos

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["exports"]

MutableSequence.register(_mesos.Repeated)  # pyright: ignore - it does not see the metaclass
MutableMapping.register(_mesos.Map)  # pyright: ignore - the same
Sequence.register(_mesos.Resources)  # pyright: ignore - the same


def exports(
    namespace: dict[str, Any],
    package: str | None = None,
    *,
    submodules: tuple[str, ...] = (),
    members: dict[str, str] | None = None,
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a module that holds a package of the schema.

    Args:
        namespace: the module's `globals()`, where what was found is kept.
        package: the protobuf package; the module's own name if left out.
        submodules: modules below it that are attributes without having been imported.
        members: names to import when asked for, with the modules that hold them.

    """
    module = namespace["__name__"]
    scope = module if package is None else package
    extra = ["Duration"] if scope == "mesos.v1" else []

    def __getattr__(name: str) -> Any:  # noqa: N807 - becomes the module's
        if name in submodules:
            return _module(f"{module}.{name}")
        if name == "__all__" and package is None:
            return sorted([*_mesos.names(scope), *extra], key=lambda name: (not name.isupper(), name))
        if members is not None and name in members:
            found = getattr(_module(members[name]), name)
        else:
            found = None if name.startswith("__") else _mesos.lookup(scope, name)
        if found is None and name in extra:
            found = _mesos.lookup("google.protobuf", name)
        if found is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        namespace[name] = found
        return found

    def __dir__() -> list[str]:  # noqa: N807 - becomes the module's
        return sorted({*namespace, *submodules, *(members or ()), *_mesos.names(scope), *extra})

    return __getattr__, __dir__


def _module(name: str) -> Any:
    from importlib import import_module  # noqa: PLC0415 - messages do without

    return import_module(name)
