# Sourced by scripts/bench. Environment: FS (which filesystems), FS_ROWS (which rows).

titles[fs]="The filesystem beside its peers"

all_fs="ext4 overlayfs fuse-overlayfs unionfs-fuse bindfs mapfs"
# name|what|unit|better|limit against fuse-overlayfs|limit against overlayfs
fs_rows="
stat-first|stat every file, first time after mount|s|less|0.25|2
stat-again|the same again|s|less|0.4|1.2
user-stat-first|as an ordinary user: stat every file, first time|s|less|0.25|2
user-stat-again|the same again|s|less|0.4|1.2
tar-first|tar all files, first time after mount|s|less|0.4|2.5
tar-again|the same again|s|less|0.3|1.5
rand-1|random 4 KiB reads cold, 1 job|1/s|more|1.2|0.8
rand-4|random 4 KiB reads cold, 4 jobs|1/s|more|2|0.8
seq-cold|sequential read cold|MiB/s|more|1.5|1
seq-warm|sequential read warm|MiB/s|more|1|0.95
rand-write|random 4 KiB writes, closing fsync counted|1/s|more|3|0.7
seq-write|sequential write + fsync|MiB/s|more|1.5|0.7
first-write|first 4 KiB write into a 4 GB repository file|ms|less|0.01|0.01
untar|untar 5,000 files|s|less|0.4|3
rm|rm -rf of them|s|less|0.4|1.5
user-untar|as an ordinary user: untar 5,000 files|s|less|0.4|3
user-rm|rm -rf of them|s|less|0.4|1.5
git|git add + status of 5,000 files|s|less|0.5|1.5
make|compile a C project with make -j2|s|less|0.8|1.15
"

io() { perl "$here/scripts/lib/bench/io.pl" "$@"; }
as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

fs_row_wanted() { case " ${FS_ROWS:-$1} " in *" $1 "*) ;; *) return 1 ;; esac; }

# As an ordinary user some directories are closed, on every filesystem alike.
stat_all() { bash -c "find '$1/tree' -printf '%s\n' 2>/dev/null >/dev/null; true"; }
export -f stat_all

# ---- what is measured on ----

prepare_fs() {
  # A disk of its own whose every block was written before: on a disk that the host makes room on as it
  # is written, the same write takes several times as long in one place as in another.
  fs=$work/fs
  mkdir -p "$fs"
  say "writing a disk of 32 GB"
  dd if=/dev/urandom of="$work/part" bs=1M count=64 status=none
  for _ in $(seq 512); do cat "$work/part"; done >"$work/disk" || return 1
  rm -f "$work/part"
  mkfs.ext4 -q -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 "$work/disk" &&
    mount -o loop,nodiscard "$work/disk" "$fs" && losetup --direct-io=on "$(findmnt -no SOURCE "$fs")" || return 1
  mkdir -p "$fs/lower" "$fs/mnt"
  chmod 755 "$work" "$fs" "$fs/mnt"
  say "copying $fs_tree"
  mkdir "$fs/lower/tree"
  cp -a --one-file-system "$fs_tree/." "$fs/lower/tree/" || return 1
  # Compressible by half or so, as programs and libraries are.
  perl -e 'srand(1); my $text = join(" ", map { "word$_" } 1..9000); for (1..8192) { print substr($text, int(rand 9000), 65536), map { pack "L", int rand 2**32 } 1..16384 }' >"$fs/lower/large.bin" || return 1
  if fs_row_wanted first-write; then
    # Repeats after 64 MiB, so that it takes the repository little room; the peers copy 4 GB all the same.
    head -c 67108864 "$fs/lower/large.bin" >"$work/part"
    for _ in $(seq 64); do cat "$work/part"; done >"$fs/lower/huge.bin"
    rm -f "$work/part"
  fi
  mkdir "$fs/lower/work" "$fs/lower/user"
  chown 65534:65534 "$fs/lower/user"
  # 5,000 small files, and a C project.
  make_tree "$work/small" 5000
  tar -C "$work/small" -cf "$work/small.tar" . && chmod 644 "$work/small.tar"
  rm -rf "$work/small"
  mkdir "$work/project"
  perl -e '
    my $dir = shift; my $n = 120;
    open my $h, ">", "$dir/all.h"; print $h "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"; print $h "int f$_(int);\n" for 0 .. $n - 1; close $h;
    for my $i (0 .. $n - 1) {
      open my $f, ">", "$dir/f$i.c"; print $f "#include \"all.h\"\n";
      for my $j (0 .. 14) { print $f "static int g$j(int x) { char b[64]; snprintf(b, sizeof b, \"%d\", x); int s = 0; for (int i = 0; b[i]; i++) s += b[i] * (x + $j); return s + (int) strlen(b); }\n" }
      print $f "int f$i(int x) { return ", join(" + ", map { "g$_(x)" } 0 .. 14), "; }\n"; close $f;
    }
    open my $m, ">", "$dir/main.c"; print $m "#include \"all.h\"\nint main(void) { int s = 0;", (map { "s += f$_($_);" } 0 .. $n - 1), " printf(\"%d\\n\", s); return 0; }\n"; close $m;
    open my $k, ">", "$dir/Makefile"; print $k "OBJECTS=main.o ", join(" ", map { "f$_.o" } 0 .. $n - 1), "\nprogram: \$(OBJECTS)\n\tgcc -o \$@ \$(OBJECTS)\n%.o: %.c all.h\n\tgcc -O1 -c -o \$@ \$<\n"; close $k;
  ' "$work/project"
  tar -C "$work" -cf "$work/project.tar" project
  rm -rf "$work/project"
  say "importing it"
  start_appliance "$fs/store" || return 1
  # It stands for another machine, which the peers have no work for: it gets what processor time is left.
  { echo 19 >"/proc/$serve_pid/autogroup"; } 2>/dev/null
  "$mapfs" repo import fs "$fs/lower" >>"$work/log" 2>&1 || return 1
}

