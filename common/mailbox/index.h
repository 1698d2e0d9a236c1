#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mailbox/index_file.h"
#include "common/mailbox/index_format.h"

namespace mail::mailbox {

/// One mailbox in an index file. Keys: box number (4 bytes, big endian), a
/// letter, and
///   h                 header        r uid            record
///   x modseq uid      expunged      b number field   CacheBlock
/// and in box 0:  n path -> number,  i -> last number.
class Index {
 public:
  Index(std::shared_ptr<IndexFile> file, std::string path);

  /// False: there is nothing (valid) of this mailbox.
  bool header(IndexHeader& out);
  /// Records as they are kept: `odd` is what Record::odd_info announces; both
  /// views are valid during the call.
  using Each = std::function<void(const Record& record, std::string_view odd)>;
  struct Expunged {
    uint64_t modseq;
    uint32_t uid;
  };
  bool load(const Each& each, std::vector<Expunged>& expunged);
  class Writer;

  /// One moment's state, of which `work` reads only.
  void look(const std::function<void(Writer&)>& work);

  /// Others have written to the file since our last look at it.
  bool maybe_changed() const;
  /// A new file has taken the place of one that was removed.
  bool renewed();

  class Writer {
   public:
    Writer(Index& index, IndexFile::Transaction& transaction)
        : index_(index), transaction_(transaction) {}
    bool header(IndexHeader& out);
    void walk(const Each& each);
    std::vector<Expunged> expunged_after(uint64_t modseq);
    void put(const Record& record, std::string_view odd);
    void remove(uint32_t uid, uint64_t modseq);
    void trim_expunged(uint64_t floor);
    void put_header(const IndexHeader& header);
    /// The same, of the highest uid.
    void put_last(const Record& record, std::string_view odd);
    std::optional<std::string_view> block(uint32_t number,
                                          std::string_view field);
    void put_block(uint32_t number, std::string_view field,
                   std::string_view bytes);
    void clear();

   private:
    Index& index_;
    IndexFile::Transaction& transaction_;
  };
  /// All or nothing. False: nothing was written.
  bool write(const std::function<void(Writer&)>& work);

  /// A CacheBlock's bytes.
  std::optional<std::string> block(uint32_t number, std::string_view field);
  /// The mailbox is gone.
  void forget();

 private:
  friend class Writer;
  bool find_box(IndexFile::Transaction& transaction, bool make);
  std::string key(char kind) const;
  std::string key(char kind, uint32_t uid) const;
  std::string block_key(uint32_t number, std::string_view field) const;

  std::shared_ptr<IndexFile> file_;
  std::string path_;
  uint32_t box_ = 0;  // 0: not known
  uint64_t seen_write_ = 0;
  unsigned generation_ = 0;
};

}  // namespace mail::mailbox
