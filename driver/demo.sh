#!/bin/bash
# Boot a machine, compile the sample drivers beside this file, run them with sc, and say what happened.
# usage: ntemu demo    (or demo.sh, with ntemu, ntcc and sc in PATH)
set -euo pipefail
samples=$(dirname "$(readlink -f "$0")")
for tool in ntemu ntcc sc; do
  command -v "$tool" >/dev/null || { echo "demo: $tool is not in PATH" >&2; exit 1; }
done

work=$(mktemp -d)
export NTEMU_MACHINE=$work/machine
drivers=$work
failures=0

finish() {
  ntemu shutdown >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
}
trap finish EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { # show COMMAND...: the command as one would type it, and what it prints; its exit code is in $code
  local line=${*//$samples\//}
  echo "\$ ${line//$drivers\//}"
  code=0
  "$@" || code=$?
}
verdict() {  # verdict CONDITION-RESULT TEXT
  if (($1 == 0)); then echo "  => $2"; else echo "  => NOT as expected: $2"; failures=$((failures + 1)); fi
}
files() { find "$c/$1" -type f | wc -l; }
whole() { find "$c/Temp" "$c/Temp2" -type f -size 1500c | wc -l; }
await() { ntemu wait --timeout 60s "$@" || true; }  # the verdict tells whether it came to that
start() { # start NAME [SOURCE...]: compile a driver and make it a service of the machine
  find "$c/Temp" "$c/Temp2" -type f -delete
  show ntcc -o "$drivers/$1.sys" "$samples/$1.c" "${@:2}"
  show sc create "$1" type= kernel binPath= "$drivers/$1.sys"
  show sc start "$1"
}

say "a machine: it lives in a directory until it is shut down"
show ntemu boot
# Where nothing can be mounted, C: is looked at in the directory that it is kept in.
c=$NTEMU_MACHINE/DosDevices/C:
[[ -d $c ]] || c=$NTEMU_MACHINE/drive_c
show ntemu status
mkdir "$c/Temp" "$c/Temp2"

say "hello: compiled from WDK source, created, started, stopped"
start hello
verdict "$code" "it runs"
show sc stop hello
show ntemu logs
verdict "$code" "its messages are in the machine's log"

say "race: two threads, one creating 1000 files in C:\\Temp, one moving them to C:\\Temp2, without a lock"
start race "$samples/workload.c"
await
stayed=$(files Temp) moved=$(files Temp2)
verdict $((stayed + moved != 1000 || $(whole) != 1000)) \
  "$stayed files stayed behind in Temp, $moved were moved: the mover came too early for most"

for lock in kmutex fast_mutex push_lock; do
  say "$lock: the same two threads behind a lock"
  start $lock "$samples/workload.c"
  await
  stayed=$(files Temp) moved=$(files Temp2)
  verdict $((stayed != 0 || moved != 1000 || $(whole) != 1000)) "$moved files of 1500 bytes are in Temp2, $stayed in Temp"
done

say "fast_mutex_recursive: a thread that acquires its fast mutex twice waits for itself"
start fast_mutex_recursive "$samples/workload.c"
await --threads 2 --reason WrFastMutex
show ntemu threads
verdict $(($(files Temp) != 0)) "no file was created; both threads wait for the fast mutex that the first of them owns"
show ntemu run "$drivers/fast_mutex_recursive.sys"
verdict $((code != 107)) "ntemu run finds the hang by itself: exit code $code (107 is possible deadlock)"

say "kmutex_delay: the lock is kept during half an hour of sleep"
start kmutex_delay "$samples/workload.c"
await --threads 1 --reason DelayExecution
await --threads 1 --reason Executive --start MoverThread
show ntemu threads
verdict $(($(files Temp) != 1000 || $(files Temp2) != 0)) \
  "$(files Temp) files wait in Temp, the mover waits for the mutex of the sleeping creator"

say "the end: also for threads that wait forever"
show ntemu shutdown
verdict "$code" "the machine has ended, its mount is gone"

echo
if ((failures)); then
  echo "demo: $failures steps did not go as described"
  exit 1
fi
echo "demo: all seven drivers behaved as described. Their sources are in $samples."
