#include "scheduler.h"

#include <utility>
#include <vector>

#include "mesos/src/backend/libmesos.rs.h"

namespace mesos_native {
namespace {

template <typename Roles>
std::vector<std::string> strings(const Roles& roles) {
  std::vector<std::string> result;
  for (const rust::String& role : roles) result.emplace_back(role);
  return result;
}

// What libmesos calls, and all that it does.
class ProxyScheduler final : public abi::Scheduler {
 public:
  ProxyScheduler(const Library& library, size_t offer_size, rust::Box<SchedulerSink> sink)
      : reader_(library), offer_size_(offer_size), sink_(std::move(sink)) {}

  void registered(void*, const abi::Message& framework_id, const abi::Message& master_info) override {
    sink_->registered(bytes(read(framework_id)), bytes(read(master_info)));
  }
  void reregistered(void*, const abi::Message& master_info) override {
    sink_->reregistered(bytes(read(master_info)));
  }
  void disconnected(void*) override { sink_->disconnected(); }
  void resource_offers(void*, const abi::Vector& offers) override { sink_->resource_offers(read(offers)); }
  void offer_rescinded(void*, const abi::Message& offer_id) override {
    sink_->offer_rescinded(bytes(read(offer_id)));
  }
  void status_update(void*, const abi::Message& status) override {
    sink_->status_update(bytes(read(status)));
  }
  void framework_message(void*, const abi::Message& executor_id, const abi::Message& agent_id,
                         const std::string& data) override {
    sink_->framework_message(bytes(read(executor_id)), bytes(read(agent_id)), bytes(data));
  }
  void agent_lost(void*, const abi::Message& agent_id) override { sink_->agent_lost(bytes(read(agent_id))); }
  void executor_lost(void*, const abi::Message& executor_id, const abi::Message& agent_id,
                     int status) override {
    sink_->executor_lost(bytes(read(executor_id)), bytes(read(agent_id)), status);
  }
  void error(void*, const std::string& message) override { sink_->error(bytes(message)); }

 private:
  std::string read(const abi::Message& message) const { return reader_.read(&message); }
  std::vector<std::string> read(const abi::Vector& messages) const {
    std::vector<std::string> result;
    for (const char* at = messages.begin; at < messages.end; at += offer_size_) {
      result.push_back(reader_.read(at));
    }
    return result;
  }

