#include "common/config/dovecot/checks.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/config/dovecot/flat_key.h"

namespace mail::config::dovecot {

namespace {

class Checker {
 public:
  explicit Checker(Configuration::Impl& config)
      : config_(config), global_(config.layers[0]) {}

  void run() {
    protocols();
    services();
    passwords();
    policy();
    exporters();
  }

 private:
  void error(std::string text) {
    Problem problem;
    problem.file = config_.path;
    problem.text = std::move(text);
    problem.late = true;
    config_.problems.push_back(std::move(problem));
  }

  std::string text(const std::string& key) const {
    const Entry* entry = global_.find(key);
    return entry ? entry->text : "";
  }

  /// A protocol is one that some service belongs to.
  void protocols() {
    std::string all = text("protocols");
    for (auto name : split(all, " ,")) {
      bool known = name == "none";
      for (const auto& service : list_names(text("service"))) {
        known |= text("service/" + escape_name(service) + "/protocol") == name;
      }
      if (!known) error(fmt::format("protocols: Unknown protocol: {}", name));
    }
  }

  void policy() {
    if (!text("auth_policy_server_url").empty() &&
        text("auth_policy_hash_nonce").empty()) {
      error("auth_policy_hash_nonce must be set when policy server is used");
    }
  }

  void exporters() {
    for (const auto& name : list_names(text("event_exporter"))) {
      std::string path = "event_exporter/" + escape_name(name) + "/";
      if (text(path + "format").empty()) {
        error("Exporter format name can't be empty");
      } else if (text(path + "transport").empty()) {
        error("Exporter transport name can't be empty");
      }
    }
  }

  void services() {
    size_t number = 0;
    for (const auto& name : list_names(text("service"))) {
      std::string path = "service/" + escape_name(name) + "/";
      if (text(path + "name").empty()) {
        error(fmt::format("Service #{} is missing name", number));
      } else if (text(path + "executable").empty()) {
        error(fmt::format("service({}): executable is empty", name));
      }
      ++number;
    }
  }

  void passwords() {
    for (const char* list : {"passdb", "userdb"}) {
      for (const auto& name : list_names(text(list))) {
        if (text(fmt::format("{}/{}/driver", list, escape_name(name)))
                .empty()) {
          error(fmt::format("{} is missing driver", list));
        }
      }
    }
  }

  Configuration::Impl& config_;
  const Layer& global_;
};

}  // namespace

void check(Configuration::Impl& config) { Checker(config).run(); }

}  // namespace mail::config::dovecot
