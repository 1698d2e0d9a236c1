#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/imap/arg.h"

namespace mail::imap {

/// BODY[...], BINARY[...] and their old names RFC822, RFC822.HEADER,
/// RFC822.TEXT.
struct BodySection {
  enum class What : uint8_t {
    All,
    Header,
    HeaderFields,
    HeaderFieldsNot,
    Text,
    Mime,
  };
  std::vector<uint32_t> part;  ///< "1.2"; empty: the message
  What what = What::All;
  std::vector<std::string> fields;  ///< upper case
  bool peek = false;
  bool binary = false;       ///< content transfer encoding undone
  bool binary_size = false;  ///< BINARY.SIZE
  bool partial = false;      ///< <offset.size>
  uint64_t offset = 0, size = 0;
  std::string label;  ///< "BODY[1.HEADER.FIELDS (TO)]<0>", as it is answered
};

struct FetchItem {
  enum class Kind : uint8_t {
    Flags,
    Uid,
    InternalDate,
    Size,
    Envelope,
    Body,  ///< BODY without a section
    BodyStructure,
    Section,
    ModSeq,
    Preview,
    Snippet,
    SaveDate,
    XGuid,
    XMailbox,
    XRealUid,
    XSaveDate,
  };
  Kind kind = Kind::Flags;
  BodySection section;
  bool lazy = false;  ///< PREVIEW (LAZY)
};

/// The items of a FETCH: one name, a macro (ALL, FAST, FULL), or a list.
/// Errors: Protocol; what: the text for the client's BAD.
Result<std::vector<FetchItem>> parse_fetch_items(const Args& args, size_t& at);

}  // namespace mail::imap
