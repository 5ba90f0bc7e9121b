#include "library.h"

#include <dlfcn.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "message.h"

namespace mesos_native {
namespace {

#ifdef __APPLE__
constexpr const char* kDefaultName = "libmesos.dylib";
#else
constexpr const char* kDefaultName = "libmesos.so";
#endif

// glog's highest severity.
constexpr int32_t kFatal = 3;

// A file to load, and who asked for it.
struct Choice {
  std::string path;
  std::string origin;
};

Choice choose(const std::string& path) {
  if (!path.empty()) return {path, "given as library="};
  for (const char* variable : {"MESOS_NATIVE_LIBRARY", "MESOS_NATIVE_JAVA_LIBRARY"}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') return {value, std::string("named by ") + variable};
  }
  return {kDefaultName,
          "looked for by the system's loader, as neither library= nor MESOS_NATIVE_LIBRARY nor "
          "MESOS_NATIVE_JAVA_LIBRARY names one"};
}

}  // namespace

Library::Library(void* handle, std::string name) : handle_(handle), name_(std::move(name)) { check(); }

void* Library::find(const std::string& name) const { return dlsym(handle_, name.c_str()); }

void* Library::resolve(const abi::Symbol& symbol) const {
  if (void* address = find(symbol.name)) return address;
  std::string what = name_ + " has no " + symbol.declaration;
  if (symbol.since != nullptr) what += std::string(": it came with Mesos ") + symbol.since;
  throw std::runtime_error(what);
}

void Library::check() const {
  std::vector<std::string> missing;
  for (const abi::Symbol& symbol : abi::kRequired) {
    if (find(symbol.name) == nullptr) missing.emplace_back(symbol.declaration);
  }
  for (const std::string message : abi::kMessages) {
    if (find(abi::constructor(message)) == nullptr || find(abi::destructor(message)) == nullptr) {
      missing.push_back("mesos::" + message);
    }
  }
  if (missing.empty()) return;
  if (find(abi::kOldSerializeToString.name) != nullptr) {
    throw std::runtime_error(
        name_ +
        " was compiled with the string ABI of before GCC 5 (_GLIBCXX_USE_CXX11_ABI=0), which "
        "is not supported: use a libmesos compiled with the current one");
  }
  std::string what = name_ + " is not a libmesos that can be used: it lacks " + missing.front();
  if (missing.size() > 1) what += " and " + std::to_string(missing.size() - 1) + " more of what is needed";
  throw std::runtime_error(what);
}

rust::Vec<uint8_t> Library::version_response() const {
  const auto version = function<abi::Opaque()>(abi::kVersion);
  const auto evolve = function<abi::Opaque(const abi::Opaque&)>(abi::kVersionResponse);
  const auto destroy = function<void(abi::Opaque*)>(abi::kDestroyResponse);

  const abi::Opaque object = version();  // leaked, some hundred bytes: its destructor is not exported
  abi::Opaque response = evolve(object);
  const std::string bytes = Reader(*this).read(&response);
  destroy(&response);
  rust::Vec<uint8_t> result;
  result.reserve(bytes.size());
  for (const char byte : bytes) result.push_back(static_cast<uint8_t>(byte));
  return result;
}

// A send is a task of the event loop's thread, which ends it the next time it goes round at the latest. What waits
// behind two such tasks has seen that happen; one that is alone may come first in its round.
void Library::flush() const {
  if (!has(abi::kDelay)) return;
  const auto delay = function<void(const int64_t&, const std::function<void()>&)>(abi::kDelay);
  for (int round = 0; round < 2; ++round) {
    const auto done = std::make_shared<std::promise<void>>();
    delay(0, [done] { done->set_value(); });
    if (done->get_future().wait_for(std::chrono::milliseconds(500)) != std::future_status::ready) return;
  }
}

void Library::log(int32_t severity, rust::Str directory) const {
  const bool in_files = !directory.empty();
  *static_cast<int32_t*>(resolve(abi::kLogMinimum)) = severity;
  *static_cast<int32_t*>(resolve(abi::kLogThreshold)) = in_files ? kFatal : severity;
  *static_cast<bool*>(resolve(abi::kLogToStderr)) = !in_files;
  if (in_files) **static_cast<std::string**>(resolve(abi::kLogDirectory)) = std::string(directory);
}

std::shared_ptr<Library> open_library(rust::Str path) {
  // Never destroyed: drivers may still be running when the process' static objects are.
  static auto& mutex = *new std::mutex;
  static auto& loaded = *new std::map<void*, std::shared_ptr<Library>>;

  const Choice choice = choose(std::string(path));
  const std::string name = choice.path + " (" + choice.origin + ")";
  const std::scoped_lock lock(mutex);
  // RTLD_LAZY: a library may hold references that nobody needs, like those of PyPI's build to Python 2.7.
  void* handle = dlopen(choice.path.c_str(), RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    const char* reason = dlerror();
    throw std::runtime_error(name + " cannot be loaded: " + (reason != nullptr ? reason : "no reason given"));
  }
  std::shared_ptr<Library>& library = loaded[handle];
  if (library == nullptr) library = std::make_shared<Library>(handle, name);
  return library;
}

}  // namespace mesos_native
