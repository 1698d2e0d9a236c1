// passdb pam: in workers only, for modules block and may need root.
#include <fmt/format.h>
#include <security/pam_appl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "authd/driver_args.h"
#include "authd/log_lines.h"
#include "authd/passdb/drivers.h"
#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/base/utf8.h"

namespace mail::authd {

namespace {

struct PamOptions {
  bool session = false, set_credentials = false, show_messages = false;
  std::string cache_key, service = "dovecot";
};

/// What the modules ask, answered with the password.
struct Conversation {
  const Request* request;
  std::string_view log_name;
  std::string password;
  std::string message;  ///< the last that was for the user
};

int converse(int count, const pam_message** messages, pam_response** out,
             void* data) {
  auto& self = *static_cast<Conversation*>(data);
  if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  auto* responses = static_cast<pam_response*>(
      calloc(static_cast<size_t>(count), sizeof(pam_response)));
  if (!responses) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    const pam_message& message = *messages[i];
    if (self.request->settings->debug) {
      log_lines::debug(self.request->line(
          self.log_name,
          fmt::format("#{}/{} style={} msg={}", i + 1, count, message.msg_style,
                      message.msg ? printable(message.msg) : "")));
    }
    const char* answer = nullptr;
    if (message.msg_style == PAM_PROMPT_ECHO_ON) {
      answer = self.request->user.c_str();
    } else if (message.msg_style == PAM_PROMPT_ECHO_OFF) {
      answer = self.password.c_str();
    } else if (message.msg) {
      self.message = message.msg;
      continue;
    }
    responses[i].resp = answer ? strdup(answer) : nullptr;  // PAM frees it
  }
  *out = responses;
  return PAM_SUCCESS;
}

/// One pam_handle_t, ended with the status of the last call.
struct Session {
  pam_handle_t* handle = nullptr;
  int status = PAM_SUCCESS;
  ~Session() {
    if (handle) pam_end(handle, status);
  }
};

class Pam : public Passdb {
 public:
  Pam(const DatabaseSettings& settings, unsigned id, PamOptions options)
      : Passdb(settings, id), options_(std::move(options)) {}

  bool blocking() const override { return true; }
  bool looks_up() const override { return false; }
  std::string_view cache_key() const override { return options_.cache_key; }

  PassAnswer look_up(const Request&) override { return {}; }

  PassAnswer verify(const Request& request,
                    std::string_view password) override {
    PassAnswer out;
    std::string service = options_.service == "*"
                              ? lower(request.info.service)
                              : expand(options_.service, request);
    if (request.settings->debug) {
      log_lines::debug(request.line(log_name(), "lookup service=" + service));
    }
    Conversation talk{&request, log_name(), std::string(password), ""};
    pam_conv conversation{converse, &talk};
    Session session;
    session.status = pam_start(service.c_str(), request.user.c_str(),
                               &conversation, &session.handle);
    if (session.status != PAM_SUCCESS) {
      log_lines::error(request.line(
          log_name(),
          fmt::format("pam_start() failed: {}",
                      pam_strerror(session.handle, session.status))));
      session.handle = nullptr;
      return out;
    }
    if (!request.info.remote_ip.empty()) {
      pam_set_item(session.handle, PAM_RHOST, request.info.remote_ip.c_str());
    }
    pam_set_item(session.handle, PAM_TTY, "dovecot");
    out.result = run(session, request, service, password);
    if (out.result == PassResult::Ok) take_user(session, request, out);
    if (out.result != PassResult::Ok && options_.show_messages &&
        !talk.message.empty()) {
      out.fields.set("reason", printable(talk.message));
    }
    explicit_bzero(talk.password.data(), talk.password.size());
    return out;
  }

