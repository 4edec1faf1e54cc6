# Sourced by scripts/bench.

titles[command]="Start of the command"

section_command() {
  "$mapfs" --version >/dev/null 2>&1 # makes the archive of classes
  start_appliance "$work/command-store" || return 1
  one() { drop_caches; timed "$mapfs" status; }
  warm() { timed "$mapfs" status; }
  local cold hot
  cold=$(median_of "$runs" one)
  hot=$(median_of 20 warm)
  stop_appliance
  cat <<MD
| \`mapfs status\`, whole process | seconds |
|---|---|
| a new process, files in the page cache (median of 20) | $hot |
| after dropping the page cache (median of $runs) | $cold |
MD
}
