#include <unistd.h>

#include "common/base/file.h"
#include "common/config/postfix/params.h"
#include "common/daemon/command.h"
#include "common/maps/proxy.h"
#include "common/net/loop.h"
#include "tools/postmap/request.h"

using namespace mail;
using namespace mail::postmap;

namespace {

constexpr daemon::Command kPostmap{.name = "postmap"};
constexpr daemon::Command kPostalias{.name = "postalias"};

std::string output;  // of standard output, until there is much of it

Result<> flush() {
  TRY(write_all(1, output));
  output.clear();
  return {};
}

Result<> buffered(std::string_view text) {
  output += text;
  if (output.size() < 65536) return {};
  return flush();
}

Context make_context(Request request, const config::Settings& settings) {
  namespace param = config::param;
  Context context;
  bool utf8 = request.utf8 == Request::Utf8::Always ||
              (request.utf8 == Request::Utf8::AsConfigured &&
               settings.get(param::smtputf8_enable));
  context.warn = [](std::string_view text) { daemon::warning(text); };
  context.write = buffered;
  context.default_type = settings.get(param::default_database_type);
  context.host_name = settings.get(param::myhostname);
  context.open.flags = request.flags | (utf8 ? maps::flag::kUtf8Request : 0);
  context.open.read_cache =
      static_cast<size_t>(settings.get(param::berkeley_db_read_buffer_size));
  context.open.write_cache =
      static_cast<size_t>(settings.get(param::berkeley_db_create_buffer_size));
  context.open.lmdb_map_size =
      static_cast<size_t>(settings.get(param::lmdb_map_size));
  context.open.warn = context.warn;
  const auto& service = settings.get(param::proxymap_service_name);
  context.open.proxy = std::make_shared<maps::ProxyClient>(
      settings.get(param::queue_directory) + "/private/" + service, service,
      settings.get(param::ipc_idle), settings.get(param::ipc_timeout));
  context.request = std::move(request);
  return context;
}

Result<int> run(const Context& context) {
  const Request& request = context.request;
  if (request.remove) {
    return *request.remove == "-" ? remove_input(context)
                                  : postmap::remove(context, *request.remove);
  }
  if (request.query) {
    return *request.query == "-" ? query_input(context)
                                 : query(context, *request.query);
  }
  if (request.sequence) {
    return list(context, table_name(context, request.tables.front()));
  }
  for (const std::string& table : request.tables) {
    TRY(create(context, table_name(context, table)));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view called = argc > 0 ? argv[0] : "postmap";
  bool alias = called.substr(called.rfind('/') + 1) == "postalias";
  const daemon::Command& command = alias ? kPostalias : kPostmap;
  daemon::begin_command(command);
  auto request =
      parse_request(alias ? Program::Postalias : Program::Postmap, argc, argv);
  if (!request) daemon::fatal(request.error().what);
  if (!request->config_directory.empty()) {
    daemon::use_config_directory(request->config_directory);
  }
  auto settings = daemon::load_settings(command);
  Context context = make_context(std::move(*request), *settings);
  net::Loop loop;
  context.loop = &loop;
  auto status = run(context);
  auto written = flush();
  if (!status) daemon::fatal(status.error().what);
  if (!written) daemon::fatal(written.error().what);
  return *status;
}
