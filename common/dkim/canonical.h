#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/crypto/digest.h"

namespace mail::dkim {

/// RFC 6376, 3.4.
enum class Canon : uint8_t { Simple, Relaxed };
std::string_view canon_name(Canon canon);
/// Any case. nullopt: neither "simple" nor "relaxed".
std::optional<Canon> canon_by_name(std::string_view name);

/// "header/body" or "header" alone, which means a simple body.
struct CanonPair {
  Canon header = Canon::Simple;
  Canon body = Canon::Simple;
  friend bool operator==(const CanonPair&, const CanonPair&) = default;
};

/// Appends one header field as it is hashed, without the final CRLF.
/// value: all after the colon, folds as CRLF and blanks.
void canonicalize_header(Canon canon, std::string_view name,
                         std::string_view value, std::string& out);

/// The body as it is hashed, made while it passes; holds 4 KiB.
class BodyHasher {
 public:
  /// limit: l=, in canonical bytes; what follows is not hashed.
  BodyHasher(Canon canon, crypto::Hash hash, std::optional<uint64_t> limit);

  /// Any split; lines end in CRLF.
  void update(std::string_view bytes);
  /// Nothing that follows can change the digest, nor whether l= is reached.
  bool satisfied() const { return limit_ && size_ >= *limit_; }
  /// The raw digest, once.
  std::string finish();
  /// Canonical bytes so far, at most the limit.
  uint64_t size() const { return size_; }

 private:
  void simple(std::string_view bytes);
  void relaxed(std::string_view bytes);
  void content(std::string_view bytes);
  void release_line_ends();
  void emit(std::string_view bytes);

  Canon canon_;
  crypto::Hasher hasher_;
  std::optional<uint64_t> limit_;
  uint64_t size_ = 0;
  uint64_t line_ends_ = 0;  // CRLFs that count only if something follows
  bool held_cr_ = false;    // the last byte was CR: perhaps of CRLF
  bool held_blank_ = false;
  bool any_content_ = false;
  std::string scratch_;
};

/// Bare CR and bare LF become CRLF (FixCRLF), across any split.
class LineEndFixer {
 public:
  /// Appends the fixed bytes to `out`.
  void update(std::string_view bytes, std::string& out);
  void finish(std::string& out);

 private:
  bool held_cr_ = false;
};

}  // namespace mail::dkim
