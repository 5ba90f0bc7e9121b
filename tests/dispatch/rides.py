"""One way to drive each dispatcher, so that one suite of tests runs over all of them."""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import TYPE_CHECKING, Any

import mesos
import uvloop
from own import OwnDispatcher
from recorder import PATIENCE, AsyncRecorder, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable


class Ride:
    """Drives a driver's events: how depends on the dispatcher."""

    dispatcher: Any
    recorder: type[Recorder] = Recorder

    def __init__(self, make: Callable[..., mesos.SchedulerDriver]) -> None:
        self.make = make
        self.drivers: list[mesos.SchedulerDriver] = []

    def new(self, scheduler: object, **settings: Any) -> mesos.SchedulerDriver:
        self.drivers.append(self.make(scheduler, dispatcher=self.dispatcher, **settings))
        return self.drivers[-1]

    def start(self, driver: mesos.SchedulerDriver) -> None:
        driver.start()

    def started(self, scheduler: object, **settings: Any) -> mesos.SchedulerDriver:
        driver = self.new(scheduler, **settings)
        self.start(driver)
        assert driver.status == mesos.DRIVER_RUNNING
        return driver

    def until(self, recorder: Recorder, driver: mesos.SchedulerDriver, done: Callable[[], bool]) -> None:
        """Let events be handled until `done()`."""
        raise NotImplementedError

    def end(self, driver: mesos.SchedulerDriver) -> mesos.Status:
        """Wait for the end, from outside."""
        return driver.join(PATIENCE)

    def close(self) -> None:
        """Give back what it took."""


class Poll(Ride):
    dispatcher = "poll"

    def until(self, recorder: Recorder, driver: mesos.SchedulerDriver, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done() and time.monotonic() < deadline:
            driver.run_once(PATIENCE)
        assert done()


class Fileno(Ride):
    """A loop of the user's own, over `fileno()`."""

    dispatcher = "poll"

    def until(self, recorder: Recorder, driver: mesos.SchedulerDriver, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(driver.fileno(), selectors.EVENT_READ)
            while not done() and time.monotonic() < deadline:
                if selector.select(PATIENCE):
                    assert driver.dispatcher is not None
                    driver.dispatcher.drain(7)
        assert done()


class Thread(Ride):
    dispatcher = "thread"

    def until(self, recorder: Recorder, driver: mesos.SchedulerDriver, done: Callable[[], bool]) -> None:
        with recorder.changed:
            assert recorder.changed.wait_for(done, PATIENCE)


class Asyncio(Ride):
    dispatcher: Any = "asyncio"
    new_loop: Callable[[], asyncio.AbstractEventLoop] = staticmethod(asyncio.new_event_loop)

    def __init__(self, make: Callable[..., mesos.SchedulerDriver]) -> None:
        super().__init__(make)
        self.loop = self.new_loop()

    def start(self, driver: mesos.SchedulerDriver) -> None:
        async def start() -> None:
            driver.start()

        self.loop.run_until_complete(start())

    def until(self, recorder: Recorder, driver: mesos.SchedulerDriver, done: Callable[[], bool]) -> None:
        async def until() -> None:
            changed = asyncio.Event()
            recorder.listeners.append(changed.set)
            while not done():
                changed.clear()
                await asyncio.wait_for(changed.wait(), PATIENCE)
            recorder.listeners.remove(changed.set)

        self.loop.run_until_complete(until())

    def end(self, driver: mesos.SchedulerDriver) -> mesos.Status:
        return self.loop.run_until_complete(driver.wait(PATIENCE))

    def close(self) -> None:
        for driver in self.drivers:
            driver.abort()
            if driver.exception is None:
                self.end(driver)
        self.loop.close()


class Interrupt(Ride):
    """The main thread computes something else."""

    dispatcher = "interrupt"

    def until(self, recorder: Recorder, driver: mesos.SchedulerDriver, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done() and time.monotonic() < deadline:
            sum(range(100))
        assert done()


class Named(Thread):
    """A dispatcher of the user's own, by its name."""

    dispatcher = "own:OwnDispatcher"


class Instance(Thread):
    """A dispatcher of the user's own, as an object."""

    @property
    def dispatcher(self) -> Any:
        return OwnDispatcher()


class AsyncioAsync(Asyncio):
    recorder = AsyncRecorder


class Uvloop(AsyncioAsync):
    new_loop = staticmethod(uvloop.new_event_loop)


class ThreadAsync(Thread):
    recorder = AsyncRecorder


RIDES = {
    "poll": Poll,
    "fileno": Fileno,
    "thread": Thread,
    "asyncio": Asyncio,
    "interrupt": Interrupt,
    "named": Named,
    "instance": Instance,
    "thread-async": ThreadAsync,
    "asyncio-async": AsyncioAsync,
    "uvloop-async": Uvloop,
}
