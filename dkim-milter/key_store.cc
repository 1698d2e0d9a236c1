#include "dkim-milter/key_store.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/crypto/secret.h"
#include "common/dkim/tag_list.h"
#include "dkim-milter/key_safety.h"

namespace mail::dkim_milter {

namespace {

constexpr size_t kMaxKeyFile = 65535;
constexpr size_t kMaxKeys = 100000;
constexpr auto kRetry = std::chrono::seconds(10);

bool is_file(std::string_view text) {
  return text.starts_with('/') || text.starts_with("./") ||
         text.starts_with("../");
}

Failure cannot_open(const std::string& path, int error, uid_t uid) {
  std::string remedy;
  struct stat status;
  if (error == EACCES) {
    remedy = fmt::format(
        " (to mend: chown {} {} and let it enter the "
        "directories above)",
        uid, path);
    if (stat(path.c_str(), &status) == 0) {
      remedy = fmt::format(" (mode {:04o}, owner {}; to mend: chown {} {})",
                           status.st_mode & 07777, status.st_uid, uid, path);
    }
  }
  return fail(Fault::Config,
              fmt::format("{}: {}{}", path, strerror(error), remedy));
}

}  // namespace

Result<KeyPtr> KeyStore::get(const std::string& text) {
  std::lock_guard lock(mutex_);
  auto at = keys_.find(text);
  if (at != keys_.end() &&
      (at->second.key || Clock::now() < at->second.until)) {
    return at->second.key;
  }
  Result<KeyPtr> key = load(text);
  if (!key && before_) {
    if (KeyPtr old = before_->known(text)) {
      warnings_.push_back(key.error().what +
                          "; the key that was read before stays in use");
      key = std::move(old);
    }
  }
  if (keys_.size() >= kMaxKeys) keys_.clear();
  keys_.insert_or_assign(text, Kept{key, Clock::now() + kRetry});
  return key;
}

KeyPtr KeyStore::known(const std::string& text) {
  std::lock_guard lock(mutex_);
  auto at = keys_.find(text);
  return at != keys_.end() && at->second.key ? *at->second.key : nullptr;
}

void KeyStore::forget_before() {
  std::lock_guard lock(mutex_);
  before_.reset();
}

std::vector<std::string> KeyStore::take_warnings() {
  std::lock_guard lock(mutex_);
  return std::exchange(warnings_, {});
}

Result<KeyPtr> KeyStore::load(const std::string& text) {
  if (is_file(text)) return load_file(text);
  bool pem = text.find("-----BEGIN") != std::string::npos;
  if (!pem && !text.starts_with("MII")) {
    // What begins like nothing else is a file relative to where we are.
    return load_file(text);
  }
  auto key = crypto::PrivateKey::parse(pem ? text : dkim::decode_base64(text));
  if (!key) return fail(std::move(key.error()));
  return std::make_shared<const crypto::PrivateKey>(std::move(*key));
}

Result<KeyPtr> KeyStore::load_file(const std::string& path) {
  auto fd = open_file(path, O_RDONLY | O_NONBLOCK);
  if (!fd) return cannot_open(path, fd.error().sys, rules_.uid);
  if (auto safe = check_key_safety(path, rules_.uid); !safe) {
    std::string text = safe.error().what;
    if (text.ends_with("Not a regular file")) return fail(Fault::Config, text);
    text = fmt::format("{}: key data is not secure: {}", path, text);
    if (rules_.require_safe) return fail(Fault::Config, std::move(text));
    warnings_.push_back(std::move(text));
  }
  auto text = read_file(path, kMaxKeyFile);
  if (!text) return fail(Fault::Config, text.error().what);
  crypto::Secret secret(std::move(*text));
  auto key = crypto::PrivateKey::parse(secret.reveal());
  if (!key) {
    return fail(Fault::Config, fmt::format("{}: not a private key ({})", path,
                                           key.error().what));
  }
  return std::make_shared<const crypto::PrivateKey>(std::move(*key));
}

}  // namespace mail::dkim_milter
