// The load of load.py over Apache Mesos' C++ scheduler driver with nothing around it: what the driver itself costs.
//
//   load LIBMESOS MASTER TASKS TASK     TASK: fields of a TaskInfo that all tasks have, as hexadecimal bytes
//
// Prints how many updates came, and the processor seconds of the process for each, from the first to the last.
#include <dlfcn.h>
#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../../../cpp/abi.h"

namespace abi = mesos_native::abi;
using std::string;

namespace {

constexpr int kInFlight = 128;
constexpr int kFinished = 2;  // TASK_FINISHED

void* library = nullptr;

template <typename Function>
Function* find(const string& name) {
  void* address = dlsym(library, name.c_str());
  if (address == nullptr) {
    std::fprintf(stderr, "missing: %s\n", name.c_str());
    std::exit(1);
  }
  return reinterpret_cast<Function*>(address);
}

// --- protobuf's wire format, as far as it is needed

string varint(uint64_t value) {
  string result;
  for (; value > 127; value >>= 7) result += static_cast<char>(value | 128);
  return result + static_cast<char>(value);
}
string field(int number, const string& bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}

uint64_t read_varint(const string& wire, size_t* at) {
  uint64_t value = 0;
  for (int shift = 0; *at < wire.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(wire[(*at)++]);
    value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) break;
  }
  return value;
}

// Calls `use` with the bytes and the number in each field of this number.
template <typename Use>
void each(const string& wire, int number, Use use) {
  for (size_t at = 0; at < wire.size();) {
    const uint64_t tag = read_varint(wire, &at);
    const size_t start = at;
    uint64_t value = 0;
    size_t size = 0;
    if ((tag & 7) == 0) {
      value = read_varint(wire, &at);
    } else if ((tag & 7) == 2) {
      size = read_varint(wire, &at);
      at += size;
    } else {
      size = (tag & 7) == 1 ? 8 : 4;
      at += size;
    }
    if (static_cast<int>(tag >> 3) == number)
      use(wire.substr((tag & 7) == 0 ? start : at - size, size), value);
  }
}

string get(const string& wire, int number) {
  string found;
  each(wire, number, [&](const string& bytes, uint64_t) { found = bytes; });
  return found;
}

uint64_t number(const string& wire, int field) {
  uint64_t found = 0;
  each(wire, field, [&](const string&, uint64_t value) { found = value; });
  return found;
}

// For how many tasks of load.py an offer is enough, of which one may come with the executor.
int room(const string& offer) {
  double cpus = 0, mem = 0;
  each(offer, 5, [&](const string& resource, uint64_t) {
    const string scalar = get(get(resource, 3), 1);
    double amount = 0;
    if (scalar.size() == sizeof amount) std::memcpy(&amount, scalar.data(), sizeof amount);
    if (get(resource, 1) == "cpus") cpus += amount;
    if (get(resource, 1) == "mem") mem += amount;
  });
  return static_cast<int>(std::min(cpus / 0.01, mem) + 0.5) - 1;
}

string binary(const string& digits) {
  string result;
  for (size_t at = 0; at + 1 < digits.size(); at += 2) {
    result += static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16));
  }
  return result;
}

// --- messages

struct Type {
  explicit Type(const char* name)
      : construct(find<void(void*)>(abi::constructor(name))),
        destroy(find<void(void*)>(abi::destructor(name))) {
    abi::Opaque first, second;
    std::memset(first.bytes, 0x5a, sizeof first.bytes);
    std::memset(second.bytes, 0xa5, sizeof second.bytes);
    construct(first.bytes);
    construct(second.bytes);
    size = sizeof first.bytes;
    while (first.bytes[size - 1] == '\x5a' && second.bytes[size - 1] == '\xa5') --size;
    size = (size + 7) / 8 * 8;
  }
  void make(void* storage, const string& wire) const {
    static const auto parse = find<bool(void*, const void*, int)>(abi::kParseFromArray.name);
    construct(storage);
    if (!parse(storage, wire.data(), static_cast<int>(wire.size()))) std::abort();
  }
  void (*const construct)(void*);
  void (*const destroy)(void*);
  size_t size = 0;
};

string bytes(const void* message) {
  static const auto serialize = find<bool(const void*, string*)>(abi::kSerialize.name);
  string result;
  serialize(message, &result);
  return result;
}

double cpu() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// --- the scheduler

class Load final : public abi::Scheduler {
 public:
  Load(int tasks, string task) : left_(tasks), task_(std::move(task)) {}

