# Sourced by scripts/bench.

titles[serve]="Serving many"
many=128

# The program that is many nodes, compiled against the distribution.
build_load() {
  local jar native
  jar=$(ls "$here"/mapfs-cli/target/mapfs-*/lib/mapfs.jar)
  native=$(dirname "$jar")/native
  mkdir -p "$work/load"
  load_java=(java -Xlog:disable -Djava.library.path="$native:$native/META-INF/native" -cp "$work/load:$jar")
  case $(uname -m) in
    aarch64) load_java+=(-DZstdNativePath="$(ls "$native"/linux/aarch64/libzstd-jni-*.so)") ;;
    *) load_java+=(-DZstdNativePath="$(ls "$native"/linux/amd64/libzstd-jni-*.so)") ;;
  esac
  # The test of these classes wants JUnit; the program does not.
  javac -d "$work/load" -cp "$jar" \
    "$here"/integration-tests/src/test/java/io/mapfs/it/load/{TreeBlocks,LightNode,LoadRun}.java >>"$work/log" 2>&1
}

# Serves the store with TLS; light1's certificate is in $work/light1.pem.
start_secure_appliance() { # STORE
  serve_store "$1" "127.0.0.1:$(free_port)"
  rm -f "$work/light1.pem"
  MAPFS_CREDENTIAL=$1/keys/admin.pem await_appliance &&
    MAPFS_CREDENTIAL=$1/keys/admin.pem "$mapfs" node token create light1 --file "$work/token" >>"$work/log" 2>&1 &&
    MAPFS_IDENTITY=$work/light1.pem "$mapfs" node join --token-file "$work/token" >>"$work/log" 2>&1
}

load_run() { # HEAP [PROGRAM...] -- ARGUMENT...
  local heap=$1 through=()
  for ((;;)); do
    shift
    [ "$1" != -- ] || break
    through+=("$1")
  done
  shift
  "${through[@]}" "${load_java[@]}" "-Xmx$heap" io.mapfs.it.load.LoadRun "$@" 2>>"$work/log"
}

load() { load_run 2g -- "$@"; }

far_load() { load_run 2g far -- "$@"; }

# The program that commits stands for a machine of its own: it does not wait for the processor behind those that
# stream, which yield to it and to the appliance.
far_commit() { load_run 256m far nice -n -15 -- commit "$@"; }
far_stream() { load_run 2g far nice -n 5 -- stream "$@"; }

# What no commit can be faster than, just then: a packet over the link, and an fsync of 4 KiB on the appliance's disk.
floors() { # -> "ping-p50 ping-p99 fsync-p50 fsync-p99", in ms
  far ping -i 0.02 -w 4 10.213.77.1 | sed -n 's/.*time=\([0-9.]*\).*/\1/p' | sort -n |
    awk '{ v[NR] = $1 } END { printf "%.2f %.2f ", v[int(NR / 2) + 1], v[int(NR * 0.99) + 1] }'
  commits "$work/floor" 4 | cut -d' ' -f1,2
}

# Processor seconds that a process and its threads, or several, have used.
processor() {
  local ticks=0 pid
  for pid; do ticks=$((ticks + $(cut -d' ' -f14,15 "/proc/$pid/stat" | tr ' ' +))); done
  awk -v t=$ticks -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f\n", t / hz }'
}

# The commits of one program on a mount: milliseconds of each fsync of 4 KiB, for some seconds.
commits() { # FILE SECONDS -> "p50 p99 max count"
  perl -MTime::HiRes=time -MIO::Handle -e '
    open my $f, ">", $ARGV[0] or die "$ARGV[0]: $!"; my ($end, @ms) = time + $ARGV[1];
    while (time < $end) { my $t = time; syswrite $f, "x" x 4096 or die $!; $f->sync or die $!; push @ms, 1000 * (time - $t); select undef, undef, undef, 0.02 }
    @ms = sort { $a <=> $b } @ms; printf "%.2f %.2f %.2f %d\n", $ms[@ms / 2], $ms[@ms * 0.99], $ms[-1], scalar @ms;' "$1" "$2"
}

row() { echo "| $* |" | sed 's/\t/ | /g'; }

