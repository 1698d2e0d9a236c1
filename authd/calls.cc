#include "authd/calls.h"

namespace mail::authd {

net::Task<PassAnswer> DirectCalls::verify(Passdb& passdb,
                                          const Request& request,
                                          std::string_view password) {
  co_return passdb.verify(request, password);
}

net::Task<> DirectCalls::check(Passdb& passdb, const Request& request,
                               PassAnswer& answer, std::string_view password) {
  check_stored(passdb, request, answer, password);
  co_return;
}

net::Task<PassAnswer> DirectCalls::look_up(Passdb& passdb,
                                           const Request& request) {
  co_return passdb.look_up(request);
}

net::Task<UserAnswer> DirectCalls::look_up(Userdb& userdb,
                                           const Request& request) {
  co_return userdb.look_up(request);
}

net::Task<Calls::Listed> DirectCalls::list(Userdb& userdb,
                                           const Request& request) {
  Listed out;
  out.complete = userdb.list(
      request, [&](std::string_view name) { out.users.emplace_back(name); });
  co_return out;
}

}  // namespace mail::authd
