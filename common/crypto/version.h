#pragma once

#include <string>

namespace mail::crypto {

// "OpenSSL 3.0.11 19 Sep 2023": what we were compiled with, what is loaded.
std::string compiled_version();
std::string running_version();

}  // namespace mail::crypto
