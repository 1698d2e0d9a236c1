#include "tools/doveadm/mail/query.h"

#include <algorithm>

#include "common/base/ascii.h"
#include "common/mailbox/pattern.h"
#include "tools/doveadm/mail/query_values.h"

namespace mail::doveadm {
namespace {

constexpr size_t kMaxDepth = 100;

constexpr std::string_view kDates[] = {
    "BEFORE",    "ON",          "SINCE",   "SENTBEFORE", "SENTON",
    "SENTSINCE", "SAVEDBEFORE", "SAVEDON", "SAVEDSINCE", "X-SAVEDBEFORE",
    "X-SAVEDON", "X-SAVEDSINCE"};
constexpr std::string_view kSizes[] = {"LARGER", "SMALLER"};
constexpr std::string_view kOneValue[] = {
    "BCC",       "BODY",   "CC",        "FROM",   "GUID", "KEYWORD",
    "MODSEQ",    "OLDER",  "SUBJECT",   "TEXT",   "TO",   "UID",
    "UNKEYWORD", "X-GUID", "X-MAILBOX", "YOUNGER"};

template <size_t N>
bool is_one_of(const std::string_view (&list)[N], std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

size_t values_of(std::string_view name) {
  if (name == "HEADER") return 2;
  return is_one_of(kDates, name) || is_one_of(kSizes, name) ||
                 is_one_of(kOneValue, name)
             ? 1
             : 0;
}

}  // namespace

class Query::Parser {
 public:
  Parser(const std::vector<std::string>& words, int64_t now)
      : words_(words), now_(now) {}

  Result<Node> all() {
    auto out = TRY(list(/*nested=*/false));
    return out;
  }

 private:
  bool at_end() const { return at_ >= words_.size(); }

  Result<Node> list(bool nested) {
    if (++depth_ > kMaxDepth) return fail(Fault::Protocol, "Too deep search");
    Node out;
    bool ands = false, ors = false, after_or = false;
    while (!at_end() && words_[at_] != ")") {
      if (iequals(words_[at_], "OR")) {
        ++at_;
        ors = after_or = true;
        if (at_end()) return fail(Fault::Protocol, "Missing argument");
        continue;
      }
      ands |= !out.children.empty() && !after_or;
      after_or = false;
      out.children.push_back(TRY(item()));
    }
    if (nested && at_end()) return fail(Fault::Protocol, "Missing ')'");
    if (!nested && !at_end()) return fail(Fault::Protocol, "Unexpected ')'");
    if (nested) ++at_;
    if (ors && (ands || out.children.size() < 2)) {
      return fail(Fault::Protocol, "Use parenthesis when mixing ANDs and ORs");
    }
    if (ors) out.kind = Node::Kind::Or;
    --depth_;
    return out;
  }

  Result<Node> item() {
    if (at_end()) return fail(Fault::Protocol, "Missing argument");
    std::string name = upper(words_[at_++]);
    if (name == "(") return list(/*nested=*/true);
    Node out;
    if (name == "NOT") {
      if (++depth_ > kMaxDepth) return fail(Fault::Protocol, "Too deep search");
      out.kind = Node::Kind::Not;
      out.children.push_back(TRY(item()));
      --depth_;
      return out;
    }
    out.kind = Node::Kind::Key;
    bool mailbox = name == "MAILBOX", guid = name == "MAILBOX-GUID";
    size_t count = mailbox || guid ? 1 : values_of(name);
    if (words_.size() - at_ < count) {
      return fail(
          Fault::Protocol,
          "Missing parameter for search key (for search key: " + name + ")");
    }
    if (mailbox) out.kind = Node::Kind::Mailbox;
    if (guid) out.kind = Node::Kind::MailboxGuid;
    out.words.push_back(name == "GUID" ? "X-GUID" : name);
    for (size_t i = 0; i < count; ++i) out.words.push_back(words_[at_++]);
    if (is_one_of(kDates, name)) {
      out.words[1] = TRY(query_date(out.words[1], now_));
    } else if (is_one_of(kSizes, name)) {
      out.words[1] = TRY(query_size(out.words[1]));
    }
    return out;
  }

