#pragma once

#include <string>
#include <vector>

#include "tools/doveconf/dump.h"

namespace mail::doveconf {

/// The items as a dovecot.conf, sorted, with nested sections. indent: how many
/// levels deep they stand. names: finds a section's name by its path
/// ("namespace/1"); nullptr-like "" for an unnamed one.
std::string human(std::vector<Item> items, int indent,
                  const config::dovecot::Merged& names);

/// One value as a line behind "key = ": quoted where needed.
std::string shown(const Item& item);

/// "protocol imap {" ... around `body`, which is indented already.
std::string filter_open(const config::dovecot::Filter& filter, int& depth);

}  // namespace mail::doveconf
