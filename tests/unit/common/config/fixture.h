#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/config/postfix/load.h"

namespace mail::config {

/// Loads a main.cf given as text, on a host of our own making.
struct Fixture {
  std::map<std::string, std::string> files;
  std::vector<std::string> warnings;
  LoadArgs args;

  explicit Fixture(std::string main_cf = "") {
    files["/etc/postfix/main.cf"] = std::move(main_cf);
    args.host.host_name = "mx.example.org";
    args.host.interfaces = [] {
      return std::vector<OwnAddress>{{"127.0.0.1", 8},
                                     {"192.0.2.77", 26},
                                     {"::1", 128},
                                     {"2001:db8::1:2", 64}};
    };
    args.host.user =
        [](const std::string& name) -> std::optional<HostFacts::Ids> {
      if (name == "root") return HostFacts::Ids{0, 0};
      if (name == "postfix") return HostFacts::Ids{100, 101};
      if (name == "nobody") return HostFacts::Ids{65534, 65534};
      return std::nullopt;
    };
    args.host.group = [](const std::string& name) -> std::optional<unsigned> {
      if (name == "root") return 0;
      if (name == "postdrop") return 102;
      if (name == "nogroup") return 65534;
      return std::nullopt;
    };
    args.read = [this](const std::string& path) -> Result<std::string> {
      auto at = files.find(path);
      if (at == files.end()) return fail_errno("open " + path, 2);
      return at->second;
    };
    args.warn = [this](std::string_view text) { warnings.emplace_back(text); };
  }
  Fixture(const Fixture&) = delete;

  Result<SettingsPtr> load() { return config::load(args); }
  /// The error's text, empty when there is none.
  std::string error() {
    auto result = load();
    return result ? "" : result.error().what;
  }
};

}  // namespace mail::config
