#pragma once

#include <string>
#include <vector>

#include "common/config/dovecot/description.h"
#include "common/config/dovecot/layers.h"
#include "tools/doveconf/options.h"

namespace mail::doveconf {

/// One value to be shown.
struct Item {
  std::string key;   ///< flat
  std::string text;  ///< without secrets
  bool is_file = false;
  bool is_name = false;  ///< of a section: in `key=value` output alone
  bool is_list = false;  ///< "passdb" = "0 1": likewise
};

/// The values of `merged` that the options ask for, in the description's
/// order. defaults: the service blocks there are without a file.
std::vector<Item> collect(const config::dovecot::Merged& merged,
                          const config::dovecot::Merged& defaults,
                          const Options& options);

/// What stands in one filter's block: all that it sets.
std::vector<Item> collect_layer(const config::dovecot::Layer& layer,
                                const Options& options);

/// `text` as it may be shown: passwords in it, or all of it, replaced.
std::string without_secrets(std::string_view key, std::string_view text);

}  // namespace mail::doveconf
