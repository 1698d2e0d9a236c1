#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/config/postfix/expand.h"
#include "common/mime/address.h"
#include "delivery/pipe/options.h"

namespace mail::pipe {

namespace {

constexpr std::string_view kRecipientNames[] = {
    "domain",    "extension", "mailbox", "original_recipient",
    "recipient", "user"};

std::string folded(const Options& options, std::string_view address) {
  auto parts = mime::split_address(address);
  std::string out =
      options.fold_user ? lower(parts.local) : std::string(parts.local);
  if (!parts.domain) return out;
  out += '@';
  out +=
      options.fold_domain ? lower(*parts.domain) : std::string(*parts.domain);
  return out;
}

/// The values of one request's macros, for one of its recipients.
class Macros {
 public:
  Macros(const Options& options, const delivery::Request& request,
         std::string_view delimiters)
      : options_(options), request_(request), delimiters_(delimiters) {}

  void set_recipient(const ipc::Recipient& recipient) {
    recipient_ = folded(options_, recipient.recipient);
    original_ = folded(options_, recipient.original_recipient);
  }

  std::optional<std::string> value(std::string_view name) const {
    const auto& r = request_;
    if (name == "client_address") return r.client_address;
    if (name == "client_helo") return r.helo_name;
    if (name == "client_hostname") return r.client_name;
    if (name == "client_port") return r.client_port;
    if (name == "client_protocol") return r.protocol_name;
    if (name == "nexthop") {
      return options_.fold_domain ? lower(r.nexthop) : r.nexthop;
    }
    if (name == "queue_id") return r.queue_id;
    if (name == "sasl_method") return r.sasl_method;
    if (name == "sasl_sender") return r.sasl_sender;
    if (name == "sasl_username") return r.sasl_username;
    if (name == "sender") return address(shown_sender(options_, r));
    if (name == "size") return std::to_string(r.data_size);
    return recipient_value(name);
  }

 private:
  std::string address(const std::string& internal) const {
    bool quote = options_.quote_addresses && !internal.empty();
    return quote ? mime::quote_local(internal) : internal;
  }

  std::optional<std::string> recipient_value(std::string_view name) const {
    if (name == "recipient") return address(recipient_);
    if (name == "original_recipient") return address(original_);
    auto parts = mime::split_address(recipient_);
    if (name == "domain") return std::string(parts.domain.value_or(""));
    if (name == "mailbox") return std::string(parts.local);
    auto local = mime::split_extension(parts.local, delimiters_);
    if (name == "user") return std::string(local.user);
    if (name == "extension") return std::string(local.extension.value_or(""));
    return std::nullopt;
  }

  const Options& options_;
  const delivery::Request& request_;
  std::string_view delimiters_;
  std::string recipient_, original_;
};

Result<bool> names_recipient(std::string_view text) {
  bool found = false;
  TRY(config::scan_names(text, [&](std::string_view name) {
    found = found || std::ranges::count(kRecipientNames, name) > 0;
  }));
  return found;
}

}  // namespace

const std::string& shown_sender(const Options& options,
                                const delivery::Request& request) {
  return request.sender.empty() ? options.null_sender : request.sender;
}

Result<std::vector<std::string>> expand_argv(const Options& options,
                                             const delivery::Request& request,
                                             std::string_view delimiters) {
  Macros macros(options, request, delimiters);
  std::string unknown;
  auto look_up = [&](std::string_view name) {
    auto value = macros.value(name);
    if (!value) unknown = name;
    return value;
  };
  std::vector<std::string> out;
  for (const auto& text : options.argv) {
    bool each = TRY(names_recipient(text));
    size_t times = each ? request.recipients.size() : 1;
    for (size_t i = 0; i < times; ++i) {
      if (each) macros.set_recipient(request.recipients[i]);
      auto expanded = TRY(config::expand(text, look_up));
      if (!unknown.empty()) {
        return fail(Fault::Config,
                    fmt::format("unknown macro name: \"{}\"", unknown));
      }
      out.push_back(std::move(expanded.text));
    }
  }
  return out;
}

}  // namespace mail::pipe
