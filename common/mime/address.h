#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mail::mime {

/// Addresses have two forms. External, as in headers and SMTP: the local part
/// is quoted where the grammar asks for it ("a b"@example.org). Internal, as
/// in queue files and table keys: bare (a b@example.org). The local part ends
/// at the last "@".

/// Internal to external form (RFC 5321, 4.1.2: Dot-string or Quoted-string).
/// Bytes above 127 count as letters. The domain is copied as it is.
std::string quote_local(std::string_view internal);
/// External to internal form: takes quotes and backslashes off the local part.
std::string unquote_local(std::string_view external);

/// The two sides of the last "@"; without one, domain is nullopt.
struct AddressParts {
  std::string_view local;
  std::optional<std::string_view> domain;
};
AddressParts split_address(std::string_view internal);

/// "user+ext" to "user" and "ext"; the first character of `delimiters` that
/// splits counts. Never split: an empty user part, "owner-..." and
/// "...-request" when '-' is the delimiter (Postfix's owner_request_special),
/// and "mailer-daemon", "double-bounce", "postmaster".
struct LocalParts {
  std::string_view user;
  std::optional<std::string_view> extension;
  char delimiter = 0;
};
struct SplitOptions {
  bool owner_request_special = true;
};
LocalParts split_extension(std::string_view local, std::string_view delimiters,
                           SplitOptions options = {});

/// True for "postmaster" alone, in any case (RFC 5321, 4.5.1).
bool is_postmaster(std::string_view local);

/// A host or domain name of at most 255 bytes: labels of 1 to 63 letters,
/// digits, "-", "_" and (UTF-8) bytes above 127, no "-" at a label's edges,
/// not all numeric in the last.
bool is_domain(std::string_view domain);
/// [192.0.2.1] or [IPv6:2001:db8::1].
bool is_domain_literal(std::string_view domain);

/// Without "@a,@b:" in front (RFC 5321, appendix C).
std::string_view strip_source_route(std::string_view external);

/// The argument of MAIL FROM: or RCPT TO:.
enum class EnvelopeSyntax {
  Lenient,  ///< <> may be missing; comments and phrases are dropped
  Strict,   ///< strict_rfc821_envelopes: only <path>
};
/// Reads an envelope address: `text` is "<...>" or, leniently, more.
/// Returns the internal form; "" is the null sender "<>".
/// nullopt: no address, or several, or bad grammar. What is no domain name
/// (a@-b, a@1.2.3.4) passes: Postfix's trivial-rewrite refuses that.
std::optional<std::string> parse_envelope_address(std::string_view text,
                                                  EnvelopeSyntax syntax);

}  // namespace mail::mime
