#include "common/mailbox/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "common/base/ascii.h"
#include "common/mailbox/maildir_state.h"
#include "common/mailbox/mbox_state.h"
#include "common/mailbox/namespace.h"
#include "common/mailbox/quota.h"
#include "common/mailbox/registry.h"
#include "common/mailbox/subscriptions.h"

namespace mail::mailbox {

namespace {

Failure refuse(std::string text, int error) {
  return fail(Error{Fault::Permanent, std::move(text), error});
}

Failure missing(std::string_view name) {
  return refuse(fmt::format("Mailbox doesn't exist: {}", name), ENOENT);
}

Failure bad_namespaces(std::string_view reason) {
  return fail(Fault::Config,
              fmt::format("namespace configuration error: {}", reason));
}

using List = NamespaceSettings::List;

Result<> check_namespaces(
    const std::vector<std::unique_ptr<Namespace>>& spaces) {
  int inboxes = 0, listed = 0, subscribing = 0;
  char separator = 0;
  for (size_t i = 0; i < spaces.size(); ++i) {
    const NamespaceSettings& one = spaces[i]->settings();
    for (size_t k = 0; k < i; ++k) {
      if (spaces[k]->settings().prefix == one.prefix) {
        return bad_namespaces(
            fmt::format("Duplicate namespace prefix: \"{}\"", one.prefix));
      }
    }
    if (one.inbox) ++inboxes;
    if (one.subscriptions) ++subscribing;
    if (one.list == List::No) continue;
    ++listed;
    char own = spaces[i]->separator();
    if (one.list == List::Yes && !one.prefix.empty()) {
      if (!one.prefix.ends_with(own)) {
        return bad_namespaces(
            fmt::format("list=yes requires prefix={} to end with separator {}",
                        one.prefix, own));
      }
      if (one.prefix[0] == own) {
        return bad_namespaces(fmt::format(
            "list=yes requires prefix={} not to start with separator",
            one.prefix));
      }
    }
    if (separator != 0 && separator != own) {
      return bad_namespaces(
          "All list=yes namespaces must use the same separator");
    }
    separator = own;
  }
  if (inboxes == 0) return bad_namespaces("inbox=yes namespace missing");
  if (inboxes > 1) {
    return bad_namespaces("There can be only one namespace with inbox=yes");
  }
  if (listed == 0) return bad_namespaces("list=yes namespace missing");
  if (subscribing == 0) {
    return bad_namespaces("subscriptions=yes namespace missing");
  }
  return {};
}

}  // namespace

Storage::Storage(Registry& registry, UserSettings settings)
    : registry_(registry),
      settings_(std::make_shared<const UserSettings>(std::move(settings))) {}

Storage::~Storage() = default;

Result<std::unique_ptr<Storage>> Storage::open(Registry& registry,
                                               UserSettings settings) {
  std::unique_ptr<Storage> out(new Storage(registry, std::move(settings)));
  const UserSettings& all = *out->settings_;
  std::vector<NamespaceSettings> spaces = all.namespaces;
  if (spaces.empty()) {
    spaces.emplace_back();
    spaces[0].inbox = true;
  }
  for (NamespaceSettings& one : spaces) {
    if (one.disabled) continue;
    if (one.type == NamespaceSettings::Type::Shared &&
        one.prefix.find('%') != std::string::npos) {
      if (all.log) {
        all.log(UserSettings::Severity::Warning,
                fmt::format("Namespace '{}': shared namespaces by user are not "
                            "supported, left out",
                            one.prefix));
      }
      continue;
    }
    auto location = parse_location(
        one.location.empty() ? all.mail_location : one.location, all.owner);
    if (!location) {
      Error error = location.error();
      error.what = fmt::format("Namespace '{}': {}", one.prefix, error.what);
      if (!one.ignore_on_failure) return fail(error);
      continue;
    }
    if (one.separator.size() > 1) {
      return bad_namespaces(fmt::format(
          "Hierarchy separator must be only one character long (prefix={})",
          one.prefix));
    }
    char separator =
        one.separator.empty() ? location->separator() : one.separator[0];
    out->namespaces_.push_back(
        std::make_unique<Namespace>(one, Layout(*location), separator));
  }
  TRY(check_namespaces(out->namespaces_));
  if (all.quota) {
    for (const std::string& what : all.quota->unbuilt) {
      if (!all.log) break;
      all.log(UserSettings::Severity::Warning,
              fmt::format("plugin {{ {} }} is set, but not built yet", what));
    }
    out->quota_ = std::make_shared<Quota>(
        *out, all.quota,
        all.delivers ? Quota::Kind::Delivery : Quota::Kind::Strict);
  }
  return out;
}

std::vector<NamespaceInfo> Storage::namespaces() const {
  std::vector<NamespaceInfo> out;
  std::vector<const Namespace*> sorted;
  for (auto& one : namespaces_) sorted.push_back(one.get());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Namespace* a, const Namespace* b) {
                     return a->settings().order < b->settings().order;
                   });
  for (const Namespace* one : sorted) {
    const NamespaceSettings& s = one->settings();
    out.push_back({s.type, s.prefix, one->separator(), s.hidden, s.inbox});
  }
  return out;
}

