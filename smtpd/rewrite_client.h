#pragma once

#include "common/ipc/rewrite_client.h"

namespace mail::smtpd {

using ipc::RewriteClient;

}  // namespace mail::smtpd
