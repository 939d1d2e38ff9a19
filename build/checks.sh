# Sourced by scripts that print "ok ..." or "FAILED ..." for each check. They set root, the repository, and work, a folder of their own, and end with $failed.
. "$(dirname "${BASH_SOURCE[0]}")/install.sh"
failed=0

check() { # check DESCRIPTION COMMAND...: the command must succeed; else its words are shown, and those of the last run of the program
  local what=$1
  shift
  if "$@" > "$work/check.txt" 2>&1; then echo "ok $what"; else echo "FAILED $what"; tail -n 5 "$work/check.txt" "$work/out" "$work/err" 2> /dev/null; failed=1; fi
}
here() { dotnet "$root/artifacts/bin/Samples/release/resnet.dll" "$@"; } # the samples, as they are built for this machine
value() { tail -n 1 "${2:-$work/out}" | sed -nE "s/.*\"$1\":\"?([^\",}]*).*/\1/p"; } # a value of the line that --json ends with
