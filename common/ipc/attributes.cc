#include "common/ipc/attributes.h"

#include <fmt/format.h>

#include "common/base/base64.h"
#include "common/base/number.h"

namespace mail::ipc {

void Encoder::pair(std::string_view name, std::string_view value) {
  out_ += name;
  out_ += form_ == Form::Nul ? '\0' : '=';
  // What would end the attribute early is left out; no value may hold it.
  char end = form_ == Form::Nul ? '\0' : '\n';
  for (size_t at; (at = value.find(end)) != std::string_view::npos;) {
    out_ += value.substr(0, at);
    out_ += form_ == Form::Nul ? '?' : ' ';
    value.remove_prefix(at + 1);
  }
  out_ += value;
  out_ += end;
}

Result<> Encoder::operator()(std::string_view name, const std::string& value) {
  pair(name, value);
  return {};
}

Result<> Encoder::operator()(std::string_view name, const Blob& value) {
  pair(name, base64_encode(value.bytes));
  return {};
}

Result<> Encoder::operator()(std::string_view, const Map& value) {
  out_.append("{\0", 2);
  for (const auto& [key, text] : value) pair(key, text);
  out_.append("}\0", 2);
  return {};
}

Result<> Encoder::number(std::string_view name, uint64_t value) {
  pair(name, fmt::format_int(value).c_str());
  return {};
}

std::string_view Decoder::next_name() const {
  return rest_.substr(0, rest_.find(form_ == Form::Nul ? '\0'
                                    : rest_[0] == '\n' ? '\n'
                                                       : '='));
}

bool Decoder::more() const {
  return !rest_.empty() && rest_[0] != (form_ == Form::Nul ? '\0' : '\n');
}

Result<std::string_view> Decoder::value_of(std::string_view name) {
  char between = form_ == Form::Nul ? '\0' : '=';
  char end = form_ == Form::Nul ? '\0' : '\n';
  if (!more()) {
    return fail(Fault::Protocol, fmt::format("missing attribute {} in input "
                                             "from {}",
                                             name, peer_));
  }
  size_t name_end = rest_.find(between);
  size_t value_end = name_end == std::string_view::npos
                         ? std::string_view::npos
                         : rest_.find(end, name_end + 1);
  if (value_end == std::string_view::npos) {
    return fail(Fault::Protocol, fmt::format("malformed attribute in input "
                                             "from {}",
                                             peer_));
  }
  std::string_view found = rest_.substr(0, name_end);
  if (found != name) {
    return fail(Fault::Protocol,
                fmt::format("unexpected attribute {} from {} (expecting: {})",
                            found, peer_, name));
  }
  std::string_view value = rest_.substr(name_end + 1, value_end - name_end - 1);
  rest_.remove_prefix(value_end + 1);
  return value;
}

Result<> Decoder::operator()(std::string_view name, std::string& value) {
  value = TRY(value_of(name));
  return {};
}

Result<> Decoder::operator()(std::string_view name, Blob& value) {
  auto text = TRY(value_of(name));
  auto bytes = base64_decode(text);
  if (!bytes) {
    return fail(Fault::Protocol, fmt::format("malformed base64 data for "
                                             "attribute {} from {}",
                                             name, peer_));
  }
  value.bytes = std::move(*bytes);
  return {};
}

Result<> Decoder::operator()(std::string_view name, Map& value) {
  if (!rest_.starts_with(std::string_view("{\0", 2))) {
    return fail(Fault::Protocol,
                fmt::format("missing hash {} in input from {}", name, peer_));
  }
  rest_.remove_prefix(2);
  while (more() && !rest_.starts_with(std::string_view("}\0", 2))) {
    std::string key(next_name());
    value[key] = TRY(value_of(key));
  }
  if (!more()) return fail(Fault::Protocol, "hash without end");
  rest_.remove_prefix(2);
  return {};
}

Result<uint64_t> Decoder::number(std::string_view name) {
  auto text = TRY(value_of(name));
  if (auto value = parse_number<uint64_t>(text)) return *value;
  if (auto value = parse_number<int64_t>(text)) {
    return static_cast<uint64_t>(*value);
  }
  return fail(Fault::Protocol, fmt::format("malformed number in attribute {} "
                                           "from {}",
                                           name, peer_));
}

Result<> Decoder::finish() {
  if (more()) {
    return fail(Fault::Protocol,
                fmt::format("unexpected attribute {} from {} (expecting: end)",
                            next_name(), peer_));
  }
  return {};
}

size_t message_size(std::string_view bytes, Form form) {
  size_t at = 0;
  if (form == Form::Plain) {
    while (true) {
      size_t end = bytes.find('\n', at);
      if (end == std::string_view::npos) return 0;
      if (end == at) return end + 1;
      at = end + 1;
    }
  }
  while (true) {
    size_t name_end = bytes.find('\0', at);
    if (name_end == std::string_view::npos) return 0;
    if (name_end == at) return name_end + 1;
    std::string_view name = bytes.substr(at, name_end - at);
    at = name_end + 1;
    if (name == "{" || name == "}") continue;
    size_t value_end = bytes.find('\0', at);
    if (value_end == std::string_view::npos) return 0;
    at = value_end + 1;
  }
}

}  // namespace mail::ipc
