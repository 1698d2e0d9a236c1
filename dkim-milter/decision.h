#pragma once

#include <string>
#include <vector>

#include "common/dkim/header_block.h"
#include "dkim-milter/hosts.h"
#include "dkim-milter/mta.h"
#include "dkim-milter/settings.h"

namespace mail::dkim_milter {

/// The client's place in the host sets, looked up once a connection.
struct Origin {
  Client client;
  bool internal = false;
  bool ignored = false;  ///< ExternalIgnoreList
};
Origin place_client(const Settings& settings, Client client);

/// One signature that is to be made.
struct SigningJob {
  std::string domain, selector;
  std::string identity;  ///< i=; "": none
  KeyPtr key;
};

/// What is to be done with a message, known when its headers are.
struct Decision {
  enum class Kind {
    Sign,
    Verify,
    Accept,    ///< leave it alone
    Malformed  ///< no usable sender: a result field says so
  };
  Kind kind = Kind::Verify;
  std::vector<SigningJob> jobs;
  std::string sender_domain;  ///< lower case; "" when there is none
};

struct MessageFacts {
  const dkim::HeaderBlock& headers;
  const std::vector<std::string>& recipients;
  Mta& mta;
  const Origin& origin;
};

/// Lines go to `log` with their priority, without the job id.
struct Line {
  enum class Level { Error, Notice, Info } level;
  std::string text;
};

/// Sign or verify (opendkim(8)): who sends, from where, and which keys are
/// for him. Lines that opendkim logs with LogWhy come only with it; that a
/// message from inside in a domain of ours is not signed comes always.
Decision decide(const Settings& settings, const MessageFacts& message,
                std::vector<Line>& lines);

}  // namespace mail::dkim_milter
