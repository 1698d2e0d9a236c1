#include "common/process/sandbox.h"

#include <fmt/format.h>
#include <grp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/handle.h"
#include "common/process/file_access.h"
#include "common/process/ids.h"

namespace mail::process {

namespace {

constexpr int kNever[] = {SCMP_SYS(ptrace),
                          SCMP_SYS(process_vm_readv),
                          SCMP_SYS(process_vm_writev),
                          SCMP_SYS(mount),
                          SCMP_SYS(umount2),
                          SCMP_SYS(pivot_root),
                          SCMP_SYS(swapon),
                          SCMP_SYS(swapoff),
                          SCMP_SYS(reboot),
                          SCMP_SYS(init_module),
                          SCMP_SYS(finit_module),
                          SCMP_SYS(delete_module),
                          SCMP_SYS(kexec_load),
                          SCMP_SYS(kexec_file_load),
                          SCMP_SYS(bpf),
                          SCMP_SYS(perf_event_open),
                          SCMP_SYS(userfaultfd),
                          SCMP_SYS(add_key),
                          SCMP_SYS(request_key),
                          SCMP_SYS(keyctl),
                          SCMP_SYS(unshare),
                          SCMP_SYS(setns),
                          SCMP_SYS(settimeofday),
                          SCMP_SYS(clock_settime),
                          SCMP_SYS(sethostname),
                          SCMP_SYS(setdomainname),
                          SCMP_SYS(iopl),
                          SCMP_SYS(ioperm),
                          SCMP_SYS(acct),
                          SCMP_SYS(quotactl),
                          SCMP_SYS(io_uring_setup),
                          SCMP_SYS(open_by_handle_at),
                          SCMP_SYS(mknod),
                          SCMP_SYS(mknodat)};

constexpr int kNotInternal[] = {SCMP_SYS(execve),    SCMP_SYS(execveat),
                                SCMP_SYS(chroot),    SCMP_SYS(setuid),
                                SCMP_SYS(setgid),    SCMP_SYS(setgroups),
                                SCMP_SYS(setresuid), SCMP_SYS(setresgid)};

Result<> filter_calls(Profile profile) {
  Handle<void, seccomp_release> filter(seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return fail(Fault::Config, "seccomp_init failed");
  auto deny = [&](int call) {
    // A kernel that lacks the call needs no rule for it.
    seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0);
  };
  for (int call : kNever) deny(call);
  if (profile != Profile::ReadsMailbox) {
    for (int call : kNotInternal) deny(call);
  }
  int error = seccomp_load(filter.get());
  // Without the kernel's support (some containers) the ids still protect us.
  if (error != 0 && error != -ENOSYS && error != -EINVAL) {
    return fail(Fault::Config,
                fmt::format("seccomp_load: {}", strerror(-error)));
  }
  return {};
}

}  // namespace

Result<> confine(const Confinement& wanted) {
  std::optional<UserIds> ids = wanted.ids;
  if (!wanted.user.empty()) {
    // Before chroot: the jail has no passwd file.
    auto found = TRY(find_user(wanted.user));
    if (!found) {
      return fail(Fault::Config, fmt::format("unknown user: {}", wanted.user));
    }
    ids = *found;
  }
  if (!wanted.root.empty()) {
    if (chroot(wanted.root.c_str()) != 0) {
      return fail_errno("chroot " + wanted.root, errno);
    }
    if (chdir("/") != 0) return fail_errno("chdir /", errno);
  }
  if (ids) {
    TRY(become_for_good(*ids, wanted.groups));
  } else if (!wanted.groups.empty() &&
             setgroups(wanted.groups.size(), wanted.groups.data()) != 0) {
    return fail_errno("setgroups", errno);
  }
  if (wanted.profile == Profile::None) return {};
  if (wanted.profile == Profile::HoldsSecrets) prctl(PR_SET_DUMPABLE, 0);
  // A program that runs commands for users may have to run set-uid ones.
  if (wanted.profile != Profile::ReadsMailbox) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
      return fail_errno("prctl no_new_privs", errno);
    }
    if (wanted.profile == Profile::FacesNetwork) {
      TRY(restrict_files(wanted.writes));
    }
    return filter_calls(wanted.profile);
  }
  return {};
}

}  // namespace mail::process
