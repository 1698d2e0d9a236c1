#include "common/crypto/version.h"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

namespace mail::crypto {

std::string compiled_version() { return OPENSSL_VERSION_TEXT; }
std::string running_version() { return OpenSSL_version(OPENSSL_VERSION); }

}  // namespace mail::crypto
