// A libmesos for tests: it says what a script says, from a thread of its own, and notes what it is told.
//
// FrameworkInfo.name is the path of the script. A line of it is a callback with its arguments, which are messages as
// hexadecimal bytes (`-` for none), behind how many times it is to be made:
//
//     1 registered 0a0131 -
//     1000 statusUpdate 0a03...
//     1 await acknowledgeStatusUpdate 1000
//
// `await` waits until a call has been made so many times in all; `error` aborts the driver first, as Mesos' does. The
// calls are noted in the script's path with `.calls` behind it, written in the same way, without the number.
//
// Invariants
//   * As in libmesos: callbacks come one at a time, none once the driver has ended, and the destructor waits for one.
#include "mesos.h"

#include <sstream>
#include <utility>

// glog's settings.
namespace fLI {
int32_t FLAGS_minloglevel = 0;
int32_t FLAGS_stderrthreshold = 0;
}  // namespace fLI
namespace fLB {
bool FLAGS_logtostderr = true;
}  // namespace fLB
namespace fLS {
std::string FLAGS_log_dir_buf;
std::string& FLAGS_log_dir = FLAGS_log_dir_buf;
}  // namespace fLS

namespace google::protobuf {

MessageLite::MessageLite() = default;
MessageLite::MessageLite(const MessageLite&) = default;
MessageLite::~MessageLite() = default;

// A message that begins with 0xff cannot be read.
bool MessageLite::ParseFromArray(const void* data, int size) {
  bytes_.assign(static_cast<const char*>(data), static_cast<size_t>(size));
  return bytes_.empty() || bytes_[0] != '\xff';
}

bool MessageLite::SerializePartialToString(std::string* output) const {
  *output = bytes_;
  return true;
}

}  // namespace google::protobuf

namespace mesos {

#define FAKE_DEFINE(Name)            \
  Name::Name() = default;            \
  Name::Name(const Name&) = default; \
  Name::~Name() = default;

FAKE_DEFINE(Credential)
FAKE_DEFINE(ExecutorID)
FAKE_DEFINE(Filters)
FAKE_DEFINE(FrameworkID)
FAKE_DEFINE(FrameworkInfo)
FAKE_DEFINE(MasterInfo)
FAKE_DEFINE(Offer)
FAKE_DEFINE(Offer_Operation)
FAKE_DEFINE(OfferID)
FAKE_DEFINE(Request)
FAKE_DEFINE(SlaveID)
FAKE_DEFINE(TaskID)
FAKE_DEFINE(TaskInfo)
FAKE_DEFINE(TaskStatus)
#if FAKE_RELEASE >= 111
namespace scheduler {
FAKE_DEFINE(OfferConstraints)
}
#endif

namespace {

std::string bytes(const google::protobuf::MessageLite& message) {
  std::string result;
  message.SerializePartialToString(&result);
  return result;
}

template <typename Message>
std::vector<std::string> all(const std::vector<Message>& messages) {
  std::vector<std::string> result;
  for (const Message& message : messages) result.push_back(bytes(message));
  return result;
}

std::vector<std::string> operator+(std::vector<std::string> first, const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::string hexadecimal(const std::string& text) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string result;
  for (const unsigned char byte : text) {
    result += kDigits[byte >> 4];
    result += kDigits[byte & 15];
  }
  return result.empty() ? "-" : result;
}

std::string binary(const std::string& digits) {
  std::string result;
  for (size_t at = 0; digits != "-" && at + 1 < digits.size(); at += 2) {
    result += static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16));
  }
  return result;
}

template <typename Message>
Message message(const std::string& wire) {
  Message result;
  result.ParseFromArray(wire.data(), static_cast<int>(wire.size()));
  return result;
}

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
  note("credential", {bytes(credential)});
}

#if FAKE_RELEASE >= 109
MesosSchedulerDriver::MesosSchedulerDriver(Scheduler* scheduler, const FrameworkInfo& framework,
                                           const std::vector<std::string>& suppressed,
                                           const std::string& master, bool implicit)
    : MesosSchedulerDriver(scheduler, framework, master, implicit) {
  note("suppressed", suppressed);
}

MesosSchedulerDriver::MesosSchedulerDriver(Scheduler* scheduler, const FrameworkInfo& framework,
                                           const std::vector<std::string>& suppressed,
                                           const std::string& master, bool implicit,
                                           const Credential& credential)
    : MesosSchedulerDriver(scheduler, framework, suppressed, master, implicit) {
  note("credential", {bytes(credential)});
}

Status MesosSchedulerDriver::reviveOffers(const std::vector<std::string>& roles) {
  return note("reviveOffers", roles);
}
Status MesosSchedulerDriver::suppressOffers(const std::vector<std::string>& roles) {
  return note("suppressOffers", roles);
}
#endif

#if FAKE_RELEASE >= 111
Status MesosSchedulerDriver::updateFramework(const FrameworkInfo& framework,
                                             const std::vector<std::string>& roles,
                                             scheduler::OfferConstraints&& constraints) {
  return note("updateFramework", std::vector{bytes(framework), bytes(constraints)} + roles);
}
#elif FAKE_RELEASE >= 109
Status MesosSchedulerDriver::updateFramework(const FrameworkInfo& framework,
                                             const std::vector<std::string>& roles) {
  return note("updateFramework", std::vector{bytes(framework)} + roles);
}
#endif

void MesosSchedulerDriver::open(const FrameworkInfo& framework, const std::string& master, bool implicit) {
  script_ = name(framework);
  calls_.open(script_ + ".calls");
  note("construct", {bytes(framework), master, implicit ? "implicit" : "explicit"});
}

