#include "common/imap/search_program.h"

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/imap/date_time.h"

namespace mail::imap {
namespace {

using Test = SearchKey::Kind;
using Date = SearchKey::Date;

constexpr size_t kMaxDepth = 200;  // of NOT and OR in each other

struct Flag {
  std::string_view name, flag;
  bool negate;
};
constexpr Flag kFlags[] = {
    {"ANSWERED", "\\Answered", false}, {"UNANSWERED", "\\Answered", true},
    {"DELETED", "\\Deleted", false},   {"UNDELETED", "\\Deleted", true},
    {"DRAFT", "\\Draft", false},       {"UNDRAFT", "\\Draft", true},
    {"FLAGGED", "\\Flagged", false},   {"UNFLAGGED", "\\Flagged", true},
    {"SEEN", "\\Seen", false},         {"UNSEEN", "\\Seen", true},
};
struct Dated {
  std::string_view name;
  Test kind;
  Date date;
};
constexpr Dated kDates[] = {
    {"BEFORE", Test::Before, Date::Internal},
    {"ON", Test::On, Date::Internal},
    {"SINCE", Test::Since, Date::Internal},
    {"SENTBEFORE", Test::Before, Date::Sent},
    {"SENTON", Test::On, Date::Sent},
    {"SENTSINCE", Test::Since, Date::Sent},
    {"SAVEDBEFORE", Test::Before, Date::Saved},
    {"SAVEDON", Test::On, Date::Saved},
    {"SAVEDSINCE", Test::Since, Date::Saved},
    {"X-SAVEDBEFORE", Test::Before, Date::Saved},
    {"X-SAVEDON", Test::On, Date::Saved},
    {"X-SAVEDSINCE", Test::Since, Date::Saved},
};
constexpr std::pair<std::string_view, Test> kNumbers[] = {
    {"LARGER", Test::Larger},
    {"SMALLER", Test::Smaller},
    {"OLDER", Test::Older},
    {"YOUNGER", Test::Younger},
};

class Parser {
 public:
  Parser(const Args& args, size_t at, const SearchLimits& limits)
      : args_(args), at_(at), limits_(limits) {}

  bool at_end() const { return at_ >= args_.size(); }

  Result<SearchKey> key() {
    if (at_end()) return fail(Fault::Protocol, "Missing argument");
    if (++depth_ > kMaxDepth) return fail(Fault::Protocol, "Too deep search");
    auto out = any_key();
    --depth_;
    return out;
  }

 private:
  Result<SearchKey> any_key() {
    const Arg& arg = args_[at_++];
    if (arg.is_list()) {
      if (arg.list.empty()) {
        return fail(Fault::Protocol, "No search parameters inside list");
      }
      return parse_search(arg.list, 0, limits_);
    }
    std::string name = upper(arg.text);
    if (!name.empty() && (is_digit(name[0]) || name[0] == '*')) {
      return set(Test::Sequence, name, limits_.messages);
    }
    return named(name);
  }

  Result<SearchKey> set(Test kind, std::string_view text, uint32_t largest) {
    SearchKey key;
    key.kind = kind;
    auto parsed = SequenceSet::parse(text, largest);
    if (!parsed) return fail(Fault::Protocol, "Invalid messageset");
    key.set = std::move(*parsed);
    return key;
  }

  Result<const Arg*> argument(std::string_view name) {
    if (at_end()) {
      return fail(Fault::Protocol,
                  "Missing parameter for search key (for search key: " +
                      std::string(name) + ")");
    }
    const Arg& arg = args_[at_++];
    if (arg.is_list()) {
      return fail(Fault::Protocol, "Invalid parameter for search key");
    }
    return &arg;
  }

  Result<SearchKey> named(const std::string& name) {
    if (name == "ALL") return SearchKey{};
    for (const Flag& f : kFlags) {
      if (f.name == name) return flag(f.flag, f.negate);
    }
    if (name == "NEW") return new_messages();
    if (name == "OLD" || name == "RECENT") {
      SearchKey key;
      key.kind = Test::Recent;
      key.negate = name == "OLD";
      return key;
    }
    if (name == "NOT") {
      SearchKey key = TRY(this->key());
      key.negate = !key.negate;
      return key;
    }
    if (name == "OR") {
      SearchKey key;
      key.kind = Test::Or;
      key.children.push_back(TRY(this->key()));
      key.children.push_back(TRY(this->key()));
      return key;
    }
    if (name == "$") {
      SearchKey key;
      key.kind = Test::Saved;
      return key;
    }
    if (name == "FUZZY") return this->key();
    return with_argument(name);
  }

