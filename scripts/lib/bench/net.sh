# Sourced by scripts/bench.

titles[net]="First full read over 1 Gbit/s"
link=

make_link() {
  drop_link
  link=mapfs-bench
  ip netns add $link && ip link add mfsb0 type veth peer name mfsb1 netns $link &&
    ip addr add 10.213.77.1/24 dev mfsb0 && ip link set mfsb0 up &&
    ip -n $link addr add 10.213.77.2/24 dev mfsb1 && ip -n $link link set mfsb1 up && ip -n $link link set lo up &&
    tc qdisc add dev mfsb0 root tbf rate 1gbit burst 256kb latency 20ms &&
    tc -n $link qdisc add dev mfsb1 root tbf rate 1gbit burst 256kb latency 20ms
}

drop_link() {
  [ -n "$link" ] || return 0
  ip netns del $link 2>/dev/null
  ip link del mfsb0 2>/dev/null
  link=
}

# Runs a command on the far side of the link, in this mount namespace.
far() { nsenter --net=/run/netns/$link "$@"; }

section_net() {
  make_link || return 1
  iperf3 -s -D -1 -B 10.213.77.1 -p 5209 --logfile "$work/iperf.log"; sleep 0.5
  local line
  line=$(far iperf3 -c 10.213.77.1 -p 5209 -R -t 5 -J | jq '.end.sum_received.bits_per_second / 1e6')
  start_appliance "$work/net-store" 10.213.77.1 || return 1
  "$mapfs" repo import debian "$tree" >>"$work/log" 2>&1 || return 1
  "$mapfs" node add bench --master debian >>"$work/log" 2>&1 || return 1
  mkdir -p "$work/mnt/bench"
  : >"$work/read"
  local i
  for ((i = 0; i < runs; i++)); do
    rm -rf "$work/state" "$work/cache"
    far "$mapfs" mount bench "$work/mnt/bench" --state "$work/state" --cache "$work/cache" >>"$work/log" 2>&1 || return 1
    drop_caches
    local before after seconds
    before=$(cat /sys/class/net/mfsb0/statistics/tx_bytes)
    seconds=$(timed bash -c "cd '$work/mnt/bench' && tar -cf - . | cat >/dev/null") || return 1
    after=$(cat /sys/class/net/mfsb0/statistics/tx_bytes)
    echo "$seconds $((after - before))" >>"$work/read"
    umount_node bench || return 1
  done
  local stored seconds sent content
  stored=$("$mapfs" repo versions debian --output json | jq '.versions[0].newStoredBytes')
  content=$("$mapfs" repo versions debian --output json | jq '.versions[0].contentBytes')
  seconds=$(cut -d' ' -f1 "$work/read" | median)
  sent=$(cut -d' ' -f2 "$work/read" | median)
  stop_appliance
  drop_link
  awk -v line="$line" -v stored="$stored" -v seconds="$seconds" -v sent="$sent" -v content="$content" 'BEGIN {
    rate = stored * 8 / seconds / 1e6
    printf "Network namespaces, veth, `tc tbf` 1 Gbit/s each way; nothing cached at the node; `tar -cf - . | cat`.\n\n"
    printf "| first full read of the tree through the mount | |\n|---|---|\n"
    printf "| what the link carries (iperf3, same link, same run) | %.0f Mbit/s |\n", line
    printf "| content read | %.1f MiB |\n| stored (compressed) bytes of it | %.1f MiB |\n| bytes on the wire | %.1f MiB |\n", content / 1048576, stored / 1048576, sent / 1048576
    printf "| time | %.2f s |\n| stored bytes per time | %.0f Mbit/s, %.0f %% of the link |\n", seconds, rate, 100 * rate / line
  }'
}
