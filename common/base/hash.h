#pragma once

#include <cstdint>
#include <string_view>

namespace mail {

/// 64 bits that stand for `bytes`, the same in every version and on every
/// machine of its byte order: they may be kept in files. Two texts have the
/// same by chance once in 2^64; who searches for such texts finds them.
uint64_t hash64(std::string_view bytes);

}  // namespace mail
