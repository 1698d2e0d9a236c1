#pragma once

#include <unistd.h>

#include <string>

#include "authd/auth.h"
#include "common/base/file.h"
#include "common/net/loop.h"

namespace mail::authd {

/// Settings with one passwd-file of these lines as passdb and userdb.
struct Fixture {
  std::string path = "/tmp/authd_test." + std::to_string(getpid());
  std::shared_ptr<Settings> settings = std::make_shared<Settings>();
  DirectCalls calls;
  std::unique_ptr<Auth> auth;
  net::Loop loop;

  explicit Fixture(std::string_view lines) {
    (void)replace_file(path, lines, 0600);
    settings->username_format = "%Lu";
    settings->verbose = true;
    settings->username_chars =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890.-_@";
    settings->passdbs.push_back(
        database("passwd-file", "scheme=PLAIN " + path));
    settings->userdbs.push_back(database("passwd-file", path));
  }
  ~Fixture() { unlink(path.c_str()); }

  static DatabaseSettings database(std::string driver, std::string args) {
    DatabaseSettings out;
    out.driver = std::move(driver);
    out.args = std::move(args);
    return out;
  }
  Auth& make(Cache* cache = nullptr) {
    auth = std::move(*Auth::make(settings));
    auth->use(&calls, cache);
    return *auth;
  }
  Request request(std::string_view user,
                  std::string_view remote = "127.0.0.1") {
    Request out;
    out.settings = settings;
    out.mechanism = "PLAIN";
    out.info.service = "imap";
    out.info.remote_ip = remote;
    (void)out.set_user(user);
    return out;
  }
  PassResult login(Request& request, std::string_view password) {
    return loop.run(auth->authenticate(request, password));
  }
  PassResult login(std::string_view user, std::string_view password) {
    Request one = request(user);
    return login(one, password);
  }
};

}  // namespace mail::authd