 private:
  PassResult run(Session& session, const Request& request,
                 const std::string& service, std::string_view password) {
    session.status = pam_authenticate(session.handle, 0);
    if (session.status != PAM_SUCCESS) {
      return failed("pam_authenticate", session, request, service, password);
    }
    if (options_.set_credentials) {
      session.status = pam_setcred(session.handle, PAM_ESTABLISH_CRED);
      if (session.status != PAM_SUCCESS) {
        return failed("pam_setcred", session, request, service, password);
      }
    }
    session.status = pam_acct_mgmt(session.handle, 0);
    if (session.status != PAM_SUCCESS) {
      return failed("pam_acct_mgmt", session, request, service, password);
    }
    if (options_.session) {
      session.status = pam_open_session(session.handle, 0);
      if (session.status == PAM_SUCCESS) {
        session.status = pam_close_session(session.handle, 0);
      }
      if (session.status != PAM_SUCCESS) {
        return failed("pam_open_session", session, request, service, password);
      }
    }
    return PassResult::Ok;
  }

  PassResult failed(std::string_view call, const Session& session,
                    const Request& request, const std::string& service,
                    std::string_view password) {
    std::string given = log_lines::given_password(request, password);
    bool verbose = log_lines::verbose(request, &settings());
    std::string text = fmt::format(
        "{}() failed: {}", call, pam_strerror(session.handle, session.status));
    switch (session.status) {
      case PAM_USER_UNKNOWN:
        if (verbose || !given.empty()) {
          log_lines::info(request.line(log_name(), "unknown user" + given));
        }
        return PassResult::UnknownUser;
      case PAM_AUTH_ERR:
        if (verbose || !given.empty()) {
          log_lines::info(
              request.line(log_name(), text + " (Password mismatch?)" + given));
        }
        return PassResult::Mismatch;
      case PAM_NEW_AUTHTOK_REQD:
      case PAM_AUTHTOK_EXPIRED:
        if (verbose) log_lines::info(request.line(log_name(), text));
        return PassResult::PassExpired;
      case PAM_ACCT_EXPIRED:
        if (verbose) log_lines::info(request.line(log_name(), text));
        return PassResult::UserDisabled;
      default:
        break;
    }
    std::string file = "/etc/pam.d/" + service;
    if (access(file.c_str(), R_OK) != 0 && call == "pam_authenticate") {
      log_lines::error(request.line(
          log_name(), fmt::format("{} ({} missing?)", text, file)));
    } else if (call != "pam_authenticate") {
      log_lines::error(request.line(log_name(), text));
    } else if (verbose) {
      log_lines::info(request.line(log_name(), text));
    }
    return call == "pam_authenticate" ? PassResult::Mismatch
                                      : PassResult::InternalFailure;
  }

  /// Modules may have given the user another name.
  static void take_user(Session& session, const Request& request,
                        PassAnswer& out) {
    const void* item = nullptr;
    if (pam_get_item(session.handle, PAM_USER, &item) != PAM_SUCCESS || !item) {
      return;
    }
    std::string_view name = static_cast<const char*>(item);
    if (name != request.user) out.fields.set("user", name);
  }

  PamOptions options_;
};

}  // namespace

Result<std::unique_ptr<Passdb>> make_pam(const DatabaseSettings& settings,
                                         unsigned id) {
  PamOptions out;
  DriverArgs args(settings.args);
  while (auto option = args.next_option()) {
    auto [name, value] = *option;
    if (name == "session")
      out.session = value == "yes";
    else if (name == "setcred")
      out.set_credentials = value == "yes";
    else if (name == "failure_show_msg")
      out.show_messages = value == "yes";
    else if (name == "cache_key")
      out.cache_key = value;
    else if (name != "max_requests" && name != "blocking")
      return fail(
          Fault::Config,
          fmt::format("passdb pam: Unknown setting: {}={}", name, value));
  }
  std::string_view rest = trim(args.rest());
  if (rest == "-session" || rest == "*") {
    out.service = rest;
  } else if (rest.find(' ') != std::string_view::npos) {
    return fail(Fault::Config,
                fmt::format("passdb pam: Unknown setting: {}", rest));
  } else if (!rest.empty()) {
    out.service = rest;
  }
  return std::make_unique<Pam>(settings, id, std::move(out));
}

}  // namespace mail::authd
