#pragma once

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "common/base/file.h"
#include "common/mailbox/registry.h"
#include "common/mailbox/storage.h"

namespace mail::mailbox {

/// A home directory that goes when the test ends, and its mail.
struct Home {
  std::string path = [] {
    // In memory where that is: thousands of fsyncs take no time there.
    const bool memory = access("/dev/shm", W_OK) == 0;
    std::string name =
        fmt::format("{}/postcote-mailbox-XXXXXX", memory ? "/dev/shm" : "/tmp");
    return std::string(mkdtemp(name.data()));
  }();
  std::string log;
  Registry registry;

  ~Home() { std::filesystem::remove_all(path); }

  UserSettings settings(std::string location = "maildir:~/Maildir") {
    UserSettings out;
    out.owner.user = "user";
    out.owner.home = path;
    out.mail_location = std::move(location);
    out.options.hostname = "host.example";
    out.log = [this](UserSettings::Severity, std::string_view text) {
      log += text;
      log += '\n';
    };
    return out;
  }
  std::unique_ptr<Storage> storage(std::string location = "maildir:~/Maildir") {
    auto out = Storage::open(registry, settings(std::move(location)));
    if (!out) {
      log += out.error().what;
      return nullptr;
    }
    return std::move(*out);
  }
  std::string read(const std::string& file) {
    return read_file(path + "/" + file).value_or("");
  }
  void write(const std::string& file, std::string_view text) {
    std::string full = path + "/" + file;
    std::filesystem::create_directories(
        std::filesystem::path(full).parent_path());
    (void)replace_file(full, text, 0600);
  }
  void remove_index(const std::string& directory = "Maildir") {
    for (const char* ending : {"", "-lock", ".boot"}) {
      std::filesystem::remove(path + "/" + directory + "/postcote.index" +
                              ending);
    }
  }
  /// As another MDA does it.
  void deliver(const std::string& name, std::string_view text = "a: b\n\nc\n",
               const std::string& maildir = "Maildir") {
    write(maildir + "/tmp/" + name, text);
    std::filesystem::rename(path + "/" + maildir + "/tmp/" + name,
                            path + "/" + maildir + "/new/" + name);
  }
  std::vector<std::string> files(const std::string& directory) {
    std::vector<std::string> out;
    for (auto& one :
         std::filesystem::directory_iterator(path + "/" + directory)) {
      out.push_back(one.path().filename());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
};

inline Result<std::vector<uint32_t>> save_one(Mailbox& mailbox,
                                              std::string_view text,
                                              SaveOptions options = {}) {
  auto saving = TRY(mailbox.save());
  TRY(saving->begin(options));
  TRY(saving->write(text));
  TRY(saving->end());
  return saving->finish();
}

}  // namespace mail::mailbox
