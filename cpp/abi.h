// libmesos' binary interface, in our own declarations: a wheel is built without Mesos' headers and has to serve
// whatever libmesos its user has.
//
// What is written here was read from eight releases (1.4.3 to 1.11.0, x86-64, GCC 5 string ABI) and tried on them:
//   * the names in kRequired, and those that kMessages makes, are exported by all eight; a Symbol with `since` came
//     with that release;
//   * the virtual table of mesos::Scheduler is the same in all eight, so that a subclass of ours is one of theirs;
//   * a driver's virtual table differs (1.9 inserted entries), so its methods are called by name, never through it;
//   * messages are opaque: constructed by name in raw storage, filled and read as bytes.
// The executor's driver is in none of those eight, which were linked for schedulers. What stands here of it was read in
// the headers of 0.28 to 1.11, which agree, and tried with that of 1.11.0, compiled and put on top of its library: it ran
// tests/real/test_executor.py on a real agent, but for a kill's own policy and task groups, which v0 does not have.
//
// Invariants
//   * Nothing here is compiled against, or linked to, any library: these are names and shapes.
//   * Every use of a shape says which releases it holds for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mesos_native::abi {

// A function of libmesos: how a person would write it, how its object file does, and the release that brought it
// (nullptr: all of them have it).
struct Symbol {
  const char* declaration;
  const char* name;
  const char* since = nullptr;
};

// std::string and std::vector<std::string> as they appear in mangled names; what follows them counts on from there.
#define MESOS_STRING "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#define MESOS_DRIVER "_ZN5mesos20MesosSchedulerDriver"
#define MESOS_EXECUTOR_DRIVER "_ZN5mesos19MesosExecutorDriver"

inline constexpr Symbol kParseFromArray = {"google::protobuf::MessageLite::ParseFromArray(const void*, int)",
                                           "_ZN6google8protobuf11MessageLite14ParseFromArrayEPKvi"};
inline constexpr Symbol kSerialize = {
    "google::protobuf::MessageLite::SerializePartialToString(std::string*) const",
    "_ZNK6google8protobuf11MessageLite24SerializePartialToStringEP" MESOS_STRING};

// A function of a library compiled with _GLIBCXX_USE_CXX11_ABI=0: every name with a string in it differs.
inline constexpr Symbol kOldSerializeToString = {
    "google::protobuf::MessageLite::SerializeToString(std::string*) const",
    "_ZNK6google8protobuf11MessageLite17SerializeToStringEPSs"};

