#include "tools/postconf/lists.h"

#include <fmt/core.h>

#include "common/config/postfix/bounce_templates.h"
#include "common/crypto/version.h"

namespace mail::postconf {

namespace {

std::string lines(std::initializer_list<std::string_view> names) {
  std::string out;
  for (std::string_view name : names) out.append(name).append("\n");
  return out;
}

}  // namespace

Result<std::string> show_list(const Options& options) {
  if (options.has('m')) {
    return lines({"btree", "cidr", "environ", "fail", "hash", "inline",
                  "internal", "lmdb", "pcre", "pipemap", "proxy", "randmap",
                  "regexp", "static", "texthash", "unionmap", "unix"});
  }
  if (options.has('l')) return lines({"flock", "fcntl", "dotlock"});
  if (options.has('a')) return lines({"dovecot"});
  if (options.has('A')) return std::string();
  const std::string& mode = options.tls_mode;
  if (mode == "compile-version") return lines({crypto::compiled_version()});
  if (mode == "run-version") return lines({crypto::running_version()});
  if (mode == "public-key-algorithms") return lines({"dsa", "ecdsa", "rsa"});
  return fail(Fault::Config,
              fmt::format("unknown 'postconf -T' mode: {}", mode));
}

Result<std::string> show_templates(const Options& options,
                                   const config::LoadArgs& load) {
  auto settings = TRY(config::load(load));
  std::string path = options.args.empty()
                         ? settings->get(config::param::bounce_template_file)
                         : options.args.front();
  config::BounceTemplates templates = config::builtin_bounce_templates();
  if (!path.empty()) {
    std::string text = TRY(load.read(path));
    templates = TRY(config::parse_bounce_templates(text, path, load.warn));
  }
  if (options.has('t')) return config::dump_bounce_templates(templates);
  if (path.empty()) path = "[built-in]";
  std::string out;
  for (const auto* bounce : {&templates.failure, &templates.delay,
                             &templates.success, &templates.verify}) {
    std::string text =
        TRY(config::expand_bounce_text(*bounce, path, *settings, load.warn));
    if (!out.empty()) out += "\n";
    out += fmt::format("expanded_{}_text = <<EOF\n{}EOF\n", bounce->kind, text);
  }
  return out;
}

}  // namespace mail::postconf
