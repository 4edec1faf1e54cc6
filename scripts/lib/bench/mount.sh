# Sourced by scripts/bench.

titles[mount]="Mount to first ls"

section_mount() {
  local mount_s tar_s copy_s
  start_appliance "$work/mount-store" || return 1
  "$mapfs" repo import debian "$tree" >>"$work/log" 2>&1 || return 1
  "$mapfs" node add bench --master debian >>"$work/log" 2>&1 || return 1
  one() {
    rm -rf "$work/state" "$work/cache"
    drop_caches
    timed bash -c "'$mapfs' mount bench '$work/mnt/bench' --state '$work/state' --cache '$work/cache' && ls '$work/mnt/bench'" || return 1
    umount_node bench
  }
  mkdir -p "$work/mnt/bench"
  mount_s=$(median_of "$runs" one) || return 1
  again() {
    timed bash -c "'$mapfs' mount bench '$work/mnt/bench' --state '$work/state' --cache '$work/cache' && ls '$work/mnt/bench'" || return 1
    umount_node bench
  }
  local again_s
  again_s=$(median_of "$runs" again) || return 1
  tar --xattrs --acls -C "$tree" -cf - . | zstd -q -3 -T0 -o "$work/tree.tar.zst"
  unpack() { rm -rf "$work/copy"; mkdir "$work/copy"; drop_caches; timed bash -c "tar --xattrs --acls -C '$work/copy' -xf '$work/tree.tar.zst' --zstd && ls '$work/copy'"; }
  copy() { rm -rf "$work/copy"; drop_caches; timed bash -c "cp -a '$tree' '$work/copy' && ls '$work/copy'"; }
  tar_s=$(median_of "$runs" unpack)
  copy_s=$(median_of "$runs" copy)
  rm -rf "$work/copy" "$work/tree.tar.zst"
  stop_appliance
  cat <<MD
Page cache dropped before each run, medians of $runs; the appliance on loopback.

| from the command to the first \`ls\` | seconds |
|---|---|
| \`mapfs mount\`, nothing local yet | $mount_s |
| \`mapfs mount\` again, caches warm | $again_s |
| \`cp -a\` of the tree | $copy_s |
| \`tar -x\` of the zstd archive | $tar_s |
MD
}