char Storage::separator() const {
  for (auto& one : namespaces_) {
    if (one->settings().inbox) return one->separator();
  }
  return '/';
}

Result<Storage::Place> Storage::resolve(std::string_view name) const {
  Namespace* best = nullptr;
  int length = -1;
  bool inbox = iequals(name, "INBOX");
  for (auto& one : namespaces_) {
    if (inbox && one->settings().inbox) {
      best = one.get();
      break;
    }
    int match = one->match(name);
    if (match > length) {
      length = match;
      best = one.get();
    }
  }
  if (!best) {
    std::string hint;
    for (auto& one : namespaces_) {
      if (one->settings().inbox) hint = one->settings().prefix;
    }
    return refuse(fmt::format("Client tried to access nonexistent namespace. "
                              "(Mailbox name should probably be prefixed with: "
                              "{})",
                              hint),
                  ENOENT);
  }
  std::string storage = TRY(best->storage_name(name));
  return Place{best, inbox ? "INBOX" : std::string(name), storage};
}

const MailboxSettings* Storage::settings_of(std::string_view name) const {
  auto place = resolve(name);
  return place ? place->space->settings_of(place->name) : nullptr;
}

MailboxPaths Storage::paths_of(const Place& place) const {
  const Layout& layout = place.space->layout();
  const Location& location = layout.location();
  MailboxPaths out;
  out.label = place.name;
  out.mailbox = layout.mailbox_path(place.storage);
  out.control = layout.control_path(place.storage);
  out.validity =
      location.driver == Driver::Mbox ? location.index : location.control;
  if (!location.index_in_memory) out.index = location.index;
  out.index_key = out.mailbox;
  return out;
}

Result<std::shared_ptr<State>> Storage::state(const Place& place) {
  MailboxPaths paths = paths_of(place);
  Result<> loaded;
  auto state = registry_.state(paths.mailbox, [&]() -> std::shared_ptr<State> {
    const Layout& layout = place.space->layout();
    loaded = layout.mend(place.storage);
    if (!loaded) return nullptr;
    std::shared_ptr<State> made;
    if (layout.location().driver == Driver::Mbox) {
      made = std::make_shared<MboxState>(registry_, paths, settings_);
    } else {
      made = std::make_shared<MaildirState>(registry_, paths, settings_);
    }
    loaded = made->load();
    return loaded ? made : nullptr;
  });
  TRY(loaded);
  return state;
}

Result<> Storage::make_if_automatic(const Place& place) {
  const Layout& layout = place.space->layout();
  if (layout.kind_of(place.storage) == Layout::Kind::Mailbox) return {};
  if (place.storage == "INBOX" && place.space->settings().inbox) {
    return layout.create_inbox(settings_->options.privileged_group);
  }
  using Auto = MailboxSettings::Auto;
  const MailboxSettings* settings = place.space->settings_of(place.name);
  if (!settings || settings->automatic == Auto::No) return missing(place.name);
  auto made = layout.create(place.storage);
  if (!made && made.error().sys != EEXIST) return made;
  if (settings->automatic == Auto::Subscribe) {
    TRY(set_subscribed(place.name, true));
  }
  return {};
}

Result<std::unique_ptr<Mailbox>> Storage::open_mailbox(std::string_view name,
                                                       OpenMode mode) {
  Place place = TRY(resolve(name));
  TRY(make_if_automatic(place));
  auto opened = TRY(state(place));
  TRY(opened->refresh());
  return std::make_unique<Mailbox>(
      opened, place.name, mode == OpenMode::ReadOnly, settings_, quota_);
}

Result<std::unique_ptr<Saving>> Storage::save(std::string_view name,
                                              Uids uids) {
  Place place = TRY(resolve(name));
  TRY(make_if_automatic(place));
  if (uids == Uids::Now ||
      place.space->layout().location().driver == Driver::Mbox) {
    auto opened = TRY(state(place));
    if (uids == Uids::Later) saved_to_ = opened;
    return with_quota(TRY(opened->save(uids)), quota_, place.name);
  }
  TRY(place.space->layout().mend(place.storage));
  auto bare =
      std::make_shared<MaildirState>(registry_, paths_of(place), settings_);
  bare->prepare();
  return with_quota(TRY(bare->save(uids)), quota_, place.name);
}

