#include "common/config/postfix/bounce_templates.h"

#include <fmt/core.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "common/base/ascii.h"
#include "common/base/utf8.h"
#include "common/config/postfix/expand.h"
#include "common/config/postfix/main_cf.h"

namespace mail::config {

namespace {

constexpr std::string_view kFrom = "Mail Delivery System <MAILER-DAEMON>";
constexpr std::string_view kHost =
    "This is the mail system at host $myhostname.\n\n";
constexpr std::string_view kHelp =
    "For further assistance, please send mail to postmaster.\n\n"
    "If you do so, please include this problem report. You can\n"
    "delete your own text from the attached returned message.\n\n";
constexpr std::string_view kSigned = "                   The mail system\n";

BounceTemplate built_in(std::string_view kind, std::string_view subject,
                        std::string_view postmaster_subject,
                        std::initializer_list<std::string_view> texts) {
  BounceTemplate result{.kind = kind,
                        .charset = "us-ascii",
                        .from = std::string(kFrom),
                        .subject = std::string(subject),
                        .postmaster_subject = std::string(postmaster_subject),
                        .text = {}};
  for (std::string_view text : texts) result.text += text;
  return result;
}

/// One template of a file, before its checks.
struct Block {
  std::string name;
  std::string body;  ///< headers and text
};

/// Reads one block after the other.
class Reader {
 public:
  Reader(std::string_view text, std::string_view path, const WarningSink& warn)
      : rest_(text), path_(path), warn_(warn) {}
  /// False at the end of the file.
  Result<bool> next(Block& block);
  // The original counts from one, and counts a line before it looks at it.
  std::string place() const { return fmt::format("{}, line {}", path_, line_); }

 private:
  bool line(std::string_view& line);

  std::string_view rest_, path_;
  const WarningSink& warn_;
  int line_ = 1;
};

bool Reader::line(std::string_view& line) {
  if (rest_.empty()) return false;
  size_t end = rest_.find('\n');
  line = rest_.substr(0, end);
  rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
  ++line_;
  return true;
}

Result<bool> Reader::next(Block& block) {
  std::string_view text;
  while (line(text)) {
    std::string_view start = trim_left(text);
    if (start.empty() || start.front() == '#') continue;
    auto pair = split_definition(text);
    if (!pair) {
      return fail(Fault::Config,
                  fmt::format("{}: {}", place(), pair.error().what));
    }
    block = {pair->first, {}};
    std::string_view marker = pair->second;
    if (!marker.starts_with("<<")) {
      block.body = fmt::format("{}\n", marker);
      return true;
    }
    marker = trim(marker.substr(2));
    if (marker.empty()) {
      return fail(Fault::Config,
                  fmt::format("{}: missing end marker after <<", place()));
    }
    while (line(text)) {
      if (text == marker) return true;
      block.body.append(text).append("\n");
    }
    if (warn_) {
      warn_(fmt::format("{}: missing \"{}\" end marker", place(), marker));
    }
    return true;
  }
  return false;
}

/// The header's value in `bounce`, nullptr for an unknown label.
std::string* header_of(BounceTemplate& bounce, std::string_view label) {
  if (iequals(label, "Charset")) return &bounce.charset;
  if (iequals(label, "From")) return &bounce.from;
  if (iequals(label, "Subject")) return &bounce.subject;
  if (iequals(label, "Postmaster-Subject") &&
      !bounce.postmaster_subject.empty()) {
    return &bounce.postmaster_subject;
  }
  return nullptr;
}

/// "Label: value"; false for what is no header.
bool split_header(std::string_view line, std::string_view& label,
                  std::string_view& value) {
  size_t colon = line.find(':');
  if (colon == line.npos || colon == 0) return false;
  label = trim_right(line.substr(0, colon));
  for (char c : label) {
    if (c <= ' ' || c >= 127) return false;
  }
  value = trim_left(line.substr(colon + 1));
  return !label.empty();
}

/// What stays of the built-in template when the block has its say.
/// Errors: why the block is to be ignored.
Result<BounceTemplate> apply(const Block& block, BounceTemplate bounce) {
  std::string_view rest = block.body;
  auto ignore = [&](std::string_view what, std::string_view more) {
    return fail(Fault::Config,
                fmt::format("{} in {} template{}", what, bounce.kind, more));
  };
  constexpr std::string_view kIgnored = " -- ignoring this template";
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n')), label, value;
    if (line.empty()) {
      rest.remove_prefix(1);
      break;
    }
    if (!split_header(line, label, value)) break;
    rest.remove_prefix(line.size() + 1);
    if (!is_ascii(value)) {
      return ignore(fmt::format("non-ASCII \"{}\" header value", label),
                    kIgnored);
    }
    std::string* header = header_of(bounce, label);
    if (header == nullptr && iequals(label, "Postmaster-Subject")) {
      return ignore(fmt::format("inapplicable \"{}\" header label", label),
                    kIgnored);
    }
    if (header == nullptr) {
      return ignore(fmt::format("unknown \"{}\" header label", label),
                    kIgnored);
    }
    if (value.empty()) {
      return ignore(fmt::format("empty \"{}\" header value", label), kIgnored);
    }
    *header = value;
  }
  if (rest.empty()) return ignore("missing message text", kIgnored);
  bounce.text = rest;
  if (!is_ascii(rest) && !bounce.is_8bit()) {
    return ignore("8-bit message text",
                  "\nplease specify a charset value other than us-ascii\n"
                  "-- ignoring this template for now");
  }
  return bounce;
}

void warn_lines(const WarningSink& warn, std::string_view text) {
  if (!warn) return;
  for (std::string_view line : split_exact(text, '\n')) warn(line);
}

struct Unit {
  std::string_view name;
  long seconds;
};
constexpr Unit kUnits[] = {{"seconds", 1},
                           {"minutes", 60},
                           {"hours", 3600},
                           {"days", 86400},
                           {"weeks", 604800}};

}  // namespace

