#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::imap {

/// Sequence numbers or UIDs (RFC 3501, sequence-set), as sorted ranges that
/// neither overlap nor touch.
class SequenceSet {
 public:
  struct Range {
    uint32_t first, last;
  };
  /// "1,3:5,7:*": "*" is `largest`. nullopt: bad grammar, or a zero.
  static std::optional<SequenceSet> parse(std::string_view text,
                                          uint32_t largest);
  static SequenceSet of(const std::vector<uint32_t>& ascending);

  void add(uint32_t first, uint32_t last);
  void add(uint32_t n) { add(n, n); }
  bool contains(uint32_t n) const;
  bool empty() const { return ranges_.empty(); }
  uint64_t size() const;
  uint32_t last() const { return ranges_.empty() ? 0 : ranges_.back().last; }
  const std::vector<Range>& ranges() const { return ranges_; }
  /// "1,3:5"
  std::string text() const;

 private:
  std::vector<Range> ranges_;
};

/// The same text from numbers in any order, runs of ascending neighbours as
/// ranges ("2:12,1"): what ESORT and COPYUID answer.
std::string number_text(const std::vector<uint32_t>& numbers);

}  // namespace mail::imap
