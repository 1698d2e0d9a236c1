#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/base/ascii.h"
#include "common/dkim/verify.h"

namespace mail::dkim {

/// A whole message with CRLF line ends, apart.
struct Message {
  HeaderBlock block;
  std::string body;
};

inline Message read_message(std::string_view text) {
  Message out;
  size_t end = text.find("\r\n\r\n");
  std::string_view head = text.substr(0, end);
  if (end != std::string_view::npos) out.body = text.substr(end + 4);
  while (!head.empty()) {
    size_t stop = head.find("\r\n");
    while (stop != std::string_view::npos && stop + 2 < head.size() &&
           (head[stop + 2] == ' ' || head[stop + 2] == '\t')) {
      stop = head.find("\r\n", stop + 2);
    }
    std::string_view field = head.substr(0, stop);
    size_t colon = field.find(':');
    out.block.add(field.substr(0, colon), field.substr(colon + 1));
    head.remove_prefix(std::min(head.size(), field.size() + 2));
  }
  return out;
}

/// Lines ended by LF, as test texts are written, with CRLF instead.
inline std::string with_crlf(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

using Keys = std::map<std::string, std::string>;  // name: record

inline KeyAnswer answer(const Keys& keys, const std::string& name) {
  KeyAnswer out;
  auto at = keys.find(lower(name));
  out.kind =
      at == keys.end() ? KeyAnswer::Kind::NotFound : KeyAnswer::Kind::Found;
  if (at != keys.end()) {
    out.record = std::make_shared<const KeyRecord>(read_key_record(at->second));
  }
  return out;
}

/// Judges a message; the body comes in pieces of `piece` bytes.
inline std::vector<Check> verify(const Message& message, const Keys& keys,
                                 VerifyPolicy policy = {},
                                 int64_t now = 1600000000,
                                 size_t piece = 1000) {
  Verifier verifier(policy, message.block, now);
  verifier.begin("example.com");
  for (size_t i = 0; i < verifier.checks().size(); ++i) {
    if (!verifier.checks()[i].needs_key) continue;
    verifier.set_key(i,
                     answer(keys, verifier.checks()[i].signature.key_name()));
  }
  std::string_view body = message.body;
  while (!body.empty()) {
    verifier.body(body.substr(0, piece));
    body.remove_prefix(std::min(piece, body.size()));
  }
  verifier.finish();
  return verifier.checks();
}

}  // namespace mail::dkim
