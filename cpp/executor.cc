#include "executor.h"

#include <stdexcept>
#include <utility>

#include "mesos/src/backend/libmesos.rs.h"

namespace mesos_native {
namespace {

// What libmesos calls, and all that it does.
class ProxyExecutor final : public abi::Executor {
 public:
  ProxyExecutor(const Library& library, rust::Box<ExecutorSink> sink)
      : reader_(library), sink_(std::move(sink)) {}

  void registered(void*, const abi::Message& executor_info, const abi::Message& framework_info,
                  const abi::Message& agent_info) override {
    sink_->registered(bytes(read(executor_info)), bytes(read(framework_info)), bytes(read(agent_info)));
  }
  void reregistered(void*, const abi::Message& agent_info) override {
    sink_->reregistered(bytes(read(agent_info)));
  }
  void disconnected(void*) override { sink_->disconnected(); }
  void launch_task(void*, const abi::Message& task) override { sink_->launch_task(bytes(read(task))); }
  void kill_task(void*, const abi::Message& task_id) override { sink_->kill_task(bytes(read(task_id))); }
  void framework_message(void*, const std::string& data) override { sink_->framework_message(bytes(data)); }
  void shutdown(void*) override { sink_->shutdown(); }
  void error(void*, const std::string& message) override { sink_->error(bytes(message)); }

 private:
  std::string read(const abi::Message& message) const { return reader_.read(&message); }

  const Reader reader_;
  const rust::Box<ExecutorSink> sink_;
};

}  // namespace

void check_executor(const Library& library) {
  if (library.has(abi::executor_driver::kConstruct)) return;
  throw std::runtime_error(
      library.name() +
      " has no mesos::MesosExecutorDriver: it was linked for schedulers only, as those on "
      "PyPI were; use the libmesos.so of a Mesos that is installed, or backend=\"http\"");
}

ExecutorDriverAbi::ExecutorDriverAbi(const Library& library)
    : start(library.function<int(void*)>(abi::executor_driver::kStart)),
      stop(library.function<int(void*)>(abi::executor_driver::kStop)),
      abort(library.function<int(void*)>(abi::executor_driver::kAbort)),
      join(library.function<int(void*)>(abi::executor_driver::kJoin)),
      destroy(library.function<void(void*)>(abi::executor_driver::kDestroy)),
      send_status_update(library.function<int(void*, const void*)>(abi::executor_driver::kSendStatusUpdate)),
      send_framework_message(
          library.function<int(void*, const std::string&)>(abi::executor_driver::kSendFrameworkMessage)),
      task_status(library, "TaskStatus") {}

ExecutorDriver::ExecutorDriver(std::shared_ptr<Library> library, rust::Box<ExecutorSink> sink)
    : library_(std::move(library)),
      abi_(*library_),
      proxy_(std::make_unique<ProxyExecutor>(*library_, std::move(sink))),
      driver_(std::make_unique<abi::Opaque>()) {
  const auto construct = library_->function<void(void*, abi::Executor*)>(abi::executor_driver::kConstruct);
  construct(driver_.get(), proxy_.get());
}

ExecutorDriver::~ExecutorDriver() {
  if (has_run_) abi_.destroy(driver_.get());
}

bool ExecutorDriver::start() const {
  has_run_ = abi_.start(driver_.get()) == abi::kRunning;
  return has_run_;
}

void ExecutorDriver::send_status_update(Bytes status) const {
  abi_.send_status_update(driver_.get(), Message(abi_.task_status, status).get());
}

void ExecutorDriver::send_framework_message(Bytes data) const {
  abi_.send_framework_message(driver_.get(), text(data));
}

std::shared_ptr<ExecutorDriver> new_executor_driver(std::shared_ptr<Library> library,
                                                    rust::Box<ExecutorSink> sink) {
  return std::make_shared<ExecutorDriver>(std::move(library), std::move(sink));
}

}  // namespace mesos_native
