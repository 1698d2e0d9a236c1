#pragma once

#include <cstdint>
#include <string>

namespace mail::crypto {

/// `size` bytes that nobody can guess. No failure: without entropy the
/// process ends.
std::string random_bytes(size_t size);
/// Even over [0, limit); limit > 0.
uint32_t random_below(uint32_t limit);

}  // namespace mail::crypto
