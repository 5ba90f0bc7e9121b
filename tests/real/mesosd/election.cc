// Masters that elect one of them in the ZooKeeper of MESOS_ZK (zk://host:port/path), as mesos-master's do.
//
// local::launch gives its master the contender and the detector of one that is alone. They are exchanged on the
// way into the master's constructor. libmesos calls it directly, so that no symbol of ours could go before it:
// its first instructions become a jump, until it is called for the one time.
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "mesosd.h"

using mesos::master::contender::MasterContender;
using mesos::master::detector::MasterDetector;
using std::string;

namespace {

constexpr char kConstructor[] =
    "_ZN5mesos8internal6master6MasterC1EPNS_9allocator9AllocatorEPNS1_9RegistrarEPNS0_5FilesEPNS_6master9"
    "contender15MasterContenderEPNSA_8detector14MasterDetectorERK6OptionIPNS_10AuthorizerEERKSH_ISt10"
    "shared_ptrIN7process11RateLimiterEEERKNS1_5FlagsE";

// Every argument is a pointer or a reference.
using Constructor = void(void* self, void* allocator, void* registrar, void* files, MasterContender*,
                         MasterDetector*, const void* authorizer, const void* limiter, const void* flags);

// jmp *0(%rip), and the address that it takes
using Jump = std::array<unsigned char, 14>;

unsigned char* target;
Jump original;

void write_code(const Jump& code) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<uintptr_t>(target) & ~(page - 1);
  // the code may go over into the next page
  if (mprotect(reinterpret_cast<void*>(start), 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
    die("the code of libmesos cannot be changed");
  memcpy(target, code.data(), code.size());
}

void construct_elected(void* self, void* allocator, void* registrar, void* files, MasterContender*,
                       MasterDetector*, const void* authorizer, const void* limiter, const void* flags) {
  write_code(original);
  const Option<string> zk(string(getenv("MESOS_ZK"))), by_default;
  auto* contender = get(MasterContender::create(zk, by_default, Option<Duration>()), "MESOS_ZK");
  auto* detector = get(MasterDetector::create(zk, by_default, Option<Duration>()), "MESOS_ZK");
  reinterpret_cast<Constructor*>(target)(self, allocator, registrar, files, contender, detector, authorizer,
                                         limiter, flags);
}

}  // namespace

void hold_election() {
  target = static_cast<unsigned char*>(dlsym(RTLD_DEFAULT, kConstructor));
  if (target == nullptr) die("this libmesos has another constructor of masters");
  memcpy(original.data(), target, original.size());
  Jump jump{0xff, 0x25};
  Constructor* const ours = construct_elected;
  memcpy(jump.data() + jump.size() - sizeof ours, &ours, sizeof ours);
  write_code(jump);
}
