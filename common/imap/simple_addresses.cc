#include "common/imap/simple_addresses.h"

#include <array>

#include "common/base/ascii.h"
#include "common/imap/quote.h"

namespace mail::imap {

namespace {

constexpr size_t kMaxValue = 32 << 10;  // below 10,000 addresses

enum Class : uint8_t { kOther = 0, kAtom = 1, kDot = 2, kBlank = 4, kName = 8 };

/// kAtom: ASCII of atext; kName: what may stand in a quoted name.
constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> out{};
  for (size_t c = 0; c < 128; ++c) {
    char ch = static_cast<char>(c);
    if (is_alnum(ch)) out[c] |= kAtom;
    if (c >= ' ' && c < 127 && ch != '"' && ch != '\\') out[c] |= kName;
  }
  for (char c : std::string_view("!#$%&'*+-/=?^_`{|}~")) {
    out[static_cast<unsigned char>(c)] |= kAtom;
  }
  out['.'] |= kDot;
  for (char c : std::string_view(" \t\r\n")) {
    out[static_cast<unsigned char>(c)] |= kBlank;
  }
  return out;
}
constexpr auto kClasses = make_classes();

class Scanner {
 public:
  explicit Scanner(std::string_view value) : in_(value) {}

  void skip_blanks() { (void)run(kBlank); }
  bool at_end() const { return at_ == in_.size(); }
  bool take(char c) {
    if (at_end() || in_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view run(uint8_t classes) {
    size_t begin = at_;
    while (!at_end() &&
           kClasses[static_cast<unsigned char>(in_[at_])] & classes) {
      ++at_;
    }
    return in_.substr(begin, at_ - begin);
  }

 private:
  std::string_view in_;
  size_t at_ = 0;
};

struct Simple {
  std::string_view name, mailbox, domain;
  bool named = false;
};

bool read_domain(Scanner& in, std::string_view& out) {
  out = in.run(kAtom | kDot);
  return !out.empty() && out.front() != '.' && out.back() != '.' &&
         out.find("..") == out.npos;
}

bool read_angle(Scanner& in, Simple& out) {
  out.mailbox = in.run(kAtom | kDot);
  return !out.mailbox.empty() && in.take('@') && read_domain(in, out.domain) &&
         in.take('>');
}

/// One address; `words` is room for a name of several.
bool read_one(Scanner& in, Simple& out, std::string& words) {
  if (in.take('<')) return read_angle(in, out);
  out.named = true;
  if (in.take('"')) {
    out.name = in.run(kName);
    if (!in.take('"')) return false;
    in.skip_blanks();
    return in.take('<') && read_angle(in, out);
  }
  std::string_view word = in.run(kAtom | kDot);
  if (word.empty()) return false;
  if (in.take('@')) {
    out.named = false;
    out.mailbox = word;
    return read_domain(in, out.domain);
  }
  words = word;
  while (true) {
    bool gap = !in.run(kBlank).empty();
    if (in.take('<')) break;
    word = in.run(kAtom | kDot);
    if (word.empty() || !gap) return false;
    words += ' ';
    words += word;
  }
  out.name = words;
  return read_angle(in, out);
}

void put_one(std::string& out, const Simple& one) {
  out += '(';
  if (one.named && !one.name.empty()) {
    put_text(out, one.name);
  } else {
    out += "NIL";
  }
  out += " NIL \"";
  out += one.mailbox;
  out += "\" \"";
  out += one.domain;
  out += "\")";
}

}  // namespace

bool put_simple_addresses(std::string& out, std::string_view value) {
  if (value.size() > kMaxValue) return false;
  const size_t begin = out.size();
  Scanner in(value);
  std::string words;
  in.skip_blanks();
  if (in.at_end()) return false;
  out += '(';
  while (!in.at_end()) {
    Simple one;
    bool good = read_one(in, one, words);
    if (good) {
      in.skip_blanks();
      good = in.at_end() || in.take(',');
    }
    if (!good) {
      out.resize(begin);
      return false;
    }
    put_one(out, one);
    in.skip_blanks();
  }
  out += ')';
  return true;
}

}  // namespace mail::imap
