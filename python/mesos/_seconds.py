"""Timeouts as users give them.

Invariants:
* What is no number of seconds raises here, naming the argument; nothing overflows further down.
"""

from __future__ import annotations

import math

#: What takes longer than this is for ever: locks and clocks do not take much more. 31 years, in seconds.
FOREVER = 1e9


def seconds(given: float | None, name: str = "timeout") -> float | None:
    """Return `given` as seconds from 0 up; None, like anything beyond `FOREVER`, is for ever.

    What is below 0 is 0. Raises TypeError if it is no number, ValueError if it is nan.
    """
    if given is None:
        return None
    try:
        if math.isnan(given):
            raise ValueError(f"{name}: a number of seconds, or None, is expected, not nan")
    except TypeError:
        raise TypeError(
            f"{name}: a number of seconds, or None, is expected, not {type(given).__name__}"
        ) from None
    except OverflowError:
        pass  # a whole number that no float holds
    if given >= FOREVER:
        return None
    return float(given) if given > 0 else 0.0
