// The whole program: from main's arguments to the exit code.
#pragma once

namespace skerry::app {

[[nodiscard]] int run_program(int argc, char** argv);

}  // namespace skerry::app
