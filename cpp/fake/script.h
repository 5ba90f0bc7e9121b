// What a stand-in driver says and is told: it says what a script says, from a thread of its own, and notes its calls.
//
// A line of a script is a callback with its arguments, which are messages as hexadecimal bytes (`-` for none), behind how
// many times it is to be made:
//
//     1 registered 0a0131 -
//     1000 statusUpdate 0a03...
//     1 await acknowledgeStatusUpdate 1000
//
// `await` waits until a call has been made so many times in all. The calls are noted in the script's path with `.calls`
// behind it, written in the same way, without the number. A script may be a FIFO: then more can be said later.
//
// Invariants
//   * As in libmesos: callbacks come one at a time, and none once the driver has ended.
#pragma once

#include <condition_variable>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "messages.h"

namespace mesos {

class Script {
 public:
  // Makes a callback; the arguments are as the script has them.
  using Say = std::function<void(const std::string& callback, const std::vector<std::string>& arguments)>;

  Script();
  // Ends the driver, and waits for its callback if one runs.
  ~Script();
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  void open(const std::string& path);
  Status start(Say say);
  Status end(Status status);
  // From now on an end wakes nobody who has joined.
  void vanish();
  Status join();
  Status status();
  Status note(const std::string& call, const std::vector<std::string>& arguments);

 private:
  void play(const Say& say);
  bool read(int script, std::string* line);
  bool await(const std::string& call, size_t count);

  std::string path_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Status status_ = DRIVER_NOT_STARTED;
  bool has_vanished_ = false;
  bool is_over_ = false;
  std::map<std::string, size_t> counts_;
  std::ofstream calls_;
  std::string unread_;
  // closed at the end, so that nobody waits for a script any more
  int alarm_[2];
  std::thread thread_;
};

// The bytes that a script has as an argument.
std::string binary(const std::string& argument);

std::vector<std::string> operator+(std::vector<std::string> first, const std::vector<std::string>& second);

}  // namespace mesos
