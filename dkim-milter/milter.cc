#include "dkim-milter/milter.h"

#include <dirent.h>
#include <errno.h>
#include <fmt/format.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/base/unique_fd.h"
#include "dkim-milter/filter_log.h"
#include "dkim-milter/version.h"

namespace mail::dkim_milter {

namespace {

Service* the_service = nullptr;

char* mutable_text(const std::string& text) {
  return const_cast<char*>(text.c_str());
}

/// libmilter as a message sees it.
class LibMilter : public Mta {
 public:
  explicit LibMilter(SMFICTX* context) : context_(context) {}

  std::optional<std::string> macro(const std::string& name) override {
    const char* value = smfi_getsymval(context_, mutable_text(name));
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  }
  bool insert_header(int index, const std::string& name,
                     const std::string& value) override {
    std::string text = with_blank(value);
    return smfi_insheader(context_, index, mutable_text(name),
                          mutable_text(text)) == MI_SUCCESS;
  }
  bool add_header(const std::string& name, const std::string& value) override {
    std::string text = with_blank(value);
    return smfi_addheader(context_, mutable_text(name), mutable_text(text)) ==
           MI_SUCCESS;
  }
  bool delete_header(const std::string& name, int index) override {
    return smfi_chgheader(context_, mutable_text(name), index, nullptr) ==
           MI_SUCCESS;
  }
  bool add_recipient(const std::string& address) override {
    return smfi_addrcpt(context_, mutable_text(address)) == MI_SUCCESS;
  }
  bool delete_recipient(const std::string& address) override {
    return smfi_delrcpt(context_, mutable_text(address)) == MI_SUCCESS;
  }
  void set_reply(const std::string& code, const std::string& status,
                 const std::string& text) override {
    std::string doubled;
    for (char c : text) {
      doubled += c;
      if (c == '%') doubled += c;
    }
    smfi_setreply(context_, mutable_text(code), mutable_text(status),
                  mutable_text(doubled));
  }
  void progress() override { smfi_progress(context_); }
  bool leading_space() const override { return leading_space_; }

  bool leading_space_ = false;
  unsigned long no_reply = 0;  // SMFIP_NR_... that were agreed