bool BounceTemplate::is_8bit() const { return !iequals(charset, "us-ascii"); }

BounceTemplates builtin_bounce_templates() {
  return {
      .failure = built_in(
          "failure", "Undelivered Mail Returned to Sender",
          "Postmaster Copy: Undelivered Mail",
          {kHost,
           "I'm sorry to have to inform you that your message could not\n"
           "be delivered to one or more recipients. It's attached below.\n\n",
           kHelp, kSigned}),
      .delay = built_in(
          "delay", "Delayed Mail (still being retried)",
          "Postmaster Warning: Delayed Mail",
          {kHost,
           "##################################################################"
           "##\n"
           "# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE."
           " #\n"
           "##################################################################"
           "##\n\n"
           "Your message could not be delivered for more than "
           "$delay_warning_time_hours hour(s).\n"
           "It will be retried until it is $maximal_queue_lifetime_days "
           "day(s) old.\n\n",
           kHelp, kSigned}),
      .success = built_in(
          "success", "Successful Mail Delivery Report", "",
          {kHost,
           "Your message was successfully delivered to the destination(s)\n"
           "listed below. If the message was delivered to mailbox you will\n"
           "receive no further notifications. Otherwise you may still "
           "receive\n"
           "notifications of mail delivery errors from other systems.\n\n",
           kSigned}),
      .verify = built_in(
          "verify", "Mail Delivery Status Report", "",
          {kHost,
           "Enclosed is the mail delivery report that you requested.\n\n",
           kSigned}),
  };
}

