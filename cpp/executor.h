// libmesos' executor driver, and the executor that it calls: a proxy that hands everything on as bytes.
//
// Invariants
//   * Nothing here decides anything: a callback is one line to the sink, a call one call of libmesos'.
//   * Callbacks run in libmesos' threads. The sink neither blocks nor throws, so that neither does libmesos.
//   * A driver is destroyed by whoever joined it, never in a callback: libmesos waits there for its callbacks to end.
//     What is in one that never ran is leaked: libmesos would end what it has not begun, and crash.
#pragma once

#include <atomic>
#include <memory>

#include "abi.h"
#include "library.h"
#include "message.h"
#include "rust/cxx.h"

namespace mesos_native {

// Declared in Rust: src/backend/libmesos.rs.
struct ExecutorSink;

// Throws, saying what to use, if the library was linked without the executor's driver.
void check_executor(const Library& library);

// What the driver of one library is called through, looked up once.
struct ExecutorDriverAbi {
  explicit ExecutorDriverAbi(const Library& library);

  int (*const start)(void*);
  int (*const stop)(void*);
  int (*const abort)(void*);
  int (*const join)(void*);
  void (*const destroy)(void*);
  int (*const send_status_update)(void*, const void*);
  int (*const send_framework_message)(void*, const std::string&);

  const MessageType task_status;
};

// One driver. Every method may be called from any thread; only join() blocks, until stop() or abort() was called. Who it is
// and where its agent is it reads in the environment. Messages are those of mesos.v1, of which v0's have the same bytes.
class ExecutorDriver {
 public:
  // Constructs libmesos' driver, which tells the sink even now if it cannot start.
  ExecutorDriver(std::shared_ptr<Library> library, rust::Box<ExecutorSink> sink);
  // Ends libmesos' driver, and waits for its callback if one runs.
  ~ExecutorDriver();
  ExecutorDriver(const ExecutorDriver&) = delete;
  ExecutorDriver& operator=(const ExecutorDriver&) = delete;

  // Whether it runs now. What is called before is lost.
  bool start() const;
  // What was called before is said before.
  void stop() const { abi_.stop(driver_.get()); }
  void abort() const { abi_.abort(driver_.get()); }
  // What it said last has been written then.
  void join() const {
    abi_.join(driver_.get());
    library_->flush();
  }

  // Throws, having sent nothing, if the library cannot read the message.
  void send_status_update(Bytes status) const;
  void send_framework_message(Bytes data) const;

 private:
  const std::shared_ptr<Library> library_;
  const ExecutorDriverAbi abi_;
  const std::unique_ptr<abi::Executor> proxy_;
  const std::unique_ptr<abi::Opaque> driver_;
  mutable std::atomic<bool> has_run_{false};
};

std::shared_ptr<ExecutorDriver> new_executor_driver(std::shared_ptr<Library> library,
                                                    rust::Box<ExecutorSink> sink);

}  // namespace mesos_native