 private:
  std::string with_blank(const std::string& value) const {
    return leading_space_ ? " " + value : value;
  }
  SMFICTX* context_;
};

/// One client of libmilter, in its thread.
struct Connection {
  explicit Connection(SMFICTX* milter) : mta(milter) {}
  LibMilter mta;
  std::shared_ptr<const Context> context;
  Origin origin;
  std::optional<Transaction> transaction;
};

Connection* connection(SMFICTX* context) {
  return static_cast<Connection*>(smfi_getpriv(context));
}

sfsistat status_of(Reply reply) {
  switch (reply) {
    case Reply::Continue:
      return SMFIS_CONTINUE;
    case Reply::Accept:
      return SMFIS_ACCEPT;
    case Reply::Reject:
      return SMFIS_REJECT;
    case Reply::Tempfail:
      return SMFIS_TEMPFAIL;
    case Reply::Discard:
      return SMFIS_DISCARD;
    case Reply::Skip:
      return SMFIS_SKIP;
  }
  return SMFIS_TEMPFAIL;
}

unsigned long wanted_actions(const Settings& settings) {
  unsigned long out = SMFIF_ADDHDRS;
  if (!settings.keep_results || settings.remove_old_signatures) {
    out |= SMFIF_CHGHDRS;
  }
  if (!settings.redirect_failures_to.empty()) {
    out |= SMFIF_ADDRCPT | SMFIF_DELRCPT;
  }
  return out;
}

/// The macros that MacroList looks at, asked for by name.
void ask_for_macros(SMFICTX* context, const Settings& settings) {
  if (!settings.macros) return;
  std::string names = "i {daemon_name} {auth_type}";
  std::string last;
  for (const auto& entry : *settings.macros) {
    if (entry.key == last) continue;
    last = entry.key;
    bool bare = last.size() > 1 && last[0] != '{';
    names += bare ? fmt::format(" {{{}}}", last) : " " + last;
  }
  smfi_setsymlist(context, SMFIM_EOH, mutable_text(names));
}

sfsistat on_negotiate(SMFICTX* context, unsigned long actions,
                      unsigned long steps, unsigned long, unsigned long,
                      unsigned long* our_actions, unsigned long* our_steps,
                      unsigned long* reserved2, unsigned long* reserved3) {
  auto* c = new Connection(context);
  c->context = the_service->context();
  smfi_setpriv(context, c);
  const Settings& settings = *c->context->settings;
  unsigned long needed = wanted_actions(settings);
  if ((actions & needed) != needed) {
    log_line(Priority::Error,
             fmt::format("mlfi_negotiate(): required milter action(s) not "
                         "available (got 0x{:x}, need 0x{:x})",
                         actions, needed));
    return SMFIS_REJECT;
  }
  *our_actions = needed | (actions & SMFIF_SETSYMLIST);
  // What is never answered but by "continue" needs no answer at all.
  unsigned long silent =
      SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_EOH;
  if (!settings.peers) silent |= SMFIP_NR_CONN;
  c->mta.no_reply = steps & silent;
  c->mta.leading_space_ = (steps & SMFIP_HDR_LEADSPC) != 0;
  *our_steps = (steps & (SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NODATA |
                         SMFIP_SKIP | SMFIP_HDR_LEADSPC)) |
               c->mta.no_reply;
  *reserved2 = *reserved3 = 0;
  if (actions & SMFIF_SETSYMLIST) ask_for_macros(context, settings);
  return SMFIS_CONTINUE;
}

/// "continue", said aloud only where the MTA waits for it.
sfsistat go_on(const Connection& c, unsigned long no_reply_bit) {
  return c.mta.no_reply & no_reply_bit ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

sfsistat on_connect(SMFICTX* context, char* host, _SOCK_ADDR* address) {
  Connection* c = connection(context);
  Client client;
  client.host = host ? host : "";
  if (address) {
    client.address = net::IpAddress::from_sockaddr(
        reinterpret_cast<const sockaddr*>(address));
  }
  const Settings& settings = *c->context->settings;
  if (settings.peers && holds_client(*settings.peers, client)) {
    return SMFIS_ACCEPT;
  }
  c->origin = place_client(settings, std::move(client));
  return go_on(*c, SMFIP_NR_CONN);
}

sfsistat on_mail(SMFICTX* context, char**) {
  Connection* c = connection(context);
  c->transaction.emplace(*c->context, c->origin, c->mta);
  return go_on(*c, SMFIP_NR_MAIL);
}

sfsistat on_rcpt(SMFICTX* context, char** arguments) {
  Connection* c = connection(context);
  if (c->transaction) c->transaction->rcpt(arguments[0]);
  return go_on(*c, SMFIP_NR_RCPT);
}

sfsistat on_header(SMFICTX* context, char* name, char* value) {
  Connection* c = connection(context);
  if (c->transaction) c->transaction->header(name, value);
  return go_on(*c, SMFIP_NR_HDR);
}

sfsistat on_end_of_headers(SMFICTX* context) {
  Connection* c = connection(context);
  if (c->transaction) c->transaction->end_of_headers();
  return go_on(*c, SMFIP_NR_EOH);
}

sfsistat on_body(SMFICTX* context, unsigned char* bytes, size_t size) {
  Connection* c = connection(context);
  if (!c->transaction) return SMFIS_CONTINUE;
  return status_of(c->transaction->body(
      std::string_view(reinterpret_cast<const char*>(bytes), size)));
}

sfsistat on_end_of_message(SMFICTX* context) {
  Connection* c = connection(context);
  if (!c->transaction) return SMFIS_CONTINUE;
  Reply reply = c->transaction->end_of_message();
  c->transaction.reset();
  return status_of(reply);
}

sfsistat on_abort(SMFICTX* context) {
  if (Connection* c = connection(context)) c->transaction.reset();
  return SMFIS_CONTINUE;
}

sfsistat on_close(SMFICTX* context) {
  delete connection(context);
  smfi_setpriv(context, nullptr);
  return SMFIS_CONTINUE;
}

smfiDesc description() {
  static std::string name(kProduct);
  smfiDesc out{};
  out.xxfi_name = name.data();
  out.xxfi_version = SMFI_VERSION;
  out.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_ADDRCPT |
                   SMFIF_DELRCPT | SMFIF_SETSYMLIST;
  out.xxfi_connect = on_connect;
  out.xxfi_envfrom = on_mail;
  out.xxfi_envrcpt = on_rcpt;
  out.xxfi_header = on_header;
  out.xxfi_eoh = on_end_of_headers;
  out.xxfi_body = on_body;
  out.xxfi_eom = on_end_of_message;
  out.xxfi_abort = on_abort;
  out.xxfi_close = on_close;
  out.xxfi_negotiate = on_negotiate;
  return out;
}

/// libmilter answers in small packets; behind Nagle's algorithm and delayed
/// acknowledgements each message would stall for 40 ms. Linux hands the
/// listener's option on to what it accepts.
void send_small_packets_at_once() {
  DIR* directory = opendir("/proc/self/fd");
  int highest = 1024;
  for (dirent* entry; directory && (entry = readdir(directory));) {
    if (auto fd = parse_number<int>(entry->d_name)) {
      highest = std::max(highest, *fd);
    }
  }
  if (directory) closedir(directory);
  for (int fd = 3; fd <= highest; ++fd) {
    int listens = 0, on = 1;
    socklen_t size = sizeof(listens);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
        listens) {
      (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
  }
}

}  // namespace

std::string local_socket_path(const std::string& socket) {
  size_t colon = socket.find(':');
  if (colon == std::string::npos) return socket;
  std::string type = lower(std::string_view(socket).substr(0, colon));
  if (type == "local" || type == "unix") return socket.substr(colon + 1);
  return "";
}

Result<> remove_stale_socket(const std::string& socket) {
  std::string path = local_socket_path(socket);
  if (path.empty()) return {};
  sockaddr_un address{};
  if (path.size() >= sizeof(address.sun_path)) {
    return fail_errno("", ENAMETOOLONG);
  }
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address),
                sizeof(address)) == 0) {
    return fail(Fault::Temporary, strerror(EADDRINUSE));
  }
  if (errno == ENOENT) return {};
  if (errno != ECONNREFUSED) return fail(Fault::Temporary, strerror(errno));
  if (unlink(path.c_str()) < 0) return fail(Fault::Temporary, strerror(errno));
  return {};
}

Result<> open_milter(const Service& service) {
  the_service = new Service(service);  // for as long as threads may ask
  if (smfi_register(description()) != MI_SUCCESS) {
    return fail(Fault::Config, "smfi_register() failed");
  }
  if (service.debug_level > 0) smfi_setdbg(service.debug_level);
  if (smfi_setconn(mutable_text(service.socket)) != MI_SUCCESS) {
    return fail(Fault::Config, "smfi_setconn() failed");
  }
  if (smfi_opensocket(false) != MI_SUCCESS) {
    return fail(Fault::Config, "smfi_opensocket() failed");
  }
  send_small_packets_at_once();
  return {};
}

int serve_milter() { return smfi_main() == MI_SUCCESS ? 0 : 1; }

std::string milter_library_version() {
  unsigned major = 0, minor = 0, patch = 0;
  smfi_version(&major, &minor, &patch);
  return fmt::format("{}.{}.{}", major, minor, patch);
}

std::string milter_interface_version() {
  return fmt::format("0x{:x}", SMFI_VERSION);
}

}  // namespace mail::dkim_milter
