// doveconf(1): shows what a dovecot.conf means, and all that is wrong with it.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/ascii.h"
#include "common/base/memory.h"
#include "common/process/dovecot_files.h"
#include "common/process/dovecot_problems.h"
#include "tools/doveconf/execute.h"
#include "tools/doveconf/header.h"
#include "tools/doveconf/human.h"
#include "tools/doveconf/options.h"

namespace mail::doveconf {

namespace cf = config::dovecot;

namespace {

constexpr int kFailed = 89;
constexpr size_t kHeap = 640 << 10;  // what Debian's configuration takes

void write_out(std::string_view text) {
  while (!text.empty()) {
    ssize_t n = write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

int fatal(std::string_view text) {
  process::write_stderr(fmt::format("doveconf: Fatal: {}\n", text));
  return kFailed;
}

std::string simple(const std::vector<Item>& items) {
  std::string out;
  for (const auto& item : items) {
    out +=
        fmt::format("{}={}{}\n", item.key, item.is_file ? "<" : "", item.text);
  }
  return out;
}

/// A filter's block is shown unless -f rules it out.
bool may_match(const cf::Filter& filter, const cf::Context& context) {
  if (!filter.service_may_match(context)) return false;
  if (!filter.local_name.empty() &&
      (!context.local_name.empty() || !context.local_ip.empty())) {
    cf::Filter name;
    name.local_name = filter.local_name;
    if (!name.matches(context)) return false;
  }
  cf::Filter nets;
  if (!context.local_ip.empty()) nets.local = filter.local;
  if (!context.remote_ip.empty()) nets.remote = filter.remote;
  return nets.matches(context);
}

/// Replaces `<path` by the file's text. Errors: Config.
Result<> read_files(std::vector<cf::Entry>& entries,
                    const cf::Configuration& all,
                    process::DovecotFiles& files) {
  for (auto& entry : entries) {
    if (!entry.is_file) continue;
    auto text = files.read(entry.text);
    if (!text) {
      return fail(
          Fault::Config,
          fmt::format("Error in configuration file {} line {}: {}: Can't open "
                      "file {}: {}",
                      all.impl().files[static_cast<size_t>(entry.at.file)],
                      entry.at.line, entry.key, entry.text, text.error().what));
    }
    entry.text = std::move(*text);
    entry.is_file = false;
  }
  return {};
}

Result<std::string> filters(const cf::Configuration& all,
                            const Options& options) {
  std::string out;
  process::DovecotFiles files;
  auto layers = all.impl().ordered();
  for (size_t i = 1; i < layers.size(); ++i) {
    if (!may_match(layers[i]->filter, options.context)) continue;
    int depth = 0;
    std::string open = filter_open(layers[i]->filter, depth);
    cf::Layer layer = *layers[i];
    if (options.expand) TRY(read_files(layer.entries, all, files));
    std::string body =
        human(collect_layer(layer, options), depth, cf::merge({&layer}));
    if (body.empty()) continue;
    out += open + body;
    while (depth-- > 0) {
      out.append(2 * static_cast<size_t>(depth), ' ');
      out += "}\n";
    }
  }
  return out;
}

/// The items that the names on the command line mean.
/// plain: the same items, secrets too: who asks for one by name shall have it.
std::string chosen(const std::vector<Item>& items,
                   const std::vector<Item>& plain, const Options& options,
                   const cf::Merged& merged) {
  std::string out;
  for (const auto& wanted : options.settings) {
    std::vector<Item> inside;
    for (const auto& item : plain) {
      if (item.key != wanted || item.is_list) continue;
      if (options.only_value) {
        out += fmt::format("{}{}\n", item.is_file ? "<" : "", item.text);
      } else if (options.simple) {
        out += simple({item});
      } else {
        out += fmt::format("{} = {}\n", item.key, shown(item));
      }
    }
    for (const auto& item : items) {
      if (item.key.starts_with(wanted + "/") ||
          (options.simple && item.key == wanted && item.is_list)) {
        inside.push_back(item);
      }
    }
    out +=
        options.simple ? simple(inside) : human(std::move(inside), 0, merged);
  }
  return out;
}

int run(const Options& options) {
  bool headed =
      !options.simple && options.settings.empty() && options.command.empty();
  if (headed) write_out(version_lines(options.path));
  process::DovecotFiles files;
  auto all = options.defaults
                 ? cf::Configuration::defaults()
                 : cf::Configuration::load(
                       options.path, files,
                       options.expand ? cf::Expand::Yes : cf::Expand::No);
  process::report_problems("doveconf", all.problems(),
                           process::ProblemStage::Warnings);
  if (process::has_early_error(all.problems())) {
    process::report_problems("doveconf", all.problems(),
                             process::ProblemStage::Errors);
    return kFailed;
  }
  std::vector<const cf::Layer*> layers;
  for (const auto* layer : all.impl().ordered()) {
    if (layer->filter.matches(options.context)) layers.push_back(layer);
  }
  auto merged = cf::merge(layers);
  if (options.expand) {
    if (auto read = read_files(merged.entries, all, files); !read) {
      return fatal(read.error().what);
    }
  }
  if (!options.command.empty()) return execute(options, all, merged);
  auto plain = cf::Configuration::defaults();
  auto defaults = cf::merge({&plain.impl().layers[0]});
  auto items = collect(merged, defaults, options);
  if (headed) {
    const auto* location = merged.find("mail_location");
    write_out(host_lines(location ? location->text : ""));
    if (options.scope == Scope::All && !options.hidden) {
      write_out(
          "# NOTE: Send doveconf -n output instead when asking for "
          "help.\n");
    }
  }
  if (!options.settings.empty()) {
    Options all_shown = options;
    all_shown.secrets = true;
    write_out(
        chosen(items, collect(merged, defaults, all_shown), options, merged));
  } else if (options.simple) {
    write_out(simple(items));
  } else {
    auto blocks = filters(all, options);
    if (!blocks) return fatal(blocks.error().what);
    write_out(human(std::move(items), 0, merged) + *blocks);
  }
  if (!all.has_errors()) return 0;
  process::report_problems("doveconf", all.problems(),
                           process::ProblemStage::Errors);
  return kFailed;
}

}  // namespace

}  // namespace mail::doveconf

int main(int argc, char** argv) {
  mail::prepare_command(mail::doveconf::kHeap);
  auto options = mail::doveconf::parse_options(argc, argv);
  if (!options) return mail::doveconf::fatal(options.error().what);
  return mail::doveconf::run(*options);
}
