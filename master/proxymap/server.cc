#include "master/proxymap/server.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/log/log.h"

namespace mail::proxymap {
namespace {

namespace status = ipc::proxy_status;
namespace flag = maps::flag;

constexpr std::string_view kPrefix = "proxy:";

/// What clients may ask of how a table is opened.
constexpr int kClientFlags =
    flag::kDupWarn | flag::kDupIgnore | flag::kDupReplace | flag::kTry0Null |
    flag::kTry1Null | flag::kLock | flag::kSyncUpdate | flag::kNoRegsub |
    flag::kNoUnauth | flag::kFoldFix | flag::kFoldMul | flag::kUtf8Request |
    flag::kRhsIsFile;

}  // namespace

Server::Server(Access access, std::string_view approved,
               maps::OpenOptions options)
    : access_(access), options_(std::move(options)) {
  for (std::string_view item : split_braced(approved)) {
    if (!item.starts_with(kPrefix)) continue;
    while (item.starts_with(kPrefix)) item.remove_prefix(kPrefix.size());
    if (item.find(':') != item.npos) approved_.emplace(item);
  }
}

void Server::warn(std::string_view text) const {
  if (options_.warn) {
    options_.warn(text);
  } else {
    log::warning(text);
  }
}

maps::Table* Server::find(std::string name, int flags) {
  while (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  if (approved_.find(name) == approved_.end()) {
    bool writes = access_ == Access::Write;
    warn(fmt::format("request for unapproved table: \"{}\"", name));
    warn(
        fmt::format("to approve this table for {} access, list proxy:{} in "
                    "main.cf:{}",
                    writes ? "read-write" : "read-only", name,
                    writes ? "proxy_write_maps" : "proxy_read_maps"));
    return nullptr;
  }
  auto& table = tables_[{name, flags & kClientFlags}];
  if (table == nullptr) {
    maps::OpenOptions options = options_;
    options.flags = flags & kClientFlags;
    if (access_ == Access::Write) options.mode = O_RDWR | O_CREAT;
    table = maps::open_table_or_unavailable(name, options);
  }
  table->refresh(Clock::now());
  return table.get();
}

Server::Answer Server::failed(const Error& error) {
  for (std::string_view line : split(error.what, "\n")) warn(line);
  return {error.fault == Fault::Config ? status::kConfig : status::kRetry};
}

Server::Answer Server::lookup(maps::Table& table,
                              const ipc::ProxymapRequest& request) {
  auto found = table.lookup(request.key);
  if (!found) return failed(found.error());
  if (!*found) return {status::kNoKey};
  return {status::kOk, 0, {}, std::move(**found)};
}

Server::Answer Server::change(maps::Table& table,
                              const ipc::ProxymapRequest& request) {
  if (access_ == Access::Read) {
    warn(fmt::format("refusing {} request on non-{} service: \"{}\"",
                     request.request, "proxywrite", request.table));
    return {status::kDeny};
  }
  auto done = request.request == "update"
                  ? table.update(request.key, request.value)
                  : table.remove(request.key);
  if (!done) return failed(done.error());
  return {*done ? status::kOk : status::kNoKey};
}

Server::Answer Server::sequence(maps::Table& table,
                                const ipc::ProxymapRequest& request) {
  if (request.function != 0 && request.function != 1) return {status::kBad};
  auto entry = request.function == 0 ? table.first() : table.next();
  if (!entry) return failed(entry.error());
  if (!*entry) return {status::kNoKey};
  return {status::kOk, 0, std::move((*entry)->first),
          std::move((*entry)->second)};
}

Server::Answer Server::perform(const ipc::ProxymapRequest& request) {
  maps::Table* table = find(request.table, request.flags);
  if (table == nullptr) return {status::kDeny};
  if (request.request == "open") return {status::kOk, table->flags()};
  if (request.request == "lookup") return lookup(*table, request);
  if (request.request == "sequence") return sequence(*table, request);
  return change(*table, request);
}

std::string Server::answer(const ipc::ProxymapRequest& request) {
  std::string out;
  const std::string& what = request.request;
  bool known = what == "open" || what == "lookup" || what == "sequence" ||
               what == "update" || what == "delete";
  if (!known) {
    warn(fmt::format("unrecognized request: \"{}\", ignored", what));
    ipc::encode(ipc::Status{status::kBad}, out);
    return out;
  }
  Answer got = perform(request);
  if (what == "open") {
    ipc::encode(ipc::ProxymapOpenReply{got.status, got.flags}, out);
  } else if (what == "lookup") {
    ipc::encode(ipc::ProxymapLookupReply{got.status, std::move(got.value)},
                out);
  } else if (what == "sequence") {
    ipc::encode(ipc::ProxymapSequenceReply{got.status, std::move(got.key),
                                           std::move(got.value)},
                out);
  } else {
    ipc::encode(ipc::Status{got.status}, out);
  }
  return out;
}

}  // namespace mail::proxymap
