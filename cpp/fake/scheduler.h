// The part of libmesos that a scheduler driver is made of, as Mesos' own headers declare it: names, namespaces and
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
  void say(const std::string& callback, const std::vector<std::string>& arguments);

  Scheduler* const scheduler_;
  Script script_;
};

}  // namespace mesos
