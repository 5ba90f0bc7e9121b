// A libmesos, found and loaded at run time.
//
// Invariants
//   * A Library has every function in abi::kRequired: what is loaded is known to be usable, or refused in words.
//   * It is loaded once per process and never unloaded: its threads and static objects outlive any driver.
//   * Its symbols stay local to it (RTLD_LOCAL): the program may have another protobuf, glog or boost.
//   * Errors are std::runtime_error; the text names what was tried, by whose wish, and what was missing.
#pragma once

#include <memory>
#include <string>

#include "abi.h"
#include "rust/cxx.h"

namespace mesos_native {

class Library {
 public:
  // Takes a handle of dlopen(); `name` is how errors call it.
  Library(void* handle, std::string name);

  // The address of a function or variable. Throws if the library lacks it, naming the release that brought it.
  void* resolve(const abi::Symbol& symbol) const;
  template <typename Function>
  Function* function(const abi::Symbol& symbol) const {
    return reinterpret_cast<Function*>(resolve(symbol));
  }
  bool has(const abi::Symbol& symbol) const { return find(symbol.name) != nullptr; }
  const std::string& name() const { return name_; }

  // The answer to GET_VERSION of Mesos' operator API, as bytes of a mesos.v1.master.Response.
  rust::Vec<uint8_t> version_response() const;

  // Waits until what libmesos has sent so far was written to its sockets; a second at most.
  void flush() const;

  // Lets glog say what is of this severity and up (0 is INFO, 3 FATAL): in files in `directory`; on standard error
  // if that is empty. Holds for the whole process.
  void log(int32_t severity, rust::Str directory) const;

 private:
  void* find(const std::string& name) const;
  void check() const;

  void* const handle_;
  const std::string name_;
};

// Loads the library at `path`. If that is empty: the one that MESOS_NATIVE_LIBRARY or MESOS_NATIVE_JAVA_LIBRARY names;
// if neither does: the one that the loader finds. No other is tried when the one that was asked for cannot be used.
std::shared_ptr<Library> open_library(rust::Str path);

}  // namespace mesos_native
