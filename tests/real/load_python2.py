"""The load of load.py over Apache Mesos' own bindings: `python2.7 load_python2.py MASTER TASKS TASK`.

TASK is fields of a TaskInfo that all tasks have, as hexadecimal bytes. A program for Python 2.7, which those
bindings end with; load_libmesos.py runs it. The module `_scheduler` is libmesos itself, as PyPI ships it.
"""

from __future__ import print_function  # noqa: UP010 - see above

import json
import resource
import sys

from _scheduler import MesosSchedulerDriverImpl
from mesos.interface import Scheduler, mesos_pb2

#: As in load.py.
IN_FLIGHT = 128
AMOUNTS = {"cpus": 0.01, "mem": 1.0}


def process_time():
    """Return the processor seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Load(Scheduler):
    """Ends with the first offer after the end of its last task."""

    def __init__(self, tasks, fields):
        self.left = tasks
        self.open = 0
        self.fields = fields
        self.uuids = set()
        self.updates = 0
        self.began = self.last = 0.0

    def resourceOffers(self, driver, offers):  # noqa: N802 - the bindings' name
        if self.left == self.open == 0:
            driver.stop(True)
            return
        filters = mesos_pb2.Filters()
        filters.refuse_seconds = 0.01
        for offer in offers:
            tasks = [self.task(offer) for _ in range(self.batch(offer))]
            driver.launchTasks([offer.id], tasks, filters)

    def batch(self, offer):
        """Tell how many tasks to launch with an offer: one at first, as its executor has to start."""
        if self.updates == 0 and self.open:
            return 0
        offered = {each.name: each.scalar.value for each in offer.resources}
        room = min(int(offered.get(name, 0) / amount + 0.5) for name, amount in AMOUNTS.items()) - 1
        return max(0, min(self.left, IN_FLIGHT - self.open if self.updates else 1, room))

    def task(self, offer):
        """Return the next task."""
        task = mesos_pb2.TaskInfo.FromString(self.fields)
        task.name = task.task_id.value = "task%d" % self.left  # noqa: UP031 - as Python 2.7 writes it
        task.slave_id.CopyFrom(offer.slave_id)
        self.left -= 1
        self.open += 1
        return task

    def statusUpdate(self, driver, status):  # noqa: N802 - the bindings' name
        now = process_time()
        self.began = self.began or now
        self.last = now
        self.updates += 1
        if status.uuid not in self.uuids:
            self.uuids.add(status.uuid)
            self.open -= status.state == mesos_pb2.TASK_FINISHED


def main(master, tasks, fields):
    """Run to the end and print how many updates came, and what each cost."""
    framework = mesos_pb2.FrameworkInfo(user="nobody", name="load", failover_timeout=600.0)
    load = Load(int(tasks), bytes(bytearray.fromhex(fields)))
    if MesosSchedulerDriverImpl(load, framework, master).run() != mesos_pb2.DRIVER_STOPPED:
        sys.exit("the driver was aborted")
    print(json.dumps({"updates": load.updates, "cost": (load.last - load.began) / (load.updates - 1)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
