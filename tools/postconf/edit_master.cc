#include <fmt/core.h>

#include <optional>

#include "common/base/ascii.h"
#include "common/config/postfix/main_cf.h"
#include "tools/postconf/edit.h"
#include "tools/postconf/master_file.h"
#include "tools/postconf/show.h"

namespace mail::postconf {

namespace {

struct FieldRequest {
  std::string text;  ///< as given, for messages
  std::string key;   ///< "service/type/rest"
  Pattern pattern;
  std::string value;
  std::optional<MasterEntry> entry;  ///< of -Me
  int field = -1;                    ///< of -Fe
  int seen = 0;
};

Result<> check_key(const Options& options, const FieldRequest& request,
                   size_t pieces) {
  if (options.has('M')) {
    if (pieces == 2) return {};
    return bad("-Me, -MX or -M# requires service_name/type");
  }
  if (options.has('F')) {
    if (pieces != 3) {
      return bad("-Fe or -FX requires service_name/type/field_name");
    }
    if (request.field < 0) {
      return bad(fmt::format("invalid service attribute name: \"{}\"",
                             request.pattern.rest));
    }
    return {};
  }
  if (pieces == 3) {
    if (request.value.find_first_of(" \t\r\n") == std::string::npos) {
      return {};
    }
    return bad("-Pe does not accept whitespace in parameter value");
  }
  return bad("-Pe or -PX requires service_name/type/parameter");
}

Result<FieldRequest> parse_request(const Options& options,
                                   const std::string& arg) {
  FieldRequest request{.text = arg};
  std::string_view key = trim(arg);
  if (key.find('\n') != key.npos) {
    return bad("-e, -X, or -# accepts no multi-line input");
  }
  if (key.starts_with('#')) {
    return bad("-e, -X, or -# accepts no comment input");
  }
  if (options.has('e')) {
    auto pair = TRY(config::split_definition(key));
    request.key = pair.first;
    request.value = pair.second;
  } else {
    request.key = key;
  }
  auto pieces = split_exact(request.key, '/');
  for (size_t i = 0; i < std::size(kFieldNames); ++i) {
    if (pieces.size() == 3 && pieces[2] == kFieldNames[i]) {
      request.field = static_cast<int>(i);
    }
  }
  if (auto pattern = parse_pattern(request.key, 3)) {
    request.pattern = *pattern;
  } else {
    pieces.clear();
  }
  TRY(check_key(options, request, pieces.size()));
  if (options.has('M') && options.has('e')) {
    auto entry = parse_entry(request.value, {});
    if (!entry && entry.error().what == "bad field count") {
      return bad(fmt::format("bad field count: \"{}\"", arg));
    }
    if (!entry) return fail(entry.error());
    request.entry = std::move(*entry);
  }
  bool is_command =
      request.field + 1 == static_cast<int>(std::size(kFieldNames));
  if (options.has('F') && !is_command) {
    TRY(check_field(request.field, request.value, request.value));
  }
  return request;
}

/// Applies one request to an entry. False: the entry goes away.
Result<bool> apply(const Options& options, const FieldRequest& request,
                   MasterEntry& entry) {
  if (options.has('M')) {
    // Of several entries that match, one becomes the new one.
    if (!request.entry || request.seen > 1) return false;
    entry = *request.entry;
    return true;
  }
  if (options.has('P')) {
    if (options.has('e')) {
      entry.set_override({request.pattern.rest, request.value});
    } else {
      entry.remove_override(request.pattern.rest);
    }
    return true;
  }
  if (request.field != config::MasterFields::Command) {
    entry.fields.fields[request.field] = request.value;
    return true;
  }
  std::string line;
  for (int i = 0; i < config::MasterFields::Command; ++i) {
    line += entry.fields.fields[i] + " ";
  }
  entry = TRY(parse_entry(line + request.value, {}));
  return true;
}

/// One logical line with the comments and blank lines inside of it.
struct Block {
  std::string verbatim, comments, logical;
};

class Editor {
 public:
  Editor(const Options& options, std::string_view path,
         const config::WarningSink& warn)
      : options_(options), path_(path), warn_(warn) {}
  Result<std::string> run(std::string_view text);

 private:
  Result<> finish(const Block& block);

  const Options& options_;
  std::string_view path_;
  const config::WarningSink& warn_;
  std::vector<FieldRequest> requests_;
  std::string held_;  ///< comments behind the entry, or inside of it
  std::string out_;
};

/// Copies, changes, comments out or drops one entry.
Result<> Editor::finish(const Block& block) {
  if (block.logical.empty()) return {};
  auto parsed = parse_entry(block.logical, {});
  if (!parsed && parsed.error().what == "bad field count") {
    return bad(
        fmt::format("file {}: bad field count: \"{}\"", path_, block.logical));
  }
  if (!parsed) return fail(parsed.error());
  bool changed = false, keep = true;
  for (FieldRequest& request : requests_) {
    if (!request.pattern.matches(*parsed)) continue;
    ++request.seen;
    changed = true;
    keep = TRY(apply(options_, request, *parsed));
    if (!keep) break;
  }
  if (!changed) {
    out_ += block.verbatim;
    return {};
  }
  if (keep) {
    std::string text = entry_text(*parsed, /*folded=*/true) + "\n";
    // As the original: a whole new entry stands before the comments of the
    // old one, an edited entry behind them and those that follow.
    if (options_.has('M')) {
      out_ += text + block.comments;
    } else {
      out_ += block.comments + held_ + text;
      held_.clear();
    }
    return {};
  }
  if (!options_.has('#')) {
    out_ += block.comments;
    return {};
  }
  std::string_view rest = block.verbatim;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n') + 1);
    rest.remove_prefix(line.size());
    std::string_view start = trim_left(line);
    if (!start.empty() && start.front() != '#') out_ += '#';
    out_ += line;
  }
  return {};
}

Result<std::string> Editor::run(std::string_view text) {
  for (const std::string& arg : options_.args) {
    requests_.push_back(TRY(parse_request(options_, arg)));
  }
  Block block;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string line(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    std::string_view start = trim_left(line);
    if (start.empty() || start.front() == '#') {
      held_ += line + "\n";
      continue;
    }
    if (is_space(line.front()) && !block.logical.empty()) {
      block.verbatim += held_ + line + "\n";
      block.comments += held_;
      block.logical += line;
      held_.clear();
      continue;
    }
    TRY(finish(block));
    out_ += held_;
    held_.clear();
    block = {line + "\n", "", is_space(line.front()) ? "" : line};
    if (block.logical.empty()) out_ += block.verbatim;
  }
  TRY(finish(block));
  out_ += held_;
  for (const FieldRequest& request : requests_) {
    if (request.seen > 0) continue;
    if (request.entry) {
      out_ += entry_text(*request.entry, /*folded=*/true) + "\n";
    } else if (!options_.has('M')) {
      warn_(fmt::format("unmatched service_name/type: \"{}\"", request.text));
    }
  }
  return std::move(out_);
}

}  // namespace

Result<std::string> edit_master(std::string_view text, std::string_view path,
                                const Options& options,
                                const config::WarningSink& warn) {
  return Editor(options, path, warn).run(text);
}

}  // namespace mail::postconf
