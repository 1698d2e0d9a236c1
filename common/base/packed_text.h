#pragma once

#include <cstdint>
#include <string_view>

namespace mail {

/// A text of a generated table: where it stands in one long text, and its
/// size. A pointer there would be relocated in every process, and the page it
/// stands on be a copy of the process's own.
struct PackedText {
  uint32_t at : 20;
  uint32_t size : 12;

  constexpr std::string_view in(const char* texts) const {
    return {texts + at, size};
  }
};

}  // namespace mail
