#pragma once

#include <cerrno>
#include <map>

#include "common/config/dovecot/configuration.h"

/// Files that exist only in a test.
class FakeFiles : public mail::config::dovecot::FileReader {
 public:
  FakeFiles(std::initializer_list<std::pair<const std::string, std::string>> f)
      : files(f) {}
  mail::Result<std::string> read(const std::string& path) override {
    auto found = files.find(path);
    if (found != files.end()) return found->second;
    return mail::fail(mail::Fault::Config, "No such file or directory");
  }
  std::vector<std::string> glob(const std::string& pattern) override {
    std::vector<std::string> out;
    size_t star = pattern.find('*');
    for (const auto& [path, text] : files) {
      bool match = star == std::string::npos
                       ? path == pattern
                       : path.starts_with(pattern.substr(0, star)) &&
                             path.ends_with(pattern.substr(star + 1));
      if (match) out.push_back(path);
    }
    return out;
  }
  std::string environment(const std::string& name) override {
    return name == "HOME" ? "/root" : "";
  }
  std::vector<std::string> resolve(const std::string& host) override {
    if (host == "localhost") return {"127.0.0.1"};
    return {};
  }
  std::map<std::string, std::string> files;
};
