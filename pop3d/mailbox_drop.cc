#include "pop3d/mailbox_drop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "common/base/ascii.h"
#include "common/config/dovecot/expand_variables.h"
#include "common/net/loop.h"

namespace mail::pop3d {
namespace {

constexpr size_t kMessagesAtOnce = 64;
constexpr std::string_view kDefaultFormat = "%08Xu%08Xv";

/// The value of a header field, trimmed; empty if there is none.
std::string header_field(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    auto line = header.substr(0, header.find('\n'));
    header.remove_prefix(std::min(line.size() + 1, header.size()));
    if (line.size() > name.size() && line[name.size()] == ':' &&
        istarts_with(line, name)) {
      return std::string(trim(line.substr(name.size() + 1)));
    }
  }
  return {};
}

}  // namespace

net::Task<Result<>> MailboxDrop::load() {
  messages_.reserve(mailbox_.count());
  auto hidden = mailbox_.keywords().end();
  if (!config_.deleted_flag.empty()) {
    hidden = std::find_if(
        mailbox_.keywords().begin(), mailbox_.keywords().end(),
        [&](auto& name) { return iequals(name, config_.deleted_flag); });
  }
  auto bit = hidden - mailbox_.keywords().begin();
  bool hides = hidden != mailbox_.keywords().end();
  auto uids = mailbox_.uids();  // other sessions may change the view's object
  for (size_t i = 0; i < uids.size(); ++i) {
    if (i && i % kMessagesAtOnce == 0) co_await net::yield();
    uint32_t uid = uids[i];
    if (hides) {
      auto message = mailbox_.find(uid);
      if (!message || (message->keywords >> bit & 1)) continue;
    }
    auto size = config_.fast_sizes ? mailbox_.physical_size(uid)
                                   : mailbox_.virtual_size(uid);
    if (!size && size.error().sys == ENOENT) continue;
    uint64_t octets = CO_TRY(size);
    messages_.push_back({uid, octets});
    total_size_ += octets;
  }
  co_return Result<>{};
}

Result<std::string> MailboxDrop::make_uidl(uint32_t uid) {
  if (auto saved = mailbox_.saved_uidl(uid)) return *saved;
  if (config_.reuse_xuidl) {
    auto reader = TRY(mailbox_.open_message(uid));
    auto header = TRY(reader->read_header());
    auto value = header_field(header, "X-UIDL");
    if (!value.empty()) return value;
  }
  if (config_.uidl_format == kDefaultFormat) {
    return fmt::format("{:08x}{:08x}", uid, mailbox_.uidvalidity());
  }
  std::string uid_text = fmt::format("{}", uid),
              validity = fmt::format("{}", mailbox_.uidvalidity()), guid;
  config::dovecot::Variables variables;
  if (config::dovecot::has_variable(config_.uidl_format, 'f', "filename") ||
      config::dovecot::has_variable(config_.uidl_format, 'g', "guid")) {
    guid = TRY(mailbox_.message_guid(uid));
  }
  variables.list = {{'u', "uid", uid_text},
                    {'v', "uidvalidity", validity},
                    {'f', "filename", guid},
                    {'g', "guid", guid}};
  return config::dovecot::expand_variables_strictly(config_.uidl_format,
                                                    variables);
}

Result<> MailboxDrop::load_uidls() {
  if (uidls_.size() == messages_.size()) return {};
  uidls_.clear();
  std::map<std::string, unsigned> seen;
  for (auto& message : messages_) {
    auto made = make_uidl(message.uid);
    if (!made && made.error().sys == ENOENT) {
      // Expunged meanwhile: what it would have been called without its file.
      made = fmt::format("{:08x}{:08x}", message.uid, mailbox_.uidvalidity());
    }
    auto text = TRY(std::move(made));
    if (config_.rename_duplicates) {
      unsigned count = ++seen[text];
      if (count > 1) text += fmt::format("-{}", count);
    }
    uidls_.push_back(std::move(text));
  }
  return {};
}

std::string MailboxDrop::uidl(uint32_t message) {
  if (load_uidls()) return uidls_[message - 1];
  return fmt::format("{:08x}{:08x}", uid(message), mailbox_.uidvalidity());
}

Result<> MailboxDrop::save_uidls() {
  if (!config_.save_uidl || uidls_.empty()) return {};
  std::vector<std::pair<uint32_t, std::string>> list;
  for (size_t i = 0; i < messages_.size(); ++i) {
    if (mailbox_.saved_uidl(messages_[i].uid) != uidls_[i]) {
      list.emplace_back(messages_[i].uid, uidls_[i]);
    }
  }
  if (list.empty()) return {};
  return mailbox_.save_uidls(list);
}

}  // namespace mail::pop3d