  const std::vector<std::string>& words_;
  int64_t now_;
  size_t at_ = 0, depth_ = 0;
};

bool Query::says_mailbox(const Node& node) {
  const auto& all = node.children;
  switch (node.kind) {
    case Node::Kind::And:
      return std::any_of(all.begin(), all.end(), says_mailbox);
    case Node::Kind::Or:
      return std::all_of(all.begin(), all.end(), says_mailbox);
    default:
      return node.kind == Node::Kind::Mailbox ||
             node.kind == Node::Kind::MailboxGuid;
  }
}

bool Query::says_more(const Node& node) {
  const auto& all = node.children;
  switch (node.kind) {
    case Node::Kind::And:
    case Node::Kind::Not:
      return std::any_of(all.begin(), all.end(), says_more);
    case Node::Kind::Or:
      return std::all_of(all.begin(), all.end(), says_more);
    default:
      return node.kind == Node::Kind::Key;
  }
}

std::optional<std::vector<std::string>> Query::names_of(const Node& node) {
  if (node.kind == Node::Kind::Mailbox)
    return node.words.size() > 1 ? std::vector<std::string>{node.words[1]}
                                 : std::vector<std::string>{};
  if (node.kind != Node::Kind::And && node.kind != Node::Kind::Or) {
    return std::nullopt;
  }
  std::optional<std::vector<std::string>> out;
  for (const Node& child : node.children) {
    auto names = names_of(child);
    if (node.kind == Node::Kind::And) {
      if (names) return names;  // the others only make it less
      continue;
    }
    if (!names) return std::nullopt;
    if (!out) out.emplace();
    out->insert(out->end(), names->begin(), names->end());
  }
  return out;
}

Result<Query> Query::parse(const std::vector<std::string>& words, int64_t now) {
  Query out;
  out.root_ = TRY(Parser(words, now).all());
  out.mailboxes_ = names_of(out.root_);
  for (const std::string& word : words) {
    out.asks_guid_ |= iequals(word, "MAILBOX-GUID");
  }
  // What the keys are is found out now, before any mailbox is looked at.
  TRY(out.program({}, {UINT32_MAX, UINT32_MAX}));
  return out;
}

void Query::put(const Node& node, const Place& place, imap::Args& out) {
  using imap::Arg;
  auto word = [&](std::string_view text) {
    out.push_back({Arg::Kind::Atom, std::string(text), {}});
  };
  switch (node.kind) {
    case Node::Kind::And: {
      Arg list{Arg::Kind::List, {}, {}};
      for (const Node& child : node.children) put(child, place, list.list);
      out.push_back(std::move(list));
      break;
    }
    case Node::Kind::Or:
      // IMAP's OR stands in front of two.
      for (size_t i = 0; i < node.children.size(); ++i) {
        if (i + 1 < node.children.size()) word("OR");
        put(node.children[i], place, out);
      }
      break;
    case Node::Kind::Not:
      word("NOT");
      put(node.children[0], place, out);
      break;
    case Node::Kind::Mailbox:
      if (!mailbox::matches_pattern(place.name, node.words[1],
                                    place.separator)) {
        word("NOT");
      }
      word("ALL");
      break;
    case Node::Kind::MailboxGuid:
      if (place.guid != node.words[1]) word("NOT");
      word("ALL");
      break;
    case Node::Kind::Key:
      for (size_t i = 0; i < node.words.size(); ++i) {
        out.push_back(
            {i == 0 ? Arg::Kind::Atom : Arg::Kind::Quoted, node.words[i], {}});
      }
      if (node.words[0] == "MODSEQ") out.back().kind = Arg::Kind::Atom;
  }
}

Result<imap::SearchKey> Query::program(const Place& place,
                                       const imap::SearchLimits& limits) const {
  imap::Args args;
  put(root_, place, args);
  imap::SearchLimits mine = limits;
  mine.timestamps = true;
  return imap::parse_search(args, 0, mine);
}

}  // namespace mail::doveadm
