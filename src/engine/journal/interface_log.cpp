// SPDX-License-Identifier: MIT
#include "engine/journal/interface_log.hpp"

#include <algorithm>
#include <utility>

#include "engine/journal/words.hpp"

namespace fw::engine {

void InterfaceLog::update(std::vector<datapath::InterfaceStatus> current, Journal& journal,
                          const Now& now) {
  for (const datapath::InterfaceStatus& status : current) {
    const auto was = std::ranges::find(logged_, status.name, &datapath::InterfaceStatus::name);
    if (was != logged_.end() && was->attachment == status.attachment &&
        was->problem == status.problem)
      continue;
    const bool attached = status.attachment != datapath::Attachment::none;
    journal.write(attached ? EventType::attach : EventType::detach, now, [&] {
      EventDetails details{"", {Field::text("interface", status.name)}};
      if (attached) details.fields.push_back(Field::text("attachment", word(status.attachment)));
      if (!status.problem.empty()) details.fields.push_back(Field::text("problem", status.problem));
      return details;
    });
  }
  for (const datapath::InterfaceStatus& status : logged_)
    if (status.attachment != datapath::Attachment::none &&
        std::ranges::find(current, status.name, &datapath::InterfaceStatus::name) == current.end())
      journal.write(EventType::detach, now,
                    [&] { return EventDetails{"", {Field::text("interface", status.name)}}; });
  logged_ = std::move(current);
}

}  // namespace fw::engine
