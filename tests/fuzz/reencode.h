#pragma once

#include "common/ipc/bounce.h"
#include "common/ipc/cleanup.h"
#include "common/ipc/delivery.h"
#include "common/ipc/milter.h"
#include "common/ipc/proxymap.h"
#include "common/ipc/rewrite.h"
#include "common/ipc/showq.h"
#include "tests/fuzz/input.h"

/// What was understood is understood again after it was written.
template <class M>
void again(std::string_view message, mail::ipc::Form form) {
  auto first = mail::ipc::decode<M>(message, "peer", form);
  if (!first) return;
  std::string text;
  mail::ipc::encode(*first, text, form);
  if (form == mail::ipc::Form::Plain) return;  // its values have no escapes
  auto second = mail::ipc::decode<M>(text, "peer", form);
  must(second.has_value());
}
