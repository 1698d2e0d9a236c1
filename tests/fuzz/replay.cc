// Runs a fuzz target over the files of its corpus, one by one, and over each
// of them cut in half.
#include <dirent.h>

#include <cstdint>
#include <string>

#include "common/base/file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::string directory = argv[1];
  DIR* files = opendir(directory.c_str());
  if (!files) return 2;
  while (dirent* entry = readdir(files)) {
    auto bytes = mail::read_file(directory + "/" + entry->d_name);
    if (!bytes) continue;
    auto* data = reinterpret_cast<const uint8_t*>(bytes->data());
    LLVMFuzzerTestOneInput(data, bytes->size());
    LLVMFuzzerTestOneInput(data, bytes->size() / 2);
  }
  closedir(files);
  return 0;
}
