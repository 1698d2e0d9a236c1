#pragma once

#include <string>

#include "common/mime/structure.h"

namespace mail::imap {

/// Appends an ENVELOPE's value with its parentheses (RFC 3501, 7.4.2), in the
/// original's form: header values raw, sender and reply-to as from if missing.
void put_envelope(std::string& out, const mime::EnvelopeView& fields);

/// Appends a BODYSTRUCTURE's value, or BODY's without `extended`.
void put_body_structure(std::string& out, const mime::Part& root,
                        bool extended);

}  // namespace mail::imap
