// PLAIN (RFC 4616), LOGIN, EXTERNAL (RFC 4422, A) and ANONYMOUS (RFC 4505).
#include "common/base/ascii.h"
#include "common/sasl/server_mechanisms.h"

namespace mail::sasl {

namespace {

/// Where the client speaks first: without an initial response it is asked by
/// an empty challenge.
class ClientFirst : public Server {
 public:
  Event start(std::optional<std::string_view> initial) override {
    if (initial) return respond(*initial);
    return Challenge{};
  }
};

class Plain : public ClientFirst {
 public:
  Event respond(std::string_view response) override {
    auto pieces = split_exact(response, '\0');
    if (pieces.size() != 3) return Refused{"invalid input"};
    CheckPassword out;
    out.user = pieces[1];
    if (pieces[0] != pieces[1]) out.authzid = pieces[0];
    out.password = crypto::Secret(std::string(pieces[2]));
    return out;
  }
};

class Login : public Server {
 public:
  Event start(std::optional<std::string_view> initial) override {
    if (initial) return respond(*initial);
    return Challenge{.text = "Username:"};
  }
  Event respond(std::string_view response) override {
    if (!user_) {
      user_ = response;
      return Challenge{.text = "Password:", .user = user_};
    }
    CheckPassword out;
    out.user = *user_;
    out.password = crypto::Secret(std::string(response));
    return out;
  }

 private:
  std::optional<std::string> user_;
};

class External : public ClientFirst {
 public:
  Event respond(std::string_view response) override {
    CheckPassword out;  // the user is the certificate's
    out.authzid = response;
    return out;
  }
};

class Anonymous : public ClientFirst {
 public:
  Event respond(std::string_view response) override {
    return AcceptedAnonymous{std::string(response)};
  }
};

}  // namespace

std::unique_ptr<Server> make_plain_server() {
  return std::make_unique<Plain>();
}
std::unique_ptr<Server> make_login_server() {
  return std::make_unique<Login>();
}
std::unique_ptr<Server> make_external_server() {
  return std::make_unique<External>();
}
std::unique_ptr<Server> make_anonymous_server() {
  return std::make_unique<Anonymous>();
}

}  // namespace mail::sasl
