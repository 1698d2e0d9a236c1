#include "master/dovecot/spec.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/config/dovecot/description.h"

namespace mail::dovecot {

namespace cf = config::dovecot;
namespace set = config::dovecot::setting;

std::string Listener::key() const {
  if (kind == Kind::Inet) return fmt::format("inet {} {}", address, port);
  return path;
}

namespace {

constexpr long long kForever = 4294967295;  // idle_kill, in seconds

bool is_default_service(const std::string& name) {
  for (auto known : split(cf::kServiceDefaults[0].value, " ")) {
    if (known == name) return true;
  }
  return false;
}

class Maker {
 public:
  explicit Maker(const cf::Settings& settings) : settings_(settings) {
    std::string protocols = settings.get(set::protocols);
    for (auto name : split(protocols, " ,")) protocols_.emplace_back(name);
    rootless_ = geteuid() != 0;
  }

  Specs run() {
    for (const auto& service : settings_.services()) add(service);
    return std::move(out_);
  }

 private:
  using ServiceSection = cf::Section<cf::Service>;

  void error(std::string text) { out_.errors.push_back(std::move(text)); }

  /// "$default_internal_user" and its like.
  std::string name_of(const std::string& text) const {
    if (text == "$default_internal_user") {
      return settings_.get(set::default_internal_user);
    }
    if (text == "$default_internal_group") {
      return settings_.get(set::default_internal_group);
    }
    if (text == "$default_login_user") {
      return settings_.get(set::default_login_user);
    }
    return text;
  }

  std::optional<process::UserIds> user(const std::string& text,
                                       const std::string& what) {
    std::string name = name_of(text);
    if (name.empty() || rootless_) return std::nullopt;
    auto found = process::find_user(name);
    if (!found) {
      error(fmt::format("{}: {}", what, found.error().what));
    } else if (*found) {
      return *found;
    } else {
      error(fmt::format("{} User doesn't exist: {}", what, name));
    }
    return std::nullopt;
  }

  std::optional<gid_t> group(const std::string& text, const std::string& what) {
    std::string name = name_of(text);
    if (name.empty() || rootless_) return std::nullopt;
    if (auto number = parse_number<gid_t>(name)) return number;
    auto found = process::find_group(name);
    if (found && *found) return **found;
    error(fmt::format("{} Group doesn't exist: {}", what, name));
    return std::nullopt;
  }

  std::string under(const std::string& base, const std::string& path) const {
    return path.starts_with("/") ? path : base + "/" + path;
  }

  void add(const ServiceSection& service) {
    Spec spec;
    spec.name = service.name();
    spec.protocol = service.get(set::service::protocol);
    spec.type = service.get(set::service::type);
    if (!spec.protocol.empty() &&
        std::find(protocols_.begin(), protocols_.end(), spec.protocol) ==
            protocols_.end()) {
      return;
    }
    if (!find_program(service, spec)) return;
    std::string what = fmt::format("service({})", spec.name);
    spec.ids = user(service.get(set::service::user), what);
    if (auto id = group(service.get(set::service::group), what)) {
      if (!spec.ids) spec.ids = process::UserIds{0, 0};
      spec.ids->gid = *id;
    }
    spec.privileged_group =
        group(service.get(set::service::privileged_group), what);
    for (auto name : split(service.get(set::service::extra_groups), " ,")) {
      if (auto id = group(std::string(name), what)) spec.groups.push_back(*id);
    }
    const auto& jail = service.get(set::service::chroot);
    const auto& base = settings_.get(set::base_dir);
    if (!jail.empty() && !rootless_) {
      spec.chroot = jail == "." ? base : under(base, jail);
    }
    spec.drop_before_exec = service.get(set::service::drop_priv_before_exec);
    limits(service, spec);
    listeners(service, spec, what);
    out_.services.push_back(std::move(spec));
  }

  bool find_program(const ServiceSection& service, Spec& spec) {
    std::string line = service.get(set::service::executable);
    for (auto word : split(line, " ")) spec.command.emplace_back(word);
    if (spec.command.empty()) return false;
    std::string path = under(settings_.get(set::libexec_dir), spec.command[0]);
    spec.command[0] = path;
    if (access(path.c_str(), X_OK) == 0) return true;
    if (!is_default_service(spec.name)) {
      error(fmt::format("service({}) access({}) failed: {}", spec.name, path,
                        strerror(errno)));
    } else if (!spec.protocol.empty() && !cf::inet_listeners(service).empty()) {
      // The others are our own programs' helpers, and ours do without.
      out_.warnings.push_back(fmt::format(
          "service({}) is not built: {} does not exist, nobody serves it",
          spec.name, path));
    }
    return false;
  }

