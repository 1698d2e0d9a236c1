#pragma once

#include <string>
#include <vector>

#include "delivery/request.h"

namespace mail::delivery {

/// The addresses of the message's Delivered-To headers (the first 1000), lower
/// case: who is among them has had this message before.
std::vector<std::string> delivered_to(const Request& request);

}  // namespace mail::delivery
