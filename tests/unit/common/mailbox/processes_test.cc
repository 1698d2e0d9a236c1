// Several processes change one mailbox at once, as fast as they can.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "tests/unit/common/mailbox/temporary.h"

namespace mail::mailbox {

namespace {

constexpr int kProcesses = 3, kSteps = 150;

/// What one process did and saw; "" or the first thing that was wrong.
class Worker {
 public:
  Worker(Storage& storage, int number) : random_(number), number_(number) {
    auto opened = storage.open_mailbox("INBOX", OpenMode::ReadWrite);
    if (opened) {
      inbox_ = std::move(*opened);
    } else {
      wrong = opened.error().what;
    }
  }

  void step(int i) {
    auto synced = inbox_->sync();
    if (!synced) return fail(synced.error());
    if (inbox_->highest_modseq() < modseq_) wrong = "the modseq fell";
    modseq_ = inbox_->highest_modseq();
    auto uids = inbox_->uids();
    if (!std::is_sorted(uids.begin(), uids.end())) wrong = "uids fall";
    unsigned what = pick(10);
    if (what < 4 || uids.empty()) return save(i);
    uint32_t uid = uids[pick(static_cast<unsigned>(uids.size()))];
    if (what < 7) {
      Store::Action action =
          pick(2) ? Store::Action::Add : Store::Action::Remove;
      auto flags = static_cast<Flags>(pick(32));
      auto stored =
          inbox_->store({&uid, 1}, {.action = action, .what = {flags, {}}});
      if (!stored) fail(stored.error());
    } else if (what < 8) {
      auto expunged = inbox_->expunge({&uid, 1});
      if (!expunged) fail(expunged.error());
    } else {
      read(uid);
    }
  }

  std::string wrong;
  std::map<uint32_t, std::string> seen;  // subjects

 private:
  unsigned pick(unsigned below) {
    return static_cast<unsigned>(random_() % below);
  }
  void fail(const Error& error) {
    if (error.sys != ENOENT) wrong = error.what;
  }
  void save(int i) {
    std::string subject = fmt::format("p{}i{}", number_, i);
    auto saved = save_one(*inbox_, fmt::format("Subject: {}\n\nx\n", subject));
    if (!saved) return fail(saved.error());
    note((*saved)[0], subject);
  }
  void read(uint32_t uid) {
    auto reader = inbox_->open_message(uid);
    if (!reader) return fail(reader.error());
    std::string text = (*reader)->read_all().value_or("");
    if (text.size() < 10) {
      wrong = fmt::format("uid {} is '{}'", uid, text);
      return;
    }
    note(uid, text.substr(9, text.find('\n') - 9));
  }
  void note(uint32_t uid, const std::string& subject) {
    auto [it, is_new] = seen.emplace(uid, subject);
    if (!is_new && it->second != subject) {
      wrong = fmt::format("uid {} was {}, is {}", uid, it->second, subject);
    }
  }

  std::mt19937 random_;
  int number_;
  uint64_t modseq_ = 0;
  std::unique_ptr<Mailbox> inbox_;
};

std::string work(Home& home, const UserSettings& settings, int number) {
  Registry registry;
  auto storage = Storage::open(registry, settings);
  if (!storage) return storage.error().what;
  Worker worker(**storage, number);
  for (int i = 0; i < kSteps && worker.wrong.empty(); ++i) worker.step(i);
  std::string out;
  for (auto& [uid, subject] : worker.seen) {
    out += fmt::format("{} {}\n", uid, subject);
  }
  home.write(fmt::format("seen{}", number), out);
  return worker.wrong;
}

}  // namespace

TEST_CASE("several processes agree on what is in a mailbox", "[processes]") {
  std::string location =
      GENERATE("maildir:~/Maildir", "mbox:~/mail:INBOX=~/inbox");
  Home home;
  auto settings = home.settings(location);
  settings.options.mail_fsync = Options::Fsync::Never;
  settings.log = nullptr;
  INFO(location);
  for (int i = 1; i <= kProcesses; ++i) {
    if (fork() != 0) continue;
    std::string wrong = work(home, settings, i);
    home.write(fmt::format("wrong{}", i), wrong);
    _exit(wrong.empty() ? 0 : 1);
  }
  int status = 0;
  while (wait(&status) > 0) CHECK(status == 0);
  std::map<std::string, std::string> all;
  for (int i = 1; i <= kProcesses; ++i) {
    CHECK(home.read(fmt::format("wrong{}", i)).empty());
    std::string text = home.read(fmt::format("seen{}", i));
    for (size_t at = 0; at < text.size();) {
      std::string line = text.substr(at, text.find('\n', at) - at);
      at += line.size() + 1;
      size_t blank = line.find(' ');
      auto [it, is_new] = all.emplace(line.substr(0, blank), line);
      CHECK(it->second == line);
    }
  }
  CHECK(all.size() > kSteps);
}

}  // namespace mail::mailbox
