#include "common/mailbox/quota.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "common/base/handle.h"
#include "common/mailbox/maildir_name.h"
#include "common/mailbox/storage.h"

namespace mail::mailbox {

namespace {

using Directory = Handle<DIR, closedir>;
constexpr int64_t kOldSum = 15 * 60;  // seconds; Maildir++
constexpr int64_t kSettled = 2;       // no change can hide in the same time

/// Adds a directory's messages. False: a name does not say its sizes.
Result<bool> add_directory(const std::string& path, bool with_virtual,
                           QuotaSize& size) {
  Directory directory(opendir(path.c_str()));
  if (!directory && errno == ENOENT) return true;
  if (!directory) return fail_errno(fmt::format("opendir({})", path), errno);
  while (const dirent* entry = readdir(directory.get())) {
    std::string_view name = entry->d_name;
    if (name.starts_with('.')) continue;
    std::string_view base = parse_maildir_name(name).base;
    auto physical = size_in_name(base, 'S');
    auto virtual_size = size_in_name(base, 'W');
    if (!physical || (with_virtual && !virtual_size)) {
      struct stat info;
      if (with_virtual) return false;
      std::string file = fmt::format("{}/{}", path, name);
      if (stat(file.c_str(), &info) != 0) continue;
      physical = static_cast<uint64_t>(info.st_size);
    }
    size.physical += *physical;
    size.virtual_size += virtual_size.value_or(*physical);
    ++size.messages;
  }
  return true;
}

bool exceeds(const QuotaAmount& used, const QuotaAmount& limit) {
  return (limit.bytes && used.bytes > limit.bytes) ||
         (limit.messages && used.messages > limit.messages);
}

}  // namespace

bool Quota::keeps_sums() const {
  return std::any_of(settings_->roots.begin(), settings_->roots.end(),
                     [](const QuotaRoot& root) {
                       return root.backend == QuotaRoot::Backend::Maildir;
                     });
}

uint64_t Quota::bytes_of(const QuotaSize& size) const {
  return settings_->virtual_sizes ? size.virtual_size : size.physical;
}

/// Whether a root is for a mailbox by its namespace.
bool Quota::belongs(const QuotaRoot& root, std::string_view mailbox) const {
  using Type = NamespaceSettings::Type;
  NamespaceInfo best{Type::Private, "", '/', false, false};
  bool found = false;
  for (const NamespaceInfo& one : storage_.namespaces()) {
    bool inside =
        mailbox.starts_with(one.prefix) || (one.inbox && mailbox == "INBOX");
    if (inside && (!found || one.prefix.size() > best.prefix.size())) {
      best = one;
      found = true;
    }
  }
  if (root.name_space) return best.prefix == *root.name_space;
  return best.type == Type::Private;
}

std::vector<const QuotaRoot*> Quota::roots_of(std::string_view mailbox) const {
  std::vector<const QuotaRoot*> out;
  for (const QuotaRoot& root : settings_->roots) {
    if (belongs(root, mailbox)) out.push_back(&root);
  }
  return out;
}

Result<QuotaSize> Quota::measure(std::string_view mailbox) {
  std::string path = TRY(storage_.path(mailbox, Storage::PathType::Mailbox));
  QuotaSize out;
  if (is_directory(path)) {
    Stamp stamps[2] = {Stamp::of(path + "/new"), Stamp::of(path + "/cur")};
    auto known = known_.find(mailbox);
    if (known != known_.end() && known->second.stamps[0] == stamps[0] &&
        known->second.stamps[1] == stamps[1]) {
      return known->second.size;
    }
    bool told =
        TRY(add_directory(path + "/new", settings_->virtual_sizes, out));
    told = told &&
           TRY(add_directory(path + "/cur", settings_->virtual_sizes, out));
    if (told) {
      int64_t now = time(nullptr);
      bool settled = stamps[0].seconds + kSettled < now &&
                     stamps[1].seconds + kSettled < now;
      if (settled) {
        known_[std::string(mailbox)] = {{stamps[0], stamps[1]}, out};
      }
      return out;
    }
  }
  Status status = TRY(storage_.status(mailbox, /*with_size=*/true));
  return QuotaSize{status.size, status.size, status.messages};
}

Result<QuotaAmount> Quota::sum(const QuotaRoot& root) {
  QuotaAmount out;
  ListOptions options;
  options.return_children = false;
  auto entries = TRY(storage_.list("", {"*"}, options));
  for (const ListEntry& entry : entries) {
    if (entry.no_select || entry.non_existent) continue;
    const QuotaRule* rule = root.rule_for(entry.name);
    if ((rule && rule->ignore) || !belongs(root, entry.name)) continue;
    // auto=create ones that nobody has opened yet.
    std::string path =
        TRY(storage_.path(entry.name, Storage::PathType::Mailbox));
    struct stat info;
    if (stat(path.c_str(), &info) != 0) continue;
    auto size = measure(entry.name);
    if (!size && size.error().sys == ENOENT) continue;
    if (!size) return fail(size.error());
    out.bytes += bytes_of(*size);
    out.messages += size->messages;
  }
  return out;
}

/// Empty: mailboxes are not a Maildir.
std::string Quota::file_of(const QuotaRoot& root) const {
  if (root.backend != QuotaRoot::Backend::Maildir) return "";
  auto path = storage_.path("INBOX", Storage::PathType::Mailbox);
  if (!path) return "";
  struct stat info;
  bool file = stat(path->c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
  return file ? "" : *path + "/maildirsize";
}

Result<Maildirsize> Quota::rebuild(const QuotaRoot& root,
                                   const std::string& path,
                                   const QuotaAmount& limit) {
  QuotaAmount used = TRY(sum(root));
  std::string directory = path.substr(0, path.rfind('/'));
  Permissions permissions = Permissions::of(directory);
  Maildirsize out;
  out.limit = limit;
  out.bytes = static_cast<int64_t>(used.bytes);
  out.messages = static_cast<int64_t>(used.messages);
  out.lines = 1;
  // Nobody has mail yet: it is made with the first.
  if (!is_directory(directory + "/tmp")) return out;
  std::string temporary =
      fmt::format("{}/tmp/{}", directory,
                  new_maildir_base(storage_.settings().options.hostname));
  TRY(permissions.replace(path, temporary, format_maildirsize(limit, used),
                          /*sync=*/false));
  return out;
}

Result<Quota::Usage> Quota::from_file(const QuotaRoot& root,
                                      const std::string& path) {
  int64_t age = 0;
  auto known = read_maildirsize(path, age);
  QuotaAmount limit = root.limit_from_file && known ? known->limit : root.limit;
  bool good = known && known->limit == limit;
  if (good) {
    QuotaAmount used{natural(known->bytes), natural(known->messages)};
    good = known->bytes >= 0 && known->messages >= 0 &&
           !(exceeds(used, limit) && (known->lines > 1 || age > kOldSum));
  }
  if (!good) known = TRY(rebuild(root, path, limit));
  return Usage{{natural(known->bytes), natural(known->messages)}, limit};
}

Result<Quota::Usage> Quota::usage(const QuotaRoot& root) {
  std::string path = file_of(root);
  if (!path.empty()) return from_file(root, path);
  // Debian's does not count what is not a Maildir with this backend.
  if (root.backend == QuotaRoot::Backend::Maildir) return Usage{{}, root.limit};
  return Usage{TRY(sum(root)), root.limit};
}

Result<> Quota::recalculate(const QuotaRoot& root) {
  known_.clear();
  std::string path = file_of(root);
  if (path.empty()) return {};
  int64_t age = 0;
  auto known = read_maildirsize(path, age);
  TRY(rebuild(root, path,
              root.limit_from_file && known ? known->limit : root.limit));
  return {};
}

Result<> Quota::allow(std::string_view mailbox, const QuotaSize& size,
                      const QuotaSize& largest) {
  uint64_t bytes = bytes_of(size);
  if (settings_->max_mail_size &&
      bytes_of(largest) > settings_->max_mail_size) {
    return fail(Error{Fault::Permanent,
                      "Mail size is larger than the maximum size allowed by "
                      "server configuration",
                      E2BIG});
  }
  for (const QuotaRoot* root : roots_of(mailbox)) {
    const QuotaRule* rule = root->rule_for(mailbox);
    if (!root->enforced || (rule && rule->ignore)) continue;
    Usage now = TRY(usage(*root));
    if (!now.limit.bytes && !now.limit.messages) continue;
    QuotaRoot as_is = *root;
    as_is.limit = now.limit;
    QuotaAmount limit = as_is.limit_in(mailbox);
    bool may_go_beyond =
        kind_ == Kind::Delivery && limit.bytes && now.used.bytes <= limit.bytes;
    if (may_go_beyond) {
      limit.bytes +=
          root->grace.bytes + root->limit.bytes / 100 * root->grace.percent;
    }
    QuotaAmount then{now.used.bytes + bytes, now.used.messages + size.messages};
    if (!exceeds(then, limit)) continue;
    return fail(Error{Fault::Permanent, settings_->exceeded, EDQUOT});
  }
  return {};
}

void Quota::note(std::string_view mailbox, Change change,
                 const QuotaSize& size) {
  if (size.messages == 0) return;
  int64_t sign = change == Change::Added ? 1 : -1;
  for (const QuotaRoot* root : roots_of(mailbox)) {
    const QuotaRule* rule = root->rule_for(mailbox);
    std::string path = file_of(*root);
    if (path.empty() || (rule && rule->ignore)) continue;
    append_maildirsize(path, sign * static_cast<int64_t>(bytes_of(size)),
                       sign * static_cast<int64_t>(size.messages));
  }
}

namespace {

class QuotaSaving final : public Saving {
 public:
  QuotaSaving(std::unique_ptr<Saving> saving, std::shared_ptr<Quota> quota,
              std::string mailbox)
      : saving_(std::move(saving)),
        quota_(std::move(quota)),
        mailbox_(std::move(mailbox)) {}

  Result<> begin(const SaveOptions& options) override {
    return saving_->begin(options);
  }
  Result<> write(std::string_view bytes) override {
    return saving_->write(bytes);
  }
  Result<> end() override {
    TRY(saving_->end());
    QuotaSize last = saving_->size();
    total_.physical += last.physical;
    total_.virtual_size += last.virtual_size;
    ++total_.messages;
    return quota_->allow(mailbox_, total_, last);
  }
  Result<> sync() override { return saving_->sync(); }
  Result<std::vector<uint32_t>> commit() override {
    auto uids = TRY(saving_->commit());
    quota_->note(mailbox_, Quota::Change::Added, total_);
    return uids;
  }
  Result<> settle() override { return saving_->settle(); }
  QuotaSize size() const override { return saving_->size(); }

 private:
  std::unique_ptr<Saving> saving_;
  std::shared_ptr<Quota> quota_;
  std::string mailbox_;
  QuotaSize total_;
};

}  // namespace

std::unique_ptr<Saving> with_quota(std::unique_ptr<Saving> saving,
                                   std::shared_ptr<Quota> quota,
                                   std::string mailbox) {
  if (!quota) return saving;
  return std::make_unique<QuotaSaving>(std::move(saving), std::move(quota),
                                       std::move(mailbox));
}

}  // namespace mail::mailbox
