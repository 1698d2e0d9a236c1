#pragma once

#include "authd/passdb.h"

namespace mail::authd {

Result<std::unique_ptr<Passdb>> make_pam(const DatabaseSettings&, unsigned id);
Result<std::unique_ptr<Passdb>> make_passwd_passdb(const DatabaseSettings&,
                                                   unsigned id);
Result<std::unique_ptr<Passdb>> make_shadow(const DatabaseSettings&,
                                            unsigned id);
Result<std::unique_ptr<Passdb>> make_passwd_file_passdb(const DatabaseSettings&,
                                                        unsigned id);
Result<std::unique_ptr<Passdb>> make_static_passdb(const DatabaseSettings&,
                                                   unsigned id);
Result<std::unique_ptr<Passdb>> make_sql_passdb(const DatabaseSettings&,
                                                unsigned id);

}  // namespace mail::authd
