// The part of libmesos that an executor driver is made of, as Mesos' own headers declare it: names, namespaces and
// parameter types decide what the compiler exports, and the order of virtual methods what it calls.
//
// Invariants
//   * Independent of cpp/abi.h: the two agree, or the tests fail.
#pragma once

#include <string>
#include <vector>

#include "messages.h"
#include "script.h"

namespace mesos {

class ExecutorDriver;

class Executor {
 public:
  virtual ~Executor() {}
  virtual void registered(ExecutorDriver*, const ExecutorInfo&, const FrameworkInfo&, const SlaveInfo&) = 0;
  virtual void reregistered(ExecutorDriver*, const SlaveInfo&) = 0;
  virtual void disconnected(ExecutorDriver*) = 0;
  virtual void launchTask(ExecutorDriver*, const TaskInfo&) = 0;
  virtual void killTask(ExecutorDriver*, const TaskID&) = 0;
  virtual void frameworkMessage(ExecutorDriver*, const std::string&) = 0;
  virtual void shutdown(ExecutorDriver*) = 0;
  virtual void error(ExecutorDriver*, const std::string&) = 0;
};

class ExecutorDriver {
 public:
  virtual ~ExecutorDriver() {}
};

class MesosExecutorDriver : public ExecutorDriver {
 public:
  explicit MesosExecutorDriver(Executor*);
  ~MesosExecutorDriver() override;

  Status start();
  Status stop();
  Status abort();
  Status join();
  Status sendStatusUpdate(const TaskStatus&);
  Status sendFrameworkMessage(const std::string&);

 private:
  void say(const std::string& callback, const std::vector<std::string>& arguments);

  Executor* const executor_;
  Script script_;
};

}  // namespace mesos
