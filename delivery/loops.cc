#include "delivery/loops.h"

#include "common/base/ascii.h"
#include "common/mime/header.h"
#include "common/queue/source.h"
#include "common/queuefile/content.h"

namespace mail::delivery {

std::vector<std::string> delivered_to(const Request& request) {
  constexpr size_t kLimit = 1000;
  std::vector<std::string> out;
  queue::FileSource source(request.file.get());
  queuefile::ContentReader reader(source,
                                  static_cast<uint64_t>(request.data_offset));
  mime::HeaderSplitter splitter;
  auto take = [&] {
    if (!splitter.ready() || out.size() >= kLimit) return;
    auto field = mime::split_header(splitter.header());
    if (iequals(field.name, "Delivered-To")) {
      out.push_back(lower(trim(field.value)));
    }
  };
  while (true) {
    auto piece = reader.next();
    if (!piece || !*piece) {
      splitter.finish();
      take();
      return out;
    }
    using Piece = mime::HeaderSplitter::Piece;
    bool going =
        splitter.push((*piece)->text,
                      (*piece)->ends_line ? Piece::Complete : Piece::Continues);
    take();
    if (!going) return out;
  }
}

}  // namespace mail::delivery
