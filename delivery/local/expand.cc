#include "common/config/postfix/expand.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/ipc/bounce.h"
#include "common/ipc/rewrite.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "delivery/local/delivery.h"

// What stands in aliases(5), .forward and :include: files.
namespace mail::local {

namespace param = config::param;

namespace {

constexpr size_t kMaxFile = 10 << 20;

/// The owner of a table's file; nullopt: root, or not a file.
std::optional<uid_t> owner_of(const std::string& table) {
  size_t colon = table.find(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string path = table.substr(colon + 1);
  struct stat info;
  if (stat((path + ".db").c_str(), &info) != 0 &&
      stat((path + ".lmdb").c_str(), &info) != 0 &&
      stat(path.c_str(), &info) != 0) {
    return std::nullopt;
  }
  if (info.st_uid == 0) return std::nullopt;
  return info.st_uid;
}

/// A user's list of addresses: nullopt (and a warning) if it may not be used.
/// absent: there is none.
struct Listed {
  std::optional<std::string> text;
  struct stat info{};
  bool absent = false;
  std::string why;
};

Listed read_list(const std::string& path) {
  Listed out;
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    out.absent = errno == ENOENT || errno == ENOTDIR;
    out.why = fmt::format("open file {}: {}", path, strerror(errno));
    return out;
  }
  if (fstat(fd.get(), &out.info) != 0) return out;
  if (!S_ISREG(out.info.st_mode)) {
    out.why = fmt::format("file {} is not a regular file", path);
    return out;
  }
  if (out.info.st_mode & S_IWOTH) {
    out.why = fmt::format("file {} is world writable", path);
    return out;
  }
  // From the descriptor that was checked: the name may mean another by now.
  std::string text;
  char buffer[16384];
  ssize_t n = 0;
  while ((n = ::read(fd.get(), buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > kMaxFile) break;
  }
  if (n != 0) {
    out.why = fmt::format("read file {}: {}", path,
                          n < 0 ? strerror(errno) : "File too large");
    return out;
  }
  out.text = std::move(text);
  return out;
}

}  // namespace

net::Task<bool> Delivery::to_owner(State& state, const std::string& alias) {
  const auto& s = *config_.settings;
  if (!s.get(param::owner_request_special)) co_return true;
  std::string owner = "owner-" + alias;
  auto found = co_await config_.aliases.find(owner);
  if (!found) co_return false;
  if (*found) {
    state.owned = true;
    state.sender = owner + "@" + s.get(param::myorigin);
    if (s.get(param::expand_owner_alias)) {
      auto items = parse_items((*found)->value, "");
      if (items.size() == 1 && items[0].kind == Item::Kind::Address) {
        state.sender = mime::unquote_local(items[0].text);
        if (!mime::split_address(state.sender).domain) {
          state.sender += "@" + s.get(param::myorigin);
        }
      }
    }
  } else if (s.get(param::reset_owner_alias)) {
    state.owned = false;
    state.sender = request_.sender;
  }
  co_return true;
}

net::Task<bool> Delivery::to_alias(const State& state) {
  std::string names[] = {state.local, state.user};
  size_t count = state.extension.empty() ? 1 : 2;
  for (size_t i = 0; i < count; ++i) {
    const std::string& name = names[i];
    // "root: root" means the mailbox.
    if (!state.aliases.empty() && name == state.aliases.back()) continue;
    auto found = co_await config_.aliases.find(name);
    if (!found) {
      co_await finish(state, "4.3.0", "alias database unavailable");
      co_return true;
    }
    if (!*found) continue;
    if (std::find(state.aliases.begin(), state.aliases.end(), name) !=
        state.aliases.end()) {
      co_await finish(state, "5.4.6",
                      fmt::format("alias database loop for {}", name));
      co_return true;
    }
    if (seen_before("alias " + name)) co_return true;  // all was done then
    State inner = state;
    inner.from = From::Alias;
    inner.aliases.push_back(name);
    inner.account.reset();
    inner.ids.reset();
    ++inner.level;
    if (auto uid = owner_of((*found)->table->name())) {
      auto account = process::find_account(*uid);
      if (!account || !*account) {
        co_await finish(state, "4.3.0", "cannot find alias database owner");
        co_return true;
      }
      inner.account = **account;
      inner.ids = (*account)->ids;
    }
    bool known = co_await to_owner(inner, name);
    auto items = parse_items((*found)->value, "");
    if (!known || items.empty()) {
      co_await finish(state, "4.3.0", "alias database unavailable");
      co_return true;
    }
    if (inner.owned && !state.owned) co_await tell_of_list(inner);
    co_await to_items(std::move(inner), std::move(items));
    co_return true;
  }
  co_return false;
}

/// A list with an owner is a destination of its own: who asked for a success
/// report has it now, and the owner has all reports to come (RFC 3461, 5.2.7).
net::Task<> Delivery::tell_of_list(const State& state) {
  if (!(original_->notify_flags & kNotifySuccess)) co_return;
  ipc::BounceAppend note;
  note.queue_id = request_.queue_id;
  note.recipient = *original_;
  note.recipient.recipient = state.recipient;
  note.recipient.original_recipient = state.recipient;
  note.dsn.status = "2.0.0";
  note.dsn.action = "delivered";
  note.dsn.reason =
      fmt::format("delivery via {}: alias expanded", config_.service);
  auto reply = co_await config_.trace->ask<ipc::Status>(note);
  if (reply && reply->status == 0) co_return;
  log::warning(request_.queue_id + ": trace service failure");
}

/// What $name means in forward_path and command_execution_directory. `state`
/// must outlive it.
config::Lookup Delivery::names_of(const State& state) const {
  return [&state](std::string_view name) -> std::optional<std::string> {
    auto some = [](const std::string& text) -> std::optional<std::string> {
      if (text.empty()) return std::nullopt;
      return text;
    };
    if (state.account) {
      if (name == "home") return some(state.account->home);
      if (name == "shell") return some(state.account->shell);
    }
    if (name == "user") return some(state.user);
    if (name == "local") return some(state.local);
    if (name == "domain") return some(state.domain);
    if (name == "recipient") return some(state.recipient);
    if (name == "extension") return some(state.extension);
    if (name == "recipient_delimiter" && !state.extension.empty()) {
      return state.local.substr(state.user.size(), 1);
    }
    return std::nullopt;
  };
}

net::Task<bool> Delivery::to_forward_file(const State& state) {
  const auto& user = *state.account;
  const auto& s = *config_.settings;
  if (state.forwarder == state.user) co_return false;
  auto lookup = names_of(state);
  for (auto pattern : split_braced(s.get(param::forward_path))) {
    config::ExpandOptions options;
    options.allowed_bytes = s.get(param::forward_expansion_filter);
    auto path = config::expand(pattern, lookup, options);
    if (!path || path->undefined || path->text.empty()) continue;
    Listed list;
    {
      // Home directories may be on a server that does not know root.
      std::optional<process::AsUser> as_user;
      if (!config_.rootless) {
        auto become = process::AsUser::become(user.ids);
        if (!become) continue;
        as_user.emplace(std::move(*become));
      }
      struct stat link;
      if (lstat(path->text.c_str(), &link) != 0) continue;
      list = read_list(path->text);
    }
    if (list.absent) continue;
    if (list.text && list.info.st_uid != 0 &&
        list.info.st_uid != user.ids.uid) {
      list.why = fmt::format("file {} has bad owner uid {}", path->text,
                             list.info.st_uid);
      list.text.reset();
    }
    if (!list.text) {
      log::warning(fmt::format("{}: {}", request_.queue_id, list.why));
      co_return false;
    }
    auto items = parse_lines(*list.text, user.home);
    if (items.empty()) co_return false;
    State inner = state;
    inner.from = From::Forward;
    inner.forwarder = state.user;
    inner.ids = user.ids;
    ++inner.level;
    co_await to_items(std::move(inner), std::move(items));
    co_return true;
  }
  co_return false;
}

net::Task<> Delivery::to_items(State state, std::vector<Item> items) {
  for (auto& item : items) co_await to_item(state, std::move(item));
}

net::Task<> Delivery::to_item(State state, Item item) {
  const Config& c = config_;
  bool alias = state.from == From::Alias;
  bool forward = state.from == From::Forward;
  switch (item.kind) {
    case Item::Kind::Address:
      co_await to_resolved(std::move(state), std::move(item.text));
      break;
    case Item::Kind::Include:
      co_await to_include(std::move(state), std::move(item.text));
      break;
    case Item::Kind::Command: {
      bool allowed = alias     ? c.command_from_alias
                     : forward ? c.command_from_forward
                               : c.command_from_include;
      if (allowed) {
        co_await to_command(std::move(state), std::move(item.text));
      } else {
        co_await finish(state, "5.7.1", "mail to command is restricted");
      }
      break;
    }
    case Item::Kind::File: {
      bool allowed = alias     ? c.file_from_alias
                     : forward ? c.file_from_forward
                               : c.file_from_include;
      if (allowed) {
        co_await to_file(std::move(state), std::move(item.text));
      } else {
        co_await finish(state, "5.7.1", "mail to file is restricted");
      }
      break;
    }
  }
}

net::Task<> Delivery::to_resolved(State state, std::string external) {
  // "\user": straight to the mailbox, once it is known that this is local.
  bool direct = external.starts_with('\\');
  if (direct) external.erase(0, 1);
  ipc::RewriteRequest rewrite;
  rewrite.rule = "local";
  rewrite.address = external;
  auto rewritten = co_await config_.rewrite->ask<ipc::RewriteReply>(rewrite);
  if (!rewritten) {
    log::warning(rewritten.error().what);
    co_await finish(state, "4.3.0", "address rewriting service unavailable");
    co_return;
  }
  ipc::ResolveRequest resolve;
  resolve.sender = state.sender;
  resolve.address = mime::unquote_local(rewritten->address);
  auto reply = co_await config_.rewrite->ask<ipc::ResolveReply>(resolve);
  if (!reply || (reply->flags & ipc::resolve_flag::kFail)) {
    co_await finish(state, "4.3.0", "address resolver failure");
    co_return;
  }
  if (rewritten->server_flags != 0 || reply->server_flags != 0) {
    config_.rewrite->forget();
  }
  if (reply->flags & ipc::resolve_flag::kError) {
    co_await finish(
        state, "5.1.3",
        fmt::format("bad recipient address syntax: \"{}\"", external));
    co_return;
  }
  // Of a list with an owner all members get a new message, whose bounces are
  // the owner's.
  if (reply->transport == config_.service && !state.owned) {
    State inner = state;
    inner.recipient = reply->recipient;
    inner.no_aliases = direct;
    co_await to_address(std::move(inner));
    co_return;
  }
  if (seen_before("address " + lower(reply->recipient))) co_return;
  auto& forward = forwards_[{state.delivered_to, state.sender}];
  forward.state = state;
  forward.to.push_back(reply->recipient);
}

net::Task<> Delivery::to_include(State state, std::string path) {
  constexpr const char* kBad = "mail system configuration error";
  if (!path.starts_with('/')) {
    log::warning(fmt::format(":include:{} uses a relative path", path));
    co_await finish(state, "5.3.5", kBad);
    co_return;
  }
  if (seen_before("include " + path)) co_return;
  Listed list;
  {
    std::optional<process::AsUser> as_user;
    if (!config_.rootless) {
      auto become = process::AsUser::become(ids_of(state));
      if (become) as_user.emplace(std::move(*become));
    }
    list = read_list(path);
  }
  if (!list.text) {
    log::warning(fmt::format(":include: {}", list.why));
    co_await finish(state, "5.3.5", kBad);
    co_return;
  }
  State inner = state;
  inner.from = From::Include;
  inner.ids.reset();
  inner.account.reset();
  ++inner.level;
  if (list.info.st_uid != 0) {
    auto account = process::find_account(list.info.st_uid);
    if (!account || !*account) {
      log::warning(
          fmt::format("unknown owner uid {} of {}", list.info.st_uid, path));
      co_await finish(state, "5.3.5", kBad);
      co_return;
    }
    inner.account = **account;
    inner.ids = (*account)->ids;
  }
  co_await to_items(std::move(inner), parse_lines(*list.text, ""));
}

}  // namespace mail::local
