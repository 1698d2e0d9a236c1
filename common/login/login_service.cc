#include "common/login/login_service.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/config/dovecot/filter.h"
#include "common/log/log.h"

namespace mail::login {
namespace {

namespace setting = config::dovecot::setting;

/// In place of mail_max_userip_connections' default of 10, which a household's
/// phones and computers use up.
constexpr unsigned kRoomyConnections = 100;

Result<std::vector<std::pair<net::IpAddress, unsigned>>> networks(
    const std::string& list) {
  std::vector<std::pair<net::IpAddress, unsigned>> out;
  for (auto word : split(list, " ,")) {
    auto network = config::dovecot::Network::parse(word);
    auto address = net::IpAddress::from_bytes(network.bytes);
    if (!address) {
      return fail(
          Fault::Config,
          fmt::format("login_trusted_networks: Invalid network '{}'", word));
    }
    out.emplace_back(*address, network.bits);
  }
  return out;
}

Result<Settings> settings_of(const daemon::DovecotContext& context,
                             const std::string& protocol) {
  const auto& s = *context.settings;
  Settings out;
  out.protocol = protocol;
  out.login_greeting = s.get(setting::login_greeting);
  out.login_log_format = s.get(setting::login_log_format);
  out.login_log_format_elements = s.get(setting::login_log_format_elements);
  out.trusted_networks = TRY(networks(s.get(setting::login_trusted_networks)));
  out.disable_plaintext_auth = s.get(setting::disable_plaintext_auth);
  out.auth_verbose = s.get(setting::auth_verbose);
  out.auth_debug = s.get(setting::auth_debug);
  out.verbose_ssl = s.get(setting::verbose_ssl);
  const auto& ssl = s.get(setting::ssl);
  out.ssl = ssl == "no"         ? Settings::Ssl::No
            : ssl == "required" ? Settings::Ssl::Required
                                : Settings::Ssl::Yes;
  out.mail_max_userip_connections =
      s.is_set(setting::mail_max_userip_connections)
          ? static_cast<unsigned>(s.get(setting::mail_max_userip_connections))
          : kRoomyConnections;
  out.hostname = context.hostname;
  if (!context.arguments.empty()) out.auth_socket = context.arguments.back();
  return out;
}

/// Connected before chroot; -1: there is no anvil.
UniqueFd connect_anvil(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  net::Endpoint where;
  where.path = path;
  sockaddr_storage storage;
  auto size = where.to_sockaddr(storage);
  if (!fd || !size ||
      ::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), *size) != 0) {
    return UniqueFd();
  }
  return fd;
}

}  // namespace

LoginService::~LoginService() = default;

Result<> LoginService::open(daemon::DovecotContext& context) {
  context_ = &context;
  shared_.settings = TRY(settings_of(context, protocol_));
  TRY(read_settings(*context.settings));
  shared_.make_engine = [this] { return make_engine(); };
  if (shared_.settings.ssl != Settings::Ssl::No) {
    certificates_ = TRY(Certificates::open(*context.settings, protocol_,
                                           context.base_dir + "/dovecot.conf"));
    shared_.tls = &certificates_->context();
  }
  if (shared_.settings.mail_max_userip_connections > 0) {
    anvil_socket_ = connect_anvil(context.base_dir + "/anvil");
  }
  // Sockets are named from here, in the jail and without one.
  auto here = context.base_dir + "/login";
  if (::chdir(here.c_str()) != 0) {
    return fail_errno(fmt::format("chdir({}) failed", here), errno);
  }
  return {};
}

net::Task<Result<>> LoginService::start(daemon::DovecotContext& context) {
  auth_ = std::make_unique<auth::DovecotClient>(shared_.settings.auth_socket,
                                                *context.tasks);
  shared_.auth = auth_.get();
  if (anvil_socket_) {
    anvil_ =
        std::make_unique<AnvilClient>(std::move(anvil_socket_), *context.tasks);
    shared_.count_connections = [this](std::string ident) {
      return anvil_->lookup(std::move(ident));
    };
  }
  if (certificates_) context.tasks->start(certificates_->follow());
  // A failure is not the end: each client waits for auth by itself.
  auto connected = co_await auth_->connect();
  (void)connected;
  co_return Result<>{};
}

net::Task<> LoginService::serve(net::Stream stream,
                                daemon::DovecotConnection connection) {
  Client client(shared_, std::move(stream), connection.ssl);
  co_await client.serve();
}

void LoginService::drop_oldest() {
  if (!shared_.waiting.empty()) shared_.waiting.front()->drop();
}

}  // namespace mail::login
