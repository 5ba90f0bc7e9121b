// mesosd: Apache Mesos' master and agent, out of a libmesos that came without their main programs.
//
//   mesosd master | agent   flags by MESOS_* variables, the address by LIBPROCESS_IP and LIBPROCESS_PORT (0: any)
//   mesosd version          exit 0 if libmesos and all it needs can be loaded
//
// Started as mesos-containerizer or mesos-io-switchboard it is that helper of the agent.
//
// A daemon writes "host:port\n" to the file descriptor in $MESOSD_ADDRESS_FD once it serves, and closes it.
// So whoever starts it needs no fixed port, and learns of an early death by the end of the stream. It gets
// SIGKILL when the thread that started it ends: nothing outlives a test run that was killed.

#include "mesosd.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

using namespace mesos::internal;
using std::string;

namespace {

const Option<string> kReadonlyRealm(string("mesos-agent-readonly"));

string required(const char* variable) {
  const char* value = getenv(variable);
  if (value == nullptr || *value == '\0') die(string("set ") + variable);
  return value;
}

template <typename Flags>
Flags& load_flags() {
  Flags* flags = make<Flags>();
  get(static_cast<flags::FlagsBase*>(flags)->load("MESOS_"), "MESOS_* variables");
  return *flags;
}

void die_with_parent() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == 1) die("the parent has ended");  // before the call above
}

// libprocess has one listening socket. Looking for it needs no layout of process::address()'s result.
string listening_address() {
  for (int fd = 0; fd < FD_SETSIZE; fd++) {
    int listening = 0;
    socklen_t size = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening) continue;
    sockaddr_in address{};
    size = sizeof address;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 || address.sin_family != AF_INET)
      continue;
    char host[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
    return string(host) + ":" + std::to_string(ntohs(address.sin_port));
  }
  die("libprocess listens nowhere");
}

[[noreturn]] void serve() {
  if (const char* number = getenv("MESOSD_ADDRESS_FD")) {
    const int fd = atoi(number);
    unsetenv("MESOSD_ADDRESS_FD");  // the agent's helpers inherit its environment
    dprintf(fd, "%s\n", listening_address().c_str());
    close(fd);
  }
  for (;;) pause();
}

void spawn(process::ProcessBase* process) { process::spawn(process, false); }

// The master alone is a local cluster of no agents: local::launch makes the allocator, registrar, detector
// and contender of a stand-alone master, whose classes then need no declaration here.
[[noreturn]] void run_master() {
  required("MESOS_WORK_DIR");
  setenv("MESOS_NUM_SLAVES", "0", 1);
  start_logging("mesos-master", true);
  process::initialize(string("master"), string("mesos-master-readwrite"), string("mesos-master-readonly"));
  spawn(make<VersionProcess>());
  if (getenv("MESOS_ZK") != nullptr) hold_election();
  local::launch(load_flags<local::Flags>(), nullptr);
  serve();
}

// An agent is put together as Mesos' own main program does it, without what has to do with modules, CSI, domain
// sockets and authorization. (A local cluster's agents would share one process, and cannot be restarted.)
[[noreturn]] void run_agent() {
  const Option<string> master(required("MESOS_MASTER"));
  const string work_directory = required("MESOS_WORK_DIR");
  const Option<string> by_default;
  auto& flags = load_flags<slave::Flags>();
  start_logging("mesos-agent", true);
  const string id = process::ID::generate("slave");
  process::initialize(id, string("mesos-agent-readwrite"), kReadonlyRealm);
  spawn(make<VersionProcess>());

  auto* fetcher = make<slave::Fetcher>(flags);
  auto* collector = make<slave::GarbageCollector>(work_directory);
  auto* secrets = get(mesos::SecretResolver::create(by_default), "secret resolver");
  auto* containerizer =
      get(slave::Containerizer::create(flags, false, fetcher, collector, secrets, nullptr, nullptr, nullptr),
          "containerizer");
  auto* detector =
      get(mesos::master::detector::MasterDetector::create(master, by_default, Option<Duration>()),
          "MESOS_MASTER");
  auto* estimator = get(mesos::slave::ResourceEstimator::create(by_default), "resource estimator");
  auto* qos = get(mesos::slave::QoSController::create(by_default), "QoS controller");
  auto* files = make<Files>(kReadonlyRealm, Option<mesos::Authorizer*>());
  auto* updates = make<slave::TaskStatusUpdateManager>(flags);
  spawn(make<slave::Slave>(id, flags, detector, containerizer, files, collector, updates, estimator, qos,
                           nullptr, nullptr, nullptr, process::Owned<slave::CSIServer>(),
                           Option<process::network::internal::Socket<process::network::unix::Address>>(),
                           Option<mesos::Authorizer*>()));
  serve();
}

}  // namespace

void die(const string& message) {
  fprintf(stderr, "mesosd: %s\n", message.c_str());
  exit(EXIT_FAILURE);
}

void start_logging(const string& program, bool handle_signals) {
  // Leaked: to destroy an Option of Flags would need their destructor.
  logging::initialize(program, handle_signals, *new Option<logging::Flags>());
}

int main(int argc, char** argv) {
  const string path = argv[0];
  const string name = path.substr(path.rfind('/') + 1);
  if (name == "mesos-containerizer") return containerizer_main(argc, argv);
  if (name == "mesos-io-switchboard") return io_switchboard_main(argc, argv);
  const string command = argc == 2 ? argv[1] : "";
  if (command == "version") return EXIT_SUCCESS;
  if (command != "master" && command != "agent") die("usage: mesosd master | agent | version");
  die_with_parent();
  if (command == "master") run_master();
  run_agent();
}
