#pragma once

#include <string>
#include <string_view>

namespace mail::crypto {

// Digests that only old formats still need.

/// The raw MD4 (RFC 1320) of `bytes`.
std::string md4(std::string_view bytes);

/// MD5's inner state (16 bytes, words least byte first) after one block of 64
/// bytes: what CRAM-MD5 keeps instead of a password (RFC 2195).
std::string md5_state_after(std::string_view block);
/// The raw MD5 of a block whose state that is, followed by `bytes`.
std::string md5_from_state(std::string_view state, std::string_view bytes);

}  // namespace mail::crypto
