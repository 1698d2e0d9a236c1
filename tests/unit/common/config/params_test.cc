#include <catch2/catch.hpp>

#include "common/config/postfix/expand.h"
#include "common/config/postfix/param_info.h"
#include "tests/unit/common/config/fixture.h"

namespace mail::config {

TEST_CASE("Each parameter stands once, in order, with a reader", "[config]") {
  REQUIRE(kParamCount == param::kCount);
  for (int i = 0; i < kParamCount; ++i) {
    INFO(kParams[i].name);
    if (i > 0) CHECK(kParams[i - 1].name < kParams[i].name);
    CHECK(find_param(kParams[i].name) == i);
    CHECK_FALSE(kParams[i].readers.empty());
    CHECK(reads(kParams[i], "nobody") == (kParams[i].readers == "all"));
  }
  CHECK_FALSE(find_param("no_such_parameter"));
  CHECK_FALSE(find_param(""));
  CHECK(kParams[param::smtpd_helo_required.id].name == "smtpd_helo_required");
  CHECK(kParams[param::client::helo_name.lmtp.id].name == "lmtp_lhlo_name");
}

TEST_CASE("Defaults refer only to names that exist", "[config]") {
  for (int i = 0; i < kParamCount; ++i) {
    const ParamInfo& info = kParams[i];
    if (info.type == Type::Raw) continue;
    INFO(info.name);
    REQUIRE(scan_names(info.default_text, [](std::string_view name) {
      INFO(name);
      CHECK((find_param(name) || is_legacy_param(name)));
    }));
  }
  for (int i = 0; i < kLegacyParamCount; ++i) {
    CHECK(find_param(kLegacyParams[i].successor));
  }
}

TEST_CASE("An old name still feeds its successor", "[config]") {
  Fixture fixture("virtual_maps = hash:/v\npostscreen_dnsbl_ttl = 2\n");
  auto settings = fixture.load();
  REQUIRE(settings);
  CHECK((*settings)->get(param::virtual_alias_maps) == "hash:/v");
  CHECK((*settings)->get(param::postscreen_dnsbl_max_ttl) ==
        std::chrono::hours(2));
}

TEST_CASE("What nothing reads is told when it is set", "[config]") {
  // qmgr_fudge_factor is oqmgr(8)'s, which this suite does not have.
  Fixture fixture(
      "mail_name = x\nown = $qmgr_clog_warn_time\n\n"
      "qmgr_fudge_factor = 50\n");
  auto settings = fixture.load();
  REQUIRE(settings);
  auto unbuilt = (*settings)->unbuilt_but_set();
  REQUIRE_FALSE(unbuilt.empty());
  CHECK(unbuilt.back().name == "qmgr_fudge_factor");
  CHECK(unbuilt.back().line == 4);
  CHECK(unbuilt.back().file == "/etc/postfix/main.cf");
}

TEST_CASE("What defaults are computed of counts as read", "[config]") {
  Fixture fixture("mynetworks_style = subnet\n");
  auto settings = fixture.load();
  REQUIRE(settings);
  CHECK((*settings)->unbuilt_but_set().empty());
}

TEST_CASE("To be in proxy_read_maps is no use of a parameter", "[config]") {
  // postscreen(8)'s, which this suite does not have.
  Fixture fixture("postscreen_reject_footer_maps = pcre:/x\n");
  auto settings = fixture.load();
  REQUIRE(settings);
  auto unbuilt = (*settings)->unbuilt_but_set();
  REQUIRE(unbuilt.size() == 1);
  CHECK(unbuilt.back().name == "postscreen_reject_footer_maps");
}

}  // namespace mail::config
