// The part of libmesos that a scheduler driver is made of, as Mesos' own headers declare it: names, namespaces and
// parameter types decide what the compiler exports, and the order of virtual methods what it calls.
//
// Invariants
//   * Independent of cpp/abi.h: the two agree, or the tests fail.
//   * Messages are their bytes. No two of the classes that stand in vectors have one size, so that a wrong step shows.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

// The release whose functions are there: 108, 109 or 111.
#ifndef FAKE_RELEASE
#define FAKE_RELEASE 111
#endif

namespace google::protobuf {

class MessageLite {
 public:
  MessageLite();
  MessageLite(const MessageLite&);
  virtual ~MessageLite();
  bool ParseFromArray(const void* data, int size);
  bool SerializePartialToString(std::string* output) const;

 protected:
  std::string bytes_;
};

}  // namespace google::protobuf

namespace mesos {

// `kWords` is how much longer than its base the class is. Its last byte is one of those that cpp/message.cc fills the
// room with before it looks what a constructor writes.
#define FAKE_MESSAGE(Name, kWords)                    \
  class Name : public google::protobuf::MessageLite { \
   public:                                            \
    Name();                                           \
    Name(const Name&);                                \
    ~Name() override;                                 \
                                                      \
   private:                                           \
    uint64_t words_[kWords] = {};                     \
    uint64_t last_ = 0x5a00000000000000;              \
  };

FAKE_MESSAGE(Credential, 1)
FAKE_MESSAGE(ExecutorID, 1)
FAKE_MESSAGE(Filters, 1)
FAKE_MESSAGE(FrameworkID, 1)
FAKE_MESSAGE(FrameworkInfo, 20)
FAKE_MESSAGE(MasterInfo, 2)
FAKE_MESSAGE(Offer, 13)
FAKE_MESSAGE(Offer_Operation, 7)
FAKE_MESSAGE(OfferID, 2)
FAKE_MESSAGE(Request, 3)
FAKE_MESSAGE(SlaveID, 1)
FAKE_MESSAGE(TaskID, 1)
FAKE_MESSAGE(TaskInfo, 25)
FAKE_MESSAGE(TaskStatus, 11)

namespace scheduler {
#if FAKE_RELEASE >= 111
FAKE_MESSAGE(OfferConstraints, 4)
#endif
}  // namespace scheduler

enum Status { DRIVER_NOT_STARTED = 1, DRIVER_RUNNING = 2, DRIVER_ABORTED = 3, DRIVER_STOPPED = 4 };

class SchedulerDriver;

class Scheduler {
 public:
  virtual ~Scheduler() {}
  virtual void registered(SchedulerDriver*, const FrameworkID&, const MasterInfo&) = 0;
  virtual void reregistered(SchedulerDriver*, const MasterInfo&) = 0;
  virtual void disconnected(SchedulerDriver*) = 0;
  virtual void resourceOffers(SchedulerDriver*, const std::vector<Offer>&) = 0;
  virtual void offerRescinded(SchedulerDriver*, const OfferID&) = 0;
  virtual void statusUpdate(SchedulerDriver*, const TaskStatus&) = 0;
  virtual void frameworkMessage(SchedulerDriver*, const ExecutorID&, const SlaveID&, const std::string&) = 0;
  virtual void slaveLost(SchedulerDriver*, const SlaveID&) = 0;
  virtual void executorLost(SchedulerDriver*, const ExecutorID&, const SlaveID&, int) = 0;
  virtual void error(SchedulerDriver*, const std::string&) = 0;
};

class SchedulerDriver {
 public:
  virtual ~SchedulerDriver() {}
};

class MesosSchedulerDriver : public SchedulerDriver {
 public:
  MesosSchedulerDriver(Scheduler*, const FrameworkInfo&, const std::string&, bool);
  MesosSchedulerDriver(Scheduler*, const FrameworkInfo&, const std::string&, bool, const Credential&);
#if FAKE_RELEASE >= 109
  MesosSchedulerDriver(Scheduler*, const FrameworkInfo&, const std::vector<std::string>&, const std::string&,
                       bool);
  MesosSchedulerDriver(Scheduler*, const FrameworkInfo&, const std::vector<std::string>&, const std::string&,
                       bool, const Credential&);
#endif
  ~MesosSchedulerDriver() override;

  Status start();
  Status stop(bool failover);
  Status abort();
  Status join();
  Status acceptOffers(const std::vector<OfferID>&, const std::vector<Offer_Operation>&, const Filters&);
  Status declineOffer(const OfferID&, const Filters&);
  Status reviveOffers();
  Status suppressOffers();
  Status killTask(const TaskID&);
  Status acknowledgeStatusUpdate(const TaskStatus&);
  Status reconcileTasks(const std::vector<TaskStatus>&);
  Status sendFrameworkMessage(const ExecutorID&, const SlaveID&, const std::string&);
  Status requestResources(const std::vector<Request>&);
#if FAKE_RELEASE >= 109
  Status reviveOffers(const std::vector<std::string>&);
  Status suppressOffers(const std::vector<std::string>&);
#endif
#if FAKE_RELEASE >= 111
  Status updateFramework(const FrameworkInfo&, const std::vector<std::string>&,
                         scheduler::OfferConstraints&&);
#elif FAKE_RELEASE >= 109
  Status updateFramework(const FrameworkInfo&, const std::vector<std::string>&);
#endif

 private:
  void open(const FrameworkInfo& framework, const std::string& master, bool implicit);
  Status end(Status status);
  Status note(const std::string& call, const std::vector<std::string>& arguments);
  void play();
  void say(const std::string& event, const std::vector<std::string>& arguments);
  bool await(const std::string& call, size_t count);

  Scheduler* const scheduler_;
  std::string script_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Status status_ = DRIVER_NOT_STARTED;
  bool has_ended_ = false;
  std::map<std::string, size_t> counts_;
  std::ofstream calls_;
  std::thread thread_;
};

}  // namespace mesos
