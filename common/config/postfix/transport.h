#pragma once

#include <string_view>

namespace mail::config {

// Parameters that each delivery service has: SERVICE_<name>, which when not
// set means default_<name> (initial_destination_concurrency means itself).
enum class TransportInt {
  delivery_slot_cost,
  delivery_slot_discount,
  delivery_slot_loan,
  destination_concurrency_failed_cohort_limit,
  destination_concurrency_limit,
  destination_recipient_limit,
  extra_recipient_limit,
  initial_destination_concurrency,
  minimum_delivery_slots,
  recipient_limit,
  recipient_refill_limit,
};
enum class TransportTime {
  destination_rate_delay,
  recipient_refill_delay,
  time_limit,  ///< pipe(8) and spawn(8); when not set: command_time_limit
  transport_rate_delay,
};
enum class TransportString {
  destination_concurrency_negative_feedback,
  destination_concurrency_positive_feedback,
};

std::string_view suffix_of(TransportInt what);
std::string_view suffix_of(TransportTime what);
std::string_view suffix_of(TransportString what);

/// All suffixes that qmgr(8) reads for each delivery service, sorted.
inline constexpr std::string_view kQueueSuffixes[] = {
    "delivery_slot_cost",
    "delivery_slot_discount",
    "delivery_slot_loan",
    "destination_concurrency_failed_cohort_limit",
    "destination_concurrency_limit",
    "destination_concurrency_negative_feedback",
    "destination_concurrency_positive_feedback",
    "destination_rate_delay",
    "destination_recipient_limit",
    "extra_recipient_limit",
    "initial_destination_concurrency",
    "minimum_delivery_slots",
    "recipient_limit",
    "recipient_refill_delay",
    "recipient_refill_limit",
    "transport_rate_delay",
};
inline constexpr std::string_view kTimeLimitSuffix = "time_limit";

}  // namespace mail::config
