#pragma once

#include "common/sasl/server.h"

namespace mail::sasl {

std::unique_ptr<Server> make_plain_server();
std::unique_ptr<Server> make_login_server();
std::unique_ptr<Server> make_external_server();
std::unique_ptr<Server> make_anonymous_server();
std::unique_ptr<Server> make_cram_md5_server(const ServerFacts& facts);
std::unique_ptr<Server> make_digest_md5_server(const ServerFacts& facts);
std::unique_ptr<Server> make_scram_server(const Traits& traits);

}  // namespace mail::sasl