fs_path() { if [ "$1" = ext4 ]; then echo "$fs/ext4"; else echo "$fs/mnt/$1"; fi; }

# A fresh upper side; what MapFS has cached of the repository stays.
fs_reset() {
  fs_umount "$1" || return 1
  rm -rf "$fs/upper-$1" "$fs/work-$1"
  mkdir -p "$fs/upper-$1" "$fs/work-$1" "$fs/mnt/$1"
  case $1 in
    ext4 | bindfs)
      # Both write into a copy of their own; the 4 GB file is for those that copy up.
      rm -rf "$fs/$1"
      mkdir -p "$fs/$1"
      (cd "$fs/lower" && cp -a tree large.bin work user "$fs/$1/") || return 1
      ;;
    mapfs)
      "$mapfs" node remove bench >>"$work/log" 2>&1
      rm -rf "$fs/state"
      "$mapfs" node add bench --master fs >>"$work/log" 2>&1 || return 1
      ;;
  esac
  fs_mount "$1"
}

fs_mount() {
  local upper=$fs/upper-$1 lower=$fs/lower dir=$fs/mnt/$1
  case $1 in
    ext4) ;;
    overlayfs) mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$fs/work-$1" "$dir" ;;
    fuse-overlayfs) fuse-overlayfs -o "lowerdir=$lower,upperdir=$upper,workdir=$fs/work-$1,allow_other" "$dir" ;;
    unionfs-fuse) unionfs -o cow,allow_other,default_permissions,suid,dev "$upper=RW:$lower=RO" "$dir" ;;
    bindfs) bindfs "$fs/bindfs" "$dir" ;;
    mapfs) "$mapfs" mount bench "$dir" --state "$fs/state" --cache "$fs/cache" --durability local >>"$work/log" 2>&1 ;;
  esac </dev/null >>"$work/log" 2>&1
}

fs_umount() {
  local dir=$fs/mnt/$1 try
  mountpoint -q "$dir" || return 0
  if [ "$1" = mapfs ]; then "$mapfs" umount "$dir" >>"$work/log" 2>&1; return; fi
  for ((try = 0; try < 50; try++)); do umount "$dir" 2>/dev/null && return 0; sleep 0.1; done
  say "cannot unmount $dir"
  return 1
}

fs_cold() { fs_umount "$1" && drop_caches && fs_mount "$1"; }

# ---- the rows: each prints one figure ----

# "Again" begins with a pass that is not timed: the cold rows of the other filesystems drop all caches.

