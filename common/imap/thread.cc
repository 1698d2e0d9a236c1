#include "common/imap/thread.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "common/base/hash.h"
#include "common/imap/quote.h"

namespace mail::imap {
namespace {

constexpr int kNone = -1;

struct Node {
  int message = kNone;  // kNone: a message that is referred to, not here
  int parent = kNone;
  std::vector<int> children;
  int64_t date = 0;
  uint32_t number = 0;
};

class Forest {
 public:
  explicit Forest(const ThreadInput& input)
      : messages_(input.messages), references_(input.references) {
    nodes_.reserve(messages_.size() * 3 / 2);
  }

  void link_references();
  void prune();
  void merge_subjects();
  void sort_children();
  void date_by_latest();
  void sort_roots();
  std::string text() const;

  int add(int message) {
    Node node;
    node.message = message;
    if (message != kNone) {
      const ThreadMessage& m = messages_[static_cast<size_t>(message)];
      node.date = m.date;
      node.number = m.number;
    }
    nodes_.push_back(std::move(node));
    return static_cast<int>(nodes_.size()) - 1;
  }
  Node& at(int i) { return nodes_[static_cast<size_t>(i)]; }
  const Node& at(int i) const { return nodes_[static_cast<size_t>(i)]; }
  std::vector<int>& roots() { return roots_; }

 private:
  int node_of(uint64_t id);
  bool is_ancestor(int ancestor, int node) const;
  void set_parent(int node, int parent);
  bool earlier(int a, int b) const {
    const Node &x = at(a), &y = at(b);
    return x.date != y.date ? x.date < y.date : x.number < y.number;
  }
  uint64_t subject_of(int root, bool& reply) const;
  std::vector<int> post_order() const;
  void merge_root(std::unordered_map<uint64_t, int>& table, int root,
                  std::vector<int>& added);

  const std::vector<ThreadMessage>& messages_;
  const std::vector<uint64_t>& references_;
  std::vector<Node> nodes_;
  std::vector<int> roots_;
  std::unordered_map<uint64_t, int> by_id_;
};

int Forest::node_of(uint64_t id) {
  auto [entry, fresh] = by_id_.try_emplace(id, kNone);
  if (fresh) entry->second = add(kNone);
  return entry->second;
}

bool Forest::is_ancestor(int ancestor, int node) const {
  for (; node != kNone; node = at(node).parent) {
    if (node == ancestor) return true;
  }
  return false;
}

void Forest::set_parent(int node, int parent) {
  int old = at(node).parent;
  if (old != kNone) {
    auto& siblings = at(old).children;
    siblings.erase(std::find(siblings.begin(), siblings.end(), node));
  }
  at(node).parent = parent;
  if (parent != kNone) at(parent).children.push_back(node);
}

// RFC 5256, REFERENCES, step 1.
void Forest::link_references() {
  by_id_.reserve(messages_.size() * 3 / 2);
  for (size_t i = 0; i < messages_.size(); ++i) {
    const ThreadMessage& m = messages_[i];
    int self = kNone;
    if (m.id) {
      int found = node_of(m.id);
      // A second message of that id is treated as if it had another.
      if (at(found).message == kNone) {
        at(found).message = static_cast<int>(i);
        at(found).date = m.date;
        at(found).number = m.number;
        self = found;
      }
    }
    if (self == kNone) self = add(static_cast<int>(i));
    int parent = kNone;
    for (size_t k = 0; k < m.references; ++k) {
      int next = node_of(references_[m.first_reference + k]);
      if (parent != kNone && at(next).parent == kNone &&
          !is_ancestor(next, parent)) {
        set_parent(next, parent);
      }
      parent = next;
    }
    if (parent == self || (parent != kNone && is_ancestor(self, parent))) {
      parent = kNone;
    }
    if (at(self).parent != parent) set_parent(self, parent);
  }
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].parent == kNone) roots_.push_back(static_cast<int>(i));
  }
}

