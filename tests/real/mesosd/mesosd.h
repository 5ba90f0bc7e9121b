// The parts of mesosd: main() and the daemons are in mesosd.cc, the agent's helper programs in helpers.cc, and what
// makes several masters of one in election.cc.
#pragma once

#include <string>

#include "abi.h"

// Ends the process with a message on stderr.
[[noreturn]] void die(const std::string& message);

// The value, or the end of the process with Mesos' own words.
template <typename T>
T get(const Try<T>& result, const char* what) {
  if (result.data.state == Option<T>::SOME) return result.data.t;
  die(std::string(what) + ": " +
      (result.error.state == Option<Error>::SOME ? result.error.t.message : "failed"));
}

// glog as Mesos' own programs set it up: by MESOS_LOGGING_LEVEL and the like, to stderr.
void start_logging(const std::string& program, bool handle_signals);

// Makes the next master one of those that elect one of them in the ZooKeeper of MESOS_ZK.
void hold_election();

// Runs what an agent's launcher_dir must hold; they return the exit status.
int containerizer_main(int argc, char** argv);
int io_switchboard_main(int argc, char** argv);
