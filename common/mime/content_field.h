#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/mime/structure.h"

namespace mail::mime {

/// Reads Content-Type's value (RFC 2045, 5.1) into type, subtype, parameters.
/// What is no type at all leaves the part as it is.
void read_content_type(std::string_view value, Part& part);
/// Reads Content-Disposition (RFC 2183).
void read_disposition(std::string_view value, Part& part);
/// Content-Transfer-Encoding: the token, empty if something follows it.
std::string read_encoding(std::string_view value);
/// Content-Language (RFC 3282): the tags.
std::vector<std::string> read_languages(std::string_view value);

}  // namespace mail::mime
