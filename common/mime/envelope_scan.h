#pragma once

#include <forward_list>
#include <string>
#include <string_view>

#include "common/mime/structure.h"

namespace mail::mime {

/// The headers of an ENVELOPE and References, found in one pass over a header
/// block (to its empty line, or the end). The same values as StructureParser's
/// with its default limits; without references the optional is empty.
class EnvelopeScan {
 public:
  /// `header` must outlive it.
  explicit EnvelopeScan(std::string_view header);
  EnvelopeScan(const EnvelopeScan&) = delete;
  EnvelopeScan& operator=(const EnvelopeScan&) = delete;

  const EnvelopeView& fields() const { return fields_; }
  /// The last References header's.
  std::optional<std::string_view> references() const { return references_; }

 private:
  std::optional<std::string_view>* place_of(std::string_view name, bool& joins);
  std::string_view keep(std::string text);

  EnvelopeView fields_;
  std::optional<std::string_view> references_;
  std::forward_list<std::string> made_;  // what is not in `header` as it is
};

}  // namespace mail::mime
