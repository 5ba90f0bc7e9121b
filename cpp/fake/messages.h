// The messages of a libmesos, as Mesos' own headers declare them: names and namespaces decide what the compiler exports.
//
// Invariants
//   * Independent of cpp/abi.h: the two agree, or the tests fail.
//   * Messages are their bytes. No two of the classes that stand in vectors have one size, so that a wrong step shows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

// The release whose functions are there: 108, 109 or 111.
#ifndef FAKE_RELEASE
#define FAKE_RELEASE 111
#endif

namespace google::protobuf {

class MessageLite {
 public:
  MessageLite();
  MessageLite(const MessageLite&);
  virtual ~MessageLite();
  bool ParseFromArray(const void* data, int size);
  bool SerializePartialToString(std::string* output) const;

 protected:
  std::string bytes_;
};

}  // namespace google::protobuf

namespace mesos {

// `kWords` is how much longer than its base the class is. Its last byte is one of those that cpp/message.cc fills the
// room with before it looks what a constructor writes.
#define FAKE_MESSAGE(Name, kWords)                    \
  class Name : public google::protobuf::MessageLite { \
   public:                                            \
    Name();                                           \
    Name(const Name&);                                \
    ~Name() override;                                 \
                                                      \
   private:                                           \
    uint64_t words_[kWords] = {};                     \
    uint64_t last_ = 0x5a00000000000000;              \
  };

FAKE_MESSAGE(Credential, 1)
FAKE_MESSAGE(ExecutorID, 1)
FAKE_MESSAGE(ExecutorInfo, 9)
FAKE_MESSAGE(Filters, 1)
FAKE_MESSAGE(FrameworkID, 1)
FAKE_MESSAGE(FrameworkInfo, 20)
FAKE_MESSAGE(MasterInfo, 2)
FAKE_MESSAGE(Offer, 13)
FAKE_MESSAGE(Offer_Operation, 7)
FAKE_MESSAGE(OfferID, 2)
FAKE_MESSAGE(Request, 3)
FAKE_MESSAGE(SlaveID, 1)
FAKE_MESSAGE(SlaveInfo, 5)
FAKE_MESSAGE(TaskID, 1)
FAKE_MESSAGE(TaskInfo, 25)
FAKE_MESSAGE(TaskStatus, 11)

namespace scheduler {
#if FAKE_RELEASE >= 111
FAKE_MESSAGE(OfferConstraints, 4)
#endif
}  // namespace scheduler

enum Status { DRIVER_NOT_STARTED = 1, DRIVER_RUNNING = 2, DRIVER_ABORTED = 3, DRIVER_STOPPED = 4 };

// The bytes of a message, of several, and a message of its bytes.
std::string bytes(const google::protobuf::MessageLite& message);

template <typename Message>
std::vector<std::string> all(const std::vector<Message>& messages) {
  std::vector<std::string> result;
  for (const Message& message : messages) result.push_back(bytes(message));
  return result;
}

template <typename Message>
Message message(const std::string& wire) {
  Message result;
  result.ParseFromArray(wire.data(), static_cast<int>(wire.size()));
  return result;
}

}  // namespace mesos
