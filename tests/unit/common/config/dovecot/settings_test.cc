#include "common/config/dovecot/settings.h"

#include <catch2/catch.hpp>

#include "common/config/dovecot/description.h"
#include "common/config/dovecot/value.h"
#include "tests/unit/common/config/dovecot/fixture.h"

using namespace mail::config::dovecot;
using namespace std::chrono_literals;

namespace {

const SettingInfo& info(Type type) {
  static const SettingInfo kinds[] = {
      {"b", Type::Bool, "no", "", "", false},
      {"u", Type::Uint, "0", "", "", false},
      {"o", Type::Octal, "0", "", "", false},
      {"p", Type::Port, "0", "", "", false},
      {"s", Type::Size, "0", "", "", false},
      {"t", Type::Time, "0", "", "", false},
      {"m", Type::TimeMs, "0", "", "", false},
  };
  return kinds[static_cast<int>(type)];
}

std::string text(Type type, std::string_view in) {
  auto value = read_value(info(type), in);
  return value ? value->text : "! " + value.error().what;
}

SettingsPtr load(const std::string& text, const Context& context = {}) {
  FakeFiles files{{"/d.conf", text}, {"/key", "secret\n"}};
  auto configuration = Configuration::load("/d.conf", files);
  for (const auto& problem : configuration.problems()) {
    UNSCOPED_INFO(problem.message());
  }
  REQUIRE_FALSE(configuration.has_errors());
  auto settings = configuration.settings(context, files);
  REQUIRE(settings);
  return *settings;
}

}  // namespace

TEST_CASE("Each default is a value of its type", "[dovecot]") {
  for (int s = 0; s < 11; ++s) {
    for (int id = 0; id < kSections[s].count; ++id) {
      const auto& setting = kSections[s].settings[id];
      if (setting.type == Type::List || setting.type == Type::Strings) continue;
      INFO(setting.name);
      if (!setting.default_text) continue;
      auto value = read_value(setting, setting.default_text);
      REQUIRE(value);
      CHECK(value->text == setting.default_text);
    }
  }
}

TEST_CASE("Values are read and written in the original's units", "[dovecot]") {
  CHECK(text(Type::Bool, "y") == "yes");
  CHECK(text(Type::Bool, "maybe") ==
        "! Invalid boolean value: maybe (use yes or no)");
  CHECK(text(Type::Octal, "0600") == "0600");
  CHECK(text(Type::Octal, "666") == "01232");
  CHECK(text(Type::Size, "2000") == "2000 B");
  CHECK(text(Type::Size, "1024k") == "1 M");
  CHECK(text(Type::Size, "12x") == "! Invalid size: 12x");
  CHECK(text(Type::Time, "5400s") == "90 mins");
  CHECK(text(Type::Time, "14 days") == "2 weeks");
  CHECK(text(Type::Time, "5m") == "5 mins");
  CHECK(text(Type::Time, "2") ==
        "! Time interval '2' is missing units (add e.g. 's' for seconds)");
  CHECK(text(Type::Time, "2 fortnights") ==
        "! Invalid time interval: 2 fortnights");
  CHECK(text(Type::Time, "1500ms") ==
        "! Milliseconds not supported for this setting: 1500ms");
  CHECK(text(Type::TimeMs, "1500ms") == "1500 ms");
  CHECK(text(Type::Uint, "abc") == "! Invalid number abc: Not a valid number");
}

TEST_CASE("Defaults and what a file sets are read by handles", "[dovecot]") {
  auto settings = load(
      "mail_location = maildir:~/Maildir\n"
      "auth_cache_ttl = 90 mins\n"
      "ssl_key = </key\n"
      "plugin {\n  quota = maildir\n}\n"
      "passdb {\n  driver = pam\n}\npassdb {\n  driver = static\n"
      "  args = nopassword=y\n}\n");
  CHECK(settings->get(setting::mail_location) == "maildir:~/Maildir");
  CHECK(settings->is_set(setting::mail_location));
  CHECK(settings->get(setting::auth_cache_ttl) == 90min);
  CHECK(settings->get(setting::imap_max_line_length) == 65536);
  CHECK(settings->get(setting::login_proxy_timeout) == 30000ms);
  CHECK(settings->get(setting::disable_plaintext_auth));
  CHECK_FALSE(settings->is_set(setting::disable_plaintext_auth));
  CHECK(settings->get(setting::ssl_key) == "secret\n");
  CHECK(settings->get(setting::ssl) == "yes");
  CHECK(settings->plugin("quota") == "maildir");
  auto passdbs = settings->passdbs();
  REQUIRE(passdbs.size() == 2);
  CHECK(passdbs[1].get(setting::passdb::driver) == "static");
  CHECK(passdbs[0].get(setting::passdb::result_success) == "return-ok");
}

TEST_CASE("Services have their defaults and listeners", "[dovecot]") {
  auto settings = load(
      "service auth {\n  unix_listener /var/spool/postfix/private/auth {\n"
      "    mode = 0666\n    user = postfix\n  }\n}\n");
  bool found = false;
  for (const auto& service : settings->services()) {
    if (service.name() != "auth") continue;
    for (const auto& listener : unix_listeners(service)) {
      if (listener.name() != "/var/spool/postfix/private/auth") continue;
      found = true;
      CHECK(listener.get(setting::unix_listener::mode) == 0666);
      CHECK(listener.get(setting::unix_listener::user) == "postfix");
      CHECK(listener.get(setting::unix_listener::path) ==
            "/var/spool/postfix/private/auth");
    }
    CHECK(unix_listeners(service).size() == 7);
    CHECK(service.get(setting::service::user) == "$default_internal_user");
  }
  CHECK(found);
}

TEST_CASE("Filters count where they match", "[dovecot]") {
  const std::string file =
      "mail_plugins = a\n"
      "protocol imap {\n  mail_plugins = $mail_plugins b\n"
      "  passdb {\n    driver = static\n  }\n}\n"
      "passdb {\n  driver = pam\n}\n"
      "local 10.0.0.0/8 {\n  login_greeting = ten\n"
      "  protocol imap {\n    login_greeting = both\n  }\n}\n"
      "local_name *.example.org {\n  ssl_cipher_list = x\n}\n";
  auto outside = load(file);
  CHECK(outside->get(setting::mail_plugins) == "a");
  CHECK(outside->passdbs().size() == 1);
  Context context;
  context.service = "imap";
  auto imap = load(file, context);
  CHECK(imap->get(setting::mail_plugins) == "a b");
  REQUIRE(imap->passdbs().size() == 2);
  CHECK(imap->passdbs()[0].get(setting::passdb::driver) == "static");
  context.local_ip = "10.1.2.3";
  CHECK(load(file, context)->get(setting::login_greeting) == "both");
  context.service = "pop3";
  CHECK(load(file, context)->get(setting::login_greeting) == "ten");
  context.local_name = "MX.example.org";
  CHECK(load(file, context)->get(setting::ssl_cipher_list) == "x");
  context.local_name = "a.mx.example.org";
  CHECK(load(file, context)->get(setting::ssl_cipher_list) != "x");
}