// mesos::MesosSchedulerDriver. Of the constructors only those that take `implicitAcknowledgements`.
namespace driver {

inline constexpr Symbol kConstruct = {
    "MesosSchedulerDriver(Scheduler*, const FrameworkInfo&, const std::string&, bool)",
    MESOS_DRIVER "C1EPNS_9SchedulerERKNS_13FrameworkInfoERK" MESOS_STRING "b"};
inline constexpr Symbol kConstructWithCredential = {
    "MesosSchedulerDriver(Scheduler*, const FrameworkInfo&, const std::string&, bool, const Credential&)",
    MESOS_DRIVER "C1EPNS_9SchedulerERKNS_13FrameworkInfoERK" MESOS_STRING "bRKNS_10CredentialE"};
inline constexpr Symbol kConstructSuppressed = {
    "MesosSchedulerDriver(Scheduler*, const FrameworkInfo&, const std::vector<std::string>& suppressedRoles, "
    "const std::string&, bool)",
    MESOS_DRIVER "C1EPNS_9SchedulerERKNS_13FrameworkInfoERKSt6vectorI" MESOS_STRING "SaISC_EERKSC_b",
    "1.9.0"};
inline constexpr Symbol kConstructSuppressedWithCredential = {
    "MesosSchedulerDriver(Scheduler*, const FrameworkInfo&, const std::vector<std::string>& suppressedRoles, "
    "const std::string&, bool, const Credential&)",
    MESOS_DRIVER "C1EPNS_9SchedulerERKNS_13FrameworkInfoERKSt6vectorI" MESOS_STRING
                 "SaISC_EERKSC_bRKNS_10CredentialE",
    "1.9.0"};
inline constexpr Symbol kDestroy = {"~MesosSchedulerDriver()", MESOS_DRIVER "D1Ev"};
inline constexpr Symbol kStart = {"start()", MESOS_DRIVER "5startEv"};
inline constexpr Symbol kStop = {"stop(bool)", MESOS_DRIVER "4stopEb"};
inline constexpr Symbol kAbort = {"abort()", MESOS_DRIVER "5abortEv"};
inline constexpr Symbol kJoin = {"join()", MESOS_DRIVER "4joinEv"};
inline constexpr Symbol kAcceptOffers = {
    "acceptOffers(const std::vector<OfferID>&, const std::vector<Offer::Operation>&, const Filters&)",
    MESOS_DRIVER
    "12acceptOffersERKSt6vectorINS_7OfferIDESaIS2_EERKS1_INS_15Offer_OperationESaIS7_EERKNS_7FiltersE"};
inline constexpr Symbol kDeclineOffer = {"declineOffer(const OfferID&, const Filters&)",
                                         MESOS_DRIVER "12declineOfferERKNS_7OfferIDERKNS_7FiltersE"};
inline constexpr Symbol kReviveOffers = {"reviveOffers()", MESOS_DRIVER "12reviveOffersEv"};
inline constexpr Symbol kReviveRoles = {"reviveOffers(const std::vector<std::string>& roles)",
                                        MESOS_DRIVER "12reviveOffersERKSt6vectorI" MESOS_STRING "SaIS7_EE",
                                        "1.9.0"};
inline constexpr Symbol kSuppressOffers = {"suppressOffers()", MESOS_DRIVER "14suppressOffersEv"};
inline constexpr Symbol kSuppressRoles = {
    "suppressOffers(const std::vector<std::string>& roles)",
    MESOS_DRIVER "14suppressOffersERKSt6vectorI" MESOS_STRING "SaIS7_EE", "1.9.0"};
inline constexpr Symbol kKillTask = {"killTask(const TaskID&)", MESOS_DRIVER "8killTaskERKNS_6TaskIDE"};
inline constexpr Symbol kAcknowledge = {"acknowledgeStatusUpdate(const TaskStatus&)",
                                        MESOS_DRIVER "23acknowledgeStatusUpdateERKNS_10TaskStatusE"};
inline constexpr Symbol kReconcileTasks = {"reconcileTasks(const std::vector<TaskStatus>&)", MESOS_DRIVER
                                           "14reconcileTasksERKSt6vectorINS_10TaskStatusESaIS2_EE"};
inline constexpr Symbol kSendFrameworkMessage = {
    "sendFrameworkMessage(const ExecutorID&, const SlaveID&, const std::string&)",
    MESOS_DRIVER "20sendFrameworkMessageERKNS_10ExecutorIDERKNS_7SlaveIDERK" MESOS_STRING};
inline constexpr Symbol kRequestResources = {"requestResources(const std::vector<Request>&)", MESOS_DRIVER
                                             "16requestResourcesERKSt6vectorINS_7RequestESaIS2_EE"};
// 1.9 and 1.10 have the first of these two, 1.11 the second.
inline constexpr Symbol kUpdateFramework = {
    "updateFramework(const FrameworkInfo&, const std::vector<std::string>& suppressedRoles)",
    MESOS_DRIVER "15updateFrameworkERKNS_13FrameworkInfoERKSt6vectorI" MESOS_STRING "SaISA_EE", "1.9.0"};
inline constexpr Symbol kUpdateFrameworkConstrained = {
    "updateFramework(const FrameworkInfo&, const std::vector<std::string>& suppressedRoles, "
    "OfferConstraints&&)",
    MESOS_DRIVER "15updateFrameworkERKNS_13FrameworkInfoERKSt6vectorI" MESOS_STRING
                 "SaISA_EEONS_9scheduler16OfferConstraintsE",
    "1.11.0"};

}  // namespace driver

// mesos::MesosExecutorDriver. Of the constructors only the one that all releases have.
namespace executor_driver {

inline constexpr Symbol kConstruct = {"MesosExecutorDriver(Executor*)",
                                      MESOS_EXECUTOR_DRIVER "C1EPNS_8ExecutorE"};
inline constexpr Symbol kDestroy = {"~MesosExecutorDriver()", MESOS_EXECUTOR_DRIVER "D1Ev"};
inline constexpr Symbol kStart = {"start()", MESOS_EXECUTOR_DRIVER "5startEv"};
inline constexpr Symbol kStop = {"stop()", MESOS_EXECUTOR_DRIVER "4stopEv"};
inline constexpr Symbol kAbort = {"abort()", MESOS_EXECUTOR_DRIVER "5abortEv"};
inline constexpr Symbol kJoin = {"join()", MESOS_EXECUTOR_DRIVER "4joinEv"};
inline constexpr Symbol kSendStatusUpdate = {"sendStatusUpdate(const TaskStatus&)",
                                             MESOS_EXECUTOR_DRIVER "16sendStatusUpdateERKNS_10TaskStatusE"};
inline constexpr Symbol kSendFrameworkMessage = {"sendFrameworkMessage(const std::string&)",
                                                 MESOS_EXECUTOR_DRIVER
                                                 "20sendFrameworkMessageERK" MESOS_STRING};

}  // namespace executor_driver

#undef MESOS_EXECUTOR_DRIVER
#undef MESOS_DRIVER
#undef MESOS_STRING

// What a scheduler driver cannot do without.
inline constexpr Symbol kRequired[] = {
    kParseFromArray,
    kSerialize,
    driver::kConstruct,
    driver::kConstructWithCredential,
    driver::kDestroy,
    driver::kStart,
    driver::kStop,
    driver::kAbort,
    driver::kJoin,
    driver::kAcceptOffers,
    driver::kDeclineOffer,
    driver::kReviveOffers,
    driver::kSuppressOffers,
    driver::kKillTask,
    driver::kAcknowledge,
    driver::kReconcileTasks,
    driver::kSendFrameworkMessage,
    driver::kRequestResources,
};

