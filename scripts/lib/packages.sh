# Sourced by scripts: installs Debian packages, but only those that are missing.

missing_packages=

# need COMMAND PACKAGE [OTHER_COMMAND...]: all commands come with the package.
need() {
  local package=$2 command
  for command in "$1" "${@:3}"; do
    if ! PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null; then
      missing_packages="$missing_packages $package"
      return
    fi
  done
}

# need_library NAME PACKAGE
need_library() {
  local path
  for path in /lib /usr/lib /lib/*-linux-gnu /usr/lib/*-linux-gnu; do
    [ -e "$path/$1" ] && return
  done
  missing_packages="$missing_packages $2"
}

# A Java of version 17 or newer that can compile.
need_jdk() {
  local version
  # Where there is no javac the pipe fails, which must not end the script.
  version=$(${JAVA_HOME:+"$JAVA_HOME/bin/"}javac -version 2>/dev/null | sed -n 's/^javac \([0-9]*\).*/\1/p') || true
  [ "${version:-0}" -ge 17 ] || missing_packages="$missing_packages openjdk-17-jdk-headless"
}

install_needed() {
  [ -n "$missing_packages" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    echo "${0##*/}: these Debian packages are missing:$missing_packages; install them, or run this as root" >&2
    exit 1
  fi
  echo "${0##*/}: installing$missing_packages" >&2
  local log
  log=$(mktemp)
  if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing_packages; } \
    >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    echo "${0##*/}: apt-get could not install$missing_packages; the whole log: $log" >&2
    exit 1
  fi
  rm -f "$log"
  missing_packages=
}
