#include "common/mime/envelope_address.h"

#include "common/mime/lexer.h"

namespace mail::mime {
namespace {

constexpr const char* kMissingMailbox = "MISSING_MAILBOX";
constexpr const char* kMissingDomain = "MISSING_DOMAIN";
constexpr const char* kSyntaxError = "SYNTAX_ERROR";

/// Reads one header's value. False from a step: nothing after it is read, as
/// the original does.
class Reader {
 public:
  Reader(std::string_view value, size_t limit) : in_(value), limit_(limit) {}

  std::vector<EnvelopeAddress> read() {
    in_.skip_blanks();
    while (!in_.at_end() && out_.size() < limit_) {
      if (!element()) break;
      in_.skip_blanks();
    }
    if (in_group_) out_.emplace_back();
    return std::move(out_);
  }

 private:
  struct Words {
    std::string text;  // joined by blanks where there were some
    int count = 0;
    bool quoted = false;  // it is one quoted string
  };

  /// Words of a phrase or local part, up to a special.
  Words words() {
    Words w;
    bool gap = false;
    while (true) {
      size_t before = in_.position();
      in_.skip_blanks(&comment_);
      gap = gap || in_.position() != before;
      char c = in_.peek();
      std::string word;
      if (c == '"' && !in_.at_end()) {
        in_.skip();
        word = in_.quoted();
        w.quoted = w.count == 0;
      } else {
        word = std::string(in_.atom(true));
        if (word.empty()) break;
        w.quoted = false;
      }
      if (w.count && gap) w.text += ' ';
      w.count += w.count == 0 || gap;
      w.text += word;
      gap = false;
    }
    return w;
  }

  bool domain(std::string& out) {
    in_.skip_blanks(&comment_);
    if (in_.take('[')) {
      out = '[';
      while (!in_.at_end() && in_.peek() != ']') {
        out += in_.peek();
        in_.skip();
      }
      in_.take(']');
      out += ']';
      return true;
    }
    while (true) {
      in_.skip_blanks(&comment_);
      std::string_view atom = in_.atom(false);
      if (atom.empty()) return false;
      if (!out.empty()) out += '.';
      out += atom;
      in_.skip_blanks(&comment_);
      if (!in_.take('.')) return true;
    }
  }

  /// After "<". False: the address is broken.
  bool angle(EnvelopeAddress& a) {
    in_.skip_blanks();
    if (in_.peek() == '@') {
      std::string route;
      while (in_.take('@')) {
        std::string part;
        domain(part);
        if (!route.empty()) route += ',';
        route += '@' + part;
        in_.skip_blanks();
        while (in_.take(',')) in_.skip_blanks();
      }
      if (in_.take(':')) a.route = route;
    }
    Words local = words();
    if (local.count) a.mailbox = local.text;
    if (local.count > 1) {
      // "<x y@z>": the first word is the mailbox.
      a.mailbox = local.text.substr(0, local.text.find(' '));
      a.domain = kSyntaxError;
      return false;
    }
    if (in_.take('@')) {
      std::string name;
      if (!domain(name)) {
        a.domain = kSyntaxError;
        return false;
      }
      a.domain = name;
    }
    in_.skip_blanks(&comment_);
    if (!in_.take('>')) {
      a.domain = kSyntaxError;
      return false;
    }
    return true;
  }

  void add(EnvelopeAddress a) {
    if (!a.name && !comment_.empty()) a.name = comment_;
    if (!a.mailbox || a.mailbox->empty()) a.mailbox = kMissingMailbox;
    if (!a.domain || a.domain->empty()) a.domain = kMissingDomain;
    out_.push_back(std::move(a));
  }

  /// What may follow an address. False: nothing that belongs there.
  bool separator() {
    in_.skip_blanks(&comment_);
    if (in_.at_end() || in_.take(',')) return true;
    if (in_group_ && in_.peek() == ';') return true;
    return false;
  }

  bool element() {
    EnvelopeAddress a;
    if (in_.take(',')) {
      comment_.clear();
      add(a);
      return true;
    }
    if (in_group_ && in_.take(';')) {
      out_.emplace_back();
      in_group_ = false;
      in_.skip_blanks();
      in_.take(',');
      return true;
    }
    std::string leading;
    in_.skip_blanks(&leading);
    comment_.clear();
    Words w = words();
    if (in_.take('<')) {
      if (w.count) a.name = w.text;
      comment_.clear();
      bool good = angle(a);
      comment_.clear();
      bool follows = good && separator();
      add(std::move(a));
      return follows;
    }
    if (w.count && !in_group_ && in_.take(':')) {
      EnvelopeAddress group;
      group.mailbox = w.text;
      out_.push_back(std::move(group));
      in_group_ = true;
      return true;
    }
    return bare(w, std::move(a));
  }

  /// local@domain, or what stands in its place.
  bool bare(const Words& w, EnvelopeAddress a) {
    if (w.count > 1) {
      a.name = w.text;
      add(std::move(a));
      return false;
    }
    bool at = in_.take('@');
    if (at) {
      if (w.count) a.mailbox = w.text;
      std::string name;
      comment_.clear();
      if (domain(name)) a.domain = name;
    } else if (w.quoted && w.count) {
      a.name = w.text;
    } else if (w.count) {
      a.mailbox = w.text;
    }
    bool follows = separator();
    add(std::move(a));
    return follows;
  }

  Lexer in_;
  size_t limit_;
  std::vector<EnvelopeAddress> out_;
  std::string comment_;
  bool in_group_ = false;
};

}  // namespace

std::vector<EnvelopeAddress> read_addresses(std::string_view value,
                                            size_t limit) {
  return Reader(value, limit).read();
}

std::string display_name(const std::vector<EnvelopeAddress>& addresses) {
  for (const EnvelopeAddress& a : addresses) {
    if (!a.mailbox) continue;  // a group's end
    if (!a.domain) return *a.mailbox;
    if (a.name && !a.name->empty()) return *a.name;
    std::string text = a.mailbox.value_or("");
    if (*a.domain != kMissingDomain) text += "@" + *a.domain;
    return text;
  }
  return {};
}

}  // namespace mail::mime
