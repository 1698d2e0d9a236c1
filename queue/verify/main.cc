// verify(8): which addresses are deliverable.
#include "queue/verify/service.h"

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "verify",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::verify::VerifyService>();
       },
       .limit = mail::daemon::ProcessLimit::One,
       .clients = 5000});
}