MesosSchedulerDriver::~MesosSchedulerDriver() {
  end(DRIVER_ABORTED);
  if (thread_.joinable()) thread_.join();
  note("destroy", {});
}

Status MesosSchedulerDriver::start() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (status_ == DRIVER_NOT_STARTED && !has_ended_) {
    status_ = DRIVER_RUNNING;
    thread_ = std::thread([this] { play(); });
  }
  return status_;
}

Status MesosSchedulerDriver::stop(bool failover) {
  note(failover ? "stop failover" : "stop", {});
  return end(DRIVER_STOPPED);
}

Status MesosSchedulerDriver::abort() {
  note("abort", {});
  return end(DRIVER_ABORTED);
}

Status MesosSchedulerDriver::end(Status status) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (status_ == DRIVER_RUNNING) {
    status_ = status;
    has_ended_ = true;
    changed_.notify_all();
  }
  return status_;
}

Status MesosSchedulerDriver::join() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return status_ != DRIVER_RUNNING; });
  return status_;
}

Status MesosSchedulerDriver::acceptOffers(const std::vector<OfferID>& offers,
                                          const std::vector<Offer_Operation>& operations,
                                          const Filters& filters) {
  const std::vector<OfferID> copied(offers);  // as the real one does, to hand them over
  const std::vector<Offer_Operation> copied_operations(operations);
  return note("acceptOffers", all(copied) + all(copied_operations) + std::vector{bytes(filters)});
}

Status MesosSchedulerDriver::declineOffer(const OfferID& offer, const Filters& filters) {
  return note("declineOffer", {bytes(offer), bytes(filters)});
}

Status MesosSchedulerDriver::reviveOffers() { return note("reviveOffers", {}); }

Status MesosSchedulerDriver::suppressOffers() { return note("suppressOffers", {}); }

Status MesosSchedulerDriver::killTask(const TaskID& task) { return note("killTask", {bytes(task)}); }

Status MesosSchedulerDriver::acknowledgeStatusUpdate(const TaskStatus& status) {
  return note("acknowledgeStatusUpdate", {bytes(status)});
}

Status MesosSchedulerDriver::reconcileTasks(const std::vector<TaskStatus>& statuses) {
  return note("reconcileTasks", all(statuses));
}

Status MesosSchedulerDriver::sendFrameworkMessage(const ExecutorID& executor, const SlaveID& agent,
                                                  const std::string& data) {
  return note("sendFrameworkMessage", {bytes(executor), bytes(agent), data});
}

Status MesosSchedulerDriver::requestResources(const std::vector<Request>& requests) {
  return note("requestResources", all(requests));
}

Status MesosSchedulerDriver::note(const std::string& call, const std::vector<std::string>& arguments) {
  const std::lock_guard<std::mutex> lock(mutex_);
  calls_ << call;
  for (const std::string& argument : arguments) calls_ << ' ' << hexadecimal(argument);
  calls_ << '\n';
  ++counts_[call];
  changed_.notify_all();
  return status_;
}

bool MesosSchedulerDriver::await(const std::string& call, size_t count) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return status_ != DRIVER_RUNNING || counts_[call] >= count; });
  return status_ == DRIVER_RUNNING;
}

void MesosSchedulerDriver::play() {
  std::ifstream script(script_);
  for (std::string line; std::getline(script, line);) {
    std::istringstream words(line);
    size_t times = 0;
    std::string event;
    words >> times >> event;
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    for (; times > 0; --times) {
      if (!await("", 0)) return;
      say(event, arguments);
    }
  }
}

void MesosSchedulerDriver::say(const std::string& event, const std::vector<std::string>& arguments) {
  std::vector<std::string> wires;
  for (const std::string& argument : arguments) {
    const bool is_wire = event != "await" && (event != "executorLost" || wires.size() < 2);
    wires.push_back(is_wire ? binary(argument) : argument);
  }
  if (event == "await") {
    await(wires.at(0), std::stoul(wires.at(1)));
  } else if (event == "registered") {
    scheduler_->registered(this, message<FrameworkID>(wires.at(0)), message<MasterInfo>(wires.at(1)));
  } else if (event == "reregistered") {
    scheduler_->reregistered(this, message<MasterInfo>(wires.at(0)));
  } else if (event == "disconnected") {
    scheduler_->disconnected(this);
  } else if (event == "resourceOffers") {
    std::vector<Offer> offers;
    for (const std::string& wire : wires) offers.push_back(message<Offer>(wire));
    scheduler_->resourceOffers(this, offers);
  } else if (event == "offerRescinded") {
    scheduler_->offerRescinded(this, message<OfferID>(wires.at(0)));
  } else if (event == "statusUpdate") {
    scheduler_->statusUpdate(this, message<TaskStatus>(wires.at(0)));
  } else if (event == "frameworkMessage") {
    scheduler_->frameworkMessage(this, message<ExecutorID>(wires.at(0)), message<SlaveID>(wires.at(1)),
                                 wires.at(2));
  } else if (event == "slaveLost") {
    scheduler_->slaveLost(this, message<SlaveID>(wires.at(0)));
  } else if (event == "executorLost") {
    scheduler_->executorLost(this, message<ExecutorID>(wires.at(0)), message<SlaveID>(wires.at(1)),
                             std::stoi(wires.at(2)));
  } else if (event == "error") {
    end(DRIVER_ABORTED);
    scheduler_->error(this, wires.at(0));
  }
}

}  // namespace mesos