// Nodes under the roots, children before their parents.
std::vector<int> Forest::post_order() const {
  std::vector<int> out(roots_.begin(), roots_.end());
  for (size_t i = 0; i < out.size(); ++i) {
    const auto& children = at(out[i]).children;
    out.insert(out.end(), children.begin(), children.end());
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// Step 3: dummies without children go; those with children give them to
// their parent, but at the top only a single child takes its place.
void Forest::prune() {
  for (int i : post_order()) {
    Node& node = at(i);
    std::vector<int> kept;
    for (int c : node.children) {
      Node& child = at(c);
      if (child.message != kNone) {
        kept.push_back(c);
        continue;
      }
      for (int grandchild : child.children) {
        at(grandchild).parent = i;
        kept.push_back(grandchild);
      }
    }
    node.children = std::move(kept);
  }
  std::vector<int> kept;
  for (int r : roots_) {
    Node& root = at(r);
    if (root.message != kNone || root.children.size() > 1) {
      kept.push_back(r);
    } else if (root.children.size() == 1) {
      at(root.children[0]).parent = kNone;
      kept.push_back(root.children[0]);
    }
  }
  roots_ = std::move(kept);
}

// Step 4 and 6. A dummy has the date of its first child.
void Forest::sort_children() {
  auto less = [this](int a, int b) { return earlier(a, b); };
  for (int i : post_order()) {
    Node& node = at(i);
    std::sort(node.children.begin(), node.children.end(), less);
    if (node.message == kNone && !node.children.empty()) {
      node.date = at(node.children[0]).date;
      node.number = at(node.children[0]).number;
    }
  }
}

void Forest::sort_roots() {
  std::sort(roots_.begin(), roots_.end(),
            [this](int a, int b) { return earlier(a, b); });
}

// REFS: a thread stands where its latest message does.
void Forest::date_by_latest() {
  for (int i : post_order()) {
    for (int c : at(i).children) {
      if (earlier(i, c)) {
        at(i).date = at(c).date;
        at(i).number = at(c).number;
      }
    }
  }
}

uint64_t Forest::subject_of(int root, bool& reply) const {
  const Node* node = &at(root);
  if (node->message == kNone) node = &at(node->children[0]);
  const ThreadMessage& m = messages_[static_cast<size_t>(node->message)];
  reply = m.reply;
  return m.subject;
}

void Forest::merge_root(std::unordered_map<uint64_t, int>& table, int root,
                        std::vector<int>& added) {
  bool reply = false, other_reply = false;
  uint64_t subject = subject_of(root, reply);
  auto entry = subject ? table.find(subject) : table.end();
  if (entry == table.end() || entry->second == root) return;
  int other = entry->second;
  (void)subject_of(other, other_reply);
  bool dummy = at(root).message == kNone;
  bool other_dummy = at(other).message == kNone;
  if (dummy && other_dummy) {
    std::vector<int> children = std::move(at(root).children);
    at(root).parent = other;  // gone
    for (int c : children) {
      at(c).parent = other;
      at(other).children.push_back(c);
    }
  } else if (other_dummy || (reply && !other_reply)) {
    at(root).parent = other;
    at(other).children.push_back(root);
  } else {
    int both = add(kNone);
    at(both).date = at(other).date;
    at(both).number = at(other).number;
    at(both).children = {other, root};
    at(root).parent = at(other).parent = both;
    added.push_back(both);
    entry->second = both;
  }
}

// Step 5.
void Forest::merge_subjects() {
  std::unordered_map<uint64_t, int> table;
  for (int root : roots_) {
    bool reply = false, other_reply = false;
    uint64_t subject = subject_of(root, reply);
    if (!subject) continue;
    auto [entry, fresh] = table.try_emplace(subject, root);
    if (fresh) continue;
    int other = entry->second;
    (void)subject_of(other, other_reply);
    bool dummy = at(root).message == kNone;
    bool other_dummy = at(other).message == kNone;
    if ((dummy && !other_dummy) ||
        (dummy == other_dummy && other_reply && !reply)) {
      entry->second = root;
    }
  }
  std::vector<int> all = std::move(roots_), added;
  for (int root : all) merge_root(table, root, added);
  all.insert(all.end(), added.begin(), added.end());
  roots_.clear();
  for (int root : all) {
    if (at(root).parent == kNone) roots_.push_back(root);
  }
}

std::string Forest::text() const {
  std::string out;
  // What is to be written next, the last first; kNone: ")".
  struct Step {
    int node;
    bool open;
  };
  std::vector<Step> steps;
  for (size_t i = roots_.size(); i-- > 0;) steps.push_back({roots_[i], true});
  while (!steps.empty()) {
    Step step = steps.back();
    steps.pop_back();
    if (step.node == kNone) {
      out += ')';
      continue;
    }
    const Node& node = at(step.node);
    if (step.open) {
      out += '(';
      steps.push_back({kNone, false});
    } else {
      out += ' ';
    }
    if (node.message != kNone) {
      put_number(out, messages_[static_cast<size_t>(node.message)].number);
    }
    bool one = node.children.size() == 1 && node.message != kNone;
    if (one) {
      steps.push_back({node.children[0], false});
    } else {
      if (!node.children.empty() && node.message != kNone) out += ' ';
      for (size_t i = node.children.size(); i-- > 0;) {
        steps.push_back({node.children[i], true});
      }
    }
  }
  return out;
}

std::string ordered_subject(const ThreadInput& input) {
  Forest forest(input);
  std::vector<int> order(input.messages.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  auto of = [&](int i) -> const ThreadMessage& {
    return input.messages[static_cast<size_t>(i)];
  };
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    const ThreadMessage &x = of(a), &y = of(b);
    if (x.subject != y.subject) return x.subject < y.subject;
    return x.date != y.date ? x.date < y.date : x.number < y.number;
  });
  int root = kNone;
  for (size_t i = 0; i < order.size(); ++i) {
    int node = forest.add(order[i]);
    if (i && of(order[i]).subject == of(order[i - 1]).subject) {
      forest.at(node).parent = root;
      forest.at(root).children.push_back(node);
    } else {
      root = node;
      forest.roots().push_back(node);
    }
  }
  forest.sort_roots();
  return forest.text();
}

}  // namespace

