#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace mail::ipc {

/// Postfix's attribute lists, as between its programs (version 3.7).
///
///   NUL form     name \0 value \0 ... \0          (all but the two below)
///   plain form   name=value LF ... LF             (anvil, policy services)
///
/// Integers are unsigned decimal text: -1 as an int is 4294967295. Binary data
/// is base64. A map is `{` \0, pairs, `}` \0. The order of attributes is part
/// of each message: a missing or an unexpected one is a Protocol error.
///
/// A message is a struct with one function for both directions:
///   struct Defer {
///     std::string queue_id; int flags = 0;
///     template <class Io, class Self>
///     static Result<> fields(Io& io, Self& m) {
///       TRY(io("queue_id", m.queue_id));
///       return io("flags", m.flags);
///     }
///   };
enum class Form { Nul, Plain };

/// Bytes that travel as base64.
struct Blob {
  std::string bytes;
};
using Map = std::map<std::string, std::string>;

class Encoder {
 public:
  static constexpr bool kReads = false;
  explicit Encoder(std::string& out, Form form = Form::Nul)
      : out_(out), form_(form) {}

  Result<> operator()(std::string_view name, const std::string& value);
  Result<> operator()(std::string_view name, const Blob& value);
  Result<> operator()(std::string_view name, const Map& value);
  template <std::integral T>
  Result<> operator()(std::string_view name, const T& value) {
    return number(name, static_cast<std::make_unsigned_t<T>>(value));
  }
  /// More attributes follow (only readers know).
  bool more() const { return false; }
  void finish() { out_ += form_ == Form::Nul ? '\0' : '\n'; }

 private:
  Result<> number(std::string_view name, uint64_t value);
  void pair(std::string_view name, std::string_view value);
  std::string& out_;
  Form form_;
};

class Decoder {
 public:
  static constexpr bool kReads = true;
  /// message: up to and with its terminator (see message_size).
  /// peer: who sent it, for error texts.
  Decoder(std::string_view message, std::string_view peer,
          Form form = Form::Nul)
      : rest_(message), peer_(peer), form_(form) {}

  Result<> operator()(std::string_view name, std::string& value);
  Result<> operator()(std::string_view name, Blob& value);
  Result<> operator()(std::string_view name, Map& value);
  template <std::integral T>
  Result<> operator()(std::string_view name, T& value) {
    uint64_t wide = TRY(number(name));
    value = static_cast<T>(wide);
    return {};
  }
  bool more() const;
  /// Name of the next attribute, empty at the end; for optional ones.
  std::string_view next_name() const;
  Result<> finish();

 private:
  Result<std::string_view> value_of(std::string_view name);
  Result<uint64_t> number(std::string_view name);
  std::string_view rest_;
  std::string_view peer_;
  Form form_;
};

/// Size of the first message in `bytes`, terminator included; 0 if it is not
/// whole yet.
size_t message_size(std::string_view bytes, Form form = Form::Nul);

template <class M>
void encode(const M& message, std::string& out, Form form = Form::Nul) {
  Encoder io(out, form);
  (void)M::fields(io, message);  // encoding cannot fail
  io.finish();
}

template <class M>
Result<M> decode(std::string_view message, std::string_view peer,
                 Form form = Form::Nul) {
  M out;
  Decoder io(message, peer, form);
  TRY(M::fields(io, out));
  TRY(io.finish());
  return out;
}

}  // namespace mail::ipc
