# Sourced by scripts/bench.

titles[memory]="Memory"

section_memory() {
  big_store || return 1
  mount_node node-1000000 || return 1
  find "$work/mnt/node-1000000" -printf '' || return 1
  find "$work/mnt/node-1000000/d000" -type f -exec cat {} + >/dev/null
  local daemon appliance pid
  pid=$(pgrep -f "mapfs.jar mount node-1000000" | head -1)
  [ -n "$pid" ] || { say "no daemon process found"; return 1; }
  daemon=$(resident "$pid")
  appliance=$(resident "$(pgrep -f "appliance serve --store $work/big-store" | head -1)")
  umount_node node-1000000
  stop_appliance
  cat <<MD
A tree of 1,000,000 entries, mounted, every entry statted by \`find\`, 10,000 files read.

| process | resident: anonymous and shared |
|---|---|
| node daemon | $daemon |
| appliance | $appliance |
MD
}
