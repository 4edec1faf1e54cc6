# Sourced by scripts/bench.

titles[remote]="A root over the network, beside other network filesystems"

remote_systems="sshfs glusterfs mapfs"
remote_ssh_port=17422
remote_gluster_port=17424
declare -A remote_pids # "NAME server|client" -> the process whose descendants and itself are counted

# A process and all its descendants.
family() {
  local pid
  echo "$1"
  for pid in $(pgrep -P "$1"); do family "$pid"; done
}

remote_processor() { processor $(family "${remote_pids[$1 $2]}"); } # NAME server|client

remote_prepare() {
  local dir=$work/remote
  mkdir -p "$dir" "$dir/mnt"
  # sshd wants it, also for a server of one's own.
  mkdir -p /run/sshd
  ssh-keygen -q -t ed25519 -N '' -f "$dir/host" && ssh-keygen -q -t ed25519 -N '' -f "$dir/user" || return 1
  cp "$dir/user.pub" "$dir/authorized"
  cat >"$dir/sshd" <<CONF
Port $remote_ssh_port
ListenAddress 127.0.0.1
HostKey $dir/host
AuthorizedKeysFile $dir/authorized
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
CONF
  cat >"$dir/brick.vol" <<CONF
volume posix
  type storage/posix
  option directory $dir/tree
end-volume
volume locks
  type features/locks
  subvolumes posix
end-volume
volume brick
  type performance/io-threads
  subvolumes locks
end-volume
volume server
  type protocol/server
  option transport-type tcp
  option transport.socket.bind-address 127.0.0.1
  option transport.socket.listen-port $remote_gluster_port
  option auth.addr.brick.allow *
  subvolumes brick
end-volume
CONF
  # The client's translators are those that a volume has by default.
  {
    printf 'volume client\n  type protocol/client\n  option transport-type tcp\n  option remote-host 127.0.0.1\n'
    printf '  option remote-port %s\n  option remote-subvolume brick\nend-volume\n' $remote_gluster_port
    local below=client each
    for each in write-behind open-behind quick-read md-cache; do
      printf 'volume %s\n  type performance/%s\n  subvolumes %s\nend-volume\n' $each $each $below
      below=$each
    done
  } >"$dir/client.vol"
  start_appliance "$dir/store" && "$mapfs" repo import debian "$tree" >>"$work/log" 2>&1 || return 1
  stop_appliance
  (cd "$dir" && apt-get download hello >>"$work/log" 2>&1 && mv hello_*.deb hello.deb) || return 1
}

# A tree as it was installed, for those that serve a directory.
remote_tree() { # FROM
  rm -rf --one-file-system "$work/remote/tree"
  cp -a --one-file-system "$1" "$work/remote/tree"
}

# GlusterFS knows only what came through it.
remote_fill() {
  local dir=$work/remote
  mkdir "$dir/empty"
  remote_tree "$dir/empty" && remote_gluster && remote_mounted glusterfs &&
    cp -a --one-file-system "$tree/." "$dir/mnt/" >>"$work/log" 2>&1
  local status=$?
  remote_stop glusterfs
  [ $status = 0 ] && mv "$dir/tree" "$dir/brick"
}

remote_gluster() {
  local dir=$work/remote
  /usr/sbin/glusterfsd -N -f "$dir/brick.vol" -l "$dir/brick.log" >>"$work/log" 2>&1 </dev/null &
  remote_pids["glusterfs server"]=$!
  sleep 0.5
  /usr/sbin/glusterfs -N --acl -f "$dir/client.vol" -l "$dir/client.log" "$dir/mnt" >>"$work/log" 2>&1 </dev/null &
  remote_pids["glusterfs client"]=$!
}

remote_mounted() { # after a client was started in the background
  local try
  for ((try = 0; try < 100; try++)); do
    mountpoint -q "$work/remote/mnt" && ls "$work/remote/mnt" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  say "$1 does not answer"
  return 1
}

