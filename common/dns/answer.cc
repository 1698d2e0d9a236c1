#include "common/dns/answer.h"

namespace mail::dns {

std::string type_name(Type type) {
  switch (type) {
    case Type::A:
      return "A";
    case Type::NS:
      return "NS";
    case Type::CNAME:
      return "CNAME";
    case Type::SOA:
      return "SOA";
    case Type::PTR:
      return "PTR";
    case Type::MX:
      return "MX";
    case Type::TXT:
      return "TXT";
    case Type::AAAA:
      return "AAAA";
    case Type::SRV:
      return "SRV";
    case Type::TLSA:
      return "TLSA";
  }
  return "TYPE" + std::to_string(static_cast<unsigned>(type));
}

std::string_view status_text(Status status) {
  switch (status) {
    case Status::Found:
      return "";
    case Status::NotFound:
      return "Host not found";
    case Status::NoData:
      return "Host found but no data record of requested type";
    case Status::NullMx:
      return "Domain does not accept mail (nullMX)";
    case Status::ServerFailure:
      return "Non-recoverable error";
    case Status::Malformed:
      return "Malformed or unexpected name server reply";
    case Status::Temporary:
      return "Host not found, try again";
  }
  return "";
}

std::string Answer::error_text() const {
  if (status == Status::Found) return "";
  if (status == Status::NullMx) {
    return "Domain " + name + " does not accept mail (nullMX)";
  }
  std::string error =
      "Name service error for name=" + name + " type=" + type_name(type) + ": ";
  error += status_text(status);
  // Malformed replies say nothing about whether the host is there.
  if (status == Status::Malformed) return error;
  return "Host or domain name not found. " + error;
}

}  // namespace mail::dns
