"""An executor for tests: each task reports what its data says, and messages come back as they went.

A task's data are names of states, separated by spaces (RUNNING and FINISHED if there are none). They are
reported at once, one after the other, each with its number as the message. A task that has not ended by then
stays until it is killed. `exit:N` among them ends the executor with that status, `signal:N` by that signal.
One process serves all tasks of its executor id.

The executor's own data, if it is "stubborn", has it ignore a shutdown; "silent", the kill of a task.
"""

import base64
import os
import signal

from agent_api import Agent

AT_ONCE = "TASK_RUNNING TASK_FINISHED"


def main():
    agent = Agent()
    traits = ""
    for event in agent.events():
        if event["type"] == "SUBSCRIBED":
            traits = text(event["subscribed"]["executor_info"])
            print("SUBSCRIBED", flush=True)
        elif event["type"] == "LAUNCH":
            launch(agent, event["launch"]["task"])
        elif event["type"] == "LAUNCH_GROUP":
            for task in event["launch_group"]["task_group"]["tasks"]:
                launch(agent, task)
        elif event["type"] == "KILL" and "silent" not in traits:
            agent.update(event["kill"]["task_id"]["value"], "TASK_KILLED")
        elif event["type"] == "MESSAGE":
            agent.message(event["message"]["data"])
        elif event["type"] == "SHUTDOWN" and "stubborn" not in traits:
            os._exit(0)


def launch(agent, task):
    """Do what the task's data says."""
    script = text(task) or AT_ONCE
    for number, word in enumerate(script.split(), 1):
        if word.startswith("exit:"):
            os._exit(int(word.removeprefix("exit:")))
        elif word.startswith("signal:"):
            os.kill(os.getpid(), int(word.removeprefix("signal:")))
            signal.pause()
        else:
            agent.update(task["task_id"]["value"], word, message=str(number))


def text(info):
    return base64.b64decode(info.get("data", "")).decode()


if __name__ == "__main__":
    main()
