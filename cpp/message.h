// Messages of a libmesos: opaque objects, made from bytes and turned into bytes by its own functions.
//
// Invariants
//   * A Message or a Messages holds only constructed objects, and destroys each of them once.
//   * The size of a class is found out at run time: it differs between releases, and with it the step of a vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "abi.h"
#include "rust/cxx.h"

namespace mesos_native {

class Library;
using Bytes = rust::Slice<const uint8_t>;

// The bytes of a string, and a string of bytes.
inline Bytes bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// A message class of one library.
class MessageType {
 public:
  // Throws if the library lacks it. `name` is as in abi::kMessages.
  MessageType(const Library& library, const char* name);

  // sizeof, so that objects can lie side by side.
  size_t size() const { return size_; }

  // Makes a message in raw storage. Throws, leaving the storage raw, if the bytes are no such message.
  void make(void* storage, Bytes bytes) const;
  void destroy(void* message) const { destroy_(message); }

 private:
  size_t measure() const;

  const char* const name_;
  void (*const construct_)(void*);
  void (*const destroy_)(void*);
  bool (*const parse_)(void*, const void*, int);
  const size_t size_;
};

// One message, as an argument of a call.
class Message {
 public:
  Message(const MessageType& type, Bytes bytes);
  ~Message() { type_.destroy(storage_.get()); }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  void* get() const { return storage_.get(); }

 private:
  const MessageType& type_;
  const std::unique_ptr<char[]> storage_;
};

// Several of one class, as an argument that is a std::vector of them.
class Messages {
 public:
  // Of what has its bytes in a member of this name.
  template <typename Wires>
  Messages(const MessageType& type, const Wires& wires) : Messages(type, wires.size()) {
    for (const auto& wire : wires) add(wire.bytes);
  }
  ~Messages();
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;

  const abi::Vector& get() const { return vector_; }

 private:
  Messages(const MessageType& type, size_t capacity);
  void add(Bytes bytes);

  const MessageType& type_;
  const std::unique_ptr<char[]> storage_;
  size_t count_ = 0;
  abi::Vector vector_;
};

// Turns messages of one library into bytes. May be used from any thread.
class Reader {
 public:
  explicit Reader(const Library& library);

  // Also a message that lacks what it must have: who gets the bytes looks at them anyway. Never throws, as it runs
  // in libmesos' own threads.
  std::string read(const void* message) const noexcept;

 private:
  bool (*const serialize_)(const void*, std::string*);
};

}  // namespace mesos_native
