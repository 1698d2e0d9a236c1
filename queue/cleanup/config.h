#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/config/postfix/settings.h"
#include "common/daemon/service.h"
#include "common/dns/resolver.h"
#include "common/filters/filters.h"
#include "common/ipc/conversation.h"
#include "common/maps/match_list.h"
#include "common/maps/tables.h"
#include "common/mime/phrase.h"
#include "common/queue/spool.h"

namespace mail::cleanup {

/// Where an address stands; a set of these says where a mapping applies.
enum AddressClass : unsigned {
  kEnvelopeSender = 1,
  kEnvelopeRecipient = 2,
  kHeaderSender = 4,
  kHeaderRecipient = 8,
};
unsigned parse_classes(std::string_view list);

/// All that cleanup reads of main.cf, tables opened; one a process.
struct Config {
  config::SettingsPtr settings;
  queue::Layout layout;
  std::string host, origin, mail_name;

  maps::Tables canonical, sender_canonical, recipient_canonical;
  unsigned canonical_classes = 0, sender_canonical_classes = 0,
           recipient_canonical_classes = 0;
  maps::Tables virtual_alias;
  size_t virtual_expansion = 1000, virtual_recursion = 1000,
         virtual_address_length = 1000;
  maps::Tables sender_bcc, recipient_bcc;
  std::string always_bcc;
  maps::MatchList local_domains;  ///< mydestination and $myorigin
  std::vector<std::string> masquerade_domains;
  std::vector<std::string> masquerade_exceptions;
  unsigned masquerade_classes = 0;
  std::string delimiters;  ///< recipient_delimiter
  bool propagate_canonical = false, propagate_virtual = false;

  maps::Tables header_checks, mime_header_checks, nested_header_checks,
      body_checks, milter_header_checks;
  size_t body_checks_size = 0;
  std::string remote_rewrite_domain;
  std::string double_bounce_sender, empty_address_recipient;

  size_t line_length = 2048, header_size = 102400, message_size = 0;
  size_t hopcount = 50, duplicate_limit = 1000, token_limit = 10240;
  bool always_add_headers = false, original_recipient = true;
  std::string undisclosed_recipients;
  std::vector<std::string> drop_headers;  ///< lower case
  mime::FromFormat from_format = mime::FromFormat::Standard;
  std::string strip_characters, reject_characters;  ///< C escapes undone
  bool replace_stray = true;
  bool detect_8bit = true;
  long delay_warning = 0;  ///< seconds, 0: none
  std::chrono::seconds in_flow_delay{0};
  bool soft_bounce = false, external_form = true, long_ids = false;

  std::vector<filters::Config> milters;  ///< non_smtpd_milters
  milter::MacroLists milter_macros;
  std::vector<std::pair<std::string, std::string>> milter_defaults;
  std::string milter_daemon_name, milter_v;
  std::unique_ptr<dns::Resolver> resolver;
  filters::Connector connector;

  /// Each header and body line must be looked at for MIME.
  bool watches_mime() const {
    return !mime_header_checks.empty() || !nested_header_checks.empty() ||
           !body_checks.empty() || strict_mime;
  }
  bool strict_mime = false;
};

/// Still privileged. Errors: Config, for `fatal:`.
Result<std::unique_ptr<Config>> load(daemon::Context& context);

}  // namespace mail::cleanup