uint64_t thread_key(std::string_view text) {
  return text.empty() ? 0 : std::max<uint64_t>(hash64(text), 1);
}

void ThreadInput::add(ThreadMessage message,
                      const std::vector<uint64_t>& of_it) {
  message.first_reference = references.size();
  message.references = of_it.size();
  references.insert(references.end(), of_it.begin(), of_it.end());
  messages.push_back(message);
}

std::string thread_text(ThreadAlgorithm algorithm, const ThreadInput& input) {
  if (algorithm == ThreadAlgorithm::OrderedSubject) {
    return ordered_subject(input);
  }
  Forest forest(input);
  forest.link_references();
  forest.prune();
  forest.sort_children();
  if (algorithm == ThreadAlgorithm::References) {
    forest.sort_roots();
    forest.merge_subjects();
    forest.sort_children();
  } else {
    forest.date_by_latest();
  }
  forest.sort_roots();
  return forest.text();
}

std::vector<std::string> read_message_ids(std::string_view value,
                                          size_t limit) {
  std::vector<std::string> out;
  for (size_t at = 0; at < value.size() && out.size() < limit;) {
    size_t open = value.find('<', at);
    if (open == std::string_view::npos) break;
    size_t close = value.find('>', open);
    if (close == std::string_view::npos) break;
    std::string id;
    for (char c : value.substr(open + 1, close - open - 1)) {
      if (c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '"') id += c;
    }
    if (id.find('@') != std::string::npos) out.push_back(std::move(id));
    at = close + 1;
  }
  return out;
}

}  // namespace mail::imap