remote_start() { # NAME, fresh on both sides
  local dir=$work/remote
  case $1 in
    sshfs)
      remote_tree "$tree" && drop_caches
      /usr/sbin/sshd -D -f "$dir/sshd" >>"$work/log" 2>&1 </dev/null &
      remote_pids["$1 server"]=$!
      sleep 0.5
      sshfs -f -o "allow_other,suid,dev,max_conns=2,port=$remote_ssh_port,IdentityFile=$dir/user,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null" \
        "root@127.0.0.1:$dir/tree" "$dir/mnt" >>"$work/log" 2>&1 </dev/null &
      remote_pids["sshfs client"]=$!
      ;;
    glusterfs)
      [ -d "$dir/brick" ] || remote_fill || return 1
      remote_tree "$dir/brick" && drop_caches && remote_gluster
      ;;
    mapfs)
      rm -rf "$dir/state" "$dir/cache"
      start_appliance "$dir/store" || return 1
      "$mapfs" node remove light1 >>"$work/log" 2>&1
      "$mapfs" node add light1 --master debian >>"$work/log" 2>&1 || return 1
      stop_appliance
      start_secure_appliance "$dir/store" || return 1
      drop_caches
      remote_pids["mapfs server"]=$serve_pid
      remote_pids["mapfs client"]=$(MAPFS_IDENTITY=$work/light1.pem "$mapfs" mount light1 "$dir/mnt" --state "$dir/state" --cache "$dir/cache" --output json 2>>"$work/log" | jq .pid) || return 1
      return
      ;;
  esac
  remote_mounted "$1"
}

remote_stop() { # NAME
  local try
  if [ "$1" = mapfs ]; then
    "$mapfs" umount "$work/remote/mnt" >>"$work/log" 2>&1
    stop_appliance
    return
  fi
  for ((try = 0; try < 50; try++)); do umount "$work/remote/mnt" 2>/dev/null && break; sleep 0.1; done
  kill $(family "${remote_pids[$1 client]}") $(family "${remote_pids[$1 server]}") 2>/dev/null
  wait "${remote_pids[$1 client]}" "${remote_pids[$1 server]}" 2>/dev/null
  return 0 # they were killed
}

# What hangs is taken for what fails.
remote_read() { timeout 300 bash -c "find '$work/remote/mnt' -xdev -type f -print0 | xargs -0 cat >/dev/null"; }

# In a mount namespace of its own, whatever the filesystem makes of devices.
remote_install() {
  cp "$work/remote/hello.deb" "$work/remote/mnt/hello.deb" &&
    timeout 120 unshare --mount --propagation private sh -ec '
      mount -t proc proc "$1/proc"
      mount --rbind /dev "$1/dev"
      chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends /hello.deb
      chroot "$1" /usr/bin/hello' sh "$work/remote/mnt"
}

remote_install_time() { timed remote_install 2>/dev/null || echo fails; }

# Seconds of the read, processor seconds of server and client in it, seconds of the install.
remote_run() { # NAME
  local server client seconds
  remote_start "$1" || { remote_stop "$1"; return 1; }
  server=$(remote_processor "$1" server)
  client=$(remote_processor "$1" client)
  seconds=$(timed remote_read) || { remote_stop "$1"; return 1; }
  server=$(awk -v a="$(remote_processor "$1" server)" -v b="$server" 'BEGIN { print a - b }')
  client=$(awk -v a="$(remote_processor "$1" client)" -v b="$client" 'BEGIN { print a - b }')
  remote_stop "$1"
  # As a root is that was just made: no file was read before.
  remote_start "$1" || { remote_stop "$1"; return 1; }
  echo "$seconds $server $client $(remote_install_time)"
  remote_stop "$1"
}

section_remote() {
  local name i bytes
  remote_prepare || return 1
  bytes=$(find "$tree" -xdev -type f -printf '%i %s\n' | sort -u | awk '{ n += $2 } END { print n }')
  echo "Loopback, unshaped; caches dropped on both sides, a fresh mount for each figure; medians of $runs. sshfs, GlusterFS (one brick, no TLS) and MapFS (TLS) each on the Debian tree of the quickstart, $(mib "$bytes") of content. The install is \`apt-get install\` of a package file (hello) in a chroot on the mount, and a run of it."
  echo
  echo "| filesystem | full read (s) | MB/s | processor seconds a GB: node | server | apt-get install (s) |"
  echo "|---|---|---|---|---|---|"
  for name in $remote_systems; do
    for ((i = 0; i < runs; i++)); do remote_run $name || return 1; done >"$work/remote/$name.runs"
    awk -v name=$name -v b="$bytes" -v s="$(cut -d' ' -f1 "$work/remote/$name.runs" | median)" \
      -v server="$(cut -d' ' -f2 "$work/remote/$name.runs" | median)" -v client="$(cut -d' ' -f3 "$work/remote/$name.runs" | median)" \
      -v install="$(cut -d' ' -f4 "$work/remote/$name.runs" | grep -q fails && echo fails || cut -d' ' -f4 "$work/remote/$name.runs" | median)" 'BEGIN {
        printf "| %s | %.2f | %.0f | %.2f | %.2f | %s |\n", name, s, b / 1e6 / s, client / b * 1e9, server / b * 1e9, install }'
  done
}
