#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/config/dovecot/configuration.h"
#include "common/config/dovecot/filter.h"

namespace mail::config::dovecot {

/// Where something stands in a configuration.
struct Origin {
  int file = -1;  ///< index in Impl::files; -1: built in
  int line = 0;
};

/// One key of a layer.
struct Entry {
  std::string key;       ///< flat: "service/imap/process_limit"
  std::string text;      ///< normalised: "90 mins"; of `<file` the path
  bool is_file = false;  ///< `<path`: the value is the file's contents
  bool is_name = false;  ///< of a section, from its `{` line
  Origin at;
};

/// What stands within one filter, or outside of all (layer 0).
struct Layer {
  Filter filter;
  int parent = -1;
  Origin at;  ///< of the block's first line
  std::vector<Entry> entries;
  std::unordered_map<std::string, size_t> index;

  const Entry* find(const std::string& key) const;
  /// The entry of `key`, made if need be.
  Entry& put(const std::string& key);
};

struct Configuration::Impl {
  std::string path;
  std::vector<std::string> files;  ///< all that were read
  std::vector<Layer> layers;       ///< 0: global
  std::vector<Problem> problems;

  /// Layers in order of application: least specific first.
  std::vector<const Layer*> ordered() const;
};

/// What the value of a list key becomes with one name more.
std::string with_name(std::string_view list, std::string_view name);

/// A merged view of layers: keys in order of the description.
struct Merged {
  std::vector<Entry> entries;
  std::unordered_map<std::string, size_t> index;
  const Entry* find(const std::string& key) const;
};
/// The layers that match, later ones over earlier ones; passdb and userdb
/// blocks of a filter come before the global ones, numbered anew.
Merged merge(const std::vector<const Layer*>& layers);

}  // namespace mail::config::dovecot
