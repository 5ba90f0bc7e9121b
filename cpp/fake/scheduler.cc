// FrameworkInfo.name is the path of a scheduler's script; `error` aborts the driver first, as Mesos' does.
#include "scheduler.h"

namespace mesos {
namespace {

// FrameworkInfo.name: the second field of an encoding whose fields stand in order, and the first is as short.
std::string name(const FrameworkInfo& framework) {
  const std::string wire = bytes(framework);
  const size_t at = 2 + static_cast<unsigned char>(wire.at(1));
  const auto size = static_cast<unsigned char>(wire.at(at + 1));
  const size_t longer = size < 128 ? 0 : 1;  // a length of two bytes
  const size_t length = longer == 0 ? size : (size & 127) + 128 * static_cast<unsigned char>(wire.at(at + 2));
  return wire.substr(at + 2 + longer, length);
}

}  // namespace

MesosSchedulerDriver::MesosSchedulerDriver(Scheduler* scheduler, const FrameworkInfo& framework,
                                           const std::string& master, bool implicit)
    : scheduler_(scheduler) {
  open(framework, master, implicit);
}

MesosSchedulerDriver::MesosSchedulerDriver(Scheduler* scheduler, const FrameworkInfo& framework,
                                           const std::string& master, bool implicit,
                                           const Credential& credential)
    : MesosSchedulerDriver(scheduler, framework, master, implicit) {
  script_.note("credential", {bytes(credential)});
}

#if FAKE_RELEASE >= 109
MesosSchedulerDriver::MesosSchedulerDriver(Scheduler* scheduler, const FrameworkInfo& framework,
                                           const std::vector<std::string>& suppressed,
                                           const std::string& master, bool implicit)
    : MesosSchedulerDriver(scheduler, framework, master, implicit) {
  script_.note("suppressed", suppressed);
}

MesosSchedulerDriver::MesosSchedulerDriver(Scheduler* scheduler, const FrameworkInfo& framework,
                                           const std::vector<std::string>& suppressed,
                                           const std::string& master, bool implicit,
                                           const Credential& credential)
    : MesosSchedulerDriver(scheduler, framework, suppressed, master, implicit) {
  script_.note("credential", {bytes(credential)});
}

Status MesosSchedulerDriver::reviveOffers(const std::vector<std::string>& roles) {
  return script_.note("reviveOffers", roles);
}
Status MesosSchedulerDriver::suppressOffers(const std::vector<std::string>& roles) {
  return script_.note("suppressOffers", roles);
}
#endif

#if FAKE_RELEASE >= 111
Status MesosSchedulerDriver::updateFramework(const FrameworkInfo& framework,
                                             const std::vector<std::string>& roles,
                                             scheduler::OfferConstraints&& constraints) {
  return script_.note("updateFramework", std::vector{bytes(framework), bytes(constraints)} + roles);
}
#elif FAKE_RELEASE >= 109
Status MesosSchedulerDriver::updateFramework(const FrameworkInfo& framework,
                                             const std::vector<std::string>& roles) {
  return script_.note("updateFramework", std::vector{bytes(framework)} + roles);
}
#endif

void MesosSchedulerDriver::open(const FrameworkInfo& framework, const std::string& master, bool implicit) {
  script_.open(name(framework));
  script_.note("construct", {bytes(framework), master, implicit ? "implicit" : "explicit"});
}

MesosSchedulerDriver::~MesosSchedulerDriver() = default;

Status MesosSchedulerDriver::start() {
  return script_.start([this](const auto& callback, const auto& arguments) { say(callback, arguments); });
}

Status MesosSchedulerDriver::stop(bool failover) {
  script_.note(failover ? "stop failover" : "stop", {});
  return script_.end(DRIVER_STOPPED);
}

Status MesosSchedulerDriver::abort() {
  script_.note("abort", {});
  return script_.end(DRIVER_ABORTED);
}

Status MesosSchedulerDriver::join() { return script_.join(); }

Status MesosSchedulerDriver::acceptOffers(const std::vector<OfferID>& offers,
                                          const std::vector<Offer_Operation>& operations,
                                          const Filters& filters) {
  const std::vector<OfferID> copied(offers);  // as the real one does, to hand them over
  const std::vector<Offer_Operation> copied_operations(operations);
  return script_.note("acceptOffers", all(copied) + all(copied_operations) + std::vector{bytes(filters)});
}

Status MesosSchedulerDriver::declineOffer(const OfferID& offer, const Filters& filters) {
  return script_.note("declineOffer", {bytes(offer), bytes(filters)});
}

Status MesosSchedulerDriver::reviveOffers() { return script_.note("reviveOffers", {}); }

Status MesosSchedulerDriver::suppressOffers() { return script_.note("suppressOffers", {}); }

Status MesosSchedulerDriver::killTask(const TaskID& task) { return script_.note("killTask", {bytes(task)}); }

Status MesosSchedulerDriver::acknowledgeStatusUpdate(const TaskStatus& status) {
  return script_.note("acknowledgeStatusUpdate", {bytes(status)});
}

Status MesosSchedulerDriver::reconcileTasks(const std::vector<TaskStatus>& statuses) {
  return script_.note("reconcileTasks", all(statuses));
}

Status MesosSchedulerDriver::sendFrameworkMessage(const ExecutorID& executor, const SlaveID& agent,
                                                  const std::string& data) {
  return script_.note("sendFrameworkMessage", {bytes(executor), bytes(agent), data});
}

Status MesosSchedulerDriver::requestResources(const std::vector<Request>& requests) {
  return script_.note("requestResources", all(requests));
}

void MesosSchedulerDriver::say(const std::string& callback, const std::vector<std::string>& arguments) {
  std::vector<std::string> wires;
  for (const std::string& argument : arguments) wires.push_back(binary(argument));
  if (callback == "registered") {
    scheduler_->registered(this, message<FrameworkID>(wires.at(0)), message<MasterInfo>(wires.at(1)));
  } else if (callback == "reregistered") {
    scheduler_->reregistered(this, message<MasterInfo>(wires.at(0)));
  } else if (callback == "disconnected") {
    scheduler_->disconnected(this);
  } else if (callback == "resourceOffers") {
    std::vector<Offer> offers;
    for (const std::string& wire : wires) offers.push_back(message<Offer>(wire));
    scheduler_->resourceOffers(this, offers);
  } else if (callback == "offerRescinded") {
    scheduler_->offerRescinded(this, message<OfferID>(wires.at(0)));
  } else if (callback == "statusUpdate") {
    scheduler_->statusUpdate(this, message<TaskStatus>(wires.at(0)));
  } else if (callback == "frameworkMessage") {
    scheduler_->frameworkMessage(this, message<ExecutorID>(wires.at(0)), message<SlaveID>(wires.at(1)),
                                 wires.at(2));
  } else if (callback == "slaveLost") {
    scheduler_->slaveLost(this, message<SlaveID>(wires.at(0)));
  } else if (callback == "executorLost") {
    scheduler_->executorLost(this, message<ExecutorID>(wires.at(0)), message<SlaveID>(wires.at(1)),
                             std::stoi(arguments.at(2)));
  } else if (callback == "error") {
    script_.end(DRIVER_ABORTED);
    scheduler_->error(this, wires.at(0));
  }
}

}  // namespace mesos
