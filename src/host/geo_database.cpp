// SPDX-License-Identifier: MIT
#include "host/geo_database.hpp"

#include <fmt/format.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

namespace fw::host {
namespace {

std::string text_at(MMDB_entry_s entry, std::vector<const char*> path) {
  path.push_back(nullptr);
  MMDB_entry_data_s data{};
  if (MMDB_aget_value(&entry, &data, path.data()) != MMDB_SUCCESS || !data.has_data) return "";
  if (data.type == MMDB_DATA_TYPE_UTF8_STRING) return {data.utf8_string, data.data_size};
  if (data.type == MMDB_DATA_TYPE_UINT32) return std::to_string(data.uint32);
  return "";
}

std::string first_of(const MMDB_entry_s& entry,
                     const std::vector<std::vector<const char*>>& paths) {
  for (const auto& path : paths)
    if (std::string text = text_at(entry, path); !text.empty()) return text;
  return "";
}

std::string network_of(const MMDB_entry_s& entry) {
  std::string number = first_of(entry, {{"autonomous_system_number"}, {"asn"}});
  const std::string name =
      first_of(entry, {{"autonomous_system_organization"}, {"as_name"}, {"as_organization"}});
  if (!number.empty() && !number.starts_with("AS")) number.insert(0, "AS");
  return number.empty() || name.empty() ? number + name : number + " " + name;
}

}  // namespace

Result<GeoDatabase> GeoDatabase::open(const std::filesystem::path& file) {
  auto made = std::make_unique<MMDB_s>();
  if (const int status = MMDB_open(file.c_str(), MMDB_MODE_MMAP, made.get());
      status != MMDB_SUCCESS)
    return fail(fmt::format("{}: {}", file.native(), MMDB_strerror(status)));
  return GeoDatabase(std::shared_ptr<MMDB_s>(made.release(), [](MMDB_s* opened) {
    MMDB_close(opened);
    delete opened;
  }));
}

void GeoDatabase::look_up(const Address& address, Geo& geo) const {
  std::array<unsigned char, 16> bytes{};
  address.to_bytes(bytes.data());
  sockaddr_storage storage{};
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(address.v4_number());
    std::memcpy(&storage, &v4, sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&storage, &v6, sizeof v6);
  }
  int status = MMDB_SUCCESS;
  const MMDB_lookup_result_s found =
      MMDB_lookup_sockaddr(opened_.get(), reinterpret_cast<const sockaddr*>(&storage), &status);
  if (status != MMDB_SUCCESS || !found.found_entry) return;
  if (geo.country.empty())
    geo.country =
        first_of(found.entry,
                 {{"country_code"}, {"country", "iso_code"}, {"registered_country", "iso_code"}});
  if (geo.network.empty()) geo.network = network_of(found.entry);
}

std::vector<std::filesystem::path> installed_geo_databases() {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const char* folder : {"/usr/share/GeoIP", "/var/lib/GeoIP"})
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
      if (entry.path().extension() == ".mmdb") files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace fw::host
