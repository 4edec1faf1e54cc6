# Sourced by scripts/bench.

titles[import]="Import"

section_import() {
  local mapfs_s tar_s rsync_s again_s stored zst copy entries
  fresh_import() {
    rm -rf "$work/import-store"
    start_appliance "$work/import-store" >/dev/null || return 1
    timed "$mapfs" repo import debian "$tree"
    local status=$?
    stop_appliance
    return $status
  }
  tar_zstd() { rm -f "$work/tree.tar.zst"; timed bash -c "tar --xattrs --acls -C '$tree' -cf - . | zstd -q -3 -T0 -o '$work/tree.tar.zst' && sync -f '$work'"; }
  rsync_copy() { rm -rf "$work/copy"; timed bash -c "rsync -aHAX '$tree/' '$work/copy/' && sync -f '$work'"; }
  find "$tree" -xdev -type f -exec cat {} + >/dev/null # the page cache is warm for all
  mapfs_s=$(median_of "$runs" fresh_import) || return 1
  tar_s=$(median_of "$runs" tar_zstd)
  rsync_s=$(median_of "$runs" rsync_copy)
  stored=$(du -sb "$work/import-store" | cut -f1)
  zst=$(stat -c %s "$work/tree.tar.zst")
  copy=$(bytes_of "$work/copy")
  entries=$(find "$tree" -xdev | wc -l)

  # Again, after ten files changed.
  rm -rf "$work/changed"; cp -a "$tree" "$work/changed"
  find "$work/changed/usr" -type f -size +8k | sort | head -10 | while read -r f; do echo changed >>"$f"; done
  start_appliance "$work/import-store" || return 1
  again_s=$(timed "$mapfs" repo import debian "$work/changed") || return 1
  local new
  new=$("$mapfs" repo versions debian --output json | jq '[.versions[] | select(.version == 2)][0].newStoredBytes')
  stop_appliance
  local rsync_again
  rsync_again=$(timed bash -c "rsync -aHAX '$work/changed/' '$work/copy/' && sync -f '$work'")
  rm -rf "$work/copy" "$work/changed" "$work/tree.tar.zst" "$work/import-store"
  cat <<MD
The tree: $entries entries, $(mib "$copy") of content; page cache warm, each run into an empty store, closing sync counted, medians of $runs.

| import of the whole tree | seconds | size on disk |
|---|---|---|
| \`mapfs repo import\` | $mapfs_s | $(mib "$stored") |
| \`tar --xattrs --acls \| zstd -3 -T0\` | $tar_s | $(mib "$zst") |
| \`rsync -aHAX\` into an empty directory | $rsync_s | $(mib "$copy") |

| the same tree again, ten files changed | seconds | new bytes |
|---|---|---|
| \`mapfs repo import\` (reads and hashes every byte) | $again_s | $(mib "$new") |
| \`rsync -aHAX\` onto the old copy (trusts size and time) | $rsync_again | – |
MD
}
