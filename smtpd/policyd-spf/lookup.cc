#include "smtpd/policyd-spf/lookup.h"

#include "common/net/task_set.h"

namespace mail::policyd_spf {

namespace {

dns::Type type_of(spf::Question::Type type) {
  switch (type) {
    case spf::Question::Type::Txt:
      return dns::Type::TXT;
    case spf::Question::Type::A:
      return dns::Type::A;
    case spf::Question::Type::Aaaa:
      return dns::Type::AAAA;
    case spf::Question::Type::Mx:
      return dns::Type::MX;
    case spf::Question::Type::Ptr:
      break;
  }
  return dns::Type::PTR;
}

spf::Reply::Status status_of(const dns::Answer& answer) {
  switch (answer.status) {
    case dns::Status::Found:
      return spf::Reply::Status::Found;
    case dns::Status::NotFound:
    case dns::Status::NoData:
    case dns::Status::NullMx:
      return spf::Reply::Status::Nothing;
    default:
      return spf::Reply::Status::Failure;
  }
}

net::Task<> answer_one(dns::Resolver* resolver, spf::Question question,
                       net::Deadline deadline, spf::Replies* replies) {
  auto answer = co_await resolver->lookup(question.name, type_of(question.type),
                                          deadline);
  spf::Reply reply;
  reply.status = status_of(answer);
  for (const auto& record : answer.records) {
    switch (record.type) {
      case dns::Type::TXT:
        reply.texts.push_back(record.data);
        break;
      case dns::Type::MX:
      case dns::Type::PTR:
        reply.texts.push_back(record.target);
        break;
      default:
        if (auto address = spf::Address::parse(record.address.text())) {
          reply.addresses.push_back(*address);
        }
    }
  }
  replies->insert_or_assign(std::move(question), std::move(reply));
}

}  // namespace

net::Task<> answer_all(dns::Resolver& resolver,
                       std::vector<spf::Question> questions,
                       net::Deadline deadline, spf::Replies& replies) {
  net::TaskSet tasks;
  for (auto& question : questions) {
    tasks.start(answer_one(&resolver, std::move(question), deadline, &replies));
  }
  co_await tasks.drained();
}

}  // namespace mail::policyd_spf
