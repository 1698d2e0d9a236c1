#include "imapd/deflate.h"

#include <zlib.h>

#include <array>

namespace mail::imapd {
namespace {

constexpr size_t kMaxGrowth = 16 << 20;  // of one read

class Deflate : public net::Filter {
 public:
  Deflate(std::unique_ptr<net::Filter> inner, int level)
      : inner_(std::move(inner)) {
    deflateInit2(&out_, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    inflateInit2(&in_, -15);
  }
  ~Deflate() override {
    deflateEnd(&out_);
    inflateEnd(&in_);
  }

  Result<> decode(std::string_view received, std::string& plain,
                  std::string& wire) override {
    if (!inner_) return inflate_to(received, plain);
    std::string compressed;
    TRY(inner_->decode(received, compressed, wire));
    return inflate_to(compressed, plain);
  }

  Result<> encode(std::string_view plain, std::string& wire) override {
    std::string compressed;
    out_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    out_.avail_in = static_cast<uInt>(plain.size());
    std::array<char, 16384> buffer;
    do {
      out_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      out_.avail_out = buffer.size();
      deflate(&out_, Z_SYNC_FLUSH);
      compressed.append(buffer.data(), buffer.size() - out_.avail_out);
    } while (out_.avail_out == 0);
    if (inner_) return inner_->encode(compressed, wire);
    wire += compressed;
    return {};
  }

  bool at_end() const override {
    return ended_ || (inner_ && inner_->at_end());
  }
  void close(std::string& wire) override {
    if (inner_) inner_->close(wire);
  }

 private:
  Result<> inflate_to(std::string_view bytes, std::string& plain) {
    in_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    in_.avail_in = static_cast<uInt>(bytes.size());
    size_t before = plain.size();
    std::array<char, 16384> buffer;
    do {
      in_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      in_.avail_out = buffer.size();
      int status = inflate(&in_, Z_SYNC_FLUSH);
      plain.append(buffer.data(), buffer.size() - in_.avail_out);
      if (status == Z_STREAM_END) ended_ = true;
      if (status != Z_OK && status != Z_BUF_ERROR) break;
      if (plain.size() - before > kMaxGrowth) {
        return fail(Fault::Protocol, "compressed input grows too much");
      }
    } while (in_.avail_out == 0);
    if (in_.avail_in > 0 && !ended_) {
      return fail(Fault::Protocol, "compressed input is corrupt");
    }
    return {};
  }

  std::unique_ptr<net::Filter> inner_;
  z_stream out_{}, in_{};
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<net::Filter> make_deflate_filter(
    std::unique_ptr<net::Filter> inner, int level) {
  return std::make_unique<Deflate>(std::move(inner), level);
}

}  // namespace mail::imapd
