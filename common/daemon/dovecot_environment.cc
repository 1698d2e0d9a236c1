#include "common/daemon/dovecot_environment.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::daemon {

namespace {

std::string text(std::string_view name) {
  const char* value = getenv(std::string(name).c_str());
  return value ? value : "";
}

Result<std::optional<unsigned>> number(std::string_view name) {
  std::string value = text(name);
  if (value.empty()) return std::nullopt;
  auto out = parse_number<unsigned>(value);
  if (!out) {
    return fail(Fault::Config, fmt::format("bad {}: {}", name, value));
  }
  return out;
}

Result<> take(std::string_view name, unsigned& into) {
  auto value = TRY(number(name));
  if (value) into = *value;
  return {};
}

Result<> read_sockets(DovecotEnvironment& out) {
  unsigned count = 0;
  TRY(take("SOCKET_COUNT", count));
  if (count > 1000) return fail(Fault::Config, "bad SOCKET_COUNT");
  for (unsigned i = 0; i < count; ++i) {
    // "imaps\tssl"; none for a pipe of the master's own.
    std::string line = text(fmt::format("SOCKET{}_SETTINGS", i));
    auto words = split_exact(line, '\t');
    DovecotEnvironment::Socket socket;
    socket.name = words[0];
    for (size_t w = 1; w < words.size(); ++w) {
      if (words[w] == "ssl") socket.ssl = true;
      if (words[w] == "haproxy") socket.haproxy = true;
    }
    out.sockets.push_back(std::move(socket));
  }
  return {};
}

Result<> read_restrictions(DovecotEnvironment& out) {
  auto uid = TRY(number("RESTRICT_SETUID"));
  auto gid = TRY(number("RESTRICT_SETGID"));
  if (uid || gid) {
    out.ids = process::UserIds{uid ? *uid : geteuid(), gid ? *gid : getegid()};
  }
  if (auto privileged = TRY(number("RESTRICT_SETGID_PRIV"))) {
    out.groups.push_back(*privileged);
  }
  std::string groups = text("RESTRICT_SETEXTRAGROUPS");
  for (auto word : split(groups, ", ")) {
    if (auto id = parse_number<gid_t>(word)) {
      out.groups.push_back(*id);
    } else if (auto found = TRY(process::find_group(std::string(word)))) {
      out.groups.push_back(*found);
    } else {
      return fail(
          Fault::Config,
          fmt::format("unknown group in RESTRICT_SETEXTRAGROUPS: {}", word));
    }
  }
  out.chroot = text("RESTRICT_CHROOT");
  return {};
}

}  // namespace

Result<DovecotEnvironment> DovecotEnvironment::read() {
  DovecotEnvironment out;
  out.child = !text("DOVECOT_CHILD_PROCESS").empty();
  out.our_master = !text(kOurMaster).empty();
  out.log_service = !text("LOG_SERVICE").empty();
  out.service = text("SERVICE_NAME");
  out.config_file = text("CONFIG_FILE");
  out.hostname = text("DOVECOT_HOSTNAME");
  std::string version = text("DOVECOT_VERSION");
  if (out.child && !version.empty() && version != kDovecotVersion) {
    return fail(Fault::Config,
                fmt::format("Dovecot version mismatch: Master is v{}, {} is v{}"
                            " (if you don't care, set version_ignore=yes)",
                            version, out.service, kDovecotVersion));
  }
  TRY(take("CLIENT_LIMIT", out.client_limit));
  TRY(take("PROCESS_LIMIT", out.process_limit));
  TRY(take("PROCESS_MIN_AVAIL", out.process_min_avail));
  TRY(take("SERVICE_COUNT", out.service_count));
  TRY(take("GENERATION", out.generation));
  TRY(read_sockets(out));
  TRY(read_restrictions(out));
  return out;
}

}  // namespace mail::daemon
