#include "common/daemon/tables.h"

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "common/maps/proxy.h"

namespace mail::daemon {

namespace param = config::param;

maps::OpenOptions table_options(Context& context) {
  const auto& settings = *context.settings;
  maps::OpenOptions options;
  options.read_cache =
      static_cast<size_t>(settings.get(param::berkeley_db_read_buffer_size));
  options.write_cache =
      static_cast<size_t>(settings.get(param::berkeley_db_create_buffer_size));
  options.lmdb_map_size =
      static_cast<size_t>(settings.get(param::lmdb_map_size));
  if (settings.get(param::smtputf8_enable)) {
    options.flags |= maps::flag::kUtf8Request;
  }
  // Nothing of the jail's world is needed to read a table again.
  auto root = RealRoot::open();
  if (root) options.root = std::make_shared<RealRoot>(std::move(*root));
  auto idle = settings.get(param::ipc_idle);
  auto timeout = settings.get(param::ipc_timeout);
  const auto& reader = settings.get(param::proxymap_service_name);
  const auto& writer = settings.get(param::proxywrite_service_name);
  options.proxy = std::make_shared<maps::ProxyClient>("private/" + reader,
                                                      reader, idle, timeout);
  options.proxy_writer = std::make_shared<maps::ProxyClient>(
      "private/" + writer, writer, idle, timeout);
  options.restart = [&context] {
    if (context.drain) context.drain();
  };
  return options;
}

queue::Layout queue_layout(const config::Settings& settings) {
  queue::Layout layout;
  layout.hash_names.clear();
  for (auto name : split(settings.get(param::hash_queue_names))) {
    layout.hash_names.push_back(lower(name));
  }
  layout.hash_depth = static_cast<int>(settings.get(param::hash_queue_depth));
  if (settings.get(param::enable_long_queue_ids)) {
    layout.id_form = queue::IdForm::Long;
  }
  return layout;
}

}  // namespace mail::daemon
