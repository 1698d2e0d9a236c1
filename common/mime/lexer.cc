#include "common/mime/lexer.h"

#include "common/base/ascii.h"

namespace mail::mime {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_atom_char(char c) {
  if (static_cast<unsigned char>(c) >= 128) return true;
  return is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) !=
                            std::string_view::npos;
}

bool is_token_char(char c) {
  if (static_cast<unsigned char>(c) >= 128) return true;
  return is_print(c) && c != ' ' &&
         std::string_view("()<>@,;:\\\"/[]?=").find(c) ==
             std::string_view::npos;
}

}  // namespace

bool Lexer::take(char c) {
  if (at_end() || text_[at_] != c) return false;
  ++at_;
  return true;
}

void Lexer::skip_comment(std::string* comment) {
  if (comment) comment->clear();
  int depth = 1;
  for (++at_; at_ < text_.size(); ++at_) {
    char c = text_[at_];
    if (c == '\\' && at_ + 1 < text_.size()) {
      c = text_[++at_];
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth == 0) {
      ++at_;
      return;
    }
    if (comment && c != '\r' && c != '\n') comment->push_back(c);
  }
}

void Lexer::skip_blanks(std::string* comment) {
  while (!at_end()) {
    if (is_blank(text_[at_])) {
      ++at_;
    } else if (text_[at_] == '(') {
      skip_comment(comment);
    } else {
      break;
    }
  }
}

std::string_view Lexer::atom(bool dots) {
  size_t begin = at_;
  while (!at_end() &&
         (is_atom_char(text_[at_]) || (dots && text_[at_] == '.'))) {
    ++at_;
  }
  return text_.substr(begin, at_ - begin);
}

std::string_view Lexer::token() {
  size_t begin = at_;
  while (!at_end() && is_token_char(text_[at_])) ++at_;
  return text_.substr(begin, at_ - begin);
}

std::string Lexer::quoted() {
  std::string out;
  for (; at_ < text_.size(); ++at_) {
    char c = text_[at_];
    if (c == '"') {
      ++at_;
      break;
    }
    if (c == '\\' && at_ + 1 < text_.size()) c = text_[++at_];
    if (c != '\r' && c != '\n') out.push_back(c);
  }
  return out;
}

}  // namespace mail::mime
