#pragma once

// Inside common/tls only: owners of OpenSSL's objects.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string>
#include <vector>

#include "common/base/handle.h"

namespace mail::tls {

using BioPtr = Handle<BIO, BIO_free_all>;
using KeyPtr = Handle<EVP_PKEY, EVP_PKEY_free>;
using CertificatePtr = Handle<X509, X509_free>;
using ContextPtr = Handle<SSL_CTX, SSL_CTX_free>;
using SslPtr = Handle<SSL, SSL_free>;
using SessionPtr = Handle<SSL_SESSION, SSL_SESSION_free>;

/// The library's queued errors, oldest first, and empties the queue:
/// "TLS library problem: error:0A00010B:SSL routines::wrong version
/// number:../ssl/record/ssl3_record.c:354:"
std::vector<std::string> take_library_errors();

}  // namespace mail::tls