  const Reader reader_;
  const size_t offer_size_;
  const rust::Box<SchedulerSink> sink_;
};

// Calls a constructor; references are pointers to the machine.
template <typename... Arguments>
void construct(const Library& library, const abi::Symbol& constructor, Arguments... arguments) {
  library.function<void(Arguments...)>(constructor)(arguments...);
}

// The constructor that takes what the settings say.
const abi::Symbol& choose(const SchedulerSettings& settings) {
  const bool is_known = !settings.credential.empty();
  if (settings.suppressed_roles.empty()) {
    return is_known ? abi::driver::kConstructWithCredential : abi::driver::kConstruct;
  }
  return is_known ? abi::driver::kConstructSuppressedWithCredential : abi::driver::kConstructSuppressed;
}

// Makes a driver of `room`.
void construct_driver(const Library& library, const SchedulerDriverAbi& abi,
                      const SchedulerSettings& settings, abi::Scheduler* scheduler, abi::Opaque* room) {
  constexpr bool kImplicitAcknowledgements = false;
  const abi::Symbol& constructor = choose(settings);
  const Message framework(abi.framework_info, settings.framework);
  const std::string master(settings.master);
  const std::vector<std::string> suppressed = strings(settings.suppressed_roles);
  if (settings.credential.empty()) {
    if (suppressed.empty()) {
      construct(library, constructor, room, scheduler, framework.get(), &master, kImplicitAcknowledgements);
    } else {
      construct(library, constructor, room, scheduler, framework.get(), &suppressed, &master,
                kImplicitAcknowledgements);
    }
    return;
  }
  const Message credential(abi.credential, settings.credential);
  if (suppressed.empty()) {
    construct(library, constructor, room, scheduler, framework.get(), &master, kImplicitAcknowledgements,
              credential.get());
  } else {
    construct(library, constructor, room, scheduler, framework.get(), &suppressed, &master,
              kImplicitAcknowledgements, credential.get());
  }
}

}  // namespace

void check_scheduler_settings(const Library& library, const SchedulerSettings& settings) {
  library.resolve(choose(settings));
  if (!settings.constraints.empty()) library.resolve(abi::driver::kUpdateFrameworkConstrained);
}

SchedulerDriverAbi::SchedulerDriverAbi(const Library& library)
    : start(library.function<int(void*)>(abi::driver::kStart)),
      stop(library.function<int(void*, bool)>(abi::driver::kStop)),
      abort(library.function<int(void*)>(abi::driver::kAbort)),
      join(library.function<int(void*)>(abi::driver::kJoin)),
      destroy(library.function<void(void*)>(abi::driver::kDestroy)),
      accept_offers(library.function<int(void*, const abi::Vector&, const abi::Vector&, const void*)>(
          abi::driver::kAcceptOffers)),
      decline_offer(library.function<int(void*, const void*, const void*)>(abi::driver::kDeclineOffer)),
      revive_offers(library.function<int(void*)>(abi::driver::kReviveOffers)),
      suppress_offers(library.function<int(void*)>(abi::driver::kSuppressOffers)),
      kill_task(library.function<int(void*, const void*)>(abi::driver::kKillTask)),
      acknowledge(library.function<int(void*, const void*)>(abi::driver::kAcknowledge)),
      reconcile_tasks(library.function<int(void*, const abi::Vector&)>(abi::driver::kReconcileTasks)),
      send_framework_message(library.function<int(void*, const void*, const void*, const std::string&)>(
          abi::driver::kSendFrameworkMessage)),
      request_resources(library.function<int(void*, const abi::Vector&)>(abi::driver::kRequestResources)),
      credential(library, "Credential"),
      executor_id(library, "ExecutorID"),
      filters(library, "Filters"),
      framework_info(library, "FrameworkInfo"),
      offer(library, "Offer"),
      offer_id(library, "OfferID"),
      operation(library, "Offer_Operation"),
      request(library, "Request"),
      agent_id(library, "SlaveID"),
      task_id(library, "TaskID"),
      task_status(library, "TaskStatus") {}

SchedulerDriver::SchedulerDriver(std::shared_ptr<Library> library, const SchedulerSettings& settings,
                                 rust::Box<SchedulerSink> sink)
    : library_(std::move(library)),
      abi_(*library_),
      proxy_(std::make_unique<ProxyScheduler>(*library_, abi_.offer.size(), std::move(sink))),
      driver_(std::make_unique<abi::Opaque>()) {
  construct_driver(*library_, abi_, settings, proxy_.get(), driver_.get());
}

SchedulerDriver::~SchedulerDriver() { abi_.destroy(driver_.get()); }

bool SchedulerDriver::start() const { return abi_.start(driver_.get()) == abi::kRunning; }

void SchedulerDriver::accept_offers(Wires offer_ids, Wires operations, Bytes filters) const {
  abi_.accept_offers(driver_.get(), Messages(abi_.offer_id, offer_ids).get(),
                     Messages(abi_.operation, operations).get(), Message(abi_.filters, filters).get());
}

void SchedulerDriver::decline_offer(Bytes offer_id, Bytes filters) const {
  abi_.decline_offer(driver_.get(), Message(abi_.offer_id, offer_id).get(),
                     Message(abi_.filters, filters).get());
}

void SchedulerDriver::revive_offers(Roles roles) const {
  if (roles.empty()) {
    abi_.revive_offers(driver_.get());
  } else {
    call_with_roles(abi::driver::kReviveRoles, roles);
  }
}

void SchedulerDriver::suppress_offers(Roles roles) const {
  if (roles.empty()) {
    abi_.suppress_offers(driver_.get());
  } else {
    call_with_roles(abi::driver::kSuppressRoles, roles);
  }
}

void SchedulerDriver::call_with_roles(const abi::Symbol& method, Roles roles) const {
  library_->function<int(void*, const std::vector<std::string>&)>(method)(driver_.get(), strings(roles));
}

void SchedulerDriver::kill_task(Bytes task_id) const {
  abi_.kill_task(driver_.get(), Message(abi_.task_id, task_id).get());
}

void SchedulerDriver::acknowledge(Bytes status) const {
  abi_.acknowledge(driver_.get(), Message(abi_.task_status, status).get());
}

void SchedulerDriver::reconcile_tasks(Wires statuses) const {
  abi_.reconcile_tasks(driver_.get(), Messages(abi_.task_status, statuses).get());
}

void SchedulerDriver::send_framework_message(Bytes executor_id, Bytes agent_id, Bytes data) const {
  abi_.send_framework_message(driver_.get(), Message(abi_.executor_id, executor_id).get(),
                              Message(abi_.agent_id, agent_id).get(), text(data));
}

void SchedulerDriver::request_resources(Wires requests) const {
  abi_.request_resources(driver_.get(), Messages(abi_.request, requests).get());
}

void SchedulerDriver::update_framework(Bytes framework, Roles suppressed_roles, Bytes constraints) const {
  using Roles = const std::vector<std::string>&;
  const Message info(abi_.framework_info, framework);
  if (constraints.empty() && library_->has(abi::driver::kUpdateFramework)) {
    library_->function<int(void*, const void*, Roles)>(abi::driver::kUpdateFramework)(
        driver_.get(), info.get(), strings(suppressed_roles));
    return;
  }
  // A library that has neither is asked for the one that came first, or that can do what is wanted.
  if (constraints.empty() && !library_->has(abi::driver::kUpdateFrameworkConstrained)) {
    library_->resolve(abi::driver::kUpdateFramework);
  }
  const auto update =
      library_->function<int(void*, const void*, Roles, void*)>(abi::driver::kUpdateFrameworkConstrained);
  const MessageType type(*library_, "scheduler::OfferConstraints");
  update(driver_.get(), info.get(), strings(suppressed_roles), Message(type, constraints).get());
}

std::shared_ptr<SchedulerDriver> new_scheduler_driver(std::shared_ptr<Library> library,
                                                      const SchedulerSettings& settings,
                                                      rust::Box<SchedulerSink> sink) {
  return std::make_shared<SchedulerDriver>(std::move(library), settings, std::move(sink));
}

}  // namespace mesos_native
