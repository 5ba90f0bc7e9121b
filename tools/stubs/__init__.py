"""Writes the stubs of the message classes, `python/mesos/v1/*.pyi`, from what the built module says.

    make stubs

For each message the stub of its package has the class, and two names for annotations, which do not exist at
run time:

* `TaskInfoDict`, a TypedDict: the keywords of `TaskInfo(...)` as a dict;
* `TaskInfoLike`: all that is taken where a `TaskInfo` is expected. Enums have this one, too.

Those of nested messages and enums are called after the qualified name without dots: `OfferOperationLike`.

`schema` walks the classes, `layout` sets lines, `stub` writes one package.
"""
