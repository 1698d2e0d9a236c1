#include "common/maps/proxy.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "common/ipc/proxymap.h"
#include "common/maps/types.h"

namespace mail::maps {
namespace {

ipc::Client::Options client_options(std::string path, Duration idle,
                                    Duration timeout) {
  ipc::Client::Options options;
  options.path = std::move(path);
  options.protocol = ipc::kProxymapProtocol;
  options.idle = idle;
  options.timeout = timeout;
  return options;
}

ipc::ProxymapRequest request(std::string what, std::string table, int flags,
                             std::string key) {
  ipc::ProxymapRequest out;
  out.request = std::move(what);
  out.table = std::move(table);
  out.flags = flags;
  out.key = std::move(key);
  return out;
}

// Without asking: what the server will find the table to be.
int kind_of(std::string_view table) {
  for (std::string_view compound : {"pipemap:{", "unionmap:{"}) {
    if (table.starts_with(compound)) table.remove_prefix(compound.size());
  }
  for (std::string_view pattern :
       {"regexp:", "pcre:", "cidr:", "tcp:", "socketmap:", "randmap:"}) {
    if (table.starts_with(pattern)) return flag::kPattern;
  }
  return flag::kFixed;
}

class ProxyTable : public Table {
 public:
  ProxyTable(const std::string& inner, const OpenOptions& options,
             std::shared_ptr<ProxyClient> client)
      : Table("proxy:" + inner, options, kind_of(inner)),
        inner_(inner),
        client_(std::move(client)) {}
  bool remote() const override { return true; }

 protected:
  Result<Found> get(std::string_view) override {
    return fail(Fault::Temporary, name_ + ": only asynchronous lookups");
  }
  net::Task<Result<Found>> get_remote(std::string key) override {
    int flags = options_.flags & ~flag::kUtf8Active;
    auto found = co_await client_->lookup(inner_, flags, std::move(key));
    co_return found;
  }

 private:
  std::string inner_;
  std::shared_ptr<ProxyClient> client_;
};

}  // namespace

ProxyClient::ProxyClient(std::string path, std::string service, Duration idle,
                         Duration timeout)
    : client_(client_options(std::move(path), idle, timeout)),
      service_(std::move(service)) {}

Failure ProxyClient::refused(int status, const std::string& table,
                             std::string_view what,
                             const std::string& key) const {
  switch (status) {
    case ipc::proxy_status::kBad:
      return fail(Fault::Temporary,
                  fmt::format("{} {} failed for table \"{}\" key \"{}\": "
                              "invalid request",
                              service_, what, table, key));
    case ipc::proxy_status::kDeny:
      return fail(Fault::Config,
                  fmt::format("{} service is not configured for table \"{}\"",
                              service_, table));
    default:
      return fail(Fault::Temporary, "");
  }
}

net::Task<Result<Table::Found>> ProxyClient::lookup(std::string table,
                                                    int flags,
                                                    std::string key) {
  auto asked = request("lookup", table, flags, key);
  auto reply = co_await client_.ask<ipc::ProxymapLookupReply>(asked);
  CO_CHECK(reply);
  if (reply->status == ipc::proxy_status::kNoKey) co_return Table::Found();
  if (reply->status == ipc::proxy_status::kOk) {
    co_return Table::Found(std::move(reply->value));
  }
  co_return refused(reply->status, table, "lookup", key);
}

net::Task<Result<bool>> ProxyClient::update(std::string table, int flags,
                                            std::string key,
                                            std::string value) {
  auto asked = request("update", table, flags, key);
  asked.value = std::move(value);
  auto reply = co_await client_.ask<ipc::Status>(asked);
  CO_CHECK(reply);
  if (reply->status == ipc::proxy_status::kNoKey) co_return false;
  if (reply->status == ipc::proxy_status::kOk) co_return true;
  co_return refused(reply->status, table, "update", key);
}

net::Task<Result<bool>> ProxyClient::remove(std::string table, int flags,
                                            std::string key) {
  auto asked = request("delete", table, flags, key);
  auto reply = co_await client_.ask<ipc::Status>(asked);
  CO_CHECK(reply);
  if (reply->status == ipc::proxy_status::kNoKey) co_return false;
  if (reply->status == ipc::proxy_status::kOk) co_return true;
  co_return refused(reply->status, table, "delete", key);
}

net::Task<Result<std::optional<Table::Entry>>> ProxyClient::sequence(
    std::string table, int flags, bool first) {
  auto asked = request("sequence", table, flags, "");
  asked.function = first ? 0 : 1;
  auto reply = co_await client_.ask<ipc::ProxymapSequenceReply>(asked);
  CO_CHECK(reply);
  if (reply->status == ipc::proxy_status::kNoKey) {
    co_return std::optional<Table::Entry>();
  }
  if (reply->status == ipc::proxy_status::kOk) {
    co_return std::optional<Table::Entry>(
        Table::Entry(std::move(reply->key), std::move(reply->value)));
  }
  co_return refused(reply->status, table, "sequence", "");
}

Opened open_proxy(const std::string& name, const OpenOptions& options) {
  std::string inner = name;
  while (inner.starts_with("proxy:")) inner.erase(0, 6);
  if (inner.find(':') == inner.npos) {
    return fail(Fault::Config,
                fmt::format("open dictionary: expecting \"type:name\" form "
                            "instead of \"{}\"",
                            inner));
  }
  if ((options.flags & flag::kNoProxy) != 0) {
    return fail(Fault::Config, fmt::format("proxy:{} map is not allowed for "
                                           "security-sensitive data",
                                           inner));
  }
  // Opened for writing, even a lookup goes to proxywrite.
  bool writes = (options.mode & O_RDWR) != 0;
  auto client = writes ? options.proxy_writer : options.proxy;
  if (client == nullptr) {
    return fail(
        Fault::Config,
        fmt::format("proxy:{}: this program does not use proxymap", inner));
  }
  return Opened(std::make_unique<ProxyTable>(inner, options, client));
}

}  // namespace mail::maps
