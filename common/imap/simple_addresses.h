#pragma once

#include <string>
#include <string_view>

namespace mail::imap {

/// Appends the address list of an ENVELOPE straight from a header's value if
/// all of it is written in the forms that nearly all mail has (a@b, <a@b>,
/// name <a@b>, "name" <a@b>, with commas between): the very bytes that the
/// way by mime::read_addresses gives. False: nothing was appended, another
/// form is among them.
bool put_simple_addresses(std::string& out, std::string_view value);

}  // namespace mail::imap
