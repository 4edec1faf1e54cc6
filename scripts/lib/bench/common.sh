# Sourced by scripts/bench: clocks, the appliance, mounts, trees.

declare -A titles # section -> heading of the report
serve_pid=

say() { echo "bench: $*" >&2; }

now() { date +%s%N; }

# Seconds, with three digits, that a command took.
timed() {
  local begin end
  begin=$(now)
  "$@" >>"$work/log" 2>&1 || { say "failed: $* (see below)"; tail -5 "$work/log" >&2; return 1; }
  end=$(now)
  awk -v n=$((end - begin)) 'BEGIN { printf "%.3f\n", n / 1e9 }'
}

# The median of the numbers on standard input.
median() { sort -n | awk '{ v[NR] = $1 } END { if (NR % 2) print v[(NR + 1) / 2]; else print (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# The median of N runs of a shell function that prints one number.
median_of() {
  local n=$1 i
  shift
  for ((i = 0; i < n; i++)); do "$@" || return 1; done | median
}

drop_caches() { sync; echo 3 >/proc/sys/vm/drop_caches; }

free_port() { echo $((20000 + RANDOM % 20000)); }

start_appliance() { # STORE [ADDRESS]
  local store=$1 address=${2:-127.0.0.1} port
  [ -d "$store" ] || "$mapfs" appliance init --store "$store" >>"$work/log" 2>&1 || return 1
  port=$(free_port)
  [ "$address" = 127.0.0.1 ] || export MAPFS_TEST_NETWORK=plain
  serve_store "$store" "$address:$port" --insecure
  await_appliance
}

serve_store() { # STORE ADDRESS:PORT [FLAG...]
  MAPFS_APPLIANCE=$2
  # In a session of its own, as a service is: processors are shared among sessions first (sched(7), autogroup).
  setsid "$mapfs" appliance serve --store "$1" --listen "$2" "${@:3}" >>"$work/serve.log" 2>&1 </dev/null &
  serve_pid=$!
}

await_appliance() {
  local try
  for ((try = 0; try < 100; try++)); do
    "$mapfs" status >/dev/null 2>&1 && return 0
    kill -0 $serve_pid 2>/dev/null || break
    sleep 0.1
  done
  say "the appliance did not start"; tail -5 "$work/serve.log" >&2
  return 1
}

stop_appliance() {
  [ -n "$serve_pid" ] || return 0
  kill "$serve_pid" 2>/dev/null
  wait "$serve_pid" 2>/dev/null
  serve_pid=
}

mount_node() { # NODE [FLAG...]
  local node=$1
  shift
  mkdir -p "$work/mnt/$node"
  "$mapfs" mount "$node" "$work/mnt/$node" --state "$work/state" --cache "$work/cache" "$@" >>"$work/log" 2>&1
}

umount_node() { "$mapfs" umount "$work/mnt/$1" >>"$work/log" 2>&1; }

# Anonymous and shared memory of a process in MiB; mapped files told apart.
resident() { awk '/^RssAnon|^RssShmem/ { own += $2 } /^RssFile/ { file = $2 } END { printf "%d MiB (and %d MiB of mapped files)\n", own / 1024, file / 1024 }' "/proc/$1/status"; }

bytes_of() { du -sb --apparent-size "$1" | cut -f1; }

mib() { awk -v b="$1" 'BEGIN { printf "%.1f MiB", b / 1048576 }'; }

# A tree of N entries in directories of 100 small files.
make_tree() { # DIR N
  perl -e '
    my ($root, $n) = @ARGV;
    mkdir $root;
    for (my ($made, $d) = (0, 0); $made < $n; $d++) {
      my $outer = sprintf("%s/d%03d", $root, $d / 100);
      if (!-d $outer) { mkdir $outer; $made++ }
      my $dir = sprintf("%s/e%02d", $outer, $d % 100);
      mkdir $dir; $made++;
      for (my $i = 0; $i < 100 && $made < $n; $i++, $made++) {
        open my $f, ">", sprintf("%s/file-%03d.txt", $dir, $i) or die "$dir: $!";
        printf $f "content %d %d\n", $d % 97, $i;
      }
    }' "$1" "$2"
}

big_store() { # prepares a store with both trees, once
  [ -d "$work/big-store" ] && { start_appliance "$work/big-store"; return; }
  say "making trees of 10,000 and 1,000,000 entries"
  start_appliance "$work/big-store" || return 1
  for n in 10000 1000000; do
    make_tree "$work/tree-$n" $n
    say "importing $n entries: $(timed "$mapfs" repo import "tree-$n" "$work/tree-$n") s" || return 1
    rm -rf "$work/tree-$n"
    "$mapfs" node add "node-$n" --master "tree-$n" >>"$work/log" 2>&1 || return 1
  done
}
