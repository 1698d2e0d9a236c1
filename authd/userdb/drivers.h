#pragma once

#include "authd/userdb.h"

namespace mail::authd {

Result<std::unique_ptr<Userdb>> make_passwd_userdb(const DatabaseSettings&,
                                                   unsigned id);
Result<std::unique_ptr<Userdb>> make_passwd_file_userdb(const DatabaseSettings&,
                                                        unsigned id);
Result<std::unique_ptr<Userdb>> make_static_userdb(const DatabaseSettings&,
                                                   unsigned id);
Result<std::unique_ptr<Userdb>> make_prefetch(const DatabaseSettings&,
                                              unsigned id);
Result<std::unique_ptr<Userdb>> make_sql_userdb(const DatabaseSettings&,
                                                unsigned id);

}  // namespace mail::authd