  static SearchKey flag(std::string_view word, bool negate) {
    SearchKey key;
    key.kind = Test::Flag;
    key.word = word;
    key.negate = negate;
    return key;
  }

  static SearchKey new_messages() {
    SearchKey recent, both;
    recent.kind = Test::Recent;
    both.kind = Test::And;
    both.children.push_back(std::move(recent));
    both.children.push_back(flag("\\Seen", true));
    return both;
  }

  Result<SearchKey> with_argument(const std::string& name) {
    for (const Dated& d : kDates) {
      if (d.name == name) return dated(d);
    }
    for (const auto& [word, kind] : kNumbers) {
      if (word == name) return numbered(name, kind);
    }
    SearchKey key;
    key.kind = Test::Header;
    if (name == "BCC" || name == "CC" || name == "FROM" || name == "SUBJECT" ||
        name == "TO") {
      key.word = name;
      key.value = TRY(argument(name))->text;
      return key;
    }
    if (name == "HEADER") {
      key.word = upper(TRY(argument(name))->text);
      key.value = TRY(argument(name))->text;
      return key;
    }
    if (name == "KEYWORD" || name == "UNKEYWORD") {
      key = flag(TRY(argument(name))->text, name == "UNKEYWORD");
      key.value = "KEYWORD";
      return key;
    }
    if (name == "UID") {
      const Arg* arg = TRY(argument(name));
      if (arg->text == "$") {
        key.kind = Test::Saved;
        return key;
      }
      auto uids = set(Test::Uid, arg->text, limits_.last_uid);
      if (!uids) return fail(Fault::Protocol, "Invalid UID messageset");
      return uids;
    }
    if (name == "MODSEQ") return modseq();
    static constexpr std::pair<std::string_view, Test> kTexts[] = {
        {"BODY", Test::Body},
        {"TEXT", Test::Text},
        {"X-GUID", Test::Guid},
        {"X-MAILBOX", Test::Mailbox}};
    for (const auto& [word, kind] : kTexts) {
      if (word != name) continue;
      key.kind = kind;
      key.value = TRY(argument(name))->text;
      return key;
    }
    if (name == "SAVEDATESUPPORTED") {
      key.kind = Test::SaveDateSupported;
      return key;
    }
    return fail(Fault::Protocol, "Unknown argument " + name);
  }

  Result<SearchKey> dated(const Dated& which) {
    SearchKey key;
    key.kind = which.kind;
    key.date = which.date;
    const std::string& text = TRY(argument(which.name))->text;
    auto seconds =
        limits_.timestamps ? parse_number<uint64_t>(text) : std::nullopt;
    if (seconds) {
      key.number = *seconds;
      key.exact = true;
      return key;
    }
    auto day = parse_date(text);
    if (!day) return fail(Fault::Protocol, "Invalid search date parameter");
    key.number = static_cast<uint64_t>(*day);
    return key;
  }

  Result<SearchKey> numbered(std::string_view name, Test kind) {
    SearchKey key;
    key.kind = kind;
    auto number = parse_number<uint64_t>(TRY(argument(name))->text);
    bool seconds = kind == Test::Older || kind == Test::Younger;
    if (!number || (seconds && *number == 0)) {
      return fail(Fault::Protocol, seconds ? "Invalid search interval parameter"
                                           : "Invalid search size parameter");
    }
    key.number = *number;
    return key;
  }

  // MODSEQ ["/flags/\\Seen" all] number: of all flags in any case.
  Result<SearchKey> modseq() {
    SearchKey key;
    key.kind = Test::ModSeq;
    const Arg* arg = TRY(argument("MODSEQ"));
    if (arg->is_string()) {
      TRY(argument("MODSEQ"));
      arg = TRY(argument("MODSEQ"));
    }
    auto number = parse_number<uint64_t>(arg->text);
    if (!number) return fail(Fault::Protocol, "Invalid MODSEQ value");
    key.number = *number;
    return key;
  }

