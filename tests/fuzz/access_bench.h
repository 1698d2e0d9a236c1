#pragma once

#include "common/net/loop.h"
#include "smtpd/restrict/run.h"
#include "tests/fuzz/input.h"
#include "tests/unit/common/config/fixture.h"

/// What an entry of an access table can ask for, without a network.
struct Bench {
  mail::net::Loop loop;
  mail::dns::Resolver resolver{mail::dns::ResolvConf{}};
  mail::daemon::Context context;
  mail::config::Fixture fixture{"smtpd_relay_restrictions = reject\n"};
  std::unique_ptr<mail::smtpd::RewriteClient> rewrite;
  std::unique_ptr<mail::smtpd::restriction::Site> site;
  Bench() {
    context.settings = *fixture.load();
    rewrite = std::make_unique<mail::smtpd::RewriteClient>(*context.settings);
    site = std::make_unique<mail::smtpd::restriction::Site>(context, resolver,
                                                            *rewrite);
  }
};