serve_many() { # LINE_MBITS
  local count each i stored seconds fastest slowest
  echo "| nodes that read the whole tree at once | stored (MiB) | seconds | Mbit/s | of the link | fastest and slowest node (s) |"
  echo "|---|---|---|---|---|---|"
  for count in 1 16 $many; do
    each=$runs
    [ "$count" != $many ] || each=1
    for ((i = 0; i < each; i++)); do far_load read "$MAPFS_APPLIANCE" debian "$count" "$work/trees"; done | sort -k2n >"$work/reads"
    [ -s "$work/reads" ] || return 1
    read -r stored seconds fastest slowest < <(sed -n "$(((each + 1) / 2))p" "$work/reads")
    awk -v c="$count" -v mib="$stored" -v s="$seconds" -v f="$fastest" -v w="$slowest" -v line="$1" 'BEGIN {
      rate = mib * 1048576 * 8 / s / 1e6; printf "| %d | %.0f | %.2f | %.0f | %.0f %% | %.2f and %.2f |\n", c, mib, s, rate, 100 * rate / line, f, w }'
  done
}

serve_commits() {
  local count streaming streamed floor figures
  echo "| one node's records of 4 KiB, each waited for | p50 (ms) | p99 (ms) | longest (ms) | commits | the others stream (MiB/s) | ping meanwhile: p50, p99 (ms) | fsync on the appliance's disk meanwhile: p50, p99 (ms) |"
  echo "|---|---|---|---|---|---|---|---|"
  for count in 1 $many; do
    streamed=0
    if [ "$count" != 1 ]; then
      far_stream "$MAPFS_APPLIANCE" "$count" 30 >"$work/streamed" &
      streaming=$!
      sleep 5
    fi
    floor=$(floors)
    figures=$(far_commit "$MAPFS_APPLIANCE" 15) || return 1
    if [ "$count" != 1 ]; then
      wait $streaming || return 1
      streamed=$(cat "$work/streamed")
    fi
    row "$([ "$count" = 1 ] && echo alone || echo "while $((many - 1)) others stream")	$(echo "$figures" | tr ' ' '\t')	$streamed	$(echo "$floor" | awk '{ print $1 ", " $2 "\t" $3 ", " $4 }')"
  done
  echo
  echo "| fsync of 4 KiB on a mount, strict | p50 (ms) | p99 (ms) | longest (ms) | commits |"
  echo "|---|---|---|---|---|"
  "$mapfs" node add writer --master debian >>"$work/log" 2>&1 || return 1
  mkdir -p "$work/mnt/writer"
  far "$mapfs" mount writer "$work/mnt/writer" --state "$work/state-w" --cache "$work/cache-w" >>"$work/log" 2>&1 || return 1
  row "alone	$(commits "$work/mnt/writer/commits" 5 | tr ' ' '\t')"
  head -c 4G < <(while cat "$work/packs"/*; do :; done 2>/dev/null) >"$work/mnt/writer/bulk" &
  local bulk=$!
  sleep 1
  row "while the same node writes 4 GiB without fsync	$(commits "$work/mnt/writer/commits" 20 | tr ' ' '\t')"
  kill $bulk 2>/dev/null
  wait $bulk 2>/dev/null
  rm -f "$work/mnt/writer/bulk"
  umount_node writer
}

# Until a shell runs in a root that nothing is known of, over the link.
serve_boot() {
  local before after seconds i
  echo "| \`mapfs mount\` from nothing to a shell in the root (\`chroot … sh -c :\`) | seconds | bytes moved | of the tree's stored bytes |"
  echo "|---|---|---|---|"
  for ((i = 0; i < runs; i++)); do
    rm -rf "$work/state-b" "$work/cache-b"
    drop_caches
    before=$(cat /sys/class/net/mfsb0/statistics/tx_bytes)
    seconds=$(timed far bash -c "'$mapfs' mount light1 '$work/mnt/light1' --state '$work/state-b' --cache '$work/cache-b' && chroot '$work/mnt/light1' sh -c :") || return 1
    after=$(cat /sys/class/net/mfsb0/statistics/tx_bytes)
    umount_node light1 || return 1
    echo "$seconds $((after - before))"
  done >"$work/boots"
  awk -v s="$(cut -d' ' -f1 "$work/boots" | median)" -v b="$(cut -d' ' -f2 "$work/boots" | median)" -v all="$1" 'BEGIN {
    printf "| medians of '"$runs"' | %.3f | %.1f MiB | %.1f %% |\n", s, b / 1048576, 100 * b / all }'
}

serve_per_core() {
  local stored kind before after got
  echo "| served on loopback, unshaped | GB | processor seconds of the server | GB per second of a core |"
  echo "|---|---|---|---|"
  per_core() { awk -v n="$1" -v b="$2" -v s="$3" 'BEGIN { printf "| %s | %.2f | %.2f | %.2f |\n", n, b / 1e9, s, b / 1e9 / s }'; }
  for kind in plain TLS; do
    if [ $kind = plain ]; then
      start_appliance "$work/serve-store" || return 1
      load read "$MAPFS_APPLIANCE" debian 1 "$work/trees" >/dev/null || return 1
      before=$(processor $serve_pid)
      got=$(load read "$MAPFS_APPLIANCE" debian 16 "$work/trees" | cut -d' ' -f1) || return 1
      after=$(processor $serve_pid)
    else
      start_secure_appliance "$work/serve-store" || return 1
      load read "$MAPFS_APPLIANCE" debian 1 "$work/trees" "$work/light1.pem" >/dev/null || return 1
      before=$(processor $serve_pid)
      got=0
      for _ in 1 2 3 4 5 6 7 8; do
        got=$(load read "$MAPFS_APPLIANCE" debian 2 "$work/trees" "$work/light1.pem" | awk -v g="$got" '{ print g + $1 }') || return 1
      done
      after=$(processor $serve_pid)
    fi
    stop_appliance
    per_core "MapFS, $kind, 16 times the tree's blocks" "$(awk -v m="$got" 'BEGIN { print m * 1048576 }')" "$(awk -v a="$after" -v b="$before" 'BEGIN { print a - b }')"
  done
  mkdir -p "$work/nginx"
  cat "$work"/packs/* >"$work/nginx/file"
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout "$work/nginx/key" -out "$work/nginx/cert" >>"$work/log" 2>&1 || return 1
  cat >"$work/nginx/conf" <<CONF
worker_processes 1; pid $work/nginx/pid; error_log $work/nginx/log; user root;
events { }
http { sendfile on; access_log off;
  server { listen 127.0.0.1:17480; root $work/nginx; }
  server { listen 127.0.0.1:17443 ssl; ssl_certificate $work/nginx/cert; ssl_certificate_key $work/nginx/key; ssl_protocols TLSv1.3; root $work/nginx; } }
CONF
  nginx -c "$work/nginx/conf" || return 1
  stored=$(stat -c %s "$work/nginx/file")
  for kind in http://127.0.0.1:17480 https://127.0.0.1:17443; do
    curl -sk -o /dev/null $kind/file || return 1
    before=$(processor $(pgrep -P "$(cat "$work/nginx/pid")"))
    for _ in $(seq 16); do curl -sk -o /dev/null $kind/file || return 1; done
    after=$(processor $(pgrep -P "$(cat "$work/nginx/pid")"))
    per_core "nginx, sendfile, ${kind%%:*}, 16 times a file of the packs" $((16 * stored)) "$(awk -v a="$after" -v b="$before" 'BEGIN { print a - b }')"
  done
  kill "$(cat "$work/nginx/pid")"
}

section_serve() {
  local line stored
  build_load || return 1
  make_link || return 1
  line=$(line_rate)
  start_appliance "$work/serve-store" 10.213.77.1 || return 1
  "$mapfs" repo import debian "$tree" >>"$work/log" 2>&1 || return 1
  stored=$("$mapfs" repo versions debian --output json | jq '.versions[0].newStoredBytes')
  load add "$MAPFS_APPLIANCE" debian $many || return 1
  mkdir -p "$work/mnt/light1" "$work/packs"
  find "$work/serve-store" -name '*.pack' -exec cp {} "$work/packs/" \;
  echo "Network namespaces, veth, \`tc tbf\` 1 Gbit/s each way, of which iperf3 got $(printf %.0f "$line") Mbit/s in the same run. The nodes are a program that speaks their protocol (integration-tests, LoadRun), but for the mounts; they share the machine's processors with the appliance. Medians of $runs, $many nodes once."
  echo
  serve_many "$line" || return 1
  echo
  serve_boot "$stored" || return 1
  echo
  serve_commits || return 1
  stop_appliance
  drop_link
  echo
  serve_per_core
}
