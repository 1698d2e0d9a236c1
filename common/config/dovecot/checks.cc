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
    services();
    passwords();
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
