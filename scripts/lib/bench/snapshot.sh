# Sourced by scripts/bench.

titles[snapshot]="Snapshots"

section_snapshot() {
  big_store || return 1
  local rows="" n i j begin end
  for n in 10000 1000000; do mount_node "node-$n" || return 1; done
  # In turn, so that both meet the machine's moods and a warm appliance alike.
  for ((i = 0; i < 20; i++)); do
    for n in 10000 1000000; do
      for ((j = 0; j < 10; j++)); do echo "changed $i" >>"$work/mnt/node-$n/d000/e0$j/file-00$j.txt"; done
      begin=$(now)
      "$mapfs" snapshot create "node-$n" --name "bench-$i" --output json >"$work/snapshot.json" || return 1
      end=$(now)
      jq -r .elapsedMicros "$work/snapshot.json" >>"$work/micros-$n"
      echo $(((end - begin) / 1000)) >>"$work/whole-$n"
      "$mapfs" snapshot show "node-$n" "bench-$i" --manifest --output json | jq -r '.manifest | utf8bytelength' >>"$work/bytes-$n"
    done
  done
  for n in 10000 1000000; do
    umount_node "node-$n" || return 1
    rows+="| $n | $(median <"$work/micros-$n" | awk '{ printf "%.2f", $1 / 1000 }') | $(median <"$work/whole-$n" | awk '{ printf "%.0f", $1 / 1000 }') | $(median <"$work/bytes-$n") |"$'\n'
  done
  stop_appliance
  printf '%s\n' "Ten files get one more line each, then a snapshot of the mounted node is taken; 20 times for each tree in turn, medians." "" \
    "| entries in the tree | at the appliance (ms) | whole command, hand-over of the node included (ms) | manifest (bytes) |" "|---|---|---|---|" "${rows%$'\n'}"
}
