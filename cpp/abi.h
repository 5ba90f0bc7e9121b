// libmesos' binary interface, in our own declarations: a wheel is built without Mesos' headers and has to serve
// whatever libmesos its user has.
//
// What is written here was read from eight releases (1.4.3 to 1.11.0, x86-64, GCC 5 string ABI) and tried on them:
//   * the names in kRequired, and those that kMessages makes, are exported by all eight;
//   * a driver's virtual table differs (1.9 inserted entries), so its methods are called by name, never through it;
//   * messages are opaque: constructed by name in raw storage, filled and read as bytes.
//
// Invariants
//   * Nothing here is compiled against, or linked to, any library: these are names and shapes.
//   * Every use of a shape says which releases it holds for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mesos_native::abi {

// A function of libmesos: how a person would write it, and how its object file does.
struct Symbol {
  const char* declaration;
  const char* name;
};

// std::string and std::vector<std::string> as they appear in mangled names; what follows them counts on from there.
#define MESOS_STRING "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#define MESOS_DRIVER "_ZN5mesos20MesosSchedulerDriver"

inline constexpr Symbol kParseFromArray = {"google::protobuf::MessageLite::ParseFromArray(const void*, int)",
                                           "_ZN6google8protobuf11MessageLite14ParseFromArrayEPKvi"};
inline constexpr Symbol kSerializeToString = {
    "google::protobuf::MessageLite::SerializeToString(std::string*) const",
    "_ZNK6google8protobuf11MessageLite17SerializeToStringEP" MESOS_STRING};

// The same function in a library compiled with _GLIBCXX_USE_CXX11_ABI=0: every name with a string in it differs.
inline constexpr Symbol kOldSerializeToString = {
    "google::protobuf::MessageLite::SerializeToString(std::string*) const",
    "_ZNK6google8protobuf11MessageLite17SerializeToStringEPSs"};

// What a scheduler driver cannot do without. Of the constructors only those that take `implicitAcknowledgements`.
inline constexpr Symbol kRequired[] = {
    kParseFromArray,
    kSerializeToString,
    {"MesosSchedulerDriver(Scheduler*, const FrameworkInfo&, const std::string&, bool)",
     MESOS_DRIVER "C1EPNS_9SchedulerERKNS_13FrameworkInfoERK" MESOS_STRING "b"},
    {"MesosSchedulerDriver(Scheduler*, const FrameworkInfo&, const std::string&, bool, const Credential&)",
     MESOS_DRIVER "C1EPNS_9SchedulerERKNS_13FrameworkInfoERK" MESOS_STRING "bRKNS_10CredentialE"},
    {"~MesosSchedulerDriver()", MESOS_DRIVER "D1Ev"},
    {"start()", MESOS_DRIVER "5startEv"},
    {"stop(bool)", MESOS_DRIVER "4stopEb"},
    {"abort()", MESOS_DRIVER "5abortEv"},
    {"join()", MESOS_DRIVER "4joinEv"},
    {"acceptOffers(const std::vector<OfferID>&, const std::vector<Offer::Operation>&, const Filters&)",
     MESOS_DRIVER
     "12acceptOffersERKSt6vectorINS_7OfferIDESaIS2_EERKS1_INS_15Offer_OperationESaIS7_EERKNS_7FiltersE"},
    {"declineOffer(const OfferID&, const Filters&)",
     MESOS_DRIVER "12declineOfferERKNS_7OfferIDERKNS_7FiltersE"},
    {"reviveOffers()", MESOS_DRIVER "12reviveOffersEv"},
    {"suppressOffers()", MESOS_DRIVER "14suppressOffersEv"},
    {"killTask(const TaskID&)", MESOS_DRIVER "8killTaskERKNS_6TaskIDE"},
    {"acknowledgeStatusUpdate(const TaskStatus&)",
     MESOS_DRIVER "23acknowledgeStatusUpdateERKNS_10TaskStatusE"},
    {"reconcileTasks(const std::vector<TaskStatus>&)",
     MESOS_DRIVER "14reconcileTasksERKSt6vectorINS_10TaskStatusESaIS2_EE"},
    {"sendFrameworkMessage(const ExecutorID&, const SlaveID&, const std::string&)",
     MESOS_DRIVER "20sendFrameworkMessageERKNS_10ExecutorIDERKNS_7SlaveIDERK" MESOS_STRING},
    {"requestResources(const std::vector<Request>&)",
     MESOS_DRIVER "16requestResourcesERKSt6vectorINS_7RequestESaIS2_EE"},
};

#undef MESOS_DRIVER
#undef MESOS_STRING

// The messages that a driver takes or gives, all in namespace mesos; nested ones have an underscore.
inline constexpr const char* kMessages[] = {
    "Credential", "ExecutorID", "Filters", "FrameworkInfo", "MasterInfo", "Offer",      "Offer_Operation",
    "OfferID",    "Request",    "SlaveID", "TaskID",        "TaskInfo",   "TaskStatus",
};

// The names of a message's default constructor and destructor.
inline std::string constructor(const std::string& message) {
  return "_ZN5mesos" + std::to_string(message.size()) + message + "C1Ev";
}
inline std::string destructor(const std::string& message) {
  return "_ZN5mesos" + std::to_string(message.size()) + message + "D1Ev";
}

// The release is a constant of the source, in no variable. These two bring it out without knowing a layout: a JSON
// object with it, and the operator API's response made from that object. In all eight.
inline constexpr Symbol kVersion = {"mesos::internal::version()", "_ZN5mesos8internal7versionEv"};
inline constexpr Symbol kVersionResponse = {
    "mesos::internal::evolve<v1::master::Response::GET_VERSION>(const JSON::Object&)",
    "_ZN5mesos8internal6evolveILNS_2v16master13Response_TypeE3EEENS3_8ResponseERKN4JSON6ObjectE"};
inline constexpr Symbol kDestroyResponse = {"mesos::v1::master::Response::~Response()",
                                            "_ZN5mesos2v16master8ResponseD1Ev"};

// Room for an object of a class that is known by name only. The destructor makes it a result that is returned in
// memory, as results of such classes are; it does nothing, so who has such an object destroys what is in it by name.
struct Opaque {
  Opaque() = default;
  Opaque(const Opaque&) = delete;
  ~Opaque() {}
  alignas(16) char bytes[4096];
};

}  // namespace mesos_native::abi