Result<Status> Storage::status(std::string_view name, bool with_size) {
  Place place = TRY(resolve(name));
  TRY(make_if_automatic(place));
  auto opened = TRY(state(place));
  TRY(opened->refresh());
  Result<> trouble;
  Status out = opened->status(with_size, trouble);
  if (!opened->has_sessions()) opened->close();
  TRY(trouble);
  return out;
}

Result<bool> Storage::exists(std::string_view name) {
  Place place = TRY(resolve(name));
  if (place.space->layout().kind_of(place.storage) == Layout::Kind::Mailbox) {
    return true;
  }
  if (place.storage == "INBOX") return true;
  const MailboxSettings* settings = place.space->settings_of(place.name);
  return settings && settings->automatic != MailboxSettings::Auto::No;
}

Result<std::string> Storage::path(std::string_view name, PathType type) {
  Place place = TRY(resolve(name));
  const Layout& layout = place.space->layout();
  switch (type) {
    case PathType::Mailbox:
      return layout.mailbox_path(place.storage);
    case PathType::Control:
      return layout.control_path(place.storage);
    case PathType::Index:
      return layout.index_path(place.storage);
  }
  return std::string();
}

Result<> Storage::create(std::string_view name) {
  bool directory = false;
  if (name.size() > 1 && name.back() == separator()) {
    name.remove_suffix(1);
    directory = true;
  }
  Place place = TRY(resolve(name));
  TRY(place.space->check_new_name(name));
  const Layout& layout = place.space->layout();
  if (place.storage == "INBOX" && place.space->settings().inbox) {
    return refuse("Mailbox already exists", EEXIST);
  }
  return directory ? layout.create_directory(place.storage)
                   : layout.create(place.storage);
}

Result<> Storage::remove(std::string_view name) {
  Place place = TRY(resolve(name));
  if (place.storage == "INBOX" && place.space->settings().inbox) {
    return refuse("INBOX can't be deleted", EPERM);
  }
  const Layout& layout = place.space->layout();
  if (layout.kind_of(place.storage) == Layout::Kind::None) {
    return missing(place.name);
  }
  QuotaSize size;
  if (quota_ && quota_->keeps_sums()) {
    if (auto all = quota_->measure(place.name)) size = *all;
  }
  TRY(layout.remove(place.storage));
  if (quota_) quota_->note(place.name, Quota::Change::Removed, size);
  return {};
}

Result<> Storage::rename(std::string_view from, std::string_view to) {
  if (to.size() > 1 && to.back() == separator()) to.remove_suffix(1);
  Place source = TRY(resolve(from));
  if (source.storage == "INBOX" && source.space->settings().inbox) {
    return refuse("Renaming INBOX isn't supported", EINVAL);
  }
  Place target = TRY(resolve(to));
  TRY(target.space->check_new_name(to));
  if (source.space != target.space) {
    return refuse("Can't rename mailbox to another namespace", EINVAL);
  }
  std::string below = source.storage;
  below += source.space->layout().location().separator();
  if (target.storage.starts_with(below)) {
    return refuse("Can't rename mailbox under its own child", EPERM);
  }
  if (target.storage == "INBOX") {
    return refuse("Target mailbox already exists", EEXIST);
  }
  auto renamed = source.space->layout().rename(source.storage, target.storage);
  if (!renamed && renamed.error().sys == ENOENT) return missing(source.name);
  return renamed;
}

Namespace* Storage::subscriptions_for(std::string_view name) const {
  Namespace* best = nullptr;
  int length = -1;
  for (auto& one : namespaces_) {
    if (!one->settings().subscriptions) continue;
    int match = iequals(name, "INBOX") && one->settings().inbox
                    ? static_cast<int>(name.size())
                    : one->match(name);
    if (match > length) {
      length = match;
      best = one.get();
    }
  }
  return best;
}

Result<> Storage::set_subscribed(std::string_view name, bool subscribed) {
  Namespace* space = subscriptions_for(name);
  if (!space) return refuse("No subscriptions here", EPERM);
  std::string storage = TRY(space->storage_name(name));
  const Location& location = space->layout().location();
  Permissions permissions = Permissions::of(location.control);
  TRY(permissions.make_directories(location.control));
  TRY(change_subscription(space->subscriptions_path(), location.separator(),
                          storage, subscribed, settings_->options.hostname,
                          permissions));
  return {};
}

Result<> Storage::subscribe(std::string_view name, Absent absent) {
  bool there = TRY(exists(name));
  if (!there && absent == Absent::Refuse) return missing(name);
  return set_subscribed(name, true);
}

Result<> Storage::unsubscribe(std::string_view name) {
  return set_subscribed(name, false);
}

}  // namespace mail::mailbox
