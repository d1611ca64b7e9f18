#include "daemon/app/run_program.h"

int main(int argc, char** argv) {
  return skerry::app::run_program(argc, argv);
}
