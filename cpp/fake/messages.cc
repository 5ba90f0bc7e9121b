#include "messages.h"

// glog's settings.
namespace fLI {
int32_t FLAGS_minloglevel = 0;
int32_t FLAGS_stderrthreshold = 0;
}  // namespace fLI
namespace fLB {
bool FLAGS_logtostderr = true;
}  // namespace fLB
namespace fLS {
std::string FLAGS_log_dir_buf;
std::string& FLAGS_log_dir = FLAGS_log_dir_buf;
}  // namespace fLS

namespace google::protobuf {

MessageLite::MessageLite() = default;
MessageLite::MessageLite(const MessageLite&) = default;
MessageLite::~MessageLite() = default;

// A message that begins with 0xff cannot be read.
bool MessageLite::ParseFromArray(const void* data, int size) {
  bytes_.assign(static_cast<const char*>(data), static_cast<size_t>(size));
  return bytes_.empty() || bytes_[0] != '\xff';
}

bool MessageLite::SerializePartialToString(std::string* output) const {
  *output = bytes_;
  return true;
}

}  // namespace google::protobuf

namespace mesos {

#define FAKE_DEFINE(Name)            \
  Name::Name() = default;            \
  Name::Name(const Name&) = default; \
  Name::~Name() = default;

FAKE_DEFINE(Credential)
FAKE_DEFINE(ExecutorID)
FAKE_DEFINE(ExecutorInfo)
FAKE_DEFINE(Filters)
FAKE_DEFINE(FrameworkID)
FAKE_DEFINE(FrameworkInfo)
FAKE_DEFINE(MasterInfo)
FAKE_DEFINE(Offer)
FAKE_DEFINE(Offer_Operation)
FAKE_DEFINE(OfferID)
FAKE_DEFINE(Request)
FAKE_DEFINE(SlaveID)
FAKE_DEFINE(SlaveInfo)
FAKE_DEFINE(TaskID)
FAKE_DEFINE(TaskInfo)
FAKE_DEFINE(TaskStatus)
#if FAKE_RELEASE >= 111
namespace scheduler {
FAKE_DEFINE(OfferConstraints)
}
#endif

std::string bytes(const google::protobuf::MessageLite& message) {
  std::string result;
  message.SerializePartialToString(&result);
  return result;
}

}  // namespace mesos
