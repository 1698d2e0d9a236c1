#include "common/crypto/version.h"

#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>

namespace mail::crypto {

std::string compiled_version() { return OPENSSL_VERSION_TEXT; }

// postconf(1) asks for it once in a blue moon: no reason to load the library
// each time it starts.
std::string running_version() {
  constexpr char kName[] = "libcrypto.so." OPENSSL_MSTR(OPENSSL_SHLIB_VERSION);
  void* library = dlopen(kName, RTLD_LAZY);
  if (library == nullptr) return std::string(kName) + " cannot be loaded";
  auto version = reinterpret_cast<decltype(&OpenSSL_version)>(
      dlsym(library, "OpenSSL_version"));
  std::string text = version ? version(OPENSSL_VERSION) : kName;
  dlclose(library);
  return text;
}

}  // namespace mail::crypto
