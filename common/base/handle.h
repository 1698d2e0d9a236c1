#pragma once

#include <memory>

namespace mail {

/// unique_ptr for a C library's object, as small as a pointer:
///   using X509Ptr = Handle<X509, X509_free>;
template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
template <class T, auto Free>
using Handle = std::unique_ptr<T, Freer<Free>>;

}  // namespace mail
