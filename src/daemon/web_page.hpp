// SPDX-License-Identifier: MIT
// The web page in the daemon: opens and closes its server as the configuration says, keeps the
// hashes of its tokens, and carries its questions into the loop. A page that cannot be is a problem
// in `status` and no reason not to filter.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/error.hpp"
#include "base/now.hpp"
#include "config/config.hpp"
#include "control/dispatch.hpp"
#include "web/server.hpp"

namespace fw::daemon {

class WebPage {
 public:
  // `context` is the loop's, in which `service` is called; both outlive the page. `tokens`: the
  // file of the hashes, 0600.
  WebPage(boost::asio::io_context& context, control::Service service, std::filesystem::path tokens)
      : context_(context), service_(std::move(service)), file_(std::move(tokens)) {}

  // As the configuration in force says. An open server stays if nothing of it changed; then it
  // reads its certificate again.
  void configure(const config::Web& wanted);
  // Tries again what failed, every few seconds.
  void tick(const Now& now);
  // The verb `web`.
  [[nodiscard]] Result<nlohmann::json> order(const control::Request& request);
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  [[nodiscard]] Result<web::Tokens> read_tokens() const;
  [[nodiscard]] Result<void> open();
  [[nodiscard]] std::string where() const;

  boost::asio::io_context& context_;
  control::Service service_;
  std::filesystem::path file_;
  config::Web wanted_;
  std::unique_ptr<web::Server> server_;
  std::string problem_;
  std::uint64_t again_ns_ = 0;
};

}  // namespace fw::daemon
