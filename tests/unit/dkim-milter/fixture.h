#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <map>
#include <string>

#include "common/base/file.h"
#include "common/crypto/key.h"
#include "dkim-milter/settings.h"
#include "dkim-milter/transaction.h"

namespace mail::dkim_milter {

/// A directory of one's own that none but us can enter, gone at the end. Not
/// under /tmp, below which no key is safe.
class Scratch {
 public:
  Scratch() {
    char name[] = "/var/lib/postcote-test.XXXXXX";
    char other[] = "/tmp/postcote-test.XXXXXX";
    path_ = mkdtemp(name) ? name : mkdtemp(other);
  }
  ~Scratch() {
    std::string command = path_;
    for (const auto& file : files_) (void)unlink(file.c_str());
    (void)rmdir(path_.c_str());
  }
  bool safe() const { return path_.starts_with("/var/lib/"); }
  std::string write(const std::string& name, std::string_view text,
                    mode_t mode = 0600) {
    std::string path = path_ + "/" + name;
    REQUIRE(replace_file(path, text, mode));
    REQUIRE(chmod(path.c_str(), mode) == 0);
    files_.push_back(path);
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

inline config::opendkim::Conf conf_of(const std::string& text) {
  auto read = config::opendkim::Conf::read(
      "test.conf", [&](const std::string& path) -> Result<std::string> {
        if (path == "test.conf") return text;
        return fail(Fault::Config, "no such file");
      });
  REQUIRE(read);
  return *read;
}

inline Result<Loaded> load(const std::string& text) {
  LoadContext context;
  context.key_rules.uid = geteuid();
  context.key_rules.require_safe = false;
  return load_settings(conf_of(text), "test.conf", context);
}

inline const std::string& rsa_pem() {
  static const std::string pem = crypto::PrivateKey::generate_rsa(1024)->pem();
  return pem;
}

/// An MTA that remembers what it was told.
class FakeMta : public Mta {
 public:
  std::map<std::string, std::string> macros{{"i", "4Q1"}, {"j", "mx.test"}};
  std::vector<std::pair<std::string, std::string>> inserted;
  std::vector<int> deleted;
  std::string reply;

  std::optional<std::string> macro(const std::string& name) override {
    auto at = macros.find(name);
    if (at == macros.end()) return std::nullopt;
    return at->second;
  }
  bool insert_header(int, const std::string& name,
                     const std::string& value) override {
    inserted.insert(inserted.begin(), {name, value});
    return true;
  }
  bool add_header(const std::string&, const std::string&) override {
    return true;
  }
  bool delete_header(const std::string&, int index) override {
    deleted.push_back(index);
    return true;
  }
  bool add_recipient(const std::string&) override { return true; }
  bool delete_recipient(const std::string&) override { return true; }
  void set_reply(const std::string& code, const std::string& status,
                 const std::string& text) override {
    reply = code + " " + status + " " + text;
  }
  void progress() override {}
  bool leading_space() const override { return true; }
};

}  // namespace mail::dkim_milter
