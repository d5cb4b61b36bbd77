// SPDX-License-Identifier: MIT
// The datapath in the kernel. An XDP program judges what arrives, a small program on egress (tcx,
// else clsact) records what this host sends. Everything is pinned in bpffs, so filtering, bans and
// their expiry go on without the daemon. open() adopts what a former daemon left.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "datapath/datapath.hpp"
#include "datapath/user/user_datapath.hpp"
#include "datapath/xdp/options.hpp"

namespace fw::datapath::xdp {

// Loads the programs and the tables, trying again what may succeed then: for ten seconds where
// XDP of a former daemon is attached, else for two. Uses the pinned maps of a former daemon if
// version and sizes are the same; otherwise the maps are new. A former daemon's programs run until
// attach() replaces them, without a gap. If the programs cannot be loaded over its maps, these are
// used all the same, its programs stay in force, interfaces() says why, and reconcile() tries
// again. Mounts bpffs if it is missing.
//
// An error names what the kernel or the rights lack, of the kind refused if it may not last; what
// is attached is still attached then.
class Opening {
 public:
  explicit Opening(Options options);
  ~Opening();
  Opening(Opening&&) noexcept;
  Opening& operator=(Opening&&) = delete;

  // Waits for at most so long. None: it has not ended; call it again.
  [[nodiscard]] std::optional<Result<std::unique_ptr<Datapath>>> poll(int timeout_ms);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// An Opening, waited for.
[[nodiscard]] Result<std::unique_ptr<Datapath>> open(const Options& options);

// Whether XDP of a Floodwall is attached to an interface; true as well if the kernel does not tell.
[[nodiscard]] bool is_standing();

// Detaches and unpins everything that a Floodwall left under `pins`; needs no daemon. Returns
// whether there was anything. Of what is pinned elsewhere: detach_all() (attached.hpp).
[[nodiscard]] Result<bool> remove_pinned(const std::filesystem::path& pins);

}  // namespace fw::datapath::xdp