  void limits(const ServiceSection& service, Spec& spec) {
    auto or_default = [](unsigned long value, unsigned long fallback) {
      return static_cast<unsigned>(value != 0 ? value : fallback);
    };
    spec.process_min_avail =
        static_cast<unsigned>(service.get(set::service::process_min_avail));
    unsigned long processes = settings_.get(set::default_process_limit);
    if (spec.name == "auth-worker") {
      processes = settings_.get(set::auth_worker_max_count);
    }
    spec.process_limit =
        or_default(service.get(set::service::process_limit), processes);
    spec.client_limit = or_default(service.get(set::service::client_limit),
                                   settings_.get(set::default_client_limit));
    spec.service_count =
        static_cast<unsigned>(service.get(set::service::service_count));
    // A process that ends after so many takes no more at once.
    if (spec.service_count > 0 && spec.service_count < spec.client_limit) {
      spec.client_limit = spec.service_count;
    }
    auto idle = service.get(set::service::idle_kill);
    spec.idle_for_ever = idle.count() == kForever;
    spec.idle_kill =
        idle.count() == 0 ? settings_.get(set::default_idle_kill) : idle;
    unsigned long vsz = service.get(set::service::vsz_limit);
    spec.vsz_limit = vsz == ~0ul ? settings_.get(set::default_vsz_limit) : vsz;
  }

  void listeners(const ServiceSection& service, Spec& spec,
                 const std::string& what) {
    auto add_file = [&](Listener::Kind kind, const std::string& path,
                        unsigned mode, const std::string& owner,
                        const std::string& group_name) {
      if (mode == 0) return;
      auto made = std::make_shared<Listener>();
      made->kind = kind;
      made->path = under(settings_.get(set::base_dir), path);
      // The child knows it by the last part of its path.
      made->name = path.substr(path.rfind('/') + 1);
      made->mode = mode;
      std::string where = fmt::format(
          "{} ({} {})", what,
          kind == Listener::Kind::Unix ? "unix_listener" : "fifo_listener",
          path);
      if (auto ids = user(owner, where)) made->owner.uid = ids->uid;
      if (auto id = group(group_name, where)) made->owner.gid = *id;
      spec.listeners.push_back(std::move(made));
    };
    for (const auto& one : cf::unix_listeners(service)) {
      add_file(Listener::Kind::Unix, one.get(set::unix_listener::path),
               static_cast<unsigned>(one.get(set::unix_listener::mode)),
               one.get(set::unix_listener::user),
               one.get(set::unix_listener::group));
    }
    for (const auto& one : cf::fifo_listeners(service)) {
      add_file(Listener::Kind::Fifo, one.get(set::fifo_listener::path),
               static_cast<unsigned>(one.get(set::fifo_listener::mode)),
               one.get(set::fifo_listener::user),
               one.get(set::fifo_listener::group));
    }
    for (const auto& one : cf::inet_listeners(service)) add_inet(one, spec);
  }

  void add_inet(const cf::Section<cf::InetListener>& one, Spec& spec) {
    unsigned port = static_cast<unsigned>(one.get(set::inet_listener::port));
    if (port == 0) return;
    bool ssl = one.get(set::inet_listener::ssl);
    if (ssl && settings_.get(set::ssl) == "no") return;
    std::string addresses = one.get(set::inet_listener::address);
    if (addresses.empty()) addresses = settings_.get(set::listen);
    for (auto address : split(addresses, ", ")) {
      auto made = std::make_shared<Listener>();
      made->kind = Listener::Kind::Inet;
      made->name = one.name();
      made->address = address;
      made->port = port;
      made->ssl = ssl;
      made->haproxy = one.get(set::inet_listener::haproxy);
      made->reuse_port = one.get(set::inet_listener::reuse_port);
      spec.listeners.push_back(std::move(made));
    }
  }

  const cf::Settings& settings_;
  std::vector<std::string> protocols_;
  bool rootless_ = false;
  Specs out_;
};

}  // namespace

Specs make_specs(const cf::Settings& settings) { return Maker(settings).run(); }

}  // namespace mail::dovecot