  const Args& args_;
  size_t at_;
  const SearchLimits& limits_;
  size_t depth_ = 0;
};

}  // namespace

Result<SearchKey> parse_search(const Args& args, size_t at,
                               const SearchLimits& limits) {
  if (at >= args.size()) {
    return fail(Fault::Protocol, "Missing search parameters");
  }
  Parser parser(args, at, limits);
  SearchKey out;
  out.kind = Test::And;
  while (!parser.at_end()) out.children.push_back(TRY(parser.key()));
  return out;
}

Result<SearchReturn> parse_search_return(const Args& args, size_t& at) {
  SearchReturn out;
  if (at >= args.size() || !args[at].is_atom("RETURN")) return out;
  if (at + 1 >= args.size() || !args[at + 1].is_list()) {
    return fail(Fault::Protocol, at + 1 >= args.size()
                                     ? "Unknown argument RETURN"
                                     : "Invalid search return options");
  }
  const Args& list = args[at + 1].list;
  at += 2;
  out.given = true;
  for (size_t i = 0; i < list.size(); ++i) {
    const Arg& word = list[i];
    if (word.is_atom("MIN")) {
      out.min = true;
    } else if (word.is_atom("MAX")) {
      out.max = true;
    } else if (word.is_atom("ALL")) {
      out.all = true;
    } else if (word.is_atom("COUNT")) {
      out.count = true;
    } else if (word.is_atom("SAVE")) {
      out.save = true;
    } else if (word.is_atom("PARTIAL")) {
      if (out.partial) {
        return fail(Fault::Protocol, "PARTIAL can be used only once.");
      }
      std::string_view range =
          ++i < list.size() ? std::string_view(list[i].text) : "";
      size_t colon = range.find(':');
      auto first = parse_number<uint32_t>(range.substr(0, colon));
      auto last = colon == std::string_view::npos
                      ? std::nullopt
                      : parse_number<uint32_t>(range.substr(colon + 1));
      if (!first || !last || !*first || !*last) {
        return fail(Fault::Protocol, "PARTIAL range broken.");
      }
      out.partial = true;
      out.partial_first = std::min(*first, *last);
      out.partial_last = std::max(*first, *last);
    } else {
      return fail(Fault::Protocol, "Unknown SEARCH return option");
    }
  }
  if (list.empty()) out.all = true;
  if (out.all && out.partial) {
    return fail(Fault::Protocol, "SEARCH return options conflict");
  }
  return out;
}

Result<std::vector<SortKey>> parse_sort(const Arg& list) {
  static constexpr std::pair<std::string_view, SortKey::Kind> kKeys[] = {
      {"ARRIVAL", SortKey::Kind::Arrival},
      {"CC", SortKey::Kind::Cc},
      {"DATE", SortKey::Kind::Date},
      {"DISPLAYFROM", SortKey::Kind::DisplayFrom},
      {"DISPLAYTO", SortKey::Kind::DisplayTo},
      {"FROM", SortKey::Kind::From},
      {"SIZE", SortKey::Kind::Size},
      {"SUBJECT", SortKey::Kind::Subject},
      {"TO", SortKey::Kind::To},
  };
  std::vector<SortKey> out;
  bool reverse = false;
  for (const Arg& word : list.list) {
    if (!word.is_atom()) return fail(Fault::Protocol, "Invalid sort argument");
    if (word.is_atom("REVERSE")) {
      reverse = !reverse;
      continue;
    }
    bool known = false;
    for (const auto& [name, kind] : kKeys) {
      if (!word.is_atom(name)) continue;
      known = true;
      if (out.size() < 20) out.push_back({kind, reverse});
    }
    if (!known) {
      return fail(Fault::Protocol, "Unknown sort argument: " + word.text);
    }
    reverse = false;
  }
  if (out.empty()) return fail(Fault::Protocol, "Empty sort program");
  return out;
}

bool needs_message(const SearchKey& key) {
  switch (key.kind) {
    case Test::Header:
    case Test::Body:
    case Test::Text:
      return true;
    case Test::Before:
    case Test::On:
    case Test::Since:
      return key.date == Date::Sent;
    case Test::And:
    case Test::Or:
      for (const SearchKey& child : key.children) {
        if (needs_message(child)) return true;
      }
      return false;
    default:
      return false;
  }
}

}  // namespace mail::imap
