// LIST and LSUB.
#include <algorithm>
#include <map>

#include "common/base/ascii.h"
#include "common/mailbox/namespace.h"
#include "common/mailbox/pattern.h"
#include "common/mailbox/storage.h"
#include "common/mailbox/subscriptions.h"

namespace mail::mailbox {

namespace {

using Auto = MailboxSettings::Auto;

struct Node {
  Layout::Kind kind = Layout::Kind::None;
  char separator = '/';
  bool no_inferiors = false, automatic = false;
  bool children = false, subscribed = false, child_subscribed = false;
  std::optional<bool> marked;
  std::string special_use;
};

}  // namespace

struct Storage::Nodes {
  std::map<std::string, Node> by_name;

  Node& at(const std::string& name, char separator) {
    Node& node = by_name[name];
    node.separator = separator;
    return node;
  }
  /// Nodes for all above, down to the length `from`.
  void add_parents(const std::string& name, char separator, size_t from) {
    for (size_t at = name.rfind(separator);
         at != std::string::npos && at >= from && at > 0;
         at = name.rfind(separator, at - 1)) {
      this->at(name.substr(0, at), separator).children = true;
    }
  }
};

Result<> Storage::collect(const Namespace& space, Nodes& nodes) {
  const NamespaceSettings& settings = space.settings();
  char separator = space.separator();
  auto found = TRY(space.layout().list());
  if (settings.inbox) nodes.at("INBOX", separator).kind = Layout::Kind::Mailbox;
  bool any = false;
  for (auto& [storage_name, what] : found) {
    auto name = space.visible_name(storage_name);
    if (!name) continue;
    any = true;
    Node& node = nodes.at(*name, separator);
    node.kind = what.kind;
    node.no_inferiors = what.no_inferiors;
    node.marked = what.marked;
    nodes.add_parents(*name, separator, 0);
  }
  for (const MailboxSettings& one : settings.mailboxes) {
    std::string name = one.name;
    if (separator != '/')
      std::replace(name.begin(), name.end(), '/', separator);
    bool inbox = settings.inbox && iequals(name, "INBOX");
    name = inbox ? "INBOX" : settings.prefix + name;
    auto it = nodes.by_name.find(name);
    bool there =
        it != nodes.by_name.end() && it->second.kind == Layout::Kind::Mailbox;
    if (!there && one.automatic == Auto::No) continue;
    Node& node = nodes.at(name, separator);
    node.special_use = one.special_use;
    if (there) continue;
    any = true;
    node.kind = Layout::Kind::Mailbox;
    node.automatic = true;
    if (one.automatic == Auto::Subscribe) node.subscribed = true;
    nodes.add_parents(name, separator, 0);
  }
  std::string prefix(space.prefix_name());
  if (!prefix.empty() && !iequals(prefix, "INBOX") &&
      (any || settings.list == NamespaceSettings::List::Yes)) {
    Node& node = nodes.at(prefix, separator);
    if (node.kind == Layout::Kind::None) node.kind = Layout::Kind::NoSelect;
    nodes.add_parents(prefix, separator, 0);
  }
  return {};
}

Result<std::vector<std::string>> Storage::subscribed_names(
    const Namespace& space) {
  std::vector<std::string> out;
  auto names = TRY(read_subscriptions(space.subscriptions_path(),
                                      space.layout().location().separator()));
  for (const std::string& one : names) {
    // An old file may have INBOX in any case.
    bool inbox = space.settings().inbox && iequals(one, "INBOX");
    auto name =
        inbox ? std::optional<std::string>("INBOX") : space.visible_name(one);
    if (name) out.push_back(std::move(*name));
  }
  return out;
}

Result<std::vector<ListEntry>> Storage::list(
    std::string_view reference, const std::vector<std::string>& patterns,
    const ListOptions& options) {
  std::vector<std::string> full;
  for (const std::string& pattern : patterns) {
    full.push_back(std::string(reference) + pattern);
  }
  Nodes nodes;
  for (auto& space : namespaces_) {
    const NamespaceSettings& settings = space->settings();
    if (settings.list == NamespaceSettings::List::No) {
      bool meant = std::any_of(full.begin(), full.end(), [&](auto& pattern) {
        return !settings.prefix.empty() && pattern.starts_with(settings.prefix);
      });
      if (!meant && !settings.inbox) continue;
    }
    TRY(collect(*space, nodes));
  }
  if (options.only_subscribed || options.return_subscribed ||
      options.recursive_match) {
    for (auto& space : namespaces_) {
      if (!space->settings().subscriptions) continue;
      auto names = TRY(subscribed_names(*space));
      for (const std::string& name : names) {
        nodes.at(name, space->separator()).subscribed = true;
      }
    }
    for (auto& [name, node] : nodes.by_name) {
      if (!node.subscribed) continue;
      for (size_t at = name.rfind(node.separator);
           at != std::string::npos && at > 0;
           at = name.rfind(node.separator, at - 1)) {
        auto parent = nodes.by_name.find(name.substr(0, at));
        if (parent != nodes.by_name.end()) {
          parent->second.child_subscribed = true;
        } else if (options.recursive_match) {
          // Inserting does not disturb the walk; what comes before us has
          // no more to say than this.
          Node& made = nodes.at(name.substr(0, at), node.separator);
          made.child_subscribed = true;
          made.children = true;
        }
      }
    }
  }
  std::vector<ListEntry> out;
  for (auto& [name, node] : nodes.by_name) {
    if (options.only_subscribed && !node.subscribed &&
        !(options.recursive_match && node.child_subscribed)) {
      continue;
    }
    bool lone_subscription =
        node.kind == Layout::Kind::None && !node.children && node.subscribed;
    if (!options.only_subscribed && lone_subscription) continue;
    if (options.only_special_use && node.special_use.empty()) continue;
    bool wanted = std::any_of(full.begin(), full.end(), [&](auto& pattern) {
      return matches_pattern(name, pattern, node.separator);
    });
    if (!wanted) continue;
    ListEntry entry;
    entry.name = name;
    entry.separator = node.separator;
    entry.no_select = node.kind != Layout::Kind::Mailbox;
    entry.non_existent = node.kind == Layout::Kind::None;
    entry.no_inferiors = node.no_inferiors;
    if (options.return_children) entry.has_children = node.children;
    entry.subscribed = node.subscribed;
    entry.child_subscribed = node.child_subscribed;
    entry.marked = node.marked;
    entry.special_use = node.special_use;
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace mail::mailbox
