#pragma once

#include <string>

#include "common/config/postfix/settings.h"
#include "common/ipc/rewrite_client.h"
#include "common/maps/address_map.h"
#include "common/maps/match_list.h"
#include "common/maps/tables.h"
#include "common/mime/header.h"

namespace mail::smtpc {

/// generic(5): addresses of inside replaced by what the world may know. For
/// all deliveries of the process.
class GenericMaps {
 public:
  /// Nothing is mapped. Otherwise as smtp_generic_maps says.
  GenericMaps() = default;
  static Result<GenericMaps> open(const config::Settings& settings,
                                  config::ClientMode mode,
                                  const maps::OpenOptions& tables);

  bool empty() const { return tables_.empty(); }
  /// Internal form to internal form, one round. Errors: Temporary.
  net::Task<Result<std::string>> map(std::string address);

  /// A whole header with the addresses of senders and recipients mapped;
  /// other headers as they are. info: what the name stands for, may be null.
  /// Errors: Temporary.
  net::Task<Result<std::string>> map_header(const mime::HeaderInfo* info,
                                            std::string text);

 private:
  net::Task<Result<bool>> is_local(std::string domain);

  maps::Tables tables_;
  maps::MatchList local_domains_;
  std::string origin_, delimiters_;
  bool propagate_ = false;
  size_t token_limit_ = 0;
  std::unique_ptr<ipc::RewriteClient> rewrite_;
};

}  // namespace mail::smtpc
