#include <errno.h>
#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "common/maps/types.h"

// static, environ, fail, unix.
namespace mail::maps {
namespace {

class StaticTable : public Table {
 public:
  StaticTable(std::string name, const OpenOptions& options, std::string value)
      : Table(std::move(name), options, flag::kFixed),
        value_(std::move(value)) {}

 protected:
  Result<Found> get(std::string_view) override { return Found(value_); }

 private:
  std::string value_;
};

class EnvironTable : public Table {
 public:
  EnvironTable(std::string name, const OpenOptions& options)
      : Table(std::move(name), options, flag::kFixed) {}

 protected:
  Result<Found> get(std::string_view key) override {
    const char* value = ::getenv(std::string(key).c_str());
    return value == nullptr ? Found() : Found(value);
  }
  Result<bool> put(std::string_view key, std::string_view value) override {
    ::setenv(std::string(key).c_str(), std::string(value).c_str(), 1);
    return true;
  }
};

class FailTable : public Table {
 public:
  FailTable(std::string name, const OpenOptions& options)
      : Table(std::move(name), options, flag::kFixed) {}
  Result<std::optional<Entry>> first() override {
    return fail(Fault::Temporary, "");
  }

 protected:
  // Its callers log `TYPE:NAME lookup error`.
  Result<Found> get(std::string_view) override {
    return fail(Fault::Temporary, "");
  }
  Result<bool> put(std::string_view, std::string_view) override {
    return fail(Fault::Temporary, "");
  }
  Result<bool> erase(std::string_view) override {
    return fail(Fault::Temporary, "");
  }
};

class UnixTable : public Table {
 public:
  enum class Kind { Passwd, Group };
  UnixTable(std::string name, const OpenOptions& options, Kind kind)
      : Table(std::move(name), options, flag::kFixed), kind_(kind) {}

 protected:
  Result<Found> get(std::string_view key) override {
    std::string name(key);
    std::vector<char> space(1024);
    while (true) {
      Found found;
      int error = kind_ == Kind::Passwd ? ask_passwd(name, space, found)
                                        : ask_group(name, space, found);
      if (error == EINTR) continue;
      if (error == ERANGE && space.size() < (1u << 20)) {
        space.resize(space.size() * 2);
        continue;
      }
      if (error != 0) {
        return fail(Fault::Temporary,
                    fmt::format("{}: {}", name_, strerror(error)));
      }
      return found;
    }
  }

 private:
  static int ask_passwd(const std::string& name, std::vector<char>& space,
                        Found& found) {
    passwd entry{};
    passwd* got = nullptr;
    int error =
        ::getpwnam_r(name.c_str(), &entry, space.data(), space.size(), &got);
    if (got == nullptr) return error;
    found = fmt::format("{}:{}:{}:{}:{}:{}:{}", got->pw_name, got->pw_passwd,
                        got->pw_uid, got->pw_gid, got->pw_gecos, got->pw_dir,
                        got->pw_shell);
    return 0;
  }
  static int ask_group(const std::string& name, std::vector<char>& space,
                       Found& found) {
    group entry{};
    group* got = nullptr;
    int error =
        ::getgrnam_r(name.c_str(), &entry, space.data(), space.size(), &got);
    if (got == nullptr) return error;
    std::string members;
    for (char** member = got->gr_mem; *member != nullptr; ++member) {
      if (!members.empty()) members += ',';
      members += *member;
    }
    found = fmt::format("{}:{}:{}:{}", got->gr_name, got->gr_passwd,
                        got->gr_gid, members);
    return 0;
  }
  Kind kind_;
};

}  // namespace

Opened open_static(const std::string& name, const OpenOptions& options) {
  std::string value = name;
  if (name.front() == '{') {
    int depth = 0;
    size_t end = 0;
    for (; end < name.size(); ++end) {
      if (name[end] == '{') ++depth;
      if (name[end] == '}' && --depth == 0) break;
    }
    if (end == name.size()) {
      return fail(
          Fault::Config,
          fmt::format("bad static:name syntax: missing '}}' in \"{}\"", name));
    }
    if (end + 1 != name.size()) {
      return fail(Fault::Config,
                  fmt::format("bad static:name syntax: syntax error after "
                              "'}}' in \"{}\"",
                              name));
    }
    auto items = braced_items("{" + name + "}");
    value = items ? items->front() : "";
  }
  return Opened(
      std::make_unique<StaticTable>("static:" + name, options, value));
}

Opened open_environ(const std::string& name, const OpenOptions& options) {
  return Opened(std::make_unique<EnvironTable>("environ:" + name, options));
}

Opened open_fail(const std::string& name, const OpenOptions& options) {
  TRY(read_only("fail:" + name, options));
  return Opened(std::make_unique<FailTable>("fail:" + name, options));
}

Opened open_unix(const std::string& name, const OpenOptions& options) {
  TRY(read_only("unix:" + name, options));
  UnixTable::Kind kind{};
  if (name == "passwd.byname") {
    kind = UnixTable::Kind::Passwd;
  } else if (name == "group.byname") {
    kind = UnixTable::Kind::Group;
  } else {
    return fail(Fault::Config, "unknown table: unix:" + name);
  }
  return Opened(std::make_unique<UnixTable>("unix:" + name, options, kind));
}

}  // namespace mail::maps
