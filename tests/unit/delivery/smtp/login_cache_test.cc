#include "delivery/smtp/login_cache.h"

#include <catch2/catch.hpp>

using namespace mail;
using smtpc::LoginCache;

TEST_CASE("a refused login is known as Postfix writes it", "[smtpc]") {
  LoginCache::Login login{"relay.example", "user", "pass"};
  LoginCache::Refusal refusal{"5.7.8", "535 5.7.8 a; b\n535 5.7.8 more"};
  auto then = WallClock::from_time_t(1795559011);
  std::string value = LoginCache::value(login, refusal, then);
  CHECK(LoginCache::key(login) == "relay.example;user");
  CHECK(value ==
        "1795559011;nU4eI71bcnBGqeO0t9tXvY1u5oQ=;5.7.8;535 5.7.8 a; b\n"
        "535 5.7.8 more");
  constexpr std::chrono::hours kDay{24};
  auto found = LoginCache::parse(value, login, then + kDay, kDay);
  REQUIRE(found);
  CHECK(found->dsn == "5.7.8");
  CHECK(found->reply == refusal.reply);
  SECTION("not beyond its time") {
    CHECK_FALSE(LoginCache::parse(value, login,
                                  then + kDay + std::chrono::seconds(1), kDay));
  }
  SECTION("not for another password") {
    login.password = "other";
    CHECK_FALSE(LoginCache::parse(value, login, then, kDay));
  }
  SECTION("nor is what is malformed") {
    for (auto text : {"", "1", "1;2", "1;2;3", "x;y;z;535", ";;;"}) {
      CHECK_FALSE(LoginCache::parse(text, login, then, kDay));
    }
  }
}
