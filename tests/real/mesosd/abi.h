// What mesosd needs of libmesos 1.11.0, declared anew: PyPI ships the library without headers.
//
// The linker matches these declarations by mangled name, so names, namespaces and parameter types are those
// of Mesos (return types are not part of a name). Layouts are true only where it says so; all other classes
// are opaque: their objects live in `kRoom` zeroed bytes, as their true size is unknown, and are never destroyed.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

// --- stout: true layouts

template <typename T>
struct Option {
  enum State { SOME, NONE } state;
  union {
    T t;
  };
  Option() : state(NONE) {}
  Option(const T& value) : state(SOME), t(value) {}
  Option(const Option& other) : state(other.state) {
    if (state == SOME) new (&t) T(other.t);
  }
  ~Option() {
    if (state == SOME) t.~T();
  }
};

struct Error {
  std::string message;
};

template <typename T>
struct Try {
  Option<T> data;
  Option<Error> error;
};

struct Duration {
  int64_t nanoseconds;
};

struct Nothing {};

// A result that the caller only drops. Its destructor makes it one that is returned in memory, like the true one.
struct Ignored {
  alignas(16) char bytes[1024];
  ~Ignored() {}
};

namespace flags {

struct Warnings {
  std::vector<std::string> warnings;
};

// A virtual base of every Flags: a pointer to it is found by the offset in the object's true vtable.
class FlagsBase {
 public:
  FlagsBase();
  virtual ~FlagsBase();
  Try<Warnings> load(const std::string& prefix);
  Try<Warnings> load(const Option<std::string>& prefix, int argc, const char* const* argv, bool unknowns,
                     bool duplicates);
  char opaque[8192];
};

}  // namespace flags

namespace process {

namespace network {
namespace unix {
class Address;
}
namespace internal {
template <typename T>
struct Socket {
  std::shared_ptr<void> implementation;
};
}  // namespace internal
}  // namespace network

template <typename T>
struct Owned {
  struct Data {
    T* t;
  };
  std::shared_ptr<Data> data;
};

template <typename T>
struct Future {
  std::shared_ptr<void> data;
  bool await(const Duration& timeout) const;
};

// A virtual base like FlagsBase. It has data, as the compiler would merge an empty base with the class itself.
struct ProcessBase {
  virtual ~ProcessBase();
  char opaque[4096];
};
template <typename T>
struct Process : virtual ProcessBase {};

bool initialize(const Option<std::string>& delegate, const Option<std::string>& readwriteRealm,
                const Option<std::string>& readonlyRealm);
Ignored spawn(ProcessBase* process, bool manage);
namespace ID {
std::string generate(const std::string& prefix);
}

}  // namespace process

template <typename T>
struct ProtobufProcess : process::Process<T> {};

namespace mesos {

class Authorizer;
class SecretGenerator;
namespace allocator {
class Allocator;
}
namespace master::detector {
class MasterDetector {
 public:
  static Try<MasterDetector*> create(const Option<std::string>& master, const Option<std::string>& module,
                                     const Option<Duration>& timeout);
};
}  // namespace master::detector
namespace master::contender {
class MasterContender {
 public:
  static Try<MasterContender*> create(const Option<std::string>& zk, const Option<std::string>& module,
                                      const Option<Duration>& session_timeout);
};
}  // namespace master::contender
namespace slave {
class ResourceEstimator {
 public:
  static Try<ResourceEstimator*> create(const Option<std::string>& type);
};
class QoSController {
 public:
  static Try<QoSController*> create(const Option<std::string>& type);
};
}  // namespace slave
class SecretResolver {
 public:
  static Try<SecretResolver*> create(const Option<std::string>& module);
};

namespace internal {

class PendingFutureTracker;
class Files {
 public:
  Files(const Option<std::string>& realm, const Option<Authorizer*>& authorizer);
};
class VersionProcess : public process::Process<VersionProcess> {
 public:
  VersionProcess();
};

namespace logging {
struct Flags : virtual flags::FlagsBase {
  char opaque[4096];
};
void initialize(const std::string& program, bool installSignalHandler, const Option<Flags>& flags);
}  // namespace logging

namespace local {
struct Flags : virtual logging::Flags {
  Flags();
};
Ignored launch(const Flags& flags, ::mesos::allocator::Allocator* allocator);
}  // namespace local

namespace slave {

class CSIServer;
class VolumeGidManager;

struct Flags : virtual logging::Flags {
  Flags();
};
class GarbageCollector {
 public:
  explicit GarbageCollector(const std::string& workDirectory);
};
class TaskStatusUpdateManager {
 public:
  explicit TaskStatusUpdateManager(const Flags& flags);
};
class Fetcher {
 public:
  explicit Fetcher(const Flags& flags);
};
class Containerizer {
 public:
  static Try<Containerizer*> create(const Flags& flags, bool local, Fetcher*, GarbageCollector*,
                                    SecretResolver*, VolumeGidManager*, PendingFutureTracker*, CSIServer*);
};
class Slave : public ProtobufProcess<Slave> {
 public:
  Slave(const std::string& id, const Flags& flags, ::mesos::master::detector::MasterDetector*, Containerizer*,
        Files*, GarbageCollector*, TaskStatusUpdateManager*, ::mesos::slave::ResourceEstimator*,
        ::mesos::slave::QoSController*, SecretGenerator*, VolumeGidManager*, PendingFutureTracker*,
        process::Owned<CSIServer>&&,
        const Option<process::network::internal::Socket<process::network::unix::Address>>& executorSocket,
        const Option<Authorizer*>&);
};
class IOSwitchboardServer {
 public:
  static Try<process::Owned<IOSwitchboardServer>> create(bool tty, int stdinTo, int stdoutFrom, int stdoutTo,
                                                         int stderrFrom, int stderrTo,
                                                         const std::string& socket, bool waitForConnection,
                                                         Option<Duration> heartbeatInterval);
  process::Future<Nothing> run();
};

// True layout up to `flags`, whose place getFlags() tells: { vtable, std::string name, FlagsBase, Flags flags
// }.
class MesosContainerizerLaunch {
 public:
  struct Flags : virtual flags::FlagsBase {
    Flags();
  };
  flags::FlagsBase* getFlags();
  int execute();
};

}  // namespace slave
}  // namespace internal
}  // namespace mesos

// --- objects of unknown size

// More than the largest of them: Slave, with some ten KB.
inline constexpr size_t kRoom = 1 << 20;

// Makes the compiler forget what it knows of an object, so that a conversion to a virtual base reads the true
// vtable in place of assuming the layout declared here.
template <typename T>
T* launder(T* object) {
  asm volatile("" : "+r"(object));
  return object;
}

template <typename T, typename... Arguments>
T* make(Arguments&&... arguments) {
  return launder(new (std::calloc(1, kRoom)) T(std::forward<Arguments>(arguments)...));
}