Result<BounceTemplates> parse_bounce_templates(std::string_view text,
                                               std::string_view path,
                                               const WarningSink& warn) {
  BounceTemplates templates = builtin_bounce_templates();
  const BounceTemplates builtin = templates;
  Reader reader(text, path, warn);
  Block block;
  BounceTemplate BounceTemplates::* const all[] = {
      &BounceTemplates::failure, &BounceTemplates::delay,
      &BounceTemplates::success, &BounceTemplates::verify};
  // The last block of a name counts; only that one is looked at.
  std::vector<Block> last(std::size(all));
  while (TRY(reader.next(block))) {
    bool known = false;
    for (size_t i = 0; i < std::size(all); ++i) {
      if (block.name != fmt::format("{}_template", (builtin.*all[i]).kind)) {
        continue;
      }
      last[i] = block;
      known = true;
    }
    if (!known && warn) {
      warn(
          fmt::format("{}: unknown template name: {} -- ignoring this "
                      "template",
                      reader.place(), block.name));
    }
  }
  for (size_t i = 0; i < std::size(all); ++i) {
    if (last[i].name.empty()) continue;
    auto result = apply(last[i], builtin.*all[i]);
    if (result) {
      templates.*all[i] = std::move(*result);
    } else {
      warn_lines(warn, fmt::format("{}: {}", path, result.error().what));
    }
  }
  return templates;
}

Result<std::string> expand_bounce_text(const BounceTemplate& bounce,
                                       std::string_view path,
                                       const Settings& settings,
                                       const WarningSink& warn) {
  std::optional<std::string> bad_suffix;
  auto in_unit = [&](std::string_view name, std::string_view suffix,
                     std::chrono::seconds time) -> std::string {
    for (const Unit& unit : kUnits) {
      if (suffix != unit.name) continue;
      long result = time.count() / unit.seconds;
      if (result == 0 && time.count() > 0) {
        warn_lines(
            warn,
            fmt::format("{0}: zero result in {1} template conversion of "
                        "parameter \"{2}\"\n"
                        "please reduce time unit \"{3}\" of \"{2}\" in {1} "
                        "template\n"
                        "for instructions see the bounce(5) manual",
                        path, bounce.kind, name, suffix));
      }
      return fmt::format("{}", result);
    }
    bad_suffix = fmt::format(
        "{}: unrecognized suffix \"{}\" in parameter "
        "\"{}\"",
        path, suffix, name);
    return {};
  };
  auto lookup = [&](std::string_view name) -> std::optional<std::string> {
    constexpr std::string_view kWarning = "delay_warning_time_";
    constexpr std::string_view kLifetime = "maximal_queue_lifetime_";
    if (name.starts_with(kWarning)) {
      return in_unit(name, name.substr(kWarning.size()),
                     settings.get(param::delay_warning_time));
    }
    if (name.starts_with(kLifetime)) {
      return in_unit(name, name.substr(kLifetime.size()),
                     settings.get(param::maximal_queue_lifetime));
    }
    auto value = settings.value(name);
    return value ? *value : std::nullopt;
  };
  std::string out;
  std::string_view rest = bounce.text;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    auto result = expand(line, lookup);
    if (bad_suffix) return fail(Fault::Config, std::move(*bad_suffix));
    if (!result) warn_lines(warn, result.error().what);
    if (!result || result->undefined) {
      return fail(Fault::Config,
                  fmt::format("{}: {} in {} template: {}", path,
                              result ? "undefined $name" : "bad $name syntax",
                              bounce.kind, printable(line)));
    }
    out.append(result->text).append("\n");
  }
  return out;
}

std::string dump_bounce_templates(const BounceTemplates& templates) {
  std::string out;
  for (const BounceTemplate* bounce : {&templates.failure, &templates.delay,
                                       &templates.success, &templates.verify}) {
    if (!out.empty()) out += "\n";
    out += fmt::format(
        "{}_template = <<EOF\nCharset: {}\nFrom: {}\n"
        "Subject: {}\n",
        bounce->kind, bounce->charset, bounce->from, bounce->subject);
    if (!bounce->postmaster_subject.empty()) {
      out +=
          fmt::format("Postmaster-Subject: {}\n", bounce->postmaster_subject);
    }
    out += fmt::format("\n{}EOF\n", bounce->text);
  }
  return out;
}

}  // namespace mail::config
