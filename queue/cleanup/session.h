#pragma once

#include "common/daemon/service.h"
#include "queue/cleanup/content.h"
#include "queue/cleanup/envelope.h"
#include "queue/cleanup/state.h"

namespace mail::cleanup {

/// What the sessions of a process share.
struct Shared {
  std::unique_ptr<Config> config;
  std::unique_ptr<Rewriter> rewriter;
  std::unique_ptr<ipc::Client> bounce;
  net::TaskSet* tasks = nullptr;
  bool waking_qmgr = false, wake_again = false;

  /// Tells the queue manager of new mail; several at once count as one.
  void wake_qmgr();
};

/// One message from one client: records in, a queue file, the verdict.
class Session {
 public:
  explicit Session(Shared& shared);
  net::Task<> serve(net::Stream stream);

 private:
  enum class Place { Envelope, Content, Extracted, Finished };

  net::Task<bool> open(net::Stream& stream);
  net::Task<bool> receive(net::Stream& stream);
  net::Task<> take(const queuefile::Record& record, net::Stream& stream);
  bool pass_line(const queuefile::Record& record);
  net::Task<> enter_content();
  net::Task<> enter_extracted();
  net::Task<> take_milters(std::string_view count, net::Stream& stream);
  void end_of_records();
  net::Task<> conclude();
  net::Task<> run_milters();
  net::Task<> bounce();
  void write_sizes();
  net::Task<> store();
  void discard_file();
  void check_size();
  std::string reason_text() const;

  Shared& shared_;
  State s_;
  EnvelopeWriter envelope_;
  ContentWriter content_;
  Place place_ = Place::Envelope;
  queuefile::RecordReader reader_;
  bool kept_ = false;
};

}  // namespace mail::cleanup
