#pragma once

#include <list>
#include <map>
#include <string>
#include <vector>

#include "common/ipc/conversation.h"
#include "common/maps/address_map.h"
#include "queue/cleanup/config.h"

namespace mail::cleanup {

/// Address rewriting and mapping, for all messages of the process.
/// Addresses are in internal form unless they are called external.
class Rewriter {
 public:
  explicit Rewriter(Config& config);

  enum class Context { Local, Remote };
  /// trivial-rewrite's standard form. Errors: Temporary, it did not answer.
  net::Task<Result<std::string>> rewrite_external(Context context,
                                                  std::string external);
  net::Task<Result<std::string>> rewrite(Context context, std::string address);

  /// canonical_maps and its like, masquerading. Errors: Temporary, a table
  /// could not be asked.
  enum class Direction { Sender, Recipient };
  net::Task<Result<std::string>> map_address(std::string address,
                                             AddressClass where,
                                             Direction direction);

  /// virtual_alias_maps, recursively. Errors: Temporary, a table failed;
  /// Permanent, unreasonable expansion. Both: the text after "ID: ".
  net::Task<Result<std::vector<std::string>>> expand(std::string address);
  /// The addresses of sender_bcc_maps and recipient_bcc_maps.
  net::Task<Result<std::vector<std::string>>> bcc_for(maps::Tables& tables,
                                                      std::string address);

 private:
  net::Task<Result<maps::MappedAddress>> look_up(maps::Tables& tables,
                                                 std::string address,
                                                 bool propagate);
  net::Task<Result<std::string>> one_to_one(maps::Tables& tables,
                                            std::string address);
  net::Task<Result<bool>> is_local(std::string domain);
  std::string masquerade(std::string address) const;

  struct Remembered {
    std::string external;
    Instant until;
  };
  Config& config_;
  ipc::Client client_;
  std::map<std::pair<Context, std::string>, Remembered> cache_;
};

}  // namespace mail::cleanup
