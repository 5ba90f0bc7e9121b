"""An executor for tests: each task reports what its data says, and messages come back as they went.

A task's data are names of states, separated by spaces (RUNNING and FINISHED if there are none). They are
reported at once, one after the other, each with its number as the message. A task that has not ended by then
stays until it is killed. One process serves all tasks of its executor id.
"""

import base64
import os

from agent_api import Agent

AT_ONCE = "TASK_RUNNING TASK_FINISHED"


def main():
    agent = Agent()
    for event in agent.events():
        if event["type"] == "LAUNCH":
            task = event["launch"]["task"]
            script = base64.b64decode(task.get("data", "")).decode() or AT_ONCE
            for number, state in enumerate(script.split(), 1):
                agent.update(task["task_id"]["value"], state, message=str(number))
        elif event["type"] == "KILL":
            agent.update(event["kill"]["task_id"]["value"], "TASK_KILLED")
        elif event["type"] == "MESSAGE":
            agent.message(event["message"]["data"])
        elif event["type"] == "SHUTDOWN":
            os._exit(0)


if __name__ == "__main__":
    main()
