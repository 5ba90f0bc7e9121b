// The two programs that an agent starts for each container, and that are libmesos with a main() around it.

#include <dlfcn.h>
#include <unistd.h>

#include <cstring>
#include <map>

#include "mesosd.h"

using namespace mesos::internal::slave;
using std::string;

// `mesos-containerizer launch`: enters the container's sandbox and environment, and executes its command.
//
// MesosContainerizerLaunch has no constructor in the library (it was inlined), so its object is made by hand:
// the vtable's address, the name, and two sets of flags, each constructed in its place.
int containerizer_main(int argc, char** argv) {
  if (argc < 2 || strcmp(argv[1], "launch") != 0) die("mesos-containerizer: only 'launch' is here");
  auto* vtable =
      static_cast<char*>(dlsym(RTLD_DEFAULT, "_ZTVN5mesos8internal5slave24MesosContainerizerLaunchE"));
  if (vtable == nullptr) die("libmesos has no MesosContainerizerLaunch");

  auto* object = static_cast<char*>(calloc(1, kRoom));
  auto* launch = reinterpret_cast<MesosContainerizerLaunch*>(object);
  size_t offset = 0;
  new (object) void*(vtable + 2 * sizeof(void*));  // behind the offset to top and the type information
  new (object + (offset += sizeof(void*))) string("launch");
  new (object + (offset += sizeof(string))) flags::FlagsBase();

  // getFlags() adds a constant to `this`: where the virtual base of `flags` will be, before `flags` is made.
  // How far in front of it `flags` itself starts, any other object of the class can tell.
  flags::FlagsBase* base = launch->getFlags();
  auto* sample = make<MesosContainerizerLaunch::Flags>();
  const auto distance =
      reinterpret_cast<char*>(static_cast<flags::FlagsBase*>(sample)) - reinterpret_cast<char*>(sample);
  new (reinterpret_cast<char*>(base) - distance) MesosContainerizerLaunch::Flags();

  get(base->load(string("MESOS_CONTAINERIZER_"), argc - 1, argv + 1, false, false), "mesos-containerizer");
  return launch->execute();
}

// `mesos-io-switchboard`: carries a container's standard streams to its files and to attached clients.
int io_switchboard_main(int argc, char** argv) {
  std::map<string, string> flags;
  for (int i = 1; i < argc; i++) {
    const string argument = argv[i];
    if (argument.rfind("--", 0) != 0) continue;
    const size_t equals = argument.find('=');
    if (equals != string::npos) {
      flags[argument.substr(2, equals - 2)] = argument.substr(equals + 1);
    } else if (argument.rfind("--no-", 0) == 0) {
      flags[argument.substr(5)] = "false";
    } else {
      flags[argument.substr(2)] = "true";
    }
  }
  const auto fd = [&](const char* name) {
    if (flags.count(name) == 0) die(string("mesos-io-switchboard: --") + name + " is missing");
    return std::stoi(flags[name]);
  };
  Option<Duration> heartbeat;
  if (flags.count("heartbeat_interval") != 0) {
    const double seconds = std::stod(flags["heartbeat_interval"]);  // the agent writes "30secs"
    new (&heartbeat) Option<Duration>(Duration{static_cast<int64_t>(seconds * 1e9)});
  }

  start_logging("mesos-io-switchboard", false);
  const auto server = get(
      IOSwitchboardServer::create(flags["tty"] == "true", fd("stdin_to_fd"), fd("stdout_from_fd"),
                                  fd("stdout_to_fd"), fd("stderr_from_fd"), fd("stderr_to_fd"),
                                  flags["socket_address"], flags["wait_for_connection"] == "true", heartbeat),
      "mesos-io-switchboard");
  server.data->t->run().await(Duration{INT64_MAX});
  _exit(EXIT_SUCCESS);  // libprocess' threads still run: no destructors
}
