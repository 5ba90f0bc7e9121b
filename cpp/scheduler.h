// libmesos' scheduler driver, and the scheduler that it calls: a proxy that hands everything on as bytes.
//
// Invariants
//   * Nothing here decides anything: a callback is one line to the sink, a call one call of libmesos'.
//   * Callbacks run in libmesos' threads. The sink neither blocks nor throws, so that neither does libmesos.
//   * Acknowledgements are always explicit: an update is acknowledged when the program has handled it.
//   * A driver is destroyed by whoever joined it, never in a callback: libmesos waits there for its callbacks to end.
#pragma once

#include <memory>
#include <string>

#include "abi.h"
#include "library.h"
#include "message.h"
#include "rust/cxx.h"

namespace mesos_native {

// Declared in Rust: src/backend/libmesos.rs.
struct SchedulerSink;
struct SchedulerSettings;
struct Wire;
using Wires = rust::Slice<const Wire>;
using Roles = rust::Slice<const rust::String>;

// Throws if the library cannot do what the settings ask for, naming the release that can.
void check_scheduler_settings(const Library& library, const SchedulerSettings& settings);

// What the driver of one library is called through, looked up once.
struct SchedulerDriverAbi {
  explicit SchedulerDriverAbi(const Library& library);

  int (*const start)(void*);
  int (*const stop)(void*, bool);
  int (*const abort)(void*);
  int (*const join)(void*);
  void (*const destroy)(void*);
  int (*const accept_offers)(void*, const abi::Vector&, const abi::Vector&, const void*);
  int (*const decline_offer)(void*, const void*, const void*);
  int (*const revive_offers)(void*);
  int (*const suppress_offers)(void*);
  int (*const kill_task)(void*, const void*);
  int (*const acknowledge)(void*, const void*);
  int (*const reconcile_tasks)(void*, const abi::Vector&);
  int (*const send_framework_message)(void*, const void*, const void*, const std::string&);
  int (*const request_resources)(void*, const abi::Vector&);

  const MessageType credential, executor_id, filters, framework_info, offer, offer_id, operation, request,
      agent_id, task_id, task_status;
};

// One driver. Every method may be called from any thread; only join() blocks, until tear_down() or abort() was called, or
// libmesos itself gave up. Messages are those of mesos.v1, of which v0's have the same bytes.
class SchedulerDriver {
 public:
  // Constructs libmesos' driver, which tells the sink even now if it cannot start.
  SchedulerDriver(std::shared_ptr<Library> library, const SchedulerSettings& settings,
                  rust::Box<SchedulerSink> sink);
  // Ends libmesos' driver without a word to the master, and waits for its callback if one runs.
  ~SchedulerDriver();
  SchedulerDriver(const SchedulerDriver&) = delete;
  SchedulerDriver& operator=(const SchedulerDriver&) = delete;

  // Whether it runs now.
  bool start() const;
  void tear_down() const { abi_.stop(driver_.get(), false); }
  // Has the master make no more offers; what was called before is said before.
  void abort() const { abi_.abort(driver_.get()); }
  // What it said last has been written then.
  void join() const {
    abi_.join(driver_.get());
    library_->flush();
  }

  // Throw, having sent nothing, if the library lacks the call or cannot read a message.
  void accept_offers(Wires offer_ids, Wires operations, Bytes filters) const;
  void decline_offer(Bytes offer_id, Bytes filters) const;
  void revive_offers(Roles roles) const;
  void suppress_offers(Roles roles) const;
  void kill_task(Bytes task_id) const;
  void acknowledge(Bytes status) const;
  void reconcile_tasks(Wires statuses) const;
  void send_framework_message(Bytes executor_id, Bytes agent_id, Bytes data) const;
  void request_resources(Wires requests) const;
  // Empty constraints are none.
  void update_framework(Bytes framework, Roles suppressed_roles, Bytes constraints) const;

 private:
  void call_with_roles(const abi::Symbol& method, Roles roles) const;

  const std::shared_ptr<Library> library_;
  const SchedulerDriverAbi abi_;
  const std::unique_ptr<abi::Scheduler> proxy_;
  const std::unique_ptr<abi::Opaque> driver_;
};

std::shared_ptr<SchedulerDriver> new_scheduler_driver(std::shared_ptr<Library> library,
                                                      const SchedulerSettings& settings,
                                                      rust::Box<SchedulerSink> sink);

}  // namespace mesos_native