// The messages that a driver takes or gives, all in namespace mesos; nested ones have an underscore.
inline constexpr const char* kMessages[] = {
    "Credential", "ExecutorID", "Filters", "FrameworkInfo", "MasterInfo", "Offer",      "Offer_Operation",
    "OfferID",    "Request",    "SlaveID", "TaskID",        "TaskInfo",   "TaskStatus",
};

// A message of such a name (`scheduler::OfferConstraints` is the one that is nested deeper), mangled.
inline std::string mangled(std::string name) {
  std::string result = "5mesos";
  for (size_t colons; (colons = name.find("::")) != std::string::npos; name.erase(0, colons + 2)) {
    result += std::to_string(colons) + name.substr(0, colons);
  }
  return result + std::to_string(name.size()) + name;
}

// The names of a message's default constructor and destructor.
inline std::string constructor(const std::string& message) { return "_ZN" + mangled(message) + "C1Ev"; }
inline std::string destructor(const std::string& message) { return "_ZN" + mangled(message) + "D1Ev"; }

// The release is a constant of the source, in no variable. These two bring it out without knowing a layout: a JSON
// object with it, and the operator API's response made from that object. In all eight.
inline constexpr Symbol kVersion = {"mesos::internal::version()", "_ZN5mesos8internal7versionEv"};
inline constexpr Symbol kVersionResponse = {
    "mesos::internal::evolve<v1::master::Response::GET_VERSION>(const JSON::Object&)",
    "_ZN5mesos8internal6evolveILNS_2v16master13Response_TypeE3EEENS3_8ResponseERKN4JSON6ObjectE"};
inline constexpr Symbol kDestroyResponse = {"mesos::v1::master::Response::~Response()",
                                            "_ZN5mesos2v16master8ResponseD1Ev"};

// glog's settings, which it looks at with every line: variables, the last a pointer to a string. In all eight.
inline constexpr Symbol kLogMinimum = {"FLAGS_minloglevel", "_ZN3fLI17FLAGS_minloglevelE"};
inline constexpr Symbol kLogThreshold = {"FLAGS_stderrthreshold", "_ZN3fLI21FLAGS_stderrthresholdE"};
inline constexpr Symbol kLogToStderr = {"FLAGS_logtostderr", "_ZN3fLB17FLAGS_logtostderrE"};
inline constexpr Symbol kLogDirectory = {"FLAGS_log_dir", "_ZN3fLS13FLAGS_log_dirB5cxx11E"};

// Calls a function from the thread that reads and writes libmesos' sockets; a Duration is its nanoseconds. In all eight.
inline constexpr Symbol kDelay = {"process::EventLoop::delay(const Duration&, const std::function<void()>&)",
                                  "_ZN7process9EventLoop5delayERK8DurationRKSt8functionIFvvEE"};

// Room for an object of a class that is known by name only. The destructor makes it a result that is returned in
// memory, as results of such classes are; it does nothing, so who has such an object destroys what is in it by name.
// A driver, the largest, takes less than 1 KB.
struct Opaque {
  Opaque() = default;
  Opaque(const Opaque&) = delete;
  ~Opaque() {}  // NOLINT(modernize-use-equals-default): see above
  alignas(16) char bytes[4096];
};

// mesos::DRIVER_RUNNING, which a driver's start() returns.
inline constexpr int kRunning = 2;

// A message that libmesos owns.
struct Message;

// libstdc++'s std::vector of messages: three pointers, the objects side by side.
struct Vector {
  const char* begin = nullptr;
  const char* end = nullptr;
  const char* capacity = nullptr;
};

// mesos::Scheduler: the order of the methods is the virtual table. The first argument is the driver.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual void registered(void*, const Message& framework_id, const Message& master_info) = 0;
  virtual void reregistered(void*, const Message& master_info) = 0;
  virtual void disconnected(void*) = 0;
  virtual void resource_offers(void*, const Vector& offers) = 0;
  virtual void offer_rescinded(void*, const Message& offer_id) = 0;
  virtual void status_update(void*, const Message& status) = 0;
  virtual void framework_message(void*, const Message& executor_id, const Message& agent_id,
                                 const std::string& data) = 0;
  virtual void agent_lost(void*, const Message& agent_id) = 0;
  virtual void executor_lost(void*, const Message& executor_id, const Message& agent_id, int status) = 0;
  virtual void error(void*, const std::string& message) = 0;
};

// mesos::Executor, likewise.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void registered(void*, const Message& executor_info, const Message& framework_info,
                          const Message& agent_info) = 0;
  virtual void reregistered(void*, const Message& agent_info) = 0;
  virtual void disconnected(void*) = 0;
  virtual void launch_task(void*, const Message& task) = 0;
  virtual void kill_task(void*, const Message& task_id) = 0;
  virtual void framework_message(void*, const std::string& data) = 0;
  virtual void shutdown(void*) = 0;
  virtual void error(void*, const std::string& message) = 0;
};

}  // namespace mesos_native::abi
