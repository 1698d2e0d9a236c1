#pragma once

#include <array>

#include "common/filters/filters.h"
#include "common/net/stream.h"
#include "common/smtp/server_engine.h"
#include "common/smtp/transcript.h"
#include "smtpd/config.h"
#include "smtpd/facts.h"
#include "smtpd/forwarded.h"
#include "smtpd/proxy.h"
#include "smtpd/transaction.h"

namespace mail::smtpd {

/// One SMTP conversation: moves bytes between the engine and the stream, asks
/// restrictions, filters, cleanup, the authentication server, and answers.
class Session {
 public:
  Session(Config& config, net::Stream stream);
  net::Task<> serve();

 private:
  // session.cc: the life of a session
  net::Task<> begin();
  net::Task<bool> admit();
  net::Task<smtp::Reply> greet();
  net::Task<> talk();
  net::Task<> handle(smtp::ServerEvent& event);
  net::Task<bool> send_pending();
  net::Task<bool> read_more();
  net::Task<> end();
  void note_early_talker();
  void note_pipelining();
  std::string after_text() const;
  std::string counts() const;

  // commands.cc
  net::Task<> on(smtp::Command& command);
  net::Task<> on(smtp::Refused& refused);
  net::Task<smtp::Reply> run(smtp::Helo& helo);
  net::Task<smtp::Reply> run(smtp::Rset&);
  net::Task<smtp::Reply> run(smtp::Noop&);
  net::Task<smtp::Reply> run(smtp::Quit&);
  net::Task<smtp::Reply> run(smtp::Vrfy& vrfy);
  net::Task<smtp::Reply> run(smtp::Etrn& etrn);
  net::Task<smtp::Reply> run(smtp::Attributes& attributes);
  net::Task<smtp::Reply> run(smtp::Unknown& unknown);
  net::Task<smtp::Reply> answer_to(smtp::Command& command);
  std::string ehlo_text();
  net::Task<> find_discards();
  bool is_forbidden(const smtp::Unknown& unknown) const;
  void count(smtp::Verb verb, const smtp::Reply& reply);
  net::Task<> answer(smtp::Reply reply);
  smtp::Reply too_many_errors();

  // attributes.cc: XCLIENT, XFORWARD
  net::Task<> judge_proxy();
  smtp::CommandOptions command_options() const;
  smtp::Reply forward(const smtp::Attributes& attributes);
  net::Task<smtp::Reply> become(const smtp::Attributes& attributes);

  // notify.cc
  net::Task<smtp::Reply> dressed(smtp::Reply reply);
  net::Task<> say(smtp::Reply reply);
  void note_command(smtp::Verb verb);
  void trim_transcript();
  net::Task<> tell_postmaster();

  // mail.cc: the envelope
  net::Task<smtp::Reply> run(smtp::Mail& mail);
  net::Task<smtp::Reply> run(smtp::Rcpt& rcpt);
  net::Task<std::optional<smtp::Reply>> check_address(
      const std::string& sender, const std::string& address,
      std::string_view command, const std::string& text);
  std::optional<smtp::Reply> check_room(const smtp::Mail& mail);
  net::Task<std::optional<smtp::Reply>> open_queue_file();
  net::Task<> reset_transaction();

  // data.cc: the content
  net::Task<smtp::Reply> run(smtp::Data&);
  net::Task<smtp::Reply> run(smtp::Bdat&);
  net::Task<smtp::Reply> start_content(bool bdat);
  net::Task<> on(smtp::BodyLines& body);
  net::Task<> on(smtp::ChunkEnd& chunk);
  net::Task<> on(smtp::BodyEnd& end);
  net::Task<smtp::Reply> finish_message(const smtp::BodyEnd& end);
  smtp::Reply verdict_reply(const ipc::StatusReason& verdict);

  // proxied.cc: a content filter in front of the queue
  std::vector<std::string> xforward_attributes() const;
  net::Task<std::optional<smtp::Reply>> open_proxy();
  smtp::Reply proxied(smtp::Reply reply);
  net::Task<smtp::Reply> proxy_recipient();
  net::Task<smtp::Reply> proxy_data();
  net::Task<smtp::Reply> proxy_finish();

  // tls.cc
  net::Task<smtp::Reply> run(smtp::StartTls&);
  net::Task<bool> start_tls();
  bool tls_offered() const;

  // auth.cc
  net::Task<smtp::Reply> run(smtp::Auth& auth);
  net::Task<> on(smtp::AuthResponse& response);
  net::Task<smtp::Reply> auth_answer(const Result<auth::Answer>& answer);
  net::Task<std::vector<std::string>> mechanisms();
  net::Task<bool> auth_offered();

  // milters.cc
  net::Task<> open_filters();
  filters::MacroSource macros();
  std::optional<std::string> macro(std::string_view name) const;
  std::optional<smtp::Reply> obey(const filters::Verdict& verdict);
  net::Task<> learn_mailer(const std::string& address, const char* which);

  // limits.cc: anvil
  net::Task<std::optional<smtp::Reply>> over_rate(const char* event,
                                                  size_t limit,
                                                  std::string_view what,
                                                  const smtp::Reply& refusal);
  net::Task<std::optional<smtp::Reply>> count_connection();
  net::Task<> forget_connection();
  std::string ident() const;

  net::Deadline deadline() const { return net::Deadline::in(config_.timeout); }
  smtp::Reply refused_by(const restriction::Verdict& verdict);
  smtp::Reply local_error(std::string_view why);
  void log_action(std::string_view verb, std::string_view text);

  Config& config_;
  net::Stream stream_;
  smtp::ServerEngine engine_;
  Facts facts_;
  Transaction transaction_;
  std::optional<ProxyFilter> proxy_;  ///< in place of the transaction's queue
  std::string mail_line_;             ///< the command, for the proxy
  restriction::Effects session_effects_;  ///< of client, helo and sender lists
  filters::Filters filters_;
  std::optional<filters::Verdict> filter_verdict_;  ///< for the whole session
  std::map<std::string, std::string> mailer_macros_;
  std::optional<tls::Summary> tls_;
  bool closing_ = false, timed_out_ = false, lost_ = false;
  bool too_many_errors_ = false, counted_ = false, exempt_ = false;
  size_t errors_ = 0, junk_ = 0;
  std::vector<std::string> discards_, auth_lines_;
  std::string greeting_problem_;

  smtp::Transcript transcript_;
  unsigned wrongs_ = 0;  ///< NotifyClass bits since the last good message
  bool xclient_ = false, xforward_ = false;  ///< may say who others are
  bool reborn_ = false;                      ///< by the XCLIENT in hand
  std::optional<Forwarded> forwarded_;

  // AUTH in progress.
  unsigned auth_id_ = 0;
  std::string auth_mechanism_, auth_user_;

  struct Count {
    size_t good = 0, all = 0;
  };
  std::array<Count, 17> counts_{};
  std::optional<smtp::Verb> unfinished_;  ///< AUTH or DATA in the middle
  std::string where_ = "CONNECT";  ///< CMD of "lost connection after CMD"
  bool quiet_loss_ = false;        ///< after END-OF-MESSAGE, RSET, QUIT
};

/// The ESMTP parameters of a MAIL or RCPT command line, as given.
std::vector<std::string> parameters_of(std::string_view line);

}  // namespace mail::smtpd
