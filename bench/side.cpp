#include "side.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "workload.h"

namespace entasis::bench {

Side::Side(const std::vector<std::string>& command) {
  signal(SIGPIPE, SIG_IGN);  // a side that has ended is seen by its answers
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe can be opened");
  }
  pid_ = fork();
  if (pid_ == 0) {
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    std::vector<char*> arguments;
    for (const std::string& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  questions_ = fdopen(to[1], "w");
  answers_ = fdopen(from[0], "r");
  try {
    name_ = ask("name");
  } catch (...) {
    end();
    throw;
  }
}

Side::~Side() { end(); }

void Side::end() {
  std::fclose(questions_);
  std::fclose(answers_);
  kill(pid_, SIGCONT);
  waitpid(pid_, nullptr, 0);
}

std::string Side::ask(const std::string& question) {
  kill(pid_, SIGCONT);
  std::fprintf(questions_, "%s\n", question.c_str());
  std::fflush(questions_);
  std::string answer;
  int c;
  while ((c = std::fgetc(answers_)) != EOF && c != '\n') answer += char(c);
  if (c == EOF) throw std::runtime_error("a side ended when asked: " + question);
  kill(pid_, SIGSTOP);
  return answer;
}

bool Side::make(const std::string& workload) { return ask("make " + workload) == "made"; }
double Side::run(int64_t times) { return std::stod(ask("run " + std::to_string(times))); }

int serve(const BenchPeer& library) {
  using Clock = std::chrono::steady_clock;
  std::unique_ptr<Work> work;
  for (std::string question; std::getline(std::cin, question);) {
    if (question == "name") {
      std::cout << library.name << std::endl;
    } else if (question.starts_with("make ")) {
      work.reset();
      work.reset(library.make(question.substr(5)));
      std::cout << (work ? "made" : "none") << std::endl;
    } else {
      const int64_t times = std::stoll(question.substr(4));
      const auto start = Clock::now();
      for (int64_t i = 0; i < times; ++i) work->run();
      std::cout << std::chrono::duration<double>(Clock::now() - start).count() << std::endl;
    }
  }
  return 0;
}

}  // namespace entasis::bench