row_stat-first() { fs_cold "$1" && timed stat_all "$2"; }
row_stat-again() { stat_all "$2" && timed stat_all "$2"; }
row_user-stat-first() { fs_cold "$1" && timed as_user bash -c 'stat_all "$1"' bash "$2"; }
row_user-stat-again() { as_user bash -c 'stat_all "$1"' bash "$2" && timed as_user bash -c 'stat_all "$1"' bash "$2"; }
row_tar-first() { fs_cold "$1" && timed bash -c "tar -C '$2/tree' -cf - . | cat >/dev/null"; }
row_tar-again() { tar -C "$2/tree" -cf - . | cat >/dev/null && timed bash -c "tar -C '$2/tree' -cf - . | cat >/dev/null"; }
row_rand-1() { fs_cold "$1" && io randread "$2/large.bin" 3 1; }
row_rand-4() { fs_cold "$1" && io randread "$2/large.bin" 3 4; }
row_seq-cold() { fs_cold "$1" && io seqread "$2/large.bin"; }
row_seq-warm() { io seqread "$2/large.bin" >/dev/null && io seqread "$2/large.bin"; }
row_rand-write() {
  io seqwrite "$2/work/random.bin" 268435456 >/dev/null && io randwrite "$2/work/random.bin" 134217728
  local status=$?
  rm -f "$2/work/random.bin"
  return $status
}
row_seq-write() { io seqwrite "$2/work/sequential.bin" 536870912; rm -f "$2/work/sequential.bin"; }
row_first-write() {
  case $1 in ext4 | bindfs) echo -; return ;; esac
  fs_reset "$1" && drop_caches && io firstwrite "$2/huge.bin" || return 1
  fs_reset "$1"
}
row_untar() { timed bash -c "mkdir '$2/work/small' && tar -C '$2/work/small' -xf '$work/small.tar'"; }
row_rm() { timed rm -rf "$2/work/small"; }
row_user-untar() { timed as_user bash -c "mkdir '$2/user/small' && tar -C '$2/user/small' -xf '$work/small.tar'"; }
row_user-rm() { timed as_user rm -rf "$2/user/small"; }
row_git() {
  mkdir "$2/work/git" && tar -C "$2/work/git" -xf "$work/small.tar" || return 1
  timed bash -c "cd '$2/work/git' && git init -q . && git add . && git status --short | tail -1"
  local status=$?
  rm -rf "$2/work/git"
  return $status
}
row_make() {
  tar -C "$2/work" -xf "$work/project.tar" || return 1
  timed make -j2 -s -C "$2/work/project"
  local status=$?
  rm -rf "$2/work/project"
  return $status
}

# ---- all of it ----

# Each run begins with another filesystem: what the one before leaves to the disk (write-back, discards, its burst) differs from place to place.
rotated() { # N NAME...
  local n=$1
  shift
  n=$((n % $#))
  echo "${@:n + 1}" "${@:1:n}"
}

section_fs() {
  local names="${FS:-$all_fs}" name row what unit better one two i figure
  prepare_fs || return 1
  for name in $names; do
    say "mounting $name"
    fs_reset "$name" || { say "$name does not mount; left out"; names=${names/$name/}; }
  done
  # The node's cache has the repository's blocks, as the peers have their lower tree on disk.
  case " $names " in *" mapfs "*) tar -C "$fs/mnt/mapfs" -cf - tree large.bin | cat >/dev/null ;; esac
  mkdir -p "$fs/figures"
  for ((i = 0; i < runs; i++)); do
    while IFS='|' read -r row what unit better one two <&3; do
      [ -n "$row" ] || continue
      fs_row_wanted "$row" || continue
      for name in $(rotated "$i" $names); do
        sync # what the one before has written is not this one's to wait for
        figure=$("row_$row" "$name" "$(fs_path "$name")") && [ -n "$figure" ] || { say "$row failed on $name"; figure=-; }
        echo "$figure" >>"$fs/figures/$row.$name"
      done
    done 3<<<"$fs_rows"
    say "run $((i + 1)) of $runs done"
  done
  for name in $names; do fs_umount "$name"; done
  stop_appliance
  echo "The tree: a copy of \`$fs_tree\` of $(find "$fs/lower/tree" | wc -l) entries, a file of 1 GiB and one of 4 GB, on an ext4 of their own. Medians of $runs runs, the filesystems in turn within each run, each run from another one on. MapFS: \`direct\`, \`--durability local\`,"
  echo "the repository's blocks in the node's cache; the appliance, on the same machine, has the lowest priority. First and cold: page cache dropped, daemon started again. The last two columns: MapFS's figure as a multiple of the peer's, and the target."
  echo
  printf '| workload | unit |'; printf ' %s |' $names; echo ' against fuse-overlayfs | against overlayfs |'
  printf '|---|---|'; for name in $names - -; do printf '%s' '---|'; done; echo
  while IFS='|' read -r row what unit better one two <&3; do
    [ -f "$fs/figures/$row.mapfs" ] || continue
    printf '| %s | %s |' "$what" "$unit"
    local -A at=()
    for name in $names; do
      if grep -qx -- - "$fs/figures/$row.$name"; then at[$name]=-; else at[$name]=$(median <"$fs/figures/$row.$name"); fi
      printf ' %s |' "${at[$name]}"
    done
    verdict "$better" "${at[mapfs]}" "${at[fuse-overlayfs]:--}" "$one"
    verdict "$better" "${at[mapfs]}" "${at[overlayfs]:--}" "$two"
    echo
  done 3<<<"$fs_rows"
}

verdict() { # BETTER OURS THEIRS LIMIT
  awk -v better="$1" -v ours="$2" -v theirs="$3" -v limit="$4" 'BEGIN {
    if (ours == "-" || theirs == "-" || theirs == 0) { printf " – |"; exit }
    ratio = ours / theirs
    met = better == "less" ? ratio <= limit : ratio >= limit
    printf " %s (%s %s: %s) |", sprintf(ratio < 0.1 ? "%.4f" : "%.2f", ratio), better == "less" ? "≤" : "≥", limit, met ? "met" : "**missed**"
  }'
}
