#include "tools/postconf/show.h"

#include <fmt/core.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "tools/postconf/text.h"

namespace mail::postconf {

namespace {

/// One "name = value" line as -h, -H and -f want it.
std::string line_of(const Options& options, std::string_view name,
                    std::string_view value) {
  if (options.has('H')) return fmt::format("{}\n", name);
  if (options.has('h')) {
    return rejoin(value, options.has('f')) + "\n";
  }
  return rejoin(fmt::format("{} = {}", name, value), options.has('f')) + "\n";
}

bool wanted(const Options& options, Class kind) {
  return kind == Class::Builtin   ? options.builtin
         : kind == Class::Service ? options.service
                                  : options.user;
}

/// What calls each of the entries that the arguments name, or all.
template <class Show>
Result<std::string> for_requests(const Model& model, const Options& options,
                                 int pieces, std::string_view usage,
                                 const config::WarningSink& warn,
                                 const Show& show) {
  std::vector<std::string> requests = options.args;
  bool all = requests.empty();
  if (all) requests.emplace_back("*");
  std::string out;
  for (const std::string& request : requests) {
    auto pattern = parse_pattern(request, pieces);
    if (!pattern) return fail(Fault::Config, std::string(usage));
    size_t found = 0;
    for (const MasterEntry& entry : model.master()) {
      if (!pattern->matches(entry)) continue;
      found += TRY(show(entry, *pattern, out));
    }
    if (found == 0 && !all) {
      warn(fmt::format("unmatched request: \"{}\"", request));
    }
  }
  return out;
}

}  // namespace

std::optional<Pattern> parse_pattern(std::string_view text, int limit) {
  auto pieces = split_exact(text, '/');
  if (static_cast<int>(pieces.size()) > limit) return std::nullopt;
  for (std::string_view piece : pieces) {
    if (piece.empty()) return std::nullopt;
  }
  Pattern pattern;
  pattern.service = pieces[0];
  if (pieces.size() > 1) pattern.type = pieces[1];
  if (pieces.size() > 2) pattern.rest = pieces[2];
  return pattern;
}

Result<std::string> show_params(const Model& model, const Options& options,
                                const config::WarningSink& warn) {
  std::string out;
  auto show = [&](const std::string& name, const Entry& entry) -> Result<> {
    if (options.args.empty() && !wanted(options, entry.kind)) return {};
    if (options.has('n') &&
        (entry.read_only || model.explicit_text(name) == nullptr)) {
      return {};
    }
    std::string value = model.text_of(name, entry);
    if (options.has('x') && !entry.raw) {
      auto expanded = model.expand(value);
      if (!expanded) {
        warn(expanded.error().what);
        return fail(Fault::Config, "macro processing error");
      }
      value = std::move(*expanded);
    }
    out += line_of(options, name, value);
    return {};
  };
  if (options.args.empty()) {
    for (const auto& [name, entry] : model.params()) TRY(show(name, entry));
    return out;
  }
  for (const std::string& name : options.args) {
    auto at = model.params().find(name);
    if (at == model.params().end()) {
      warn(fmt::format("{}: unknown parameter", name));
      continue;
    }
    TRY(show(name, at->second));
  }
  return out;
}

Result<std::string> show_master(const Model& model, const Options& options,
                                const config::WarningSink& warn) {
  return for_requests(
      model, options, 2, "-M option requires service_name[/type]", warn,
      [&](const MasterEntry& entry, const Pattern&,
          std::string& out) -> Result<size_t> {
        ExpandValue expand;
        if (options.has('x')) {
          expand = [&](std::string_view text) {
            return model.expand(text, &entry).value_or(std::string(text));
          };
        }
        out += entry_text(entry, options.has('f'), expand) + "\n";
        return 1;
      });
}

Result<std::string> show_fields(const Model& model, const Options& options,
                                const config::WarningSink& warn) {
  return for_requests(
      model, options, 3, "-F option requires service_name[/type[/field]]", warn,
      [&](const MasterEntry& entry, const Pattern& pattern,
          std::string& out) -> Result<size_t> {
        size_t shown = 0;
        for (size_t i = 0; i < std::size(kFieldNames); ++i) {
          if (pattern.rest != "*" && pattern.rest != kFieldNames[i]) continue;
          bool is_command = i + 1 == std::size(kFieldNames);
          std::string name = fmt::format("{}/{}/{}", entry.name(), entry.type(),
                                         kFieldNames[i]);
          std::string value =
              is_command ? command_text(entry) : entry.fields.fields[i];
          // Not as parameters: white space in {} stays as it is.
          if (options.has('f') || options.has('H')) {
            out += line_of(options, name, value);
          } else if (options.has('h')) {
            out += value + "\n";
          } else {
            out += fmt::format("{} = {}\n", name, value);
          }
          ++shown;
        }
        if (shown == 0) {
          return fail(Fault::Config,
                      fmt::format("invalid service attribute name: \"{}\"",
                                  pattern.rest));
        }
        return shown;
      });
}

Result<std::string> show_overrides(const Model& model, const Options& options,
                                   const config::WarningSink& warn) {
  return for_requests(
      model, options, 3, "-P option requires service_name[/type[/parameter]]",
      warn,
      [&](const MasterEntry& entry, const Pattern& pattern,
          std::string& out) -> Result<size_t> {
        auto overrides = entry.overrides();
        std::sort(overrides.begin(), overrides.end());
        size_t shown = 0;
        for (const auto& [name, value] : overrides) {
          if (pattern.rest != "*" && pattern.rest != name) continue;
          std::string text = value;
          if (options.has('x')) {
            auto expanded = model.expand(value, &entry);
            if (!expanded) {
              warn(expanded.error().what);
              return fail(Fault::Config, "macro processing error");
            }
            text = std::move(*expanded);
          }
          out += line_of(
              options,
              fmt::format("{}/{}/{}", entry.name(), entry.type(), name), text);
          ++shown;
        }
        return shown;
      });
}

}  // namespace mail::postconf
