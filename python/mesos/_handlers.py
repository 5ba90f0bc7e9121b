"""Looks at the object whose methods a driver is to call, before anything is sent.

Invariants:
* Any object with the methods will do; what it lacks, the base class does.
* A method that Mesos would never call although its name says that it should is refused, with the right name.
"""

from __future__ import annotations

import functools
from typing import Any

from mesos.errors import ConfigurationError


def names(base: type) -> list[str]:
    """Return the names of the handlers: the public methods of the base class."""
    return [name for name in vars(base) if not name.startswith("_")]


def absent(handler: object, base: type) -> list[str]:
    """Return the names of the handlers that the object lacks."""
    return [name for name in names(base) if not hasattr(handler, name)]


def any_async(handler: object, base: type) -> bool:
    """Return whether any handler is declared `async def`."""
    return any(_is_async(getattr(handler, name, None)) for name in names(base))


def check(handler: object, base: type) -> None:
    """Raise ConfigurationError or TypeError if `handler` cannot be what the user means."""
    word = base.__name__.lower()
    if isinstance(handler, type):
        raise ConfigurationError(
            f"{word}: an instance is expected, not the class: write {handler.__name__}()"
        )
    known = names(base)
    for name in dir(type(handler)):
        if name.startswith("_") or name in known or not callable(getattr(type(handler), name, None)):
            continue
        meant = _meant(name, known)
        if meant is not None:
            raise ConfigurationError(
                f"{word}: {type(handler).__name__}.{name} would never be called: "
                f"the handler is named {meant!r}"
            )
    present = [name for name in known if hasattr(handler, name)]
    if not present:
        raise ConfigurationError(
            f"{word}: {type(handler).__name__} has none of the handlers ({', '.join(known)}); "
            f"subclass mesos.{base.__name__}"
        )
    for name in present:
        _check_call(handler, name, base)


def _check_call(handler: object, name: str, base: type) -> None:
    method = getattr(handler, name)
    what = f"{base.__name__.lower()}: {type(handler).__name__}.{name}"
    if not callable(method):
        raise ConfigurationError(f"{what} is not callable")
    import inspect  # noqa: PLC0415 - who only imports mesos does without

    if any(
        inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        for function in _functions(method)
    ):
        raise TypeError(
            f"{what} has a `yield`: calling it makes a generator, which nobody would run; "
            "write a plain method, or `async def` with `await` in place of `yield`"
        )
    wanted = list(inspect.signature(getattr(base, name)).parameters)[1:]
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):  # some callables tell nothing about themselves
        return
    try:
        signature.bind(*wanted)
    except TypeError as error:
        raise ConfigurationError(f"{what}{signature} must take ({', '.join(wanted)}): {error}") from None


def _plain(name: str) -> str:
    """Return the name without what other bindings and older versions spell differently."""
    return name.lower().replace("_", "").replace("slave", "agent")


def _meant(name: str, known: list[str]) -> str | None:
    """Return the handler that `name` is another spelling of, or one slip away from."""
    for handler in known:
        if _plain(name) == _plain(handler):
            return handler
    for handler in known:
        if min(len(name), len(handler)) >= 8 and _one_slip(name, handler):  # noqa: PLR2004 - short names are alike
            return handler
    return None


def _one_slip(one: str, other: str) -> bool:
    """Return whether one letter was left out, added, changed or swapped with its neighbour."""
    if len(one) > len(other):
        one, other = other, one
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[start:] == other[start + 1 :]
    swapped = one[start + 1 : start + 2] + one[start : start + 1]
    return one[start + 1 :] == other[start + 1 :] or swapped + one[start + 2 :] == other[start:]


def _is_async(method: Any) -> bool:
    import inspect  # noqa: PLC0415 - who only imports mesos does without

    return any(inspect.iscoroutinefunction(function) for function in _functions(method))


def _functions(method: Any) -> tuple[Any, Any]:
    """Return what may be a function of a special kind: the method itself, or what calling the object runs."""
    while isinstance(method, functools.partial):
        method = method.func
    return method, getattr(type(method), "__call__", None)  # noqa: B004 - the function itself is wanted  # pyright: ignore[reportUnknownArgumentType]
