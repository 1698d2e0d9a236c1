#include <cstdint>
#include <cstdlib>

#include "common/ipc/dovecot_auth.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view line(reinterpret_cast<const char*>(data), size);
  auto start = mail::ipc::AuthStart::parse(mail::ipc::tab_split(line), 2);
  if (start) {  // what we write of it means the same
    std::string again = start->encode();
    again.pop_back();
    auto back = mail::ipc::AuthStart::parse(mail::ipc::tab_split(again), 2);
    if (!back || !(back->info == start->info)) abort();
  }
  (void)mail::ipc::AuthAnswer::parse(line);
  (void)mail::ipc::UserAnswer::parse(line);
  (void)mail::ipc::AuthMechanism::parse(line);
  return 0;
}
