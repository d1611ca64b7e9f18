// A program that a test runs: started with its output in a file, ended by its id.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace skerry::test {

class Child {
 public:
  // Ends with this process, too. `log` is appended to.
  Child(const std::vector<std::string>& words, const std::string& log);
  ~Child();  // SIGKILL
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number) const;
  // Waits for its end.
  void kill();
  [[nodiscard]] bool is_running();

 private:
  pid_t pid_ = -1;
};

}  // namespace skerry::test
