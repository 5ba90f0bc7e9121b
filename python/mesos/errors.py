"""The exceptions of `mesos`.

    Exception
    └── MesosError                     everything that this package raises on its own account
        ├── ConfigurationError         (ValueError) an argument or the environment is wrong; nothing was sent
        ├── MasterConnectionError      (ConnectionError) no Mesos master was found where one was expected
        ├── AuthenticationError        the master refused the credential, the token or the principal
        ├── DriverAbortedError         (RuntimeError) the driver gave up: the master said so, its loop is gone
        ├── ForkedDriverError          (RuntimeError) a driver was used in a forked child
        ├── DecodeError                (ValueError) bytes or text are not the message they should be
        └── EncodeError                (ValueError) a message lacks a required field or cannot be written

In parentheses, the built-in exception that it is as well, so that `except ValueError` catches it.
A wrong type is Python's own `TypeError`, a call at the wrong moment or place Python's own `RuntimeError`.
What a handler raises comes out of the driver as it is, never wrapped.

The native half raises these very classes, so they are plain Python: they can be pickled, subclassed and read.
No message ever holds a secret.
"""

from __future__ import annotations

__all__ = [
    "AuthenticationError",
    "ConfigurationError",
    "DecodeError",
    "DriverAbortedError",
    "EncodeError",
    "ForkedDriverError",
    "MasterConnectionError",
    "MesosError",
]


class MesosError(Exception):
    """The base of every exception of this package."""


class ConfigurationError(MesosError, ValueError):
    """An argument, an environment variable or a file is wrong; raised before anything is sent."""


class MasterConnectionError(MesosError, ConnectionError):
    """What answers is no Mesos master (or agent, for an executor), or none answered in `connect_timeout`.

    A master that is merely away is no error: the driver tries again for ever, unless told otherwise.
    """


class AuthenticationError(MesosError):
    """The master refused the credential or the token, or does not let this principal subscribe.

    The message tells what is missing or wrong: the credential, the framework's `principal`, one of its roles.
    """


class DriverAbortedError(MesosError, RuntimeError):
    """The driver aborted on its own: the master reported an error, or the event loop was closed under it."""


class ForkedDriverError(MesosError, RuntimeError):
    """A driver made in the parent process was used in a forked child; make a new one in the child."""


class DecodeError(MesosError, ValueError):
    """Bytes, JSON or text do not hold the message that was asked for."""


class EncodeError(MesosError, ValueError):
    """A message cannot be sent as it is: a required field is not set, or a value does not fit its field."""
