#include "common/config/dovecot/parser.h"

namespace mail::config::dovecot {

bool read_obsolete(Parser&, const Statement&) { return false; }

std::string renamed_section(Parser&, std::string_view, std::string_view name) {
  return std::string(name);
}

}  // namespace mail::config::dovecot
