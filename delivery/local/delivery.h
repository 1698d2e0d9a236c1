#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/config/postfix/expand.h"
#include "delivery/copy.h"
#include "delivery/local/config.h"
#include "delivery/local/items.h"
#include "delivery/report.h"

namespace mail::local {

/// Whence a destination came: decides what it may be and whose rights it has.
enum class From { Request, Alias, Forward, Include };

inline constexpr int kNotifySuccess = 2;  ///< of a recipient's notify_flags

/// One place in the tree of expansions.
struct State {
  std::string recipient;  ///< internal form, "user+ext@domain"
  std::string local, user, extension, domain;
  std::string delivered_to;  ///< of the Delivered-To: header
  std::string sender;        ///< the request's, or the owner of an alias
  bool owned = false;        ///< it is the latter
  From from = From::Request;
  std::vector<std::string> aliases;      ///< names on the way here
  std::string forwarder;                 ///< whose .forward this came from
  std::optional<process::User> account;  ///< of the mailbox, .forward, include
  std::optional<process::UserIds> ids;   ///< rights; nullopt: default_privs
  int level = 0;
  bool own_mailbox = false;  ///< the account's: with its rights, root's too
  bool no_aliases = false;   ///< "\user"
};

/// Delivers one request's message; one recipient after the other.
class Delivery {
 public:
  Delivery(Config& config, delivery::Request& request, delivery::Report& report)
      : config_(config), request_(request), report_(report) {}

  net::Task<> recipient(const ipc::Recipient& recipient);

 private:
  net::Task<> to_address(State state);
  net::Task<bool> to_alias(const State& state);
  net::Task<bool> to_forward_file(const State& state);
  net::Task<> to_items(State state, std::vector<Item> items);
  net::Task<> to_item(State state, Item item);
  net::Task<> to_resolved(State state, std::string external);
  net::Task<> to_include(State state, std::string path);
  net::Task<> to_command(State state, std::string command);
  net::Task<> to_file(State state, std::string path);
  net::Task<> to_mailbox(State state);
  net::Task<> to_mbox(State state, std::string path);
  net::Task<> to_maildir(State state, std::string path, std::string what);
  net::Task<> to_own_mailbox(State state);
  net::Task<> to_nobody(State state);
  /// where: "transport[:nexthop]", another agent that delivers it.
  net::Task<> to_transport(State state, std::string where);
  /// False: no table and no `otherwise` names a transport.
  net::Task<bool> to_mapped_transport(State state, maps::Tables& tables,
                                      std::string otherwise);
  net::Task<bool> to_owner(State& state, const std::string& alias);
  net::Task<> tell_of_list(const State& state);
  net::Task<> send_forwards();
  net::Task<Result<std::string>> send_one(std::string sender,
                                          std::string delivered_to,
                                          std::vector<std::string> to,
                                          bool owned);

  /// Logs and notes the end of one branch.
  net::Task<> finish(const State& state, ipc::Dsn dsn);
  net::Task<> finish(const State& state, std::string status,
                     std::string reason);

  void split(State& state) const;
  bool seen_before(const std::string& what);
  bool loops(const std::string& recipient);
  delivery::CopyOptions copy_options(const State& state, bool mark) const;
  std::vector<std::string> environment(const State& state) const;
  config::Lookup names_of(const State& state) const;
  Result<std::string> command_directory(const State& state) const;
  /// Rights for commands, files and lists: never root's.
  process::UserIds ids_of(const State& state) const {
    bool usable = state.ids && state.ids->uid != 0;
    return usable ? *state.ids : config_.default_ids;
  }

  struct Forward {
    State state;
    std::vector<std::string> to;
  };

  Config& config_;
  delivery::Request& request_;
  delivery::Report& report_;
  const ipc::Recipient* original_ = nullptr;
  bool deferred_ = false;
  std::set<std::string> seen_;
  std::map<std::pair<std::string, std::string>, Forward> forwards_;
  std::optional<std::set<std::string>> delivered_;  // Delivered-To: headers
};

}  // namespace mail::local
