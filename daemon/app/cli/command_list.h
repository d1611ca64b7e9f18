// The commands in the order in which the help lists them.
#pragma once

#include "daemon/app/cli/command_line.h"

namespace skerry::app {

// Calls visit.template operator()<C>() for each command's type but HelpCommand.
template <typename Visit>
void for_each_command(const Visit& visit) {
  [&]<typename... Cs>(const std::variant<HelpCommand, Cs...>*) {
    (visit.template operator()<Cs>(), ...);
  }(static_cast<const Command*>(nullptr));
}

}  // namespace skerry::app
