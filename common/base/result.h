#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace mail {

/// What a caller must know of a failure.
enum class Fault {
  Temporary,  ///< try again later (SMTP 4xx)
  Permanent,  ///< will not work (SMTP 5xx)
  Protocol,   ///< the peer or a file does not keep to its format
  Config,     ///< the administrator must mend something
};

struct Error {
  Fault fault = Fault::Temporary;
  std::string what;  ///< for our log, never for the peer
  int sys = 0;       ///< errno, 0 if there was none
};

/// A value or an Error. Only this header names tl::expected; use what
/// std::expected also has.
template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Failure = tl::unexpected<Error>;

/// Makes the error side of any Result.
[[nodiscard]] Failure fail(Fault fault, std::string what);
/// The same with errno `sys`; its text is appended: "open /x: No such file...".
[[nodiscard]] Failure fail_errno(std::string_view what, int sys);
[[nodiscard]] inline Failure fail(Error error) {
  return Failure(std::move(error));
}

namespace detail {
template <class T>
[[nodiscard]] T take(tl::expected<T, Error>& result) {
  return std::move(*result);
}
inline void take(tl::expected<void, Error>&) {}
}  // namespace detail

// TRY(expression): the value, or an early return with the error.
#define TRY(...)                                                           \
  __extension__({                                                          \
    auto&& try_result_ = (__VA_ARGS__);                                    \
    if (!try_result_) return ::mail::fail(std::move(try_result_).error()); \
    ::mail::detail::take(try_result_);                                     \
  })

// The same in a coroutine, for a Result that has been awaited already. It
// moves the value out:   auto got = co_await f();  auto value = CO_TRY(got);
#define CO_TRY(...)                                                           \
  __extension__({                                                             \
    auto&& try_result_ = (__VA_ARGS__);                                       \
    if (!try_result_) co_return ::mail::fail(std::move(try_result_).error()); \
    ::mail::detail::take(try_result_);                                        \
  })

// Only the early return; the result keeps its value:
//   auto got = co_await f();  CO_CHECK(got);  use(*got);
#define CO_CHECK(result)                                                \
  do {                                                                  \
    if (!(result)) co_return ::mail::fail(std::move((result)).error()); \
  } while (false)

}  // namespace mail
