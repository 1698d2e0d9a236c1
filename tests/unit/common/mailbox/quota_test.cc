#include "common/mailbox/quota.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <map>

#include "common/base/file.h"
#include "common/mailbox/storage.h"
#include "tests/unit/common/mailbox/temporary.h"

namespace mail::mailbox {
namespace {

using Plugin = std::map<std::string, std::string>;

PluginSetting plugin_of(Plugin values) {
  return [values](const std::string& name) -> std::optional<std::string> {
    auto it = values.find(name);
    if (it == values.end()) return std::nullopt;
    return it->second;
  };
}

QuotaSettings read(const Plugin& values) {
  auto settings = read_quota_settings(plugin_of(values));
  REQUIRE(settings);
  return *settings;
}

std::string problem(const Plugin& values) {
  auto settings = read_quota_settings(plugin_of(values));
  REQUIRE_FALSE(settings);
  return settings.error().what;
}

}  // namespace

TEST_CASE("amounts have suffixes, a unit without one, or are a share",
          "[quota]") {
  CHECK(parse_quota_amount("5", 1024, 0) == 5120);
  CHECK(parse_quota_amount("5", 1, 0) == 5);
  CHECK(parse_quota_amount("10M", 1024, 0) == 10 << 20);
  CHECK(parse_quota_amount("1 k", 1, 0) == 1024);
  CHECK(parse_quota_amount("1GB", 1, 0) == 1 << 30);
  CHECK(parse_quota_amount("7b", 1024, 0) == 7);
  CHECK(parse_quota_amount("10%", 1, 2000) == 200);
  for (auto text : {"", "x", "-1", "1Z", "1kk", "99999999999T"}) {
    CHECK(parse_quota_amount(text, 1, 0) == std::nullopt);
  }
}

TEST_CASE("each rule sets what it names", "[quota]") {
  auto settings = read({{"quota", "maildir:x"},
                        {"quota_rule", "*:storage=50K:messages=20"},
                        {"quota_rule2", "*:storage=90K"},
                        {"quota_rule3", "Trash:storage=+10K"},
                        {"quota_rule4", "Trash:messages=+3"}});
  CHECK(settings.roots[0].limit == QuotaAmount{92160, 20});
  CHECK(settings.roots[0].limit_in("Trash") == QuotaAmount{102400, 23});
  CHECK(problem({{"quota", "maildir:x"}, {"quota_rule", "*:storage=+10K"}})
            .ends_with("Invalid rule *:storage=+10K: Rule limit cannot have "
                       "'+'"));
  CHECK(problem({{"quota", "maildir:x"}, {"quota_rule", "*:storage=-1K"}})
            .ends_with("Bytes limit can't be negative"));
}

TEST_CASE("rules of mailboxes add to the limit of all", "[quota]") {
  auto settings = read({{"quota", "maildir:User quota"},
                        {"quota_rule", "Trash:storage=+100%"},
                        {"quota_rule2", "*:storage=50K:messages=20"},
                        {"quota_rule3", "Spam:ignore"},
                        {"quota_rule4", "Less:storage=-10K"}});
  REQUIRE(settings.roots.size() == 1);
  const QuotaRoot& root = settings.roots[0];
  CHECK(root.name == "User quota");
  CHECK(root.backend == QuotaRoot::Backend::Maildir);
  CHECK(root.limit == QuotaAmount{51200, 20});
  CHECK(root.limit_in("INBOX") == QuotaAmount{51200, 20});
  CHECK(root.limit_in("Trash") == QuotaAmount{102400, 20});
  CHECK(root.limit_in("Less") == QuotaAmount{40960, 20});
  CHECK(root.rule_for("Spam")->ignore);
  CHECK(root.rule_for("Other") == nullptr);
  CHECK(root.grace.percent == 10);
}

TEST_CASE("wrong quota settings are told in the original's words", "[quota]") {
  CHECK(problem({{"quota", "nosuch:x"}}) ==
        "Failed to initialize quota: Invalid quota root quota: Unknown quota "
        "backend: nosuch");
  CHECK(problem({{"quota", "count:User quota:bar"}, {"quota_vsizes", "yes"}}) ==
        "Failed to initialize quota: Quota root User quota: count quota init "
        "failed: Unknown parameter for backend count: bar");
  CHECK(problem({{"quota", "maildir:x"}, {"quota_rule", "*:foo=1"}}) != "");
  CHECK(problem({{"quota", "maildir:x"}, {"quota_rule", "foo"}}) != "");
  CHECK(problem({{"quota", "count:x"}}) != "");
  CHECK(read({{"quota", "dict:User quota::proxy::quota"}}).unbuilt.size() == 1);
  CHECK(read({}).roots.empty());
}

TEST_CASE("maildirsize is a sum of its lines", "[quota]") {
  auto file = parse_maildirsize("51200S,20C\n53596 7\n-1147 -1\n");
  REQUIRE(file);
  CHECK(file->limit == QuotaAmount{51200, 20});
  CHECK(file->bytes == 52449);
  CHECK(file->messages == 6);
  CHECK(file->lines == 2);
  CHECK(parse_maildirsize("20C\n")->limit == QuotaAmount{0, 20});
  CHECK(format_maildirsize({51200, 20}, {10, 2}) == "51200S,20C\n10 2\n");
  CHECK(format_maildirsize({0, 20}, {}) == "20C\n0 0\n");
  CHECK(format_maildirsize({}, {5, 1}) == "0S\n5 1\n");
  for (auto text : {"", "51200S", "51200S\n1 2", "51200X\n", "1S\n1\n",
                    "1S\na b\n", "1S\n1 2 3\n"}) {
    CHECK_FALSE(parse_maildirsize(text));
  }
}

TEST_CASE("a full mailbox takes no more, and its file says what there is",
          "[quota]") {
  Home home;
  auto settings = home.settings("maildir:" + home.path + "/Maildir");
  settings.quota = std::make_shared<QuotaSettings>(
      read({{"quota", "maildir:q"},
            {"quota_rule", "*:bytes=1000"},
            {"quota_rule2", "Trash:bytes=+500"}}));
  Registry registry;
  auto storage = Storage::open(registry, settings);
  REQUIRE(storage);
  auto save = [&](const std::string& name, size_t size) -> Result<> {
    auto saving = TRY((*storage)->save(name, Uids::Later));
    TRY(saving->begin({}));
    TRY(saving->write(std::string(size, 'x')));
    TRY(saving->end());
    TRY(saving->finish());
    return {};
  };
  REQUIRE(save("INBOX", 600));
  auto refused = save("INBOX", 600);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().sys == EDQUOT);
  CHECK(refused.error().what == "Quota exceeded (mailbox for user is full)");
  std::string file = home.path + "/Maildir/maildirsize";
  CHECK(read_file(file, 1000) == "1000S\n0 0\n600 1\n");
  REQUIRE((*storage)->create("Trash"));
  {
    auto inbox = (*storage)->open_mailbox("INBOX", OpenMode::ReadWrite);
    auto trash = (*storage)->open_mailbox("Trash", OpenMode::ReadWrite);
    REQUIRE(inbox);
    REQUIRE(trash);
    uint32_t first[] = {1};
    CHECK((*inbox)->copy(first, **trash));        // 1200 of 1500
    CHECK_FALSE((*inbox)->copy(first, **trash));  // 1800
    CHECK((*inbox)->move(first, **trash));        // no more than before
    REQUIRE((*trash)->sync());
    CHECK((*trash)->expunge(first));
  }
  auto usage = (*storage)->quota()->usage(settings.quota->roots[0]);
  REQUIRE(usage);
  CHECK(usage->used == QuotaAmount{600, 1});
  REQUIRE((*storage)->remove("Trash"));
  CHECK((*storage)->quota()->usage(settings.quota->roots[0])->used ==
        QuotaAmount{0, 0});
}

TEST_CASE("a delivery may be the one that goes beyond the limit", "[quota]") {
  Home home;
  auto settings = home.settings("maildir:" + home.path + "/Maildir");
  settings.quota = std::make_shared<QuotaSettings>(
      read({{"quota", "count:q"},
            {"quota_vsizes", "yes"},
            {"quota_rule", "*:bytes=1000:messages=3"}}));
  settings.delivers = true;
  Registry registry;
  auto storage = Storage::open(registry, settings);
  REQUIRE(storage);
  Quota& quota = *(*storage)->quota();
  auto fits = [&](uint64_t bytes) {
    QuotaSize size{bytes, bytes, 1};
    return quota.allow("INBOX", size, size).has_value();
  };
  CHECK(fits(1000));
  CHECK(fits(1100));
  CHECK_FALSE(fits(1101));
}

}  // namespace mail::mailbox
