#include "message.h"

#include <cstring>
#include <limits>
#include <stdexcept>

#include "library.h"

namespace mesos_native {

MessageType::MessageType(const Library& library, const char* name)
    : name_(name),
      construct_(library.function<void(void*)>({name, abi::constructor(name).c_str()})),
      destroy_(library.function<void(void*)>({name, abi::destructor(name).c_str()})),
      parse_(library.function<bool(void*, const void*, int)>(abi::kParseFromArray)),
      size_(measure()) {}

// Constructs it over two patterns: a byte that was written differs from one of them, whatever it is. The last such
// byte ends the object, as classes of messages end with a pointer or a number and are aligned to 8. (SpaceUsedLong()
// tells more for classes with maps, and 1.4.3's symbol table more for all.)
size_t MessageType::measure() const {
  abi::Opaque first, second;
  std::memset(first.bytes, 0x5a, sizeof first.bytes);
  std::memset(second.bytes, 0xa5, sizeof second.bytes);
  construct_(first.bytes);
  construct_(second.bytes);
  size_t end = sizeof first.bytes;
  while (end > 0 && first.bytes[end - 1] == '\x5a' && second.bytes[end - 1] == '\xa5') --end;
  destroy_(first.bytes);
  destroy_(second.bytes);
  return (end + 7) / 8 * 8;
}

void MessageType::make(void* storage, Bytes bytes) const {
  construct_(storage);
  const bool fits = bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max());
  if (fits && parse_(storage, bytes.data(), static_cast<int>(bytes.size()))) return;
  destroy_(storage);
  throw std::runtime_error("this libmesos cannot read the mesos::" + std::string(name_) + " it was given");
}

Message::Message(const MessageType& type, Bytes bytes)
    : type_(type), storage_(std::make_unique<char[]>(type.size())) {
  type.make(storage_.get(), bytes);
}

Messages::Messages(const MessageType& type, size_t capacity)
    : type_(type), storage_(std::make_unique<char[]>(capacity * type.size())) {
  vector_.begin = vector_.end = storage_.get();
  vector_.capacity = storage_.get() + capacity * type.size();
}

Messages::~Messages() {
  while (count_ > 0) type_.destroy(storage_.get() + --count_ * type_.size());
}

void Messages::add(Bytes bytes) {
  type_.make(storage_.get() + count_ * type_.size(), bytes);
  vector_.end = storage_.get() + ++count_ * type_.size();
}

Reader::Reader(const Library& library)
    : serialize_(library.function<bool(const void*, std::string*)>(abi::kSerialize)) {}

std::string Reader::read(const void* message) const noexcept {
  std::string bytes;
  if (!serialize_(message, &bytes)) bytes.clear();
  return bytes;
}

}  // namespace mesos_native
