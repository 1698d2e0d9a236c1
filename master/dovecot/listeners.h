#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "master/dovecot/spec.h"

namespace mail::dovecot {

using OpenListeners = std::map<std::string, std::shared_ptr<Listener>>;

/// Opens all sockets of the services; what `before` has open is taken over.
/// Returns why some could not be opened, in the original's words.
std::vector<std::string> open_listeners(std::vector<Spec>& services,
                                        const OpenListeners& before);
OpenListeners by_key(const std::vector<Spec>& services);

/// Takes the sockets that systemd opened (LISTEN_FDS) for `services`; the
/// others are closed. Returns warnings.
std::vector<std::string> adopt_systemd_sockets(std::vector<Spec>& services);

/// Removes the files of Unix sockets that `kept` does not have.
void remove_files(const OpenListeners& listeners, const OpenListeners& kept);

}  // namespace mail::dovecot
