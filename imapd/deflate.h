#pragma once

#include <memory>

#include "common/net/filter.h"

namespace mail::imapd {

/// COMPRESS=DEFLATE (RFC 4978): raw deflate both ways, flushed with each
/// write. `inner`: what the connection had before (TLS), or null.
std::unique_ptr<net::Filter> make_deflate_filter(
    std::unique_ptr<net::Filter> inner, int level);

}  // namespace mail::imapd
