#include <string>
#include <vector>

#include "submission/sendmail/options.h"
#include "tests/fuzz/input.h"

/// One argument a line.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  std::vector<std::string> words{"sendmail"};
  while (!in.empty()) words.emplace_back(in.line());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  (void)mail::sendmail::parse_options(static_cast<int>(words.size()),
                                      argv.data());
  return 0;
}
