#pragma once

#include <fcntl.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/file.h"
#include "common/maps/table.h"

namespace mail::maps {

/// A directory of its own for one test.
class Scratch {
 public:
  Scratch() {
    char path[] = "/tmp/maps_test.XXXXXX";
    if (::mkdtemp(path) == nullptr) ::abort();
    path_ = path;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string file(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }
  std::string write(std::string_view name, std::string_view text) const {
    auto fd = open_file(file(name), O_WRONLY | O_CREAT | O_TRUNC);
    if (!fd || !write_all(fd->get(), text)) ::abort();
    return file(name);
  }

 private:
  std::string path_;
};

/// What tables said.
struct Heard {
  std::vector<std::string> warnings, infos;
  OpenOptions options() {
    OpenOptions out;
    out.warn = [this](std::string_view text) { warnings.emplace_back(text); };
    out.info = [this](std::string_view text) { infos.emplace_back(text); };
    return out;
  }
};

}  // namespace mail::maps
