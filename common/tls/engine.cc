#include "common/tls/engine.h"

#include <openssl/err.h>

#include <array>

#include "common/base/check.h"
#include "common/tls/openssl.h"
#include "common/tls/peer_check.h"

namespace mail::tls {

/// What OpenSSL reads and writes during one call; nothing is kept between.
struct Engine::Wire {
  std::string_view in;
  std::string* out = nullptr;
};

namespace {

constexpr size_t kRecord = 16384;

std::array<char, kRecord>& scratch() {
  thread_local std::array<char, kRecord> buffer;
  return buffer;
}

// OpenSSL's end of the wire: takes what has come, appends what is to go.
template <class Wire>
struct WireBio {
  static int read(BIO* bio, char* data, size_t size, size_t* got) {
    auto* wire = static_cast<Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *got = std::min(size, wire->in.size());
    if (*got == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    wire->in.copy(data, *got);
    wire->in.remove_prefix(*got);
    return 1;
  }
  static int write(BIO* bio, const char* data, size_t size, size_t* written) {
    auto* wire = static_cast<Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (wire->out) wire->out->append(data, size);
    *written = size;
    return 1;
  }
  static long control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
                                   "postcote wire");
      BIO_meth_set_read_ex(m, read);
      BIO_meth_set_write_ex(m, write);
      BIO_meth_set_ctrl(m, control);
      return m;
    }();
    return made;
  }
};

}  // namespace

Engine::Engine(ssl_st* ssl, Role role, std::unique_ptr<PeerCheck> check)
    : ssl_(ssl), wire_(std::make_unique<Wire>()), check_(std::move(check)) {
  summary_.role = role;
  BIO* bio = BIO_new(WireBio<Wire>::method());
  CHECK(bio != nullptr);
  BIO_set_data(bio, wire_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
  if (role == Role::Server) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
  }
}

Engine::~Engine() { SSL_free(ssl_); }

bool Engine::finished(net::Filter& filter) {
  return static_cast<Engine&>(filter).done_;
}

Result<> Engine::failed() {
  broken_ = true;
  for (auto& line : take_library_errors()) problems_.push_back(std::move(line));
  return fail(Fault::Protocol, "-1");
}

Result<> Engine::step(std::string& plain) {
  ERR_clear_error();
  if (!done_) {
    int status = SSL_do_handshake(ssl_);
    if (status != 1) {
      int error = SSL_get_error(ssl_, status);
      if (error == SSL_ERROR_WANT_READ) return {};
      return failed();
    }
    done_ = true;
    summary_ = summarize(ssl_, summary_.role, *check_);
    check_.reset();
  }
  while (!at_end_) {
    size_t got = 0;
    if (SSL_read_ex(ssl_, scratch().data(), kRecord, &got) == 1) {
      plain.append(scratch().data(), got);
      continue;
    }
    int error = SSL_get_error(ssl_, 0);
    if (error == SSL_ERROR_WANT_READ) return {};
    if (error != SSL_ERROR_ZERO_RETURN) return failed();
    at_end_ = true;
  }
  return {};
}

Result<> Engine::decode(std::string_view received, std::string& plain,
                        std::string& wire) {
  if (broken_) return fail(Fault::Protocol, "-1");
  wire_->in = received;
  wire_->out = &wire;
  auto result = step(plain);
  *wire_ = {};
  return result;
}

Result<> Engine::encode(std::string_view plain, std::string& wire) {
  if (broken_ || !done_) {
    return fail(Fault::Protocol, "the TLS session does not stand");
  }
  ERR_clear_error();
  wire_->out = &wire;
  Result<> result;
  while (!plain.empty()) {
    size_t written = 0;
    if (SSL_write_ex(ssl_, plain.data(), plain.size(), &written) != 1) {
      result = failed();
      break;
    }
    plain.remove_prefix(written);
  }
  *wire_ = {};
  return result;
}

void Engine::close(std::string& wire) {
  if (broken_ || !done_) return;
  wire_->out = &wire;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
  *wire_ = {};
}

std::vector<std::string> Engine::library_problems() {
  return std::exchange(problems_, {});
}

std::optional<std::string> Engine::take_session() {
  return std::exchange(session_, std::nullopt);
}

int Engine::on_new_session(ssl_st* ssl, ssl_session_st* session) {
  auto* self = static_cast<Engine*>(SSL_get_app_data(ssl));
  int size = i2d_SSL_SESSION(session, nullptr);
  if (size > 0 && SSL_SESSION_is_resumable(session)) {
    std::string bytes(static_cast<size_t>(size), '\0');
    auto* at = reinterpret_cast<unsigned char*>(bytes.data());
    i2d_SSL_SESSION(session, &at);
    self->session_ = std::move(bytes);
  }
  return 0;  // we have kept no reference
}

}  // namespace mail::tls
