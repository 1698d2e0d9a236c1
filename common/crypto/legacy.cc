#define OPENSSL_SUPPRESS_DEPRECATED  // what it offers instead has no inner
                                     // state
#include "common/crypto/legacy.h"

#include <openssl/md4.h>
#include <openssl/md5.h>

#include "common/base/check.h"
#include "common/crypto/octets.h"

namespace mail::crypto {

namespace {

constexpr size_t kBlock = 64;

uint32_t word_at(std::string_view state, size_t index) {
  uint32_t word = 0;
  for (size_t i = 4; i > 0; --i) {
    word = word << 8 | static_cast<unsigned char>(state[index * 4 + i - 1]);
  }
  return word;
}

}  // namespace

std::string md4(std::string_view bytes) {
  std::string out(MD4_DIGEST_LENGTH, '\0');
  MD4(octets(bytes), bytes.size(),
      reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

std::string md5_state_after(std::string_view block) {
  CHECK(block.size() == kBlock);
  MD5_CTX context;
  MD5_Init(&context);
  MD5_Update(&context, block.data(), block.size());
  std::string out;
  for (uint32_t word : {context.A, context.B, context.C, context.D}) {
    for (int i = 0; i < 4; ++i) out += static_cast<char>(word >> (8 * i));
  }
  return out;
}

std::string md5_from_state(std::string_view state, std::string_view bytes) {
  CHECK(state.size() == MD5_DIGEST_LENGTH);
  MD5_CTX context;
  MD5_Init(&context);
  context.A = word_at(state, 0);
  context.B = word_at(state, 1);
  context.C = word_at(state, 2);
  context.D = word_at(state, 3);
  context.Nl = kBlock * 8;
  MD5_Update(&context, bytes.data(), bytes.size());
  std::string out(MD5_DIGEST_LENGTH, '\0');
  MD5_Final(reinterpret_cast<unsigned char*>(out.data()), &context);
  return out;
}

}  // namespace mail::crypto
