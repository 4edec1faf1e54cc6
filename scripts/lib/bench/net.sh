# Sourced by scripts/bench.

titles[net]="First full read over 1 Gbit/s"
link=
large= # --large-tree

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

# What iperf3 gets through the link, in Mbit/s.
line_rate() {
  iperf3 -s -D -1 -B 10.213.77.1 -p 5209 --logfile "$work/iperf.log"; sleep 0.5
  far iperf3 -c 10.213.77.1 -p 5209 -R -t 5 -J | jq '.end.sum_received.bits_per_second / 1e6'
}

# A Debian as a build machine has it, made once; the quickstart's has little more than dpkg.
large_tree() {
  [ -z "$large" ] || return 0
  large=${MAPFS_BENCH_DIR:-/var/tmp}/mapfs-bench-debian
  [ ! -f "$large/.complete" ] || return 0
  say "making a larger Debian with debootstrap in $large (once)"
  rm -rf --one-file-system "$large"
  debootstrap --variant=minbase --include=ca-certificates,less,build-essential,cmake,git,python3,openssh-server,systemd-sysv,vim,rsync,locales \
    bookworm "$large" >>"$work/log" 2>&1 || { say "debootstrap failed: $(tail -1 "$work/log")"; return 1; }
  : >"$large/.complete"
}

# Reads a whole tree through a fresh mount; prints seconds and bytes on the wire.
first_read() { # NODE STORE
  local before after seconds
  rm -rf "$work/state" "$work/cache"
  far "$mapfs" mount "$1" "$work/mnt/$1" --state "$work/state" --cache "$work/cache" >>"$work/log" 2>&1 || return 1
  drop_caches
  # Only the node is cold: the appliance has its packs in memory, as after the first node of a morning.
  find "$2" -type f -print0 | xargs -0 cat >/dev/null || return 1
  before=$(cat /sys/class/net/mfsb0/statistics/tx_bytes)
  seconds=$(timed bash -c "find '$work/mnt/$1' -xdev -type f -print0 | xargs -0 cat >/dev/null") || return 1
  after=$(cat /sys/class/net/mfsb0/statistics/tx_bytes)
  umount_node "$1" || return 1
  echo "$seconds $((after - before))"
}

section_net() {
  local line i master at stored content seconds sent
  large_tree || return 1
  make_link || return 1
  line=$(line_rate)
  echo "Network namespaces, veth, \`tc tbf\` 1 Gbit/s each way, of which iperf3 got $(printf %.0f "$line") Mbit/s in the same run; nothing cached at the node, a fresh daemon each time, the packs in the memory of the appliance;"
  echo "\`find -type f | xargs cat >/dev/null\`; medians of $runs. Program, daemon and appliance share the machine's processors."
  echo
  echo "| first full read through the mount | content (MiB) | stored (MiB) | on the wire (MiB) | seconds | stored bytes: Mbit/s | of the link |"
  echo "|---|---|---|---|---|---|---|"
  for master in debian debian-large; do
    [ $master = debian ] && at=$tree || at=$large
    # A store each: what they share counts for both.
    start_appliance "$work/net-store-$master" 10.213.77.1 || return 1
    "$mapfs" repo import $master "$at" --output json >"$work/import.json" 2>>"$work/log" || return 1
    "$mapfs" node add $master --master $master >>"$work/log" 2>&1 || return 1
    mkdir -p "$work/mnt/$master"
    : >"$work/read"
    for ((i = 0; i < runs; i++)); do first_read $master "$work/net-store-$master" >>"$work/read" || return 1; done
    stored=$("$mapfs" repo versions $master --output json | jq '.versions[0].newStoredBytes')
    content=$(jq .contentBytes "$work/import.json")
    seconds=$(cut -d' ' -f1 "$work/read" | median)
    sent=$(cut -d' ' -f2 "$work/read" | median)
    awk -v line="$line" -v stored="$stored" -v seconds="$seconds" -v sent="$sent" -v content="$content" -v name="$master" 'BEGIN {
      rate = stored * 8 / seconds / 1e6
      printf "| %s | %.1f | %.1f | %.1f | %.2f | %.0f | %.0f %% |\n", name, content / 1048576, stored / 1048576, sent / 1048576, seconds, rate, 100 * rate / line
    }'
    stop_appliance
  done
  drop_link
}
