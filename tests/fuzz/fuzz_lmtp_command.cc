#include "lmtp/headers.h"
#include "lmtp/job.h"
#include "lmtp/path.h"
#include "lmtp/quota-status/request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::lmtp;
  std::string_view line(reinterpret_cast<const char*>(data), size);
  mail::smtp::Reply reply;
  for (auto kind : {PathKind::From, PathKind::To}) {
    auto path = parse_path_command(line, kind, reply);
    if (path) (void)split_detail(*path, "+-");
  }
  (void)logged_headers(line);
  (void)parse_job(line);
  (void)parse_answers(line);
  size_t used = 0;
  (void)mail::quota_status::take_request(line, used);
  return 0;
}
