#include "common/maps/address_map.h"

#include <fmt/format.h>

#include "common/log/log.h"
#include "common/maps/address_find.h"
#include "common/mime/address.h"
#include "common/mime/address_list.h"

namespace mail::maps {
namespace {

Failure lookup_problem(const Tables& tables, std::string_view address) {
  return fail(Fault::Temporary, fmt::format("{} map lookup problem for {}",
                                            tables.title(), address));
}

}  // namespace

net::Task<Result<MappedAddress>> map_address(Tables& tables,
                                             std::string address,
                                             const AddressMapping& mapping) {
  MappedAddress out;
  if (tables.empty() || address.empty()) co_return out;
  auto parts = mime::split_address(address);
  bool local = !parts.domain.has_value();
  if (parts.domain) {
    auto asked = mapping.is_local(std::string(*parts.domain));
    auto answer = co_await asked;
    if (!answer) co_return lookup_problem(tables, address);
    local = *answer;
  }
  AddressOptions options;
  options.delimiters = mapping.delimiters;
  options.is_local = [local](std::string_view) { return local; };
  auto keys = address_keys(address, options);
  std::vector<Key> asked(keys.begin(), keys.end());
  size_t which = 0;
  auto match = co_await tables.find_first(std::move(asked), &which);
  if (!match) co_return lookup_problem(tables, address);
  if (!*match) co_return out;
  out.found = true;
  std::string extension = mapping.propagate ? keys[which].extension : "";
  std::string text = (*match)->value;
  if (text.starts_with('@')) {
    auto split = split_extension(parts.local, mapping.delimiters);
    std::string user(extension.empty() ? parts.local : split.user);
    text = mime::quote_local(user + text);
  }
  mime::AddressList list(text);
  for (size_t i = 0; i < list.size(); ++i) {
    std::string internal = list.internal(i);
    if (internal.empty()) {
      out.addresses.emplace_back();
      continue;
    }
    auto completing = mapping.complete(std::move(internal));
    auto complete = co_await completing;
    std::string whole = CO_TRY(complete);
    if (!extension.empty()) {
      whole.insert(std::min(whole.rfind('@'), whole.size()), extension);
    }
    out.addresses.push_back(std::move(whole));
  }
  if (out.addresses.empty()) {
    log::warning(
        fmt::format("{} lookup of {} returns non-address result "
                    "\"{}\"",
                    tables.title(), address, text));
    co_return lookup_problem(tables, address);
  }
  co_return out;
}

}  // namespace mail::maps
