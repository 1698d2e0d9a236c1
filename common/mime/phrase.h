#pragma once

#include <string>
#include <string_view>

namespace mail::mime {

/// header_from_format.
enum class FromFormat {
  Standard,  ///< Full Name <addr>
  Obsolete,  ///< addr (Full Name)
};

/// The value of a From: header: `address` in external form; the name is
/// quoted if it is no phrase of atoms, kept as it is if it is one already.
/// Without a name: the address alone.
std::string format_from(std::string_view full_name, std::string_view address,
                        FromFormat format = FromFormat::Standard);

/// Encoded words (RFC 2047, 2, UTF-8, B encoding), each at most 75 bytes,
/// parted by blanks. Text of plain ASCII comes back as it is.
std::string encode_words(std::string_view utf8);

}  // namespace mail::mime
