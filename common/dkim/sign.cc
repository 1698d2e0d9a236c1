#include "common/dkim/sign.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/dkim/header_hash.h"
#include "common/dkim/tag_list.h"

namespace mail::dkim {

namespace {

constexpr size_t kMargin = 75;
constexpr size_t kFirstColumn = 16;  // behind "DKIM-Signature: "
constexpr size_t kTabColumn = 8;

/// Lays tags out in lines, as receivers' eyes and OpenDKIM are used to.
class TagWriter {
 public:
  enum class Split { Never, AtColons, Anywhere };

  /// tag: "name=value", without ";".
  void add(std::string_view tag, Split split = Split::Never) {
    if (!out_.empty() && !fits(tag.size() + 1)) {
      fold();
      write_long(std::string(tag) + ';', split);
      return;
    }
    if (!out_.empty()) put(" ");
    put(tag);
    put(";");
  }
  /// The last tag, b=, without its value: what is signed ends here.
  void begin_data(size_t size) {
    if (fits(size + 2)) {
      put(" ");
    } else {
      fold();
    }
    put("b=");
  }
  /// The value of b=, in lines.
  void data(std::string_view base64) { put_lines(base64); }
  const std::string& text() const { return out_; }

 private:
  bool fits(size_t size) const { return column_ + size <= kMargin; }
  void put(std::string_view text) {
    out_ += text;
    column_ += text.size();
  }
  void fold() {
    out_ += "\r\n\t";
    column_ = kTabColumn;
  }
  void continue_value() {
    out_ += "\r\n\t ";
    column_ = kTabColumn + 1;
  }
  void put_lines(std::string_view text) {
    while (!fits(text.size())) {
      size_t room = kMargin - column_;
      put(text.substr(0, room));
      text.remove_prefix(room);
      continue_value();
    }
    put(text);
  }
  void write_long(std::string_view tag, Split split) {
    if (split == Split::Never) return put(tag);
    if (split == Split::Anywhere) {
      return put_lines(tag);
    }
    size_t at = 0;
    while (at < tag.size()) {
      size_t end = std::min(tag.find(':', at), tag.size() - 1) + 1;
      std::string_view piece = tag.substr(at, end - at);
      // The ":" or ";" behind a name may stand in column 76.
      if (at > 0 && !fits(piece.size() - 1)) continue_value();
      put(piece);
      at = end;
    }
  }

  std::string out_;
  size_t column_ = kFirstColumn;
};

std::vector<std::string> signed_names(const SigningPlan& plan,
                                      const HeaderBlock& block) {
  std::vector<std::string> names;
  for (size_t i : plan.fields) {
    names.emplace_back(trim_right(block.fields()[i].name));
  }
  names.insert(names.end(), plan.oversign.begin(), plan.oversign.end());
  return names;
}

std::string copied_headers(const SigningPlan& plan, const HeaderBlock& block) {
  std::string out = "z=";
  for (size_t i : plan.fields) {
    const Field& field = block.fields()[i];
    if (out.size() > 2) out += '|';
    out += encode_quoted(field.name);
    out += ':';
    out += encode_quoted(field.value);
  }
  return out;
}

TagWriter begin_signature(const SigningPlan& plan, const HeaderBlock& block,
                          const std::vector<std::string>& names,
                          std::string_view body_hash, uint64_t body_size) {
  using Split = TagWriter::Split;
  TagWriter out;
  out.add("v=1");
  out.add(fmt::format("a={}", algorithm_name(plan.algorithm)));
  out.add(fmt::format("c={}/{}", canon_name(plan.canon.header),
                      canon_name(plan.canon.body)));
  out.add("d=" + plan.domain);
  out.add("s=" + plan.selector);
  out.add(fmt::format("t={}", plan.created));
  if (plan.expires) out.add(fmt::format("x={}", *plan.expires));
  if (!plan.identity.empty()) out.add("i=" + plan.identity);
  if (plan.request_reports) out.add("r=y");
  out.add("bh=" + base64_encode(body_hash), Split::Anywhere);
  if (plan.partial) out.add(fmt::format("l={}", body_size));
  out.add("h=" + join(names, ":"), Split::AtColons);
  if (plan.copy_headers) out.add(copied_headers(plan, block), Split::Anywhere);
  return out;
}

}  // namespace

Result<std::string> make_signature(const SigningPlan& plan,
                                   const HeaderBlock& block,
                                   std::string_view body_hash,
                                   uint64_t body_size) {
  auto names = signed_names(plan, block);
  bool from =
      std::any_of(plan.fields.begin(), plan.fields.end(), [&](size_t i) {
        return iequals(trim_right(block.fields()[i].name), "from");
      });
  if (!from) return fail(Fault::Protocol, "required header \"From\" not found");
  TagWriter text = begin_signature(plan, block, names, body_hash, body_size);
  size_t raw = (plan.key->bits() + 7) / 8;
  if (plan.key->type() == crypto::KeyType::Ed25519) raw = 64;
  text.begin_data((raw + 2) / 3 * 4);
  auto hash = hash_of(plan.algorithm);
  std::string digest = header_digest(block, names, plan.canon.header, hash,
                                     "DKIM-Signature", " " + text.text());
  std::string signature = TRY(plan.key->sign(hash, digest));
  text.data(base64_encode(signature));
  return text.text();
}

}  // namespace mail::dkim
