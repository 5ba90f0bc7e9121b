#include "script.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <utility>

namespace mesos {
namespace {

std::string hexadecimal(const std::string& text) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string result;
  for (const unsigned char byte : text) {
    result += kDigits[byte >> 4];
    result += kDigits[byte & 15];
  }
  return result.empty() ? "-" : result;
}

}  // namespace

std::string binary(const std::string& argument) {
  std::string result;
  for (size_t at = 0; argument != "-" && at + 1 < argument.size(); at += 2) {
    result += static_cast<char>(std::stoi(argument.substr(at, 2), nullptr, 16));
  }
  return result;
}

std::vector<std::string> operator+(std::vector<std::string> first, const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Script::Script() {
  if (pipe2(alarm_, O_CLOEXEC) != 0) std::abort();
}

Script::~Script() {
  end(DRIVER_ABORTED);
  if (thread_.joinable()) thread_.join();
  close(alarm_[0]);
  if (!is_over_) close(alarm_[1]);
  note("destroy", {});
}

void Script::open(const std::string& path) {
  path_ = path;
  calls_.open(path + ".calls");
}

Status Script::start(Say say) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (status_ == DRIVER_NOT_STARTED) {
    status_ = DRIVER_RUNNING;
    thread_ = std::thread([this, say = std::move(say)] { play(say); });
  }
  return status_;
}

Status Script::end(Status status) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (status_ == DRIVER_RUNNING) {
    status_ = status;
    is_over_ = true;
    close(alarm_[1]);
    changed_.notify_all();
  }
  return status_;
}

void Script::vanish() {
  const std::lock_guard<std::mutex> lock(mutex_);
  has_vanished_ = true;
}

Status Script::join() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (status_ == DRIVER_RUNNING) {
    changed_.wait(lock, [this] { return status_ != DRIVER_RUNNING && !has_vanished_; });
  }
  return status_;
}

Status Script::status() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

Status Script::note(const std::string& call, const std::vector<std::string>& arguments) {
  const std::lock_guard<std::mutex> lock(mutex_);
  calls_ << call;
  for (const std::string& argument : arguments) calls_ << ' ' << hexadecimal(argument);
  calls_ << std::endl;
  ++counts_[call];
  changed_.notify_all();
  return status_;
}

bool Script::await(const std::string& call, size_t count) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return status_ != DRIVER_RUNNING || counts_[call] >= count; });
  return status_ == DRIVER_RUNNING;
}

void Script::play(const Say& say) {
  const int script = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  for (std::string line; read(script, &line);) {
    std::istringstream words(line);
    size_t times = 0;
    std::string callback;
    words >> times >> callback;
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    for (; times > 0 && await("", 0); --times) {
      if (callback == "await") {
        await(arguments.at(0), std::stoul(arguments.at(1)));
      } else {
        say(callback, arguments);
      }
    }
  }
  close(script);
}

// The next line; false at the end of the script or of the driver.
bool Script::read(int script, std::string* line) {
  size_t end = 0;
  while ((end = unread_.find('\n')) == std::string::npos) {
    pollfd either[] = {{script, POLLIN, 0}, {alarm_[0], POLLIN, 0}};
    if (poll(either, 2, -1) < 0 || either[1].revents != 0) return false;
    char room[4096];
    const ssize_t size = ::read(script, room, sizeof room);
    if (size <= 0) return false;
    unread_.append(room, static_cast<size_t>(size));
  }
  *line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return true;
}

}  // namespace mesos
