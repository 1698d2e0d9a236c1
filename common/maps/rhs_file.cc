#include "common/maps/rhs_file.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/file.h"

namespace mail::maps {
namespace {

Result<std::string> contents(std::string_view list) {
  std::string all;
  auto files = split(list);
  if (files.empty()) return fail(Fault::Config, "empty pathname list");
  for (std::string_view file : files) {
    if (file.data() != files.front().data()) all += '\n';
    all += TRY(read_file(std::string(file)));
  }
  return all;
}

}  // namespace

bool holds_names(const Table& table) {
  for (std::string_view type : {"inline:", "static:", "texthash:", "regexp:",
                                "pcre:", "cidr:", "randmap:"}) {
    if (table.name().starts_with(type)) return true;
  }
  return false;
}

Result<std::string> encode_files(std::string_view list) {
  return base64_encode(TRY(contents(list)));
}

Result<std::string> decode_value(const Table& table, std::string_view value) {
  if (holds_names(table)) return contents(value);
  auto bytes = base64_decode(value);
  if (!bytes) {
    return fail(Fault::Config,
                fmt::format("table {}: value is not base64", table.name()));
  }
  return std::move(*bytes);
}

}  // namespace mail::maps
