#include "common/config/dovecot/expand_functions.h"

#include <fmt/format.h>
#include <regex.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/number.h"
#include "common/crypto/digest.h"

namespace mail::config::dovecot {

namespace {

/// The 32-bit hash of P. J. Weinberger (Aho, Sethi, Ullman: Compilers, 7.6).
unsigned pjw_hash(std::string_view text) {
  unsigned h = 0;
  for (char c : text) {
    h = (h << 4) + static_cast<unsigned char>(c);
    if (unsigned high = h & 0xf0000000u) {
      h ^= high >> 24;
      h ^= high;
    }
  }
  return h;
}

/// The first 64 bits of the MD5 as a number: well spread.
unsigned long long md5_hash(std::string_view text) {
  std::string raw = crypto::digest(crypto::Hash::Md5, text);
  unsigned long long h = 0;
  for (size_t i = 0; i < 8; ++i) {
    h = h << 8 | static_cast<unsigned char>(raw[i]);
  }
  return h;
}

std::string hash_text(unsigned long long hash, unsigned modulus,
                      bool zero_padded, unsigned width) {
  hash = modulus != 0 ? hash % modulus : hash & 0xffffffff;
  return zero_padded ? fmt::format("{:0{}x}", hash, width)
                     : fmt::format("{:x}", hash);
}

std::string escaped(std::string_view value) {
  std::string out;
  for (char c : value) {
    if (c == '"' || c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string replace_dots(std::string_view value) {
  std::string out;
  for (char c : value) {
    if (c == '.') {
      out += ",dc=";
    } else {
      out += c;
    }
  }
  return out;
}

bool regex_matches(const std::string& pattern, const std::string& text,
                   bool& bad) {
  regex_t compiled;
  if (regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    bad = true;
    return false;
  }
  bool matches = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  regfree(&compiled);
  return matches;
}

/// The first `bits` bits; the rest of the last byte is dropped to the right.
std::string truncated(std::string raw, unsigned bits) {
  if (bits == 0 || bits >= raw.size() * 8) return raw;
  unsigned bytes = (bits + 7) / 8, spare = bytes * 8 - bits;
  raw.resize(bytes);
  if (spare == 0) return raw;
  std::string out(bytes, '\0');
  unsigned carry = 0;
  for (unsigned i = 0; i < bytes; ++i) {
    auto byte = static_cast<unsigned char>(raw[i]);
    out[i] = static_cast<char>(byte >> spare | carry);
    carry = byte << (8 - spare) & 0xffu;
  }
  return out;
}

}  // namespace

std::optional<std::string> modified(char modifier, std::string_view value,
                                    unsigned modulus, bool zero_padded,
                                    unsigned width) {
  switch (modifier) {
    case 'L':
      return lower(value);
    case 'U':
      return upper(value);
    case 'E':
      return escaped(value);
    case 'X': {
      unsigned long long number = 0;
      for (char c : value) {
        if (!is_digit(c)) break;
        number = number * 10 + static_cast<unsigned>(c - '0');
      }
      return fmt::format("{:x}", number);
    }
    case 'R':
      return std::string(value.rbegin(), value.rend());
    case 'H':
      return hash_text(pjw_hash(value), modulus, zero_padded, width);
    case 'N':
      return hash_text(md5_hash(value), modulus, zero_padded, width);
    case 'M':
      return crypto::hex(crypto::digest(crypto::Hash::Md5, value));
    case 'D':
      return replace_dots(value);
    case 'T':
      return std::string(trim_right(value));
    default:
      return std::nullopt;
  }
}

Result<std::optional<std::string>> hash_function(std::string_view name,
                                                 std::string_view options,
                                                 std::string_view value) {
  bool pkcs5 = name == "pkcs5";
  auto hash = pkcs5 ? crypto::Hash::Sha256 : crypto::hash_by_name(name);
  if (!hash) return std::nullopt;
  unsigned rounds = pkcs5 ? 2048 : 1, bits = 0;
  std::string salt, format = "hex";
  if (pkcs5) salt = value;
  while (!options.empty()) {
    size_t comma = options.find(',');
    std::string_view option = options.substr(0, comma);
    // What follows a salt, the original does not read.
    bool last = comma == options.npos || option.starts_with("salt=");
    options.remove_prefix(last ? options.size() : comma + 1);
    size_t equals = option.find('=');
    std::string_view key = option.substr(0, equals);
    std::string_view text =
        equals == option.npos ? "" : option.substr(equals + 1);
    auto number = parse_number<unsigned>(text);
    if (key == "rounds") {
      if (!number || *number == 0) {
        return fail(Fault::Config,
                    "Cannot parse hash arguments:rounds must be at least 1");
      }
      rounds = *number;
    } else if (key == "truncate" && number) {
      bits = *number;
    } else if (key == "salt") {
      salt = text;
    } else if (key == "format") {
      format = text;
    }  // what it does not know, the original ignores
  }
  std::string raw;
  if (pkcs5) {
    raw =
        crypto::pbkdf2(*hash, value, salt, rounds, crypto::digest_size(*hash));
  } else {
    raw = crypto::digest(*hash, salt + std::string(value));
    for (unsigned i = 1; i < rounds; ++i) raw = crypto::digest(*hash, raw);
  }
  raw = truncated(std::move(raw), bits);
  if (format == "base64") return base64_encode(raw);
  return crypto::hex(raw);
}

bool wildcard_matches(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() &&
               (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Result<bool> compare(std::string_view left, std::string_view op,
                     std::string_view right) {
  auto number = [](std::string_view text) {
    return parse_number<long long>(text);
  };
  if (op == "==" || op == "<" || op == "<=" || op == ">" || op == ">=" ||
      op == "!=") {
    auto a = number(left), b = number(right);
    if (!a || !b) {
      return fail(Fault::Config,
                  fmt::format("{} ({}) is not a number", a ? right : left,
                              a ? "rhs" : "lhs"));
    }
    if (op == "==") return *a == *b;
    if (op == "!=") return *a != *b;
    if (op == "<") return *a < *b;
    if (op == "<=") return *a <= *b;
    return op == ">" ? *a > *b : *a >= *b;
  }
  if (op == "eq") return left == right;
  if (op == "ne") return left != right;
  if (op == "lt") return left < right;
  if (op == "le") return left <= right;
  if (op == "gt") return left > right;
  if (op == "ge") return left >= right;
  if (op == "*") return wildcard_matches(right, left);
  if (op == "!*") return !wildcard_matches(right, left);
  if (op == "~" || op == "!~") {
    bool bad = false;
    bool matches = regex_matches(std::string(right), std::string(left), bad);
    if (bad) return fail(Fault::Config, "bad regular expression");
    return matches == (op == "~");
  }
  return fail(Fault::Config, fmt::format("Unsupported comparator '{}'", op));
}

}  // namespace mail::config::dovecot
