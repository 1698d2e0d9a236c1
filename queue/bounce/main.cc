// bounce(8), also as defer and trace: keeps what became of each recipient,
// and tells the sender.
#include "queue/bounce/service.h"

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "bounce",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::bounce::BounceService>();
       }});
}
