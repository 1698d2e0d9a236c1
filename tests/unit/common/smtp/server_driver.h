#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/smtp/server_engine.h"

/// A driver that says yes, as smtpd would with no restrictions, and writes
/// down the content. The way input is cut must not change what comes out.
struct ServerDriver {
  explicit ServerDriver(const mail::smtp::ServerLimits& limits)
      : engine(limits) {
    engine.say({220, "", "host ESMTP"});
  }

  mail::smtp::ServerEngine engine;
  std::string output;  ///< all that was sent
  std::string body;    ///< lines with LF; "+" marks a piece that goes on
  std::vector<std::string> events;

  void feed(std::string_view bytes) {
    while (true) {
      run();
      if (bytes.empty() || engine.closed()) return;
      bytes.remove_prefix(engine.receive(bytes));
    }
  }

 private:
  void run() {
    while (auto event = engine.next_event()) {
      std::visit([this](const auto& e) { on(e); }, *event);
    }
    output += engine.pending();
    engine.sent(engine.pending().size());
    if (tls) {
      tls = false;
      engine.tls_started();
    }
  }

  void on(const mail::smtp::Command& command) {
    std::visit([this](const auto& c) { command_is(c); }, command);
  }
  void on(const mail::smtp::Refused& refused) {
    events.push_back("refused " +
                     std::string(mail::smtp::verb_name(refused.verb)));
    engine.answer(refused.reply);
  }
  void on(const mail::smtp::AuthResponse& response) {
    events.push_back("response " + response.text);
    if (response.too_long) {
      engine.answer({500, "5.5.6", "SASL response limit exceeded"});
    } else if (response.text == "*") {
      engine.answer({501, "5.7.0", "Authentication aborted"});
    } else {
      engine.answer({235, "2.7.0", "Authentication successful"});
    }
  }
  void on(const mail::smtp::BodyLines& lines) {
    for (const auto& line : lines.lines) {
      body += line.text;
      body += line.continues ? '+' : '\n';
    }
  }
  void on(const mail::smtp::ChunkEnd& end) {
    engine.answer({250, "2.0.0", "Ok: " + std::to_string(end.size)});
  }
  void on(const mail::smtp::BodyEnd& end) {
    events.push_back("body of " + std::to_string(engine.body_bytes()));
    if (end.bare_newline) {
      return engine.answer({550, "5.5.2", "host Error: bare <LF> received"});
    }
    body += "--\n";
    while (answers_due > 1) {
      engine.answer({250, "2.0.0", "Ok"});
      --answers_due;
    }
    engine.answer({250, "2.0.0", "Ok: queued"});
  }

  void command_is(const mail::smtp::Helo& helo) {
    engine.answer({250, "", "host"});
    events.push_back("helo " + helo.name);
  }
  void command_is(const mail::smtp::Mail& mail) {
    events.push_back("mail " + mail.address);
    answers_due = 0;
    engine.answer({250, "2.1.0", "Ok"});
  }
  void command_is(const mail::smtp::Rcpt& rcpt) {
    events.push_back("rcpt " + rcpt.address);
    if (rcpt.address == "refused@x") {
      return engine.answer({550, "5.1.1", "User unknown"});
    }
    if (lmtp) ++answers_due;
    engine.answer({250, "2.1.5", "Ok"});
  }
  void command_is(const mail::smtp::Data&) {
    engine.answer({354, "", "End data with <CR><LF>.<CR><LF>"});
  }
  void command_is(const mail::smtp::Bdat&) { engine.answer({354, "", ""}); }
  void command_is(const mail::smtp::Rset&) {
    engine.answer({250, "2.0.0", "Ok"});
  }
  void command_is(const mail::smtp::Noop&) {
    engine.answer({250, "2.0.0", "Ok"});
  }
  void command_is(const mail::smtp::Quit&) {
    engine.answer({221, "2.0.0", "Bye"});
  }
  void command_is(const mail::smtp::StartTls&) {
    tls = true;
    engine.answer({220, "2.0.0", "Ready to start TLS"});
  }
  void command_is(const mail::smtp::Vrfy& vrfy) {
    engine.answer({252, "2.0.0", vrfy.text});
  }
  void command_is(const mail::smtp::Etrn&) {
    engine.answer({250, "", "Queuing started"});
  }
  void command_is(const mail::smtp::Auth& auth) {
    events.push_back("auth " + auth.initial.value_or("-"));
    engine.answer({334, "", ""});
  }
  void command_is(const mail::smtp::Attributes& attributes) {
    if (attributes.verb == mail::smtp::Verb::Xclient) {
      engine.reset_session();
      return engine.answer({220, "", "host ESMTP"});
    }
    engine.answer({250, "2.0.0", "Ok"});
  }
  void command_is(const mail::smtp::Unknown& unknown) {
    if (unknown.header_like) {
      return engine.answer(mail::smtp::hangup(
          {221, "2.7.0", "Error: I can break rules, too. Goodbye."}));
    }
    engine.answer({500, "5.5.2", "Error: command not recognized"});
  }

 public:
  bool lmtp = false;
  bool tls = false;
  size_t answers_due = 0;
};
