#include "queue/cleanup/config.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/config/postfix/escapes.h"
#include "common/config/postfix/params.h"
#include "common/daemon/tables.h"
#include "common/filters/connect.h"

namespace mail::cleanup {

namespace param = config::param;

unsigned parse_classes(std::string_view list) {
  unsigned classes = 0;
  for (std::string_view name : split(list)) {
    if (name == "envelope_sender") classes |= kEnvelopeSender;
    if (name == "envelope_recipient") classes |= kEnvelopeRecipient;
    if (name == "header_sender") classes |= kHeaderSender;
    if (name == "header_recipient") classes |= kHeaderRecipient;
  }
  return classes;
}

namespace {

Result<> load_maps(Config& c, const maps::OpenOptions& options) {
  const auto& s = *c.settings;
  auto open = [&](maps::Tables& tables, const char* title,
                  param::String p) -> Result<> {
    tables = TRY(maps::Tables::open(title, s.get(p), options));
    return {};
  };
  TRY(open(c.canonical, "canonical_maps", param::canonical_maps));
  TRY(open(c.sender_canonical, "sender_canonical_maps",
           param::sender_canonical_maps));
  TRY(open(c.recipient_canonical, "recipient_canonical_maps",
           param::recipient_canonical_maps));
  TRY(open(c.virtual_alias, "virtual_alias_maps", param::virtual_alias_maps));
  TRY(open(c.sender_bcc, "sender_bcc_maps", param::sender_bcc_maps));
  TRY(open(c.recipient_bcc, "recipient_bcc_maps", param::recipient_bcc_maps));
  TRY(open(c.header_checks, "header_checks", param::header_checks));
  TRY(open(c.mime_header_checks, "mime_header_checks",
           param::mime_header_checks));
  TRY(open(c.nested_header_checks, "nested_header_checks",
           param::nested_header_checks));
  TRY(open(c.body_checks, "body_checks", param::body_checks));
  return open(c.milter_header_checks, "milter_header_checks",
              param::milter_header_checks);
}

void load_addresses(Config& c, const maps::OpenOptions& options) {
  const auto& s = *c.settings;
  c.canonical_classes = parse_classes(s.get(param::canonical_classes));
  c.sender_canonical_classes =
      parse_classes(s.get(param::sender_canonical_classes));
  c.recipient_canonical_classes =
      parse_classes(s.get(param::recipient_canonical_classes));
  c.virtual_expansion =
      static_cast<size_t>(s.get(param::virtual_alias_expansion_limit));
  c.virtual_recursion =
      static_cast<size_t>(s.get(param::virtual_alias_recursion_limit));
  c.virtual_address_length =
      static_cast<size_t>(s.get(param::virtual_alias_address_length_limit));
  c.always_bcc = s.get(param::always_bcc);
  maps::MatchList::Options list;
  list.tables = options;
  c.local_domains =
      maps::MatchList::open("mydestination", s.get(param::mydestination), list);
  for (auto domain : split(s.get(param::masquerade_domains))) {
    c.masquerade_domains.push_back(lower(domain));
  }
  for (auto name : split(s.get(param::masquerade_exceptions))) {
    c.masquerade_exceptions.push_back(lower(name));
  }
  c.masquerade_classes = parse_classes(s.get(param::masquerade_classes));
  c.delimiters = s.get(param::recipient_delimiter);
  const auto& propagate = s.get(param::propagate_unmatched_extensions);
  c.propagate_canonical = has_word(propagate, "canonical");
  c.propagate_virtual = has_word(propagate, "virtual");
  c.remote_rewrite_domain = s.get(param::remote_header_rewrite_domain);
  c.double_bounce_sender = s.get(param::double_bounce_sender);
  c.empty_address_recipient = s.get(param::empty_address_recipient);
}

void load_limits(Config& c) {
  const auto& s = *c.settings;
  auto size = [&](param::Int p) {
    return static_cast<size_t>(std::max(0L, s.get(p)));
  };
  c.line_length = size(param::line_length_limit);
  c.header_size = size(param::header_size_limit);
  c.message_size = size(param::message_size_limit);
  c.hopcount = size(param::hopcount_limit);
  c.duplicate_limit = size(param::duplicate_filter_limit);
  c.token_limit = size(param::header_address_token_limit);
  c.body_checks_size = size(param::body_checks_size_limit);
  c.always_add_headers = s.get(param::always_add_missing_headers);
  c.original_recipient = s.get(param::enable_original_recipient);
  c.undisclosed_recipients = s.get(param::undisclosed_recipients_header);
  for (auto name : split(s.get(param::message_drop_headers))) {
    c.drop_headers.push_back(lower(name));
  }
  if (s.get(param::header_from_format) == "obsolete") {
    c.from_format = mime::FromFormat::Obsolete;
  }
  c.strip_characters =
      config::undo_escapes(s.get(param::message_strip_characters));
  c.reject_characters =
      config::undo_escapes(s.get(param::message_reject_characters));
  c.replace_stray = s.get(param::cleanup_replace_stray_cr_lf);
  c.detect_8bit = s.get(param::detect_8bit_encoding_header);
  c.delay_warning = s.get(param::delay_warning_time).count();
  c.in_flow_delay = s.get(param::in_flow_delay);
  c.soft_bounce = s.get(param::soft_bounce);
  c.external_form = s.get(param::info_log_address_format) != "internal";
  c.long_ids = s.get(param::enable_long_queue_ids);
  bool mime_input = !s.get(param::disable_mime_input_processing);
  c.strict_mime = mime_input && (s.get(param::strict_7bit_headers) ||
                                 s.get(param::strict_8bitmime) ||
                                 s.get(param::strict_8bitmime_body) ||
                                 s.get(param::strict_mime_encoding_domain));
}

Result<> load_milters(Config& c) {
  const auto& s = *c.settings;
  filters::Config defaults;
  defaults.connect_timeout = s.get(param::milter_connect_timeout);
  defaults.command_timeout = s.get(param::milter_command_timeout);
  defaults.content_timeout = s.get(param::milter_content_timeout);
  defaults.default_action = s.get(param::milter_default_action);
  defaults.protocol = s.get(param::milter_protocol);
  c.milters =
      TRY(filters::parse_configs(s.get(param::non_smtpd_milters), defaults));
  const param::String lists[milter::kStages] = {
      param::milter_connect_macros,     param::milter_helo_macros,
      param::milter_mail_macros,        param::milter_rcpt_macros,
      param::milter_data_macros,        param::milter_end_of_header_macros,
      param::milter_end_of_data_macros, param::milter_unknown_command_macros};
  for (size_t i = 0; i < milter::kStages; ++i) {
    c.milter_macros[i] = milter::parse_macro_names(s.get(lists[i]));
  }
  c.milter_daemon_name = s.get(param::milter_macro_daemon_name);
  c.milter_v = s.get(param::milter_macro_v);
  c.milter_defaults =
      TRY(filters::parse_macro_defaults(s.get(param::milter_macro_defaults)));
  dns::Resolver* resolver = c.resolver.get();
  c.connector = filters::make_connector(
      [resolver](std::string host, net::Deadline deadline) {
        return filters::resolve_host(resolver, std::move(host), deadline);
      });
  return {};
}

}  // namespace

Result<std::unique_ptr<Config>> load(daemon::Context& context) {
  auto c = std::make_unique<Config>();
  c->settings = context.settings;
  const auto& s = *c->settings;
  c->host = s.get(param::myhostname);
  c->origin = s.get(param::myorigin);
  c->mail_name = s.get(param::mail_name);
  maps::OpenOptions options = daemon::table_options(context);
  TRY(load_maps(*c, options));
  load_addresses(*c, options);
  load_limits(*c);
  c->resolver = TRY(dns::Resolver::open());
  TRY(load_milters(*c));
  c->layout = daemon::queue_layout(s);
  return c;
}

}  // namespace mail::cleanup
