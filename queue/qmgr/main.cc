// qmgr(8): the queue manager.
#include "queue/qmgr/manager.h"

namespace mail::qmgr {

namespace {

class QmgrService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    manager_ = TRY(Manager::open(context));
    return {};
  }
  net::Task<Result<>> start(daemon::Context& context) override {
    manager_->recover();
    context.tasks->start(manager_->run());
    co_return Result<>{};
  }
  void trigger(std::string_view bytes) override { manager_->trigger(bytes); }

 private:
  std::unique_ptr<Manager> manager_;
};

}  // namespace

}  // namespace mail::qmgr

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "qmgr",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::qmgr::QmgrService>();
       },
       .kind = mail::daemon::Kind::Trigger,
       .limit = mail::daemon::ProcessLimit::One,
       .stays = true});
}
