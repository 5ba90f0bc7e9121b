// The script of an executor is the file `script` in $MESOS_DIRECTORY; `error` aborts the driver first.
//
// Invariants
//   * As in libmesos: what is sent while the driver does not run is lost, who destroys a driver that never ran ends the
//     process, and with MESOS_LOCAL a driver that has said `shutdown` never wakes who has joined it.
#include "executor.h"

#include <cstdio>
#include <cstdlib>

namespace mesos {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    std::fprintf(stderr, "Expecting '%s' to be set in the environment\n", name);
    std::exit(EXIT_FAILURE);
  }
  return value;
}

}  // namespace

MesosExecutorDriver::MesosExecutorDriver(Executor* executor) : executor_(executor) {
  script_.open(variable("MESOS_DIRECTORY") + "/script");
  script_.note("construct", {});
}

MesosExecutorDriver::~MesosExecutorDriver() {
  if (script_.status() == DRIVER_NOT_STARTED) std::abort();
}

Status MesosExecutorDriver::start() {
  const std::string agent = variable("MESOS_SLAVE_PID") + " " + variable("MESOS_SLAVE_ID");
  script_.note("start", {agent, variable("MESOS_FRAMEWORK_ID"), variable("MESOS_EXECUTOR_ID")});
  return script_.start([this](const auto& callback, const auto& arguments) { say(callback, arguments); });
}

Status MesosExecutorDriver::stop() {
  script_.note("stop", {});
  return script_.end(DRIVER_STOPPED);
}

Status MesosExecutorDriver::abort() {
  script_.note("abort", {});
  return script_.end(DRIVER_ABORTED);
}

Status MesosExecutorDriver::join() { return script_.join(); }

Status MesosExecutorDriver::sendStatusUpdate(const TaskStatus& status) {
  const Status now = script_.status();
  return now == DRIVER_RUNNING ? script_.note("sendStatusUpdate", {bytes(status)}) : now;
}

Status MesosExecutorDriver::sendFrameworkMessage(const std::string& data) {
  const Status now = script_.status();
  return now == DRIVER_RUNNING ? script_.note("sendFrameworkMessage", {data}) : now;
}

void MesosExecutorDriver::say(const std::string& callback, const std::vector<std::string>& arguments) {
  std::vector<std::string> wires;
  for (const std::string& argument : arguments) wires.push_back(binary(argument));
  if (callback == "registered") {
    executor_->registered(this, message<ExecutorInfo>(wires.at(0)), message<FrameworkInfo>(wires.at(1)),
                          message<SlaveInfo>(wires.at(2)));
  } else if (callback == "reregistered") {
    executor_->reregistered(this, message<SlaveInfo>(wires.at(0)));
  } else if (callback == "disconnected") {
    executor_->disconnected(this);
  } else if (callback == "launchTask") {
    executor_->launchTask(this, message<TaskInfo>(wires.at(0)));
  } else if (callback == "killTask") {
    executor_->killTask(this, message<TaskID>(wires.at(0)));
  } else if (callback == "frameworkMessage") {
    executor_->frameworkMessage(this, wires.at(0));
  } else if (callback == "shutdown") {
    if (std::getenv("MESOS_LOCAL") != nullptr) script_.vanish();
    executor_->shutdown(this);
  } else if (callback == "error") {
    script_.end(DRIVER_ABORTED);
    executor_->error(this, wires.at(0));
  }
}

}  // namespace mesos