  void registered(void*, const abi::Message&, const abi::Message&) override {}
  void reregistered(void*, const abi::Message&) override {}
  void disconnected(void*) override {}
  void offer_rescinded(void*, const abi::Message&) override {}
  void framework_message(void*, const abi::Message&, const abi::Message&, const string&) override {}
  void agent_lost(void*, const abi::Message&) override {}
  void executor_lost(void*, const abi::Message&, const abi::Message&, int) override {}

  void resource_offers(void* driver, const abi::Vector& offers) override {
    if (left_ == 0 && open_ == 0) {
      end();
      return;
    }
    for (const char* at = offers.begin; at < offers.end; at += offer_.size) answer(driver, bytes(at));
  }

  void status_update(void* driver, const abi::Message& status) override {
    last_ = cpu();
    if (updates_++ == 0) began_ = last_;
    const string wire = bytes(&status);
    const uint64_t state = number(wire, 2);
    if (uuids_.insert(get(wire, 11)).second && state == kFinished) --open_;
    acknowledge_(driver, &status);
    if (state > kFinished) error(driver, get(wire, 4));
  }

  void error(void*, const string& message) override {
    std::fprintf(stderr, "error: %s\n", message.c_str());
    std::exit(1);
  }

  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
  }

  void print() const {
    std::printf("{\"updates\": %d, \"cost\": %.9f}\n", updates_, (last_ - began_) / (updates_ - 1));
  }

 private:
  // Accepts an offer for as many tasks as may be open; one at first, as its executor has to start.
  void answer(void* driver, const string& offer) {
    int size = started_ ? std::min(left_, kInFlight - open_) : open_ == 0 ? 1 : 0;
    size = std::max(0, std::min(size, room(offer)));
    if (updates_ > 0) started_ = true;
    const string agent = get(offer, 3);
    string launch;
    for (; size > 0; --size, --left_, ++open_) {
      const string name = "task" + std::to_string(left_);
      launch += field(1, field(1, name) + field(2, field(1, name)) + field(3, agent) + task_);
    }
    std::vector<char> id(offer_id_.size), operation(operation_.size), filters(filters_.size);
    offer_id_.make(id.data(), get(offer, 1));
    filters_.make(filters.data(), binary("097b14ae47e17a843f"));  // refuse_seconds: 0.01
    abi::Vector ids{id.data(), id.data() + id.size(), id.data() + id.size()}, operations;
    if (!launch.empty()) {
      operation_.make(operation.data(), varint(1 << 3) + varint(1) + field(2, launch));
      operations = {operation.data(), operation.data() + operation.size(),
                    operation.data() + operation.size()};
    }
    accept_(driver, ids, operations, filters.data());
    offer_id_.destroy(id.data());
    filters_.destroy(filters.data());
    if (!launch.empty()) operation_.destroy(operation.data());
  }

  void end() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  const Type offer_{"Offer"}, offer_id_{"OfferID"}, operation_{"Offer_Operation"}, filters_{"Filters"};
  int (*const accept_)(void*, const abi::Vector&, const abi::Vector&, const void*) =
      find<int(void*, const abi::Vector&, const abi::Vector&, const void*)>(abi::driver::kAcceptOffers.name);
  int (*const acknowledge_)(void*,
                            const void*) = find<int(void*, const void*)>(abi::driver::kAcknowledge.name);
  int left_, open_ = 0, updates_ = 0;
  bool started_ = false, ended_ = false;
  double began_ = 0, last_ = 0;
  std::set<string> uuids_;
  const string task_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) return 2;
  library = dlopen(arguments[1], RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  Load load(std::stoi(arguments[3]), binary(arguments[4]));
  const Type type("FrameworkInfo");
  std::vector<char> framework(type.size);
  type.make(framework.data(), field(1, "nobody") + field(2, "load"));
  const string master = arguments[2];
  abi::Opaque driver;
  find<void(void*, abi::Scheduler*, const void*, const string&, bool)>(abi::driver::kConstruct.name)(
      &driver, &load, framework.data(), master, false);
  find<int(void*)>(abi::driver::kStart.name)(&driver);
  load.wait();
  find<int(void*, bool)>(abi::driver::kStop.name)(&driver, false);
  find<int(void*)>(abi::driver::kJoin.name)(&driver);
  find<void(void*)>(abi::driver::kDestroy.name)(&driver);
  load.print();
}
